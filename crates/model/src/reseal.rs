//! Sealing anew all that is not sealed with the first key: which texts of a session, in which calls, and how far that has come.

use crate::census::Cursor as Walk;
use crate::id::SessionId;
use crate::plan::{Anew, Details, Field, Page, Place, Stated, Summary};
use crate::seal::{Kind, Seal, Unreadable};
use crate::time::Millis;

/// How many bytes of texts, those that were read and those that were sealed anew, go in one call, unless a single one has more.
const BYTES_PER_CALL: usize = 500_000;

/// What was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Texts that were looked at.
    pub seen: u64,
    /// Of which so many could not be read, and stay as they are.
    pub unreadable: u64,
}

impl Tally {
    /// Looks at a stored text; gives it sealed anew, unless it is as it would be sealed now.
    pub fn anew(&mut self, seal: &Seal<'_>, kind: Kind, session: &SessionId, stored: &str) -> Option<String> {
        if stored.is_empty() {
            return None;
        }
        self.count(seal.anew(kind, session, stored))
    }

    fn count(&mut self, anew: Result<Option<String>, Unreadable>) -> Option<String> {
        self.seen += 1;
        self.unreadable += u64::from(anew.is_err());
        anew.unwrap_or(None)
    }

    fn field(&mut self, seal: &Seal<'_>, session: &SessionId, field: Field, was: &str) -> Option<Anew> {
        let text = self.anew(seal, field.kind(), session, was)?;
        Some(Anew { field, was: was.to_owned(), text })
    }

    /// Looks at what a session has beside its messages.
    pub fn details(&mut self, seal: &Seal<'_>, session: &SessionId, details: &Details, stated: &Stated) -> Vec<Anew> {
        let mut texts = Vec::new();
        texts.extend(self.field(seal, session, Field::Title, &details.session.title));
        texts.extend(self.field(seal, session, Field::Metadata, details.metadata.as_deref().unwrap_or_default()));
        if let Stated::State(tag, json) = stated {
            let anew = self.field(seal, session, Field::State(*tag), json);
            // The tag says whether it is still there.
            texts.extend(anew.map(|anew| Anew { was: String::new(), ..anew }));
        }
        let was = &details.notes.summary;
        let text = self.summary(seal, session, was);
        texts.extend(text.map(|text| Anew { field: Field::Summary, was: was.clone(), text }));
        texts
    }

    /// Looks at a summary in its stored form; gives that with its text sealed anew.
    pub fn summary(&mut self, seal: &Seal<'_>, session: &SessionId, stored: &str) -> Option<String> {
        let summary = Summary::parse(stored)?;
        let text = self.anew(seal, Kind::Summary, session, &summary.text)?;
        Some(Summary { text, ..summary }.stored())
    }

    /// Looks at a page of a session's messages.
    pub fn messages(&mut self, seal: &Seal<'_>, session: &SessionId, page: &Page) -> Vec<Anew> {
        let messages = (page.from..).zip(&page.messages);
        messages.filter_map(|(position, was)| self.field(seal, session, Field::Message(position), was)).collect()
    }
}

/// Parts texts into calls.
#[must_use]
pub fn calls(texts: Vec<Anew>) -> Vec<Vec<Anew>> {
    let mut calls: Vec<Vec<Anew>> = Vec::new();
    let mut room = 0;
    for anew in texts {
        let bytes = anew.was.len() + anew.text.len();
        match calls.last_mut() {
            Some(call) if bytes <= room => {
                room -= bytes;
                call.push(anew);
            }
            _ => {
                room = BYTES_PER_CALL.saturating_sub(bytes);
                calls.push(vec![anew]);
            }
        }
    }
    calls
}

/// Where the job goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cursor {
    /// With the live sessions: after a place in the walk through them, and of a session that is half done with the messages before a
    /// position.
    Live(Walk, Option<(SessionId, u64)>),
    /// With the archive, after a row that the words name; none at its beginning.
    Archive(Vec<String>),
}

