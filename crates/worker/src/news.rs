//! News within one Durable Object: some wait for them, and look again when there are some.

use std::cell::RefCell;
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// Those who wait.
#[derive(Default)]
pub(crate) struct News(RefCell<Vec<Waker>>);

impl News {
    /// There are news: everyone looks again.
    pub(crate) fn tell(&self) {
        for waker in self.0.take() {
            waker.wake();
        }
    }

    /// Looks at once and after each news, until there is something.
    pub(crate) async fn wait_for<T>(&self, mut look: impl FnMut() -> Option<T>) -> T {
        poll_fn(|context| match look() {
            Some(seen) => Poll::Ready(seen),
            None => {
                let mut waiting = self.0.borrow_mut();
                if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                    waiting.push(context.waker().clone());
                }
                Poll::Pending
            }
        })
        .await
    }
}
