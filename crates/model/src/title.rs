//! Titles: derived from the first message at once, and better ones from the responder, where that is wanted.

use crate::config::Config;
use crate::fingerprint::{RequestKind, of_every_request};
use crate::id::{MessageId, TurnId};
use crate::message::{Message, Role};
use crate::plan::Patch;
use crate::responder::Responder;
use crate::session::derived_title;
use crate::time::Millis;
use crate::turn::Turned;

/// How much of a message the responder is shown for a title, in characters.
const SHOWN: usize = 1000;

/// Whether the responder finds titles: `TITLES` says so and it is a model.
#[must_use]
pub fn is_wanted(config: &Config) -> bool {
    config.titles_by_responder && matches!(config.responder, Responder::ChatCompletions(_))
}

/// What the responder is asked after a turn, where a title is wanted: after the first reply of a session that nobody gave a title.
#[must_use]
pub fn question(config: &Config, turned: &Turned, asked: &Message) -> Option<Message> {
    let first = turned.session.total == 2 && !turned.replayed && !turned.session.flags.named;
    if !first || !is_wanted(config) {
        return None;
    }
    let shown = |message: &Message| message.content.chars().take(SHOWN).collect::<String>();
    let content = format!(
        "Give this chat a title of at most six words, in its own language. Answer with the title alone.\n\nUser: {}\n\nAssistant: {}",
        shown(asked),
        shown(&turned.reply)
    );
    Some(Message { id: turned.message_id.clone(), role: Role::User, content, ..turned.reply.clone() })
}

/// The change that gives the title found. Nothing when the answer holds none.
#[must_use]
pub fn given(turned: &Turned, answer: &str, now: Millis, ttl: Millis) -> Option<Patch> {
    let title = derived_title(answer.trim().trim_matches(['"', '“', '”', '„', '«', '»', '*', '#', ' ']));
    if title.is_empty() {
        return None;
    }
    Some(Patch {
        session: turned.session_id.clone(),
        operation: operation(&turned.reply.id),
        fingerprint: of_every_request(RequestKind::Patch),
        title: Some(title),
        automatic: true,
        pinned: None,
        archived: None,
        metadata: None,
        now,
        ttl,
    })
}

/// The operation's id follows from the reply's: a title is given once.
fn operation(reply: &MessageId) -> TurnId {
    TurnId::of_message(&TurnId::of_message(reply).reply_id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigError;
    use crate::id::SessionId;
    use crate::session::{Flags, Session};

    fn message(id: &str, role: Role, content: &str) -> Message {
        let id = MessageId::parse(id).unwrap_or_else(|_| MessageId::mint(0));
        Message::new(id, role, content.to_owned(), String::new())
    }

    fn turned(total: u64, named: bool) -> Turned {
        Turned {
            session_id: SessionId::mint(1),
            message_id: MessageId::mint(2),
            reply: message("r-1", Role::Assistant, "Bien sûr"),
            session: Session { total, flags: Flags { named, ..Flags::default() }, ..Session::default() },
            created: true,
            replayed: false,
            at: Millis(0),
            usage: None,
            finish: None,
        }
    }

    #[test]
    fn only_the_first_reply_of_a_session_without_a_given_title_asks() -> Result<(), ConfigError> {
        let config = |titles: &str| {
            let titles = titles.to_owned();
            Config::read(move |name| match name {
                "TITLES" => Some(titles.clone()),
                "OPENAI_API_KEY" => Some("key".to_owned()),
                _ => None,
            })
        };
        let asked = message("m", Role::User, "Bonjour");
        let question = |titles, turned| Ok(question(&config(titles)?, &turned, &asked).map(|message| message.content));
        assert!(question("responder", turned(2, false))?.is_some_and(|text| text.contains("Bonjour")));
        assert_eq!(question("responder", turned(4, false))?, None);
        assert_eq!(question("responder", turned(2, true))?, None);
        assert_eq!(question("message", turned(2, false))?, None);
        Ok(())
    }

    #[test]
    fn an_answer_is_a_title_without_its_quotes() {
        let title = |answer| given(&turned(2, false), answer, Millis(1), Millis(2)).and_then(|patch| patch.title);
        assert_eq!(title("\"Une salutation\"\n").as_deref(), Some("Une salutation"));
        assert_eq!(title("**Kůň**").as_deref(), Some("Kůň"));
        assert_eq!(title(" \n"), None);
    }
}
