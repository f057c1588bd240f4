//! Texts: every byte comes back as it was, whatever the script and however large.

use super::world::World;
use crate::executor::Executor;
use chatkeep_model::plan::Begun;

const TEXTS: [&str; 9] = [
    "Příliš žluťoučký kůň úpěl ďábelské ódy",
    "Tiếng Việt có dấu: Chào buổi sáng, bạn khỏe không?",
    "Atenção: São Paulo não é só coração, é também pão de queijo",
    "👩‍👩‍👧‍👦 family, 🏳️‍🌈 flag, e\u{301} composed and é not",
    "quotes \" ' ` and \\ backslashes \\\" and {\"id\":\"u-t1\"}",
    "control \u{0} \u{1} \u{7f} \u{85} \u{2028} \u{feff} characters",
    "line\nbreaks\r\nand\ttabs ",
    "שלום עולם مرحبا بالعالم नमस्ते दुनिया 你好，世界",
    "%s %d $1 ${x} {{y}} -- ]] t:t1 m:0",
];

pub(super) fn texts_come_back_byte_for_byte<E: Executor>(world: &mut World<E>) {
    let mut expected = Vec::new();
    for (number, text) in TEXTS.iter().enumerate() {
        let begin = world.begin("s1", &format!("t{number}"), text);
        let begun = world.run(&begin);
        let Begun::Started { window, .. } = &begun else { panic!("{begun:?}") };
        assert_eq!(window.last(), Some(&begin.message));
        let finish = world.finish(&begin, &begun, text);
        world.run(&finish);
        let Begun::Replay { reply, .. } = world.run(&begin) else { panic!("no replay") };
        assert_eq!(reply, finish.reply);
        expected.extend([begin.message, finish.reply]);
    }
    assert_eq!(world.page("s1", 500, None).messages, expected);
}

pub(super) fn titles_keep_spaces_and_any_script<E: Executor>(world: &mut World<E>) {
    for (number, text) in TEXTS.iter().chain(&["  two  spaces  ", "-", "0 0 0 0 - x"]).enumerate() {
        let id = format!("s{number}");
        world.create(&id, "c", text);
        assert_eq!(world.session(&id).title, **text);
        assert_eq!(world.list(1, None).cards[0].title, **text);
        world.exchange(&id, "t", "text");
        assert_eq!(world.list(1, None).cards[0].title, **text);
        world.wait(chatkeep_model::Millis(1));
    }
}

pub(super) fn large_texts_come_back<E: Executor>(world: &mut World<E>) {
    let large = "Žluťoučký \"kůň\" 🐎\n".repeat(8_000);
    assert!(large.len() > 200_000);
    world.exchange("s1", "t1", &large);
    assert_eq!(world.contents("s1"), [large.clone(), large.to_uppercase()]);
    assert!(world.session("s1").title.starts_with("Žluťoučký"));
}
