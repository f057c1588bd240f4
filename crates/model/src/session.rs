//! A session's fields, apart from its messages and turns, and how the API shows them.

use crate::cluster::cut_before;
use crate::id::SessionId;
use crate::limits::DERIVED_TITLE_CHARACTERS;
use crate::percent;
use crate::time::Millis;
use crate::wire::SessionBody;
use serde::{Deserialize, Serialize};

/// The layout version that writers write.
pub const LAYOUT_VERSION: u64 = 2;

/// What a session is marked with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flags {
    /// It stands out in the list.
    pub pinned: bool,
    /// It is out of the way. Neither keeps it from expiring.
    pub archived: bool,
    /// Its title was given by somebody, so that no other is found for it.
    pub named: bool,
    /// It goes to another owner, and can only be read here until it has arrived there: see [`crate::claim`].
    pub departing: bool,
    /// It comes from another owner, and is not there before all of it is.
    pub incoming: bool,
    /// It came from another owner.
    pub claimed: bool,
    /// For which of its own users a caller keeps it; empty where it doesn't say.
    pub user: String,
}

impl Flags {
    /// The stored form, one word: the letters of what is set, or `-`; then `@` and the user, percent-encoded, where there is one.
    #[must_use]
    pub fn stored(&self) -> String {
        let all = [
            // First, so that a store can tell by it what is not to be listed.
            (self.incoming, 'i'),
            (self.pinned, 'p'),
            (self.archived, 'a'),
            (self.named, 'n'),
            (self.departing, 'd'),
            (self.claimed, 'c'),
        ];
        let set: String = all.iter().filter(|(set, _)| *set).map(|(_, letter)| letter).collect();
        let letters = if set.is_empty() { "-".to_owned() } else { set };
        if self.user.is_empty() { letters } else { format!("{letters}@{}", percent::encode(&self.user)) }
    }

    /// Reads the stored form.
    #[must_use]
    pub fn parse(stored: &str) -> Self {
        let (letters, user) = stored.split_once('@').unwrap_or((stored, ""));
        let has = |letter| letters.contains(letter);
        Self {
            pinned: has('p'),
            archived: has('a'),
            named: has('n'),
            departing: has('d'),
            incoming: has('i'),
            claimed: has('c'),
            user: percent::decode(user),
        }
    }
}

/// What a session is, apart from its messages and turns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Empty when it has none.
    pub title: String,
    /// When it was made.
    pub created: Millis,
    /// When it last changed.
    pub updated: Millis,
    /// When it goes, unless it is used before.
    pub expires: Millis,
    /// The position of the oldest message that is kept.
    pub first: u64,
    /// The position that the next message takes.
    pub next: u64,
    /// The messages ever stored.
    pub total: u64,
    /// The bytes of the stored texts of the messages that are kept. Of a session that the first layout's writers wrote last
    /// and that nobody has written since, [`crate::plan::Info`] says 0.
    pub bytes: u64,
    /// Rises with every change.
    pub revision: u64,
    /// What it is marked with.
    pub flags: Flags,
}

impl Session {
    /// The messages that are kept.
    #[must_use]
    pub fn kept(&self) -> u64 {
        self.next.saturating_sub(self.first)
    }

    /// Whether it is there at `now`. A session whose time has come is absent, whatever the store still holds.
    #[must_use]
    pub fn is_live(&self, now: Millis) -> bool {
        self.expires > now
    }

    /// Whether it may be read at `now`.
    #[must_use]
    pub fn is_readable(&self, now: Millis) -> bool {
        self.is_live(now) && !self.flags.incoming
    }

    /// Whether it may be changed at `now`: it is there, and not on its way from one owner to another.
    #[must_use]
    pub fn is_settled(&self, now: Millis) -> bool {
        self.is_readable(now) && !self.flags.departing
    }

    /// The session as the API shows it on its own.
    #[must_use]
    pub fn body(&self, id: &SessionId, now: Millis) -> SessionBody {
        SessionBody {
            session_id: id.clone(),
            title: Some(self.title.clone()).filter(|title| !title.is_empty()),
            message_count: self.kept(),
            total_messages: self.total,
            bytes: Some(self.bytes).filter(|bytes| *bytes > 0 || self.kept() == 0),
            created_at: self.created.to_rfc3339(),
            updated_at: self.updated.to_rfc3339(),
            expires_at: self.expires.to_rfc3339(),
            expires_in_seconds: self.expires.since(now).0.div_ceil(1000),
            revision: Some(self.revision),
            pinned: self.flags.pinned,
            archived: self.flags.archived,
            user_id: Some(self.flags.user.clone()).filter(|user| !user.is_empty()),
        }
    }
}

