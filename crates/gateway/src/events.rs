//! `/subscribe` and `/psubscribe`: messages of Redis channels as server-sent events.

use bytes::Bytes;
use futures_util::StreamExt;
use redis::Msg;
use redis::aio::PubSub;
use tokio::sync::{mpsc, watch};

use crate::monitor::Monitor;
use crate::redis_link::{RedisLink, Unreachable};

/// Messages that may wait for a slow reader.
const BACKLOG: usize = 256;

/// Subscribes to the channels or patterns and returns their events. The stream ends when the reader goes, when Redis
/// goes, or when `closing` turns true.
pub(crate) async fn subscribe(
    link: &RedisLink,
    patterns: bool,
    names: Vec<String>,
    closing: watch::Receiver<bool>,
) -> Result<mpsc::Receiver<Bytes>, Unreachable> {
    let mut subscriber = link.subscriber().await?;
    let (sender, receiver) = mpsc::channel(BACKLOG);
    for (position, name) in names.iter().enumerate() {
        let (kind, subscribed) = if patterns {
            ("psubscribe", subscriber.psubscribe(name).await)
        } else {
            ("subscribe", subscriber.subscribe(name).await)
        };
        subscribed.map_err(|_| Unreachable)?;
        let event = event(format!("{kind},{name},{}", position + 1).as_bytes());
        sender.send(event).await.map_err(|_| Unreachable)?;
    }
    tokio::spawn(forward(subscriber, sender, closing));
    Ok(receiver)
}

/// The events of a monitor: its `"OK"`, then one for each command.
pub(crate) fn monitor(mut monitor: Monitor, mut closing: watch::Receiver<bool>) -> mpsc::Receiver<Bytes> {
    let (sender, receiver) = mpsc::channel(BACKLOG);
    tokio::spawn(async move {
        let mut line = Some(b"\"OK\"".to_vec());
        while let Some(text) = line {
            if sender.send(event(&text)).await.is_err() {
                return;
            }
            line = tokio::select! {
                line = monitor.next_line() => line,
                () = sender.closed() => None,
                _ = closing.wait_for(|closing| *closing) => None,
            };
        }
    });
    receiver
}

async fn forward(subscriber: PubSub, sender: mpsc::Sender<Bytes>, mut closing: watch::Receiver<bool>) {
    let mut messages = subscriber.into_on_message();
    loop {
        let message = tokio::select! {
            message = messages.next() => message,
            () = sender.closed() => None,
            _ = closing.wait_for(|closing| *closing) => None,
        };
        let Some(message) = message else { return };
        if sender.send(event(&line(&message))).await.is_err() {
            return;
        }
    }
}

fn line(message: &Msg) -> Vec<u8> {
    let channel = message.get_channel_name();
    let mut line = match message.get_pattern::<Option<String>>() {
        Ok(Some(pattern)) => format!("pmessage,{pattern},{channel},"),
        _ => format!("message,{channel},"),
    }
    .into_bytes();
    line.extend_from_slice(message.get_payload_bytes());
    line
}

/// An event of text; a line break in it starts another `data:` line, as the format wants it.
fn event(text: &[u8]) -> Bytes {
    let text = String::from_utf8_lossy(text);
    let mut event = String::with_capacity(text.len() + 16);
    for line in text.split('\n') {
        event.push_str("data: ");
        event.push_str(line);
        event.push('\n');
    }
    event.push('\n');
    event.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_events() {
        assert_eq!(event(b"message,chat,hello"), "data: message,chat,hello\n\n");
        assert_eq!(event(b"message,chat,a\nb\xff"), "data: message,chat,a\ndata: b\u{FFFD}\n\n");
    }
}
