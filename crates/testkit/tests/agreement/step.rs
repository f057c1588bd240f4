//! The steps of a sequence, and how a seed determines them. A step names what came before by number, so that a sequence
//! stays playable when steps are taken out of it.

use chatkeep_model::Millis;
use chatkeep_testkit::random::Random;

/// One step.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Limits {
        ttl: Millis,
        undo: Millis,
        window: u64,
        messages_per_session: u64,
        session_bytes: u64,
        sessions_per_owner: u64,
        owner_bytes: u64,
        /// The turns of a minute; none for any number.
        turns: Option<u64>,
    },
    Begin {
        session: u64,
        turn: u64,
        attempt: u64,
        twist: BeginTwist,
    },
    Finish {
        which: u64,
        twist: FinishTwist,
    },
    Release {
        which: u64,
        by_another: bool,
        /// It is renewed instead.
        renews: bool,
    },
    Create {
        session: u64,
        operation: String,
        title: &'static str,
    },
    Delete {
        session: u64,
        /// Its id is one of a few, or it has none.
        operation: Option<u64>,
    },
    /// A write that isn't a turn, under one of a few operation ids.
    Write {
        session: u64,
        operation: u64,
        kind: Write,
        /// Which of its few possible contents.
        value: u64,
    },
    /// Texts of a session are replaced by others.
    Reseal {
        session: u64,
        value: u64,
    },
    /// An operation that was sent before arrives once more, with its own time or sent again now.
    Repeat {
        which: u64,
        late: bool,
    },
    /// A session goes so many steps of its way to another owner, or comes from there.
    Carry {
        session: u64,
        back: bool,
        steps: u64,
    },
    Wait(Millis),
    ReadPage {
        session: u64,
        limit: u64,
        before: u64,
    },
    ReadPages {
        limit: u64,
    },
    /// So many whole turns, each of an id of its own.
    Burst {
        session: u64,
        turns: u64,
    },
}

/// The writes that aren't turns.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Write {
    Append,
    Fork,
    Import,
    Patch,
    Restore,
    Summarise,
    Touch,
    Truncate,
    State,
}

/// What is unusual about a begin.
#[derive(Debug, Clone, Copy)]
pub(crate) enum BeginTwist {
    None,
    Existing,
    OtherText,
    OtherMessageId,
    LongText(u64),
    LargeText(u64),
    CutAfter(u64),
    /// The message of one of the turns is replaced, where it is there.
    Edit(u64),
    /// The message of one of the turns, or its reply, is gone back to.
    Answer(u64),
}

/// What is unusual about a finish.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FinishTwist {
    None,
    OtherAttempt,
    OtherSession(u64),
    OtherPosition(u64),
    OtherMessageId,
    LargeReply(u64),
}

/// A sequence: the limits, then 20 to 60 steps.
pub(crate) fn sequence(random: &mut Random) -> Vec<Step> {
    let ttl = random.pick(&[600_000, 3_600_000, 604_800_000]);
    let large_texts = random.percent(2);
    let bursts = random.percent(4);
    let mut steps = vec![limits(random, ttl)];
    for _ in 0..random.within(20..60) {
        if random.percent(3) {
            steps.extend(takeover(random));
        } else if random.percent(2) {
            steps.extend(there_and_back(random, ttl));
        } else {
            steps.push(step(random, ttl, large_texts, bursts));
        }
    }
    steps
}

fn limits(random: &mut Random, ttl: u64) -> Step {
    Step::Limits {
        ttl: Millis(ttl),
        undo: Millis(random.pick(&[60_000, 600_000])),
        window: random.pick(&[1, 2, 3, 5, 20]),
        messages_per_session: random.pick(&[2, 3, 4, 7, 20, 1000, 1000]),
        // A message of a sequence has 90 to 110 bytes, some have a thousand.
        session_bytes: random.pick(&[50_000_000, 50_000_000, 50_000_000, 1, 250, 600, 1500, 4000]),
        sessions_per_owner: random.pick(&[1, 2, 3, 10_000, 10_000, 10_000]),
        // A session has a kilobyte and what is in it.
        owner_bytes: random.pick(&[0, 1 << 30, 1 << 30, 1 << 30, 1 << 30, 1 << 30, 1_000, 2_300, 5_000, 80_000]),
        turns: random.pick(&[None, None, None, Some(1), Some(3)]),
    }
}

