//! A connection to Redis whose replies are never nested deeper than the parser goes.
//!
//! The parser gives a connection up when a reply is nested deeper than it allows, and with it every request that shares the
//! connection. A script can return such a reply. So an array that is too deep is replaced, as it is read, by an error.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use redis::Value;
use tokio::io::{AsyncRead, ReadBuf};

use crate::wrapped_stream::forward_writes;

/// How deep arrays may stand in arrays. The parser's own limit is 100.
pub(crate) const MAX_DEPTH: usize = 64;

/// Whether a part of a reply was replaced: an error whose code is the array's length. Codes of Redis are never numbers.
pub(crate) fn is_cut(reply: &Value) -> bool {
    match reply {
        Value::Array(items) => items.iter().any(is_cut),
        Value::ServerError(error) => error.code().parse::<i64>().is_ok(),
        _ => false,
    }
}

/// A stream that replaces arrays which are too deep.
#[derive(Debug)]
pub(crate) struct Shallow<S> {
    stream: S,
    scanner: Scanner,
}

impl<S> Shallow<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, scanner: Scanner::default() }
    }
}

/// Where in a reply the bytes stand that come next.
#[derive(Debug, Default)]
struct Scanner {
    /// The elements that each open array still lacks, outermost first.
    missing: Vec<u64>,
    part: Part,
    /// How many arrays are open around the one that is left out.
    left_out: Option<usize>,
}

#[derive(Debug, Clone, Copy, Default)]
enum Part {
    /// The first byte of a value, which says what it is.
    #[default]
    Kind,
    /// The line that it stands in.
    Line { kind: u8, number: u64, is_negative: bool, is_cut: bool },
    /// The bytes of a string, and the line break behind them.
    Text(u64),
}

impl Scanner {
    /// Moves to the front what stays of some bytes, and says how much that is.
    fn keep(&mut self, bytes: &mut [u8]) -> usize {
        let (mut read, mut kept) = (0, 0);
        while read < bytes.len() {
            let is_left_out = self.left_out.is_some();
            let taken = match self.part {
                Part::Text(length) => usize::try_from(length).unwrap_or(usize::MAX).min(bytes.len() - read),
                _ => 1,
            };
            if let Some(byte) = bytes.get_mut(read) {
                self.step(byte, taken);
            }
            if !is_left_out {
                if kept != read {
                    bytes.copy_within(read..read + taken, kept);
                }
                kept += taken;
            }
            read += taken;
        }
        kept
    }

    /// Goes on by one byte, or by `taken` bytes of a string.
    fn step(&mut self, byte: &mut u8, taken: usize) {
        match self.part {
            Part::Kind => {
                let kind = *byte;
                let is_cut = kind == b'*' && self.missing.len() >= MAX_DEPTH && self.left_out.is_none();
                if is_cut {
                    *byte = b'-';
                }
                self.part = Part::Line { kind, number: 0, is_negative: false, is_cut };
            }
            Part::Line { kind, number, is_negative, is_cut } => match *byte {
                b'\n' => {
                    // Its line stays, as that of an error; its elements go.
                    self.left_out = if is_cut { Some(self.missing.len()) } else { self.left_out };
                    self.end_line(kind, number, is_negative);
                }
                b'-' => self.part = Part::Line { kind, number, is_negative: true, is_cut },
                digit @ b'0'..=b'9' => {
                    let number = number.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
                    self.part = Part::Line { kind, number, is_negative, is_cut };
                }
                _ => {}
            },
            Part::Text(length) => match length.saturating_sub(taken as u64) {
                0 => self.end_value(),
                rest => self.part = Part::Text(rest),
            },
        }
    }

    fn end_line(&mut self, kind: u8, number: u64, is_negative: bool) {
        match kind {
            b'$' if !is_negative => self.part = Part::Text(number.saturating_add(2)),
            b'*' if !is_negative && number > 0 => {
                self.missing.push(number);
                self.part = Part::Kind;
            }
            _ => self.end_value(),
        }
    }

    /// A value has ended, and perhaps the arrays whose last element it is.
    fn end_value(&mut self) {
        self.part = Part::Kind;
        while let Some(missing) = self.missing.last_mut() {
            *missing = missing.saturating_sub(1);
            if *missing > 0 {
                break;
            }
            self.missing.pop();
        }
        if self.left_out.is_some_and(|depth| self.missing.len() <= depth) {
            self.left_out = None;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Shallow<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        let start = buffer.filled().len();
        loop {
            ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
            let Some(new) = buffer.filled_mut().get_mut(start..) else { return Poll::Ready(Ok(())) };
            let is_end = new.is_empty();
            let kept = this.scanner.keep(new);
            buffer.set_filled(start + kept);
            // Nothing would mean that the connection has ended.
            if kept > 0 || is_end {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

forward_writes!(Shallow);

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> Vec<u8> {
        [b"*1\r\n".repeat(depth).as_slice(), b"$4\r\n*1\r\n\r\n"].concat()
    }

    /// What stays of replies that come in pieces of a size.
    fn kept(replies: &[u8], size: usize) -> Vec<u8> {
        let mut scanner = Scanner::default();
        let mut all = Vec::new();
        for piece in replies.chunks(size) {
            let mut piece = piece.to_vec();
            let kept = scanner.keep(&mut piece);
            all.extend_from_slice(&piece[..kept]);
        }
        all
    }

    #[test]
    fn what_is_not_too_deep_passes_as_it_is() {
        let replies = [
            nested(MAX_DEPTH),
            b"*3\r\n$-1\r\n*-1\r\n*0\r\n:-5\r\n+OK\r\n-ERR no\r\n$0\r\n\r\n$7\r\n*1\r\n\xff\r\n\r\n".to_vec(),
            nested(2),
        ]
        .concat();
        for size in [1, 2, 3, 7, 64, replies.len()] {
            assert_eq!(kept(&replies, size), replies, "{size}");
        }
    }

    #[test]
    fn an_array_that_is_too_deep_is_an_error_and_the_next_reply_is_whole() {
        let deep = [b"*2\r\n".as_slice(), &nested(MAX_DEPTH + 99), b":7\r\n:8\r\n"].concat();
        let left = [b"*2\r\n".as_slice(), &b"*1\r\n".repeat(MAX_DEPTH - 1), b"-1\r\n:7\r\n:8\r\n"].concat();
        for size in [1, 2, 3, 7, 64, deep.len()] {
            assert_eq!(String::from_utf8_lossy(&kept(&deep, size)), String::from_utf8_lossy(&left), "{size}");
        }
    }
}