/// A session's line in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Its id.
    pub id: SessionId,
    /// Empty when it has none.
    pub title: String,
    /// The messages that are kept.
    pub count: u64,
    /// The messages ever stored.
    pub total: u64,
    /// When it was made.
    pub created: Millis,
    /// When it last changed.
    pub updated: Millis,
    /// When it goes, unless it is used before.
    pub expires: Millis,
    /// What it is marked with.
    pub flags: Flags,
}

impl Card {
    /// The card of a session.
    #[must_use]
    pub fn of(id: SessionId, session: &Session) -> Self {
        Self {
            id,
            title: session.title.clone(),
            count: session.kept(),
            total: session.total,
            created: session.created,
            updated: session.updated,
            expires: session.expires,
            flags: session.flags.clone(),
        }
    }

    /// Reads the stored form, which the scripts write: `{count} {total} {created} {updated} {flags} {title}`, the title
    /// last because it is the only part that can hold spaces.
    #[must_use]
    pub fn parse(id: SessionId, expires: Millis, stored: &str) -> Option<Self> {
        let mut parts = stored.splitn(6, ' ');
        let mut number = || parts.next()?.parse::<u64>().ok();
        let (count, total, created, updated) = (number()?, number()?, number()?, number()?);
        let (flags, title) = (Flags::parse(parts.next()?), parts.next()?);
        Some(Self {
            id,
            title: title.to_owned(),
            count,
            total,
            created: Millis(created),
            updated: Millis(updated),
            expires,
            flags,
        })
    }

    /// The session as the API lists it.
    #[must_use]
    pub fn body(&self, now: Millis) -> SessionBody {
        let session = Session {
            title: self.title.clone(),
            created: self.created,
            updated: self.updated,
            expires: self.expires,
            first: 0,
            next: self.count,
            total: self.total,
            bytes: 0,
            revision: 0,
            flags: self.flags.clone(),
        };
        SessionBody { revision: None, bytes: None, ..session.body(&self.id, now) }
    }
}

/// The title that a session without one takes from its first message: its first line with something to see, shortened at a word, or
/// between two characters as people count them.
#[must_use]
pub fn derived_title(message: &str) -> String {
    let line = message.lines().map(displayed).find(|line| is_visible(line)).unwrap_or_default();
    if line.chars().count() <= DERIVED_TITLE_CHARACTERS {
        return line;
    }
    let room = DERIVED_TITLE_CHARACTERS - 1;
    let end = match cut_before(&line, room) {
        // A letter under a heap of accents.
        0 => line.char_indices().nth(room).map_or(line.len(), |(end, _)| end),
        end => end,
    };
    let cut = line.get(..end).unwrap_or(&line);
    let word = cut.char_indices().rev().find(|(_, character)| *character == ' ' || STOPS.contains(character));
    let end = word.map_or(cut.len(), |(at, character)| if character == ' ' { at } else { at + character.len_utf8() });
    let at_word = cut.get(..end).unwrap_or(cut);
    let kept = if at_word.chars().count() * 2 < DERIVED_TITLE_CHARACTERS { cut } else { at_word };
    format!("{kept}…")
}

/// Where a text without spaces can be shortened.
const STOPS: [char; 6] = ['。', '，', '、', '！', '？', '；'];

/// A line as it may be shown in a list: without control characters, and without those that change the direction of what follows.
fn displayed(line: &str) -> String {
    // White space and control characters may go, so that more is looked at than is kept; but not a megabyte.
    let shown = line.trim().chars().take(DERIVED_TITLE_CHARACTERS * 8).filter(|character| !is_hidden(*character));
    shown.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text for a terminal: what would move its cursor or turn what follows is replaced. Lines stay lines.
#[must_use]
pub fn printable(text: &str) -> String {
    let printed =
        |character| if is_hidden(character) && character != '\n' && character != '\t' { '\u{fffd}' } else { character };
    text.chars().map(printed).collect()
}

fn is_hidden(character: char) -> bool {
    (character.is_control() && !character.is_whitespace())
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        )
}