fn step(random: &mut Random, ttl: u64, large_texts: bool, bursts: bool) -> Step {
    let session = random.within(0..4);
    // Most of what is late or repeated concerns the latest.
    let which = if random.percent(60) { random.within(0..3) } else { random.within(0..100) };
    match random.within(0..100) {
        0..22 => Step::Begin {
            session: if random.percent(50) { 0 } else { session },
            turn: random.within(0..8),
            attempt: if random.percent(70) { 0 } else { random.within(0..3) },
            twist: begin_twist(random, large_texts),
        },
        22..40 => Step::Finish { which, twist: finish_twist(random, large_texts) },
        40..43 => Step::Release { which, by_another: random.percent(20), renews: which % 2 == 1 },
        43..46 => Step::Create {
            session,
            operation: match random.within(0..10) {
                0 => "t0".to_owned(),
                1 | 2 => format!("o{}", random.within(0..12)),
                _ => format!("c{}", random.within(0..2)),
            },
            title: random.pick(&["", "Title", "two  spaces ", "Žluťoučký kůň 🐎"]),
        },
        46..50 => Step::Delete { session, operation: random.percent(60).then(|| random.within(0..8)) },
        50..66 => Step::Write {
            session: if random.percent(40) { 0 } else { session },
            operation: random.within(0..7),
            kind: random.pick(&[
                Write::Append,
                Write::Append,
                Write::Fork,
                Write::Import,
                Write::Patch,
                Write::Restore,
                Write::Restore,
                Write::Summarise,
                Write::Summarise,
                Write::Touch,
                Write::Truncate,
                Write::Truncate,
                Write::State,
                Write::State,
            ]),
            // Often the same, so that keys are used again with the same request and with another one.
            value: if random.percent(50) { random.pick(&[0, 1, 7, 7]) } else { random.within(0..1000) },
        },
        66..76 => Step::Repeat { which, late: random.percent(60) },
        76..84 => Step::Carry { session, back: random.percent(50), steps: random.within(1..7) },
        84..90 => Step::Wait(wait(random, ttl)),
        90..92 => Step::Reseal { session, value: random.within(0..1000) },
        92..94 => Step::ReadPage { session, limit: random.within(1..6), before: random.within(0..20) },
        94..96 => Step::ReadPages { limit: random.within(1..4) },
        96..98 if bursts => Step::Burst { session, turns: random.pick(&[1, 5, 60, 127, 128, 140]) },
        _ => limits(random, ttl),
    }
}

/// Two attempts at one turn around the end of the first one's lease, and what both make of it.
fn takeover(random: &mut Random) -> Vec<Step> {
    let (session, turn) = (random.within(0..4), random.within(0..8));
    let begin = |attempt| Step::Begin { session, turn, attempt, twist: BeginTwist::None };
    let finish = |which| Step::Finish { which, twist: FinishTwist::None };
    let wait = Step::Wait(Millis(120_000 - 1 + random.within(0..3)));
    vec![begin(0), wait, begin(1), finish(random.within(0..2)), finish(random.within(0..2))]
}

/// A session goes to another owner and comes back, is deleted or expires, and a step of its way arrives once more.
fn there_and_back(random: &mut Random, ttl: u64) -> Vec<Step> {
    let session = random.within(0..4);
    let carry = |back| Step::Carry { session, back, steps: 9 };
    let end = if random.percent(50) { Step::Delete { session, operation: None } } else { Step::Wait(Millis(ttl)) };
    vec![
        Step::Begin { session, turn: 9, attempt: 0, twist: BeginTwist::None },
        Step::Finish { which: 0, twist: FinishTwist::None },
        carry(false),
        Step::Wait(Millis(600_000)),
        carry(true),
        end,
        Step::Repeat { which: random.within(0..4), late: false },
    ]
}

/// Mostly the edges of what depends on time.
fn wait(random: &mut Random, ttl: u64) -> Millis {
    let lease = 120_000;
    let edges = [lease, lease, 60_000, 600_000, ttl / 60, ttl / 8, ttl / 8, ttl / 4, ttl / 2, ttl / 2, ttl, ttl];
    Millis(match random.within(0..10) {
        0 => 0,
        1 => 1,
        2..5 => random.within(1..30_000),
        5 => random.within(1..ttl),
        _ => random.pick(&edges) - 1 + random.within(0..3),
    })
}

fn begin_twist(random: &mut Random, large_texts: bool) -> BeginTwist {
    match random.within(0..100) {
        0..10 => BeginTwist::Existing,
        10..15 => BeginTwist::OtherText,
        15..20 => BeginTwist::OtherMessageId,
        75..84 => BeginTwist::LongText(random.pick(&[300, 1000])),
        84..92 => BeginTwist::CutAfter(random.within(0..10)),
        92..96 => BeginTwist::Edit(random.within(0..8)),
        96..100 => BeginTwist::Answer(random.within(0..16)),
        20..50 if large_texts => BeginTwist::LargeText(large(random)),
        _ => BeginTwist::None,
    }
}

fn finish_twist(random: &mut Random, large_texts: bool) -> FinishTwist {
    match random.within(0..100) {
        0..4 => FinishTwist::OtherAttempt,
        4..7 => FinishTwist::OtherSession(random.within(0..4)),
        7..11 => FinishTwist::OtherPosition(random.within(0..12)),
        11..15 => FinishTwist::OtherMessageId,
        20..40 if large_texts => FinishTwist::LargeReply(large(random)),
        _ => FinishTwist::None,
    }
}

/// Around what fits into a reply: a megabyte, twice a half, three times a third.
fn large(random: &mut Random) -> u64 {
    let whole = 1_048_576;
    random.pick(&[whole, whole / 2, whole / 3]) - random.within(0..250)
}
