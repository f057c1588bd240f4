//! Waiting: for some time, or for something but not too long.

use chatkeep_model::Millis;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use worker::Delay;

/// Waits.
pub(crate) async fn sleep(time: Millis) {
    Delay::from(Duration::from_millis(time.0)).await;
}

/// What a future comes to; nothing when something else comes first. It is dropped then.
pub(crate) async fn unless<T>(first: impl Future<Output = ()>, future: impl Future<Output = T>) -> Option<T> {
    let (mut first, mut future) = (pin!(first), pin!(future));
    poll_fn(|context| match first.as_mut().poll(context) {
        Poll::Ready(()) => Poll::Ready(None),
        Poll::Pending => future.as_mut().poll(context).map(Some),
    })
    .await
}

/// What a future comes to; nothing when it takes longer. It is dropped then.
pub(crate) async fn within<T>(time: Millis, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut delay = pin!(Delay::from(Duration::from_millis(time.0)));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => delay.as_mut().poll(context).map(|()| None),
    })
    .await
}
