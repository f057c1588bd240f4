//! A client's connection that is given up when the head of a request doesn't come to its end.
//!
//! Between requests a connection may be silent for as long as it likes: closing it would race with a client about to use it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::wrapped_stream::forward_writes;

/// How long the head of a request may take from its first byte, and the first byte of a new connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(20);

/// Whether a request is being served, so that its client has nothing to hurry with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Serving(Arc<AtomicBool>);

impl Serving {
    /// The head of a request has come.
    pub(crate) fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// The request has its response.
    pub(crate) fn end(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Impatient<S> {
    stream: S,
    serving: Serving,
    /// When the head that has begun must be there.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> Impatient<S> {
    pub(crate) fn new(stream: S, serving: Serving) -> Self {
        Self { stream, serving, deadline: Some(Box::pin(sleep(HEAD_TIMEOUT))) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Impatient<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if this.serving.is_on() {
            this.deadline = None;
        } else if buffer.filled().len() > before && this.deadline.is_none() {
            this.deadline = Some(Box::pin(sleep(HEAD_TIMEOUT)));
        }
        match &mut this.deadline {
            Some(deadline) if read.is_pending() => {
                deadline.as_mut().poll(context).map(|()| Err(std::io::ErrorKind::TimedOut.into()))
            }
            _ => read,
        }
    }
}

forward_writes!(Impatient);

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn read(connection: &mut Impatient<tokio::io::DuplexStream>) -> std::io::Result<usize> {
        connection.read(&mut [0; 64]).await
    }

    fn is_timeout(read: &std::io::Result<usize>) -> bool {
        read.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_request_is_given_up() {
        let (mut client, server) = tokio::io::duplex(64);
        let mut connection = Impatient::new(server, Serving::default());
        client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        assert_eq!(read(&mut connection).await.unwrap(), 16);
        assert!(is_timeout(&read(&mut connection).await));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_says_nothing_is_given_up() {
        let (_client, server) = tokio::io::duplex(64);
        assert!(is_timeout(&read(&mut Impatient::new(server, Serving::default())).await));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_served_and_the_silence_after_it_take_as_long_as_they_like() {
        let (mut client, server) = tokio::io::duplex(64);
        let serving = Serving::default();
        let mut connection = Impatient::new(server, serving.clone());
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        read(&mut connection).await.unwrap();
        serving.begin();
        let long = HEAD_TIMEOUT * 5;
        assert!(tokio::time::timeout(long, read(&mut connection)).await.is_err(), "while it is served");
        serving.end();
        assert!(tokio::time::timeout(long, read(&mut connection)).await.is_err(), "between two requests");
        client.write_all(b"GET").await.unwrap();
        assert_eq!(read(&mut connection).await.unwrap(), 3);
        assert!(is_timeout(&read(&mut connection).await), "the next request is half, too");
    }
}
