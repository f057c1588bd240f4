//! What servers of this form send, and what becomes of it.

use super::*;
use crate::error::Code;

fn read(parts: &[&str]) -> (Vec<Piece>, Result<(), Code>) {
    let mut reader = Completions::default();
    let mut pieces = Vec::new();
    let read = parts.iter().try_for_each(|part| reader.read(part.as_bytes(), &mut pieces).map(drop));
    let ended = read.and_then(|()| reader.end(&mut pieces));
    (pieces, ended.map_err(|failure| failure.code))
}

fn text(text: &str) -> Piece {
    Piece::Text(text.into())
}

const HELLO: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"He\"}}]}\n\n";

#[test]
fn texts_usage_and_the_end_are_read() {
    let (pieces, ended) = read(&[
        ": OPENROUTER PROCESSING\n\n",
        HELLO,
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"llo\"},\"finish_reason\":null}],\"obfuscation\":\"x\"}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"!\"}}],\"usage\":null}\n\n",
        "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"other\"}},{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n",
        "data: {\"choices\":[],\"usage\":{\"total_tokens\": 3}}\n\ndata: [DONE]\n\n",
    ]);
    let usage = Piece::Usage(Raw::parse("{\"total_tokens\": 3}".into()).unwrap());
    assert_eq!(pieces, [text("Hello!"), Piece::Finish(Finish::Length), usage]);
    assert_eq!(ended, Ok(()));
}

#[test]
fn tool_calls_pass_through() {
    let (pieces, ended) = read(&[
        "data: {\"choices\":[{\"delta\":{\"content\":null,\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{}\"}}]}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}",
    ]);
    let named = Some(("c1".to_owned(), "f".to_owned()));
    let call = |named, input: &str| Piece::Tool { call: 0, named, input: input.into() };
    assert_eq!(pieces, [call(named, ""), call(None, "{}"), Piece::Finish(Finish::ToolCalls)]);
    assert_eq!(ended, Ok(()));
}

#[test]
fn what_breaks_off_says_so_and_keeps_what_came() {
    let failed = Err(Code::ResponderFailed);
    for (then, expected) in [
        ("", failed),
        ("data: {\"choices\":[{\"del", failed),
        ("data: <html>\n\n", failed),
        ("data: {\"error\":{\"message\":\"secret words\",\"code\":500}}\n\n", failed),
        ("event: error\ndata: {\"message\":\"secret words\"}\n\n", failed),
        ("data: {\"error\":{\"code\":\"rate_limit_exceeded\"}}\n\n", Err(Code::ResponderBusy)),
        ("data: {\"error\":{\"code\":529}}\n\n", Err(Code::ResponderBusy)),
        ("data: [DONE]\n\ndata: nonsense after the end\n\n", Ok(())),
    ] {
        let (pieces, ended) = read(&[HELLO, then]);
        assert_eq!((pieces, ended), (vec![text("He")], expected), "{then}");
    }
    let endless = format!("data: {}", "x".repeat(LIMITS.event));
    assert_eq!(read(&[HELLO, &endless]), (vec![text("He")], failed));
}

/// The chunk with these choices.
fn chunk(choices: &str) -> String {
    format!("data: {{\"choices\":{choices}}}\n\n")
}

/// The chunk with this delta.
fn delta(delta: &str) -> String {
    chunk(&format!("[{{\"index\":0,\"delta\":{delta}}}]"))
}

const STOP: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";

/// The text of an answer in these pieces.
fn said(parts: &[&str]) -> Result<String, Code> {
    let (pieces, ended) = read(parts);
    let texts = pieces.iter().map(|piece| if let Piece::Text(text) = piece { text.as_str() } else { "" });
    ended.map(|()| texts.collect())
}

