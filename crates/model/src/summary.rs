//! Summaries: what of a session no longer fits the window is told in short by the responder, where that is wanted.

use crate::config::Config;
use crate::id::MessageId;
use crate::message::{Message, Role};
use crate::plan::Summary;
use crate::responder::Responder;
use crate::session::Session;
use std::ops::Range;

/// The most messages that are summarised at once, and how much of each is shown, in characters.
const AT_ONCE: u64 = 100;
const SHOWN: usize = 2000;

/// The longest summary that is kept, in characters.
pub(crate) const KEPT: usize = 4000;

/// Whether summaries are made and shown: `SUMMARY` says so and the responder is a model.
#[must_use]
pub fn is_wanted(config: &Config) -> bool {
    config.summaries && matches!(config.responder, Responder::ChatCompletions(_))
}

/// The messages that are to be summarised now, when the responder is shown so many of the last: those that the next turn would leave
/// out, and with them half of what it shows, so that it isn't asked again each turn.
#[must_use]
pub fn due(session: &Session, known: Option<&Summary>, shown: u64) -> Option<Range<u64>> {
    let from = known.map_or(0, |known| known.until).max(session.first);
    // The next question takes a place too.
    if session.next < from + shown {
        return None;
    }
    let until = session.next.saturating_sub(shown / 2).min(from + AT_ONCE);
    (until > from).then_some(from..until)
}

/// What the responder is asked for a summary of some messages, after what was summarised before.
#[must_use]
pub fn question(known: Option<&Summary>, messages: &[Message]) -> Message {
    let mut content = "Summarise this part of a chat for whoever carries on with it: facts, names, wishes, decisions, open questions. \
        At most 200 words, in the chat's own language. Answer with the summary alone."
        .to_owned();
    if let Some(known) = known {
        content += &format!("\n\nWhat came before it, in short: {}", known.text);
    }
    for message in messages {
        let said: String = message.content.chars().take(SHOWN).collect();
        content += &format!("\n\n{:?}: {said}", message.role);
    }
    Message::new(MessageId::mint(0), Role::User, content, String::new())
}

/// The summary that an answer gives of messages before a position, the last of which is this; nothing when it holds none.
#[must_use]
pub fn given(answer: &str, until: u64, last: &Message) -> Option<Summary> {
    let text: String = answer.trim().chars().take(KEPT).collect();
    (!text.is_empty()).then(|| Summary { until, last: last.id.clone(), text })
}

/// How the responder is told of it.
#[must_use]
pub fn told(summary: &str) -> String {
    format!("What was said before, in short:\n{summary}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(first: u64, next: u64) -> Session {
        Session { first, next, ..Session::default() }
    }

    fn until(until: u64) -> Option<Summary> {
        Some(Summary { until, last: MessageId::mint(1), text: "short".into() })
    }

    #[test]
    fn what_the_next_turn_would_leave_out_is_due_in_time() {
        assert_eq!(due(&of(0, 18), None, 20), None);
        // The next question is the twentieth.
        assert_eq!(due(&of(0, 19), None, 20), None);
        assert_eq!(due(&of(0, 20), None, 20), Some(0..10));
        assert_eq!(due(&of(0, 22), until(10).as_ref(), 20), None);
        assert_eq!(due(&of(0, 30), until(10).as_ref(), 20), Some(10..20));
        assert_eq!(due(&of(0, 400), None, 20), Some(0..100));
        assert_eq!(due(&of(300, 400), until(10).as_ref(), 20), Some(300..390));
        assert_eq!(due(&of(0, 2), None, 1), Some(0..2));
    }

    #[test]
    fn an_answer_is_kept_as_far_as_it_is_a_summary() {
        let last = Message::new(MessageId::mint(7), Role::Assistant, "x".into(), String::new());
        assert_eq!(given(" \n", 3, &last), None);
        let kept = given(&"ž".repeat(5000), 3, &last);
        assert_eq!(kept.as_ref().map(|kept| (kept.until, kept.text.chars().count())), Some((3, KEPT)));
        let stored = kept.map(|kept| kept.stored());
        assert_eq!(stored.as_deref().and_then(Summary::parse).map(|kept| kept.stored()), stored);
        let asked = question(until(4).as_ref(), &[last]).content;
        assert!(asked.contains("in short: short") && asked.ends_with("Assistant: x"), "{asked}");
    }
}