/// Whether there is anything to see: more than space, fillers, and what only changes another character.
#[must_use]
pub fn is_visible(text: &str) -> bool {
    let fills = |character: char| {
        matches!(
            character,
            '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{200c}' | '\u{200d}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
                | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
        )
    };
    text.chars().any(|character| !character.is_whitespace() && !is_hidden(character) && !fills(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_come_from_the_first_line() {
        assert_eq!(derived_title("  \n  Dobrý   den,\tsvěte \nx"), "Dobrý den, světe");
        let long = derived_title(&"slovo ".repeat(40));
        assert!(long.chars().count() <= DERIVED_TITLE_CHARACTERS && long.ends_with("slovo…"), "{long}");
        let wall = derived_title(&"ž".repeat(300));
        assert_eq!(wall.chars().count(), DERIVED_TITLE_CHARACTERS);
        assert_eq!(derived_title(" \n"), "");
    }

    #[test]
    fn titles_are_cut_between_characters_as_people_count_them() {
        for cluster in [
            "\u{1f1f0}\u{1f1f7}",
            "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
            "\u{1f44d}\u{1f3fd}",
            "e\u{301}",
            "नि",
        ] {
            let title = derived_title(&cluster.repeat(60));
            let kept = title.trim_end_matches('…');
            assert!(kept.len().is_multiple_of(cluster.len()) && kept.starts_with(cluster), "{title}");
            assert!(title.chars().count() <= DERIVED_TITLE_CHARACTERS && title.ends_with('…'), "{title}");
        }
        let heap = derived_title(&format!("a{}", "\u{301}".repeat(100)));
        assert_eq!(heap.chars().count(), DERIVED_TITLE_CHARACTERS);
        let sentences = derived_title(&format!("{}。{}", "東".repeat(40), "京".repeat(40)));
        assert_eq!(sentences, format!("{}。…", "東".repeat(40)));
    }

    #[test]
    fn titles_show_something_and_turn_nothing() {
        assert_eq!(derived_title("\u{200b}\u{200b}\n\u{3164}\nHello"), "Hello");
        assert_eq!(derived_title("\u{200b}\u{feff}\u{200d}"), "");
        assert_eq!(derived_title("a\u{202e}b\u{7}c\u{2028}d"), "abc d");
        assert!(!is_visible("\u{2800} \u{200d}") && is_visible("\u{200d}x"));
        assert_eq!(printable("a\u{1b}[2J\u{202e}b\n\tc"), "a\u{fffd}[2J\u{fffd}b\n\tc");
    }

    #[test]
    fn marks_and_users_are_told_apart() {
        for stored in ["-", "p", "a", "pan", "pd", "ipc", "-@user123", "n@a%20pin%40work", "pa@%C5%BE"] {
            assert_eq!(Flags::parse(stored).stored(), stored);
        }
        assert!(!Flags::parse("-@pa").pinned);
    }

    #[test]
    fn cards_keep_spaces_in_titles() -> Result<(), crate::id::InvalidId> {
        let id = SessionId::parse("s1")?;
        let card = Card::parse(id.clone(), Millis(9), "2 4 5 6 - a b  c");
        assert_eq!(card.as_ref().map(|card| card.title.as_str()), Some("a b  c"));
        assert_eq!(card.map(|card| (card.count, card.total, card.created.0)), Some((2, 4, 5)));
        assert_eq!(Card::parse(id.clone(), Millis(9), "2 4 5 6 - ").map(|card| card.title), Some(String::new()));
        assert_eq!(Card::parse(id, Millis(9), "2 4 x"), None);
        Ok(())
    }

    #[test]
    fn seconds_left_round_up() -> Result<(), crate::id::InvalidId> {
        let session = Session { expires: Millis(10_001), ..Session::default() };
        assert_eq!(session.body(&SessionId::parse("s")?, Millis(1)).expires_in_seconds, 10);
        assert_eq!(session.body(&SessionId::parse("s")?, Millis(2)).expires_in_seconds, 10);
        assert!(session.is_live(Millis(10_000)) && !session.is_live(Millis(10_001)));
        Ok(())
    }
}