#[test]
fn nulls_lists_and_unknown_members_are_skipped() {
    for odd in [
        chunk("null"),
        chunk("{}"),
        chunk("[null,7,\"x\",[]]"),
        chunk("[{\"index\":null,\"delta\":{}}]"),
        chunk("[{\"delta\":null,\"finish_reason\":\"\"}]"),
        delta(
            r#"{"content":7,"refusal":[],"tool_calls":{},"function_call":[],"annotations":[null,{"url_citation":1}]}"#,
        ),
        delta(r#"{"tool_calls":[null,{"index":null,"id":null,"function":null}],"other":"\ud83d"}"#),
        "data: null\n\ndata: []\n\ndata: 7\n\ndata: \"x\"\n\n".to_owned(),
        "data: {\"\\ud83d\":1,\"usage\":[],\"error\":null}\n\n".to_owned(),
        "data: {\"error\":false,\"usage\":null}\n\nevent: ping\ndata: {}\n\n: comment\n\n".to_owned(),
    ] {
        assert_eq!(said(&[&odd, &delta(r#"{"content":"A"}"#), &odd, STOP]), Ok("A".into()), "{odd}");
    }
    let call = delta(r#"{"tool_calls":[{"index":null,"id":"c","function":{"name":"w","arguments":{"a":1}}}]}"#);
    let named = Some(("c".to_owned(), "w".to_owned()));
    assert_eq!(read(&[&call, STOP]).0.first(), Some(&Piece::Tool { call: 0, named, input: "{\"a\":1}".into() }));
    let usage = read(&["data: {\"usage\":{\"a\":null,\"b\":{\"c\":null,\"d\":1}}}\n\n"]).0;
    assert_eq!(usage, [Piece::Usage(Raw::parse("{\"b\":{\"d\":1}}".into()).unwrap())]);
}

#[test]
fn half_characters_end_no_reply() {
    let halves = [delta(r#"{"content":"ok \ud83d"}"#), delta(r#"{"content":"\ude00 end"}"#)];
    assert_eq!(said(&[&halves[0], &halves[1], STOP]), Ok("ok 😀 end".into()));
    assert_eq!(said(&[&halves[0], STOP]), Ok("ok \u{fffd}".into()));
    assert_eq!(said(&[&delta(r#"{"content":"\ud83d"}"#), STOP]), Ok("\u{fffd}".into()));
    let whole = r#"{"choices":[{"message":{"content":"a\ud83d"}}]}"#;
    assert_eq!(said(&[whole]), Ok("a\u{fffd}".into()));
}

#[test]
fn content_may_be_a_list_and_what_was_reasoned_is_left_out() {
    let parts = r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"ans"},"wer",{"type":"image"}]}"#;
    assert_eq!(said(&[&delta(parts), STOP]), Ok("answer".into()));
    assert_eq!(said(&[&format!("{{\"choices\":[{{\"message\":{parts}}}]}}")]), Ok("answer".into()));
    let reasoned = [delta(r#"{"reasoning_content":"hm"}"#), delta(r#"{"reasoning":"hm","content":"42"}"#)];
    assert_eq!(said(&[&reasoned[0], &reasoned[1], STOP]), Ok("42".into()));
}

#[test]
fn an_answer_in_another_form_is_read() {
    let stop = r#""finish_reason":"stop""#;
    assert_eq!(said(&[&chunk(&format!("[{{\"message\":{{\"content\":\"A\"}},{stop}}}]"))]), Ok("A".into()));
    assert_eq!(said(&[&chunk(&format!("[{{\"text\":\"A\",{stop}}}]"))]), Ok("A".into()));
    let whole =
        r#"{"choices":[{"index":1,"message":{"content":"B"}},{"index":0,"message":{"content":"A"}}],"usage":null}"#;
    assert_eq!(said(&["\u{feff} ", whole]), Ok("A".into()));
    let legacy =
        [delta(r#"{"function_call":{"name":"w","arguments":""}}"#), delta(r#"{"function_call":{"arguments":"{}"}}"#)];
    let named = Some(("call-0".to_owned(), "w".to_owned()));
    let call = |named, input: &str| Piece::Tool { call: 0, named, input: input.into() };
    let (pieces, ended) = read(&[&legacy[0], &legacy[1], STOP]);
    assert_eq!((&pieces[..2], ended), ([call(named.clone(), ""), call(None, "{}")].as_slice(), Ok(())));
    let whole = r#"{"choices":[{"message":{"content":null,"tool_calls":[{"id":"call-0","function":{"name":"w","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}"#;
    assert_eq!(read(&[whole]), (vec![call(named, "{}"), Piece::Finish(Finish::ToolCalls)], Ok(())));
}

#[test]
fn what_is_no_completion_fails() {
    for body in [
        "",
        "<html>",
        "{\"ok\":true}",
        "{\"choices\":[]}",
        "[]",
        "{\"choices\":[{\"message\":{\"content\":\"He",
        ": x\n\n",
    ] {
        assert_eq!(said(&[body]), Err(Code::ResponderFailed), "{body}");
    }
    assert_eq!(said(&["{\"error\":{\"code\":\"rate_limit_exceeded\"}}"]), Err(Code::ResponderBusy));
    let endless = format!("{{\"x\":\"{}", "x".repeat(LIMITS.json));
    assert_eq!(said(&[&endless]), Err(Code::ResponderFailed));
}

#[test]
fn an_answer_of_nothing_says_why() {
    let why = |chunks: &[&str]| {
        let (mut reader, mut pieces) = (Completions::default(), Vec::new());
        for chunk in chunks {
            reader.read(chunk.as_bytes(), &mut pieces).unwrap();
        }
        reader.end(&mut pieces).unwrap_err().detail
    };
    let ends = |reason: &str| chunk(&format!("[{{\"delta\":{{}},\"finish_reason\":\"{reason}\"}}]"));
    let reasoned = delta(r#"{"reasoning_content":"hm"}"#);
    assert_eq!(why(&[STOP]), "the model's API answered an empty completion");
    assert_eq!(why(&[&reasoned, STOP]), "the model reasoned, and answered nothing");
    assert_eq!(why(&[&ends("length")]), "the model reached its limit of tokens before it answered");
    assert!(why(&[&reasoned, &ends("length")]).contains("while it reasoned"));
    assert_eq!(why(&[&ends("content_filter")]), "the model's API filtered out the whole answer");
}

#[test]
fn a_chunk_that_can_be_read_ends_the_silence_and_a_comment_does_not() {
    let mut reader = Completions::default();
    let mut heard = |text: &str| reader.read(text.as_bytes(), &mut Vec::new()).unwrap();
    assert_eq!((heard(": PROCESSING\n\n"), heard("data: {\"choi")), (false, false));
    assert!(heard("ces\":[]}\n\n") && heard("data: null\n\n") && heard(&delta(r#"{"reasoning":"hm"}"#)));
    assert!(!reader.is_finished());
    reader.read(STOP.as_bytes(), &mut Vec::new()).unwrap();
    assert!(reader.is_finished() && !reader.is_whole());
}
