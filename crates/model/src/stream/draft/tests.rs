//! What a draft keeps, and what it shows.

use super::*;
use crate::Session;
use crate::id::{MessageId, SessionId};

pub(in super::super) fn draft() -> Draft {
    let id = |text: &str| MessageId::parse(text).unwrap();
    let opened = Opened {
        session_id: SessionId::parse("s").ok(),
        message_id: id("m"),
        reply_id: id("r-m"),
        created: false,
        degraded: false,
    };
    Draft::new(opened, None)
}

pub(in super::super) fn ended(draft: &mut Draft) {
    let Opened { session_id, message_id, .. } = draft.opened().clone();
    let reply = draft.message(Millis(0), None);
    let (session_id, session, at, finish) = (session_id.unwrap(), Session::default(), Millis(0), draft.finish());
    let turned =
        Turned { session_id, message_id, reply, session, created: false, replayed: false, at, usage: None, finish };
    draft.end(Ending::Done(Box::new(turned.response())));
}

#[test]
fn a_reply_without_anything_is_none() {
    let mut draft = draft();
    draft.take(Piece::Finish(Finish::Stop)).unwrap();
    assert!(draft.complete().is_err());
    draft.take(Piece::Text("x".into())).unwrap();
    assert!(draft.complete().is_ok());
    assert!(draft.take(Piece::Tool { call: 1, named: None, input: "{}".into() }).is_err());
}

#[test]
fn a_call_whose_input_is_no_json_is_kept_and_replayed_as_it_came() {
    let call = |input: &str| {
        let named = Some(("c1".to_owned(), "w".to_owned()));
        let mut draft = draft();
        draft.take(Piece::Tool { call: 0, named, input: input.into() }).unwrap();
        draft.complete().unwrap();
        draft.message(Millis(0), None)
    };
    let parts = |message: &Message| message.parts.as_ref().unwrap().get().to_owned();
    let broken = call("{\"city\":");
    assert_eq!(
        parts(&broken),
        r#"[{"type":"step-start"},{"type":"tool-w","toolCallId":"c1","state":"output-error","rawInput":"{\"city\":","errorText":"the input is not JSON"}]"#
    );
    assert!(parts(&call("{\"city\":\"\\ud83d\"}")).contains(r#""input":{"city":"\ufffd"}"#));
    let (session_id, message_id) = (crate::SessionId::mint(1), MessageId::mint(1));
    let (session, at) = (Session::default(), Millis(0));
    let turned = Turned {
        session_id,
        message_id,
        reply: broken.clone(),
        session,
        created: false,
        replayed: true,
        at,
        usage: None,
        finish: None,
    };
    assert_eq!(parts(&Draft::replayed(turned).message(Millis(0), None)), parts(&broken));
}

#[test]
fn a_reply_is_cut_where_its_json_would_not_fit_a_row() {
    let row = |draft: &Draft| draft.message(Millis(0), None).to_json().unwrap().len();
    let mut plain = draft();
    let ended = (0..89).try_for_each(|_| plain.take(Piece::Text("\u{1b}".repeat(10_000))));
    assert!(ended.is_err() && row(&plain) > 1_390_000 && row(&plain) < 1_410_000, "{}", row(&plain));
    let mut quotes = draft();
    assert!(quotes.take(Piece::Text("\"".repeat(890_000))).is_err());
    let source = || Piece::Source(Raw::parse("{\"url\":\"https://a.example\"}".into()).unwrap());
    let mut parts = draft();
    parts.take(source()).unwrap();
    assert!(parts.take(Piece::Text("x".repeat(890_000))).is_err());
    assert!(row(&parts) > 1_390_000 && row(&parts) < 1_410_000, "{}", row(&parts));
    let mut late = draft();
    late.take(Piece::Text("x".repeat(890_000))).unwrap();
    assert!(late.take(source()).is_err());
    let before = Raw::parse(format!("[{{\"type\":\"text\",\"text\":\"{}\"}}]", "x".repeat(1_000_000)));
    let mut after = Draft::new(draft().opened, before);
    assert!(after.take(Piece::Text("x".repeat(300_000))).is_err() && row(&after) < 1_410_000);
}

#[test]
fn a_reply_that_goes_on_keeps_the_parts_before_it() {
    let before = Raw::parse(" [ {\"type\":\"text\",\"text\":\"a\"} ] ".into());
    let mut draft = Draft::new(draft().opened, before);
    draft.take(Piece::Text("b".into())).unwrap();
    let parts = draft.message(Millis(0), Some(Status::Stopped)).parts.unwrap();
    assert_eq!(parts.get(), r#"[{"type":"text","text":"a"},{"type":"step-start"},{"type":"text","text":"b"}]"#);
}