/// What the cursor of the archive begins with.
const ARCHIVE: &str = "archive";

impl Cursor {
    /// In the middle of a page of the walk: at a session, after the one that was done last of this owner's, and of that session with the
    /// messages before a position.
    #[must_use]
    pub fn inside(walk: &Walk, done: Option<&Place>, session: &SessionId, before: Option<u64>) -> Self {
        // Before all that are live.
        let first = || Place { expires: Millis(0), id: session.clone() };
        let walk = Walk { inside: Some(done.cloned().unwrap_or_else(first)), ..walk.clone() };
        Cursor::Live(walk, before.map(|before| (session.clone(), before)))
    }

    /// The form on the wire.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Cursor::Live(walk, None) => walk.to_text(),
            Cursor::Live(walk, Some((session, before))) => format!("{}!{session}!{before}", walk.to_text()),
            Cursor::Archive(words) => {
                [ARCHIVE].into_iter().chain(words.iter().map(String::as_str)).collect::<Vec<_>>().join("~")
            }
        }
    }

    /// Reads the form on the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(words) = text.strip_prefix(ARCHIVE) {
            return match words.strip_prefix('~') {
                Some(words) => Some(Cursor::Archive(words.split('~').map(str::to_owned).collect())),
                None => words.is_empty().then(|| Cursor::Archive(Vec::new())),
            };
        }
        let mut parts = text.split('!');
        let walk = Walk::parse(parts.next()?)?;
        let inside = match parts.next() {
            Some(session) => Some((SessionId::parse(session).ok()?, parts.next()?.parse().ok()?)),
            None => None,
        };
        parts.next().is_none().then_some(Cursor::Live(walk, inside))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::owner::Owner;
    use crate::plan::directory::Noted;
    use crate::plan::{Page, Tag};
    use crate::records::Notes;
    use crate::seal::Cipher;
    use crate::session::Session;

    /// Not a cipher: it turns texts around.
    #[derive(Debug)]
    struct FakeCipher(Option<&'static str>);

    impl Cipher for FakeCipher {
        fn key(&self) -> Option<&str> {
            self.0
        }

        fn seal(&self, _: &str, text: &str) -> Option<String> {
            let around: Vec<u8> = text.bytes().rev().collect();
            self.0.map(|key| format!("{key}.{}", crate::base64url::encode(&around)))
        }

        fn open(&self, _: &str, sealed: &str) -> Result<String, Unreadable> {
            let (key, text) = sealed.split_once('.').ok_or(Unreadable::NotGenuine)?;
            let around =
                crate::base64url::decode(text).filter(|_| ["k1", "k2"].contains(&key)).ok_or(Unreadable::UnknownKey)?;
            String::from_utf8(around.into_iter().rev().collect()).map_err(|_| Unreadable::NotGenuine)
        }

        fn digests(&self, _: &str) -> Vec<(String, String)> {
            Vec::new()
        }

        fn is_strict(&self) -> bool {
            false
        }
    }

    #[test]
    fn what_the_first_key_did_not_seal_is_sealed_anew() -> Result<(), Box<dyn std::error::Error>> {
        let (owner, id) = (Owner::app(), SessionId::parse("s")?);
        let (old, new, off) = (FakeCipher(Some("k1")), FakeCipher(Some("k2")), FakeCipher(None));
        let by = |cipher| Seal { cipher: Some(cipher), prefix: "chatkeep:", owner: &owner };
        let sealed = |cipher, kind, text: &str| {
            let mut text = text.to_owned();
            by(cipher).close(kind, &id, &mut text).map(|()| text).map_err(|_| "sealing")
        };
        let message = |id: &str| format!(r#"{{"id":"{id}","role":"user","content":"Ahoj","created":"x"}}"#);
        let last = crate::MessageId::parse("m1")?;
        let summary = Summary { until: 1, last, text: sealed(&old, Kind::Summary, "short")? };
        let details = Details {
            session: Session { title: sealed(&old, Kind::Title, "Plán")?, ..Session::default() },
            metadata: Some(sealed(&new, Kind::Metadata, "{}")?),
            notes: Notes { used: 0, summary: summary.stored() },
        };
        let tag = Tag { created: Millis(3), revision: 7 };
        let mut tally = Tally::default();
        let texts = tally.details(&by(&new), &id, &details, &Stated::State(tag, "[1]".to_owned()));
        assert_eq!(
            texts.iter().map(|anew| anew.field).collect::<Vec<_>>(),
            [Field::Title, Field::State(tag), Field::Summary]
        );
        assert_eq!(
            texts.iter().map(|anew| anew.was.as_str()).collect::<Vec<_>>(),
            [&details.session.title, "", &details.notes.summary]
        );
        assert_eq!(texts.get(1).map(|anew| anew.text.clone()), Some(sealed(&new, Kind::State, "[1]")?));
        let kept = Summary::parse(&texts.get(2).ok_or("a summary")?.text).ok_or("its form")?;
        assert_eq!((kept.until, kept.text), (1, sealed(&new, Kind::Summary, "short")?));

        let lost = sealed(&FakeCipher(Some("k9")), Kind::Message, &message("m3"))?;
        let messages = vec![
            sealed(&old, Kind::Message, &message("m1"))?,
            message("m2"),
            lost,
            sealed(&new, Kind::Message, &message("m4"))?,
        ];
        let page = Page { session: Session::default(), from: 5, messages };
        let anew = tally.messages(&by(&new), &id, &page);
        assert_eq!(anew.iter().map(|anew| anew.field).collect::<Vec<_>>(), [Field::Message(5), Field::Message(6)]);
        assert_eq!(tally, Tally { seen: 8, unreadable: 1 });
        // Without a key that seals, all that can be read is opened.
        let opened = Tally::default().messages(&by(&off), &id, &page);
        assert_eq!(opened.iter().map(|anew| anew.text.clone()).collect::<Vec<_>>(), [message("m1"), message("m4")]);
        // And without any, nothing changes.
        let mut tally = Tally::default();
        assert!(tally.messages(&Seal { cipher: None, ..by(&off) }, &id, &page).is_empty());
        assert_eq!(tally, Tally { seen: 4, unreadable: 3 });
        Ok(())
    }

    #[test]
    fn calls_have_a_size() {
        let anew =
            |position, bytes| Anew { field: Field::Message(position), was: "x".repeat(bytes), text: String::new() };
        let parted = calls(vec![anew(0, 300_000), anew(1, 200_000), anew(2, 1), anew(3, 900_000), anew(4, 1)]);
        assert_eq!(parted.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1, 1, 1]);
        assert!(calls(Vec::new()).is_empty());
    }

    #[test]
    fn a_cursor_comes_back_as_it_was() -> Result<(), crate::id::InvalidId> {
        let id = SessionId::parse("s.1:2_-")?;
        let owner = Noted { owner: Owner::stored("u-a%40b.c".into()), seen: Millis(7) };
        let walk = Walk { shard: 3, owner, inside: None };
        let place = Place { expires: Millis(9), id: id.clone() };
        for cursor in [
            Cursor::Live(Walk::of_shard(0), None),
            Cursor::inside(&walk, Some(&place), &id, None),
            Cursor::inside(&walk, None, &id, Some(12)),
            Cursor::Archive(Vec::new()),
            Cursor::Archive(vec!["m".into(), "u-a".into(), String::new()]),
        ] {
            assert_eq!(Cursor::parse(&cursor.to_text()), Some(cursor));
        }
        for wrong in ["", "archived", "0~0~!", "0~0~!s", "0~0~!s!x", "0~0~!s!1!2"] {
            assert_eq!(Cursor::parse(wrong), None, "{wrong}");
        }
        Ok(())
    }
}
