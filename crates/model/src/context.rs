//! What of a session the responder is shown: the newest messages that fit, by an estimate of their tokens.

use crate::message::Message;

/// What a message costs beside its text.
const PER_MESSAGE: u64 = 4;

/// About how many tokens a text is. Tokenisers differ; English is about four letters a token, and a letter beyond ASCII about
/// one by itself, so that for most languages this says rather too many than too few.
#[must_use]
pub fn estimate(text: &str) -> u64 {
    let ascii = text.bytes().filter(u8::is_ascii).count() as u64;
    let others = text.chars().filter(|character| !character.is_ascii()).count() as u64;
    ascii.div_ceil(4) + others
}

/// The newest messages of a window that fit into so many tokens, with what comes before them. The last one always does: it is the
/// question. A window doesn't begin with a reply whose question was left out.
#[must_use]
pub fn fit<'a>(window: &'a [Message], prompt: &str, tokens: u64) -> &'a [Message] {
    let mut room = tokens.saturating_sub(estimate(prompt));
    let mut start = window.len().saturating_sub(1);
    for (at, message) in window.iter().enumerate().rev() {
        let cost = estimate(&message.content) + PER_MESSAGE;
        if cost > room {
            break;
        }
        room -= cost;
        start = start.min(at);
    }
    let fitting = window.get(start..).unwrap_or_default();
    let orphan = |message: &&Message| {
        message.parent.as_ref().is_some_and(|parent| !fitting.iter().any(|other| other.id == *parent))
    };
    let orphans = fitting.iter().take_while(orphan).count();
    fitting.get(orphans..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::MessageId;
    use crate::message::Role;

    fn messages(texts: &[&str]) -> Vec<Message> {
        let mut parent = None;
        let said = texts.iter().enumerate().map(|(number, text)| {
            let role = if number % 2 == 0 { Role::User } else { Role::Assistant };
            let id = MessageId::mint(number as u128);
            let answers = parent.replace(id.clone()).filter(|_| role == Role::Assistant);
            Message { parent: answers, ..Message::new(id, role, (*text).to_owned(), String::new()) }
        });
        said.collect()
    }

    #[test]
    fn letters_beyond_ascii_count_more() {
        assert_eq!((estimate(""), estimate("four"), estimate("hello")), (0, 1, 2));
        assert_eq!((estimate("ž"), estimate("東京"), estimate("🙂")), (1, 2, 1));
    }

    #[test]
    fn the_newest_that_fit_are_shown_and_the_question_always() {
        let all = messages(&["one", "two", "three", "four", "five"]);
        let shown = |tokens| fit(&all, "", tokens).iter().map(|message| message.content.as_str()).collect::<Vec<_>>();
        assert_eq!(shown(1000).len(), 5);
        assert_eq!(shown(0), ["five"]);
        // Room for "four" and "five": the reply goes with its question.
        assert_eq!(shown(12), ["five"]);
        assert_eq!(shown(18), ["three", "four", "five"]);
        assert_eq!(fit(&all, &"x".repeat(4000), 900).len(), 1);
        assert!(fit(&[], "", 10).is_empty());
    }
}
