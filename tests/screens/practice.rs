//! The game, as a player sees it: the story, what is hidden, hints, the names, the score.

use gatemedic::{
    remedy::{Ending, Progress},
    session::{
        Event, Layer,
        practice::{Task, Traffic},
    },
    verification::{Judgement, Verdict},
};

use super::{LARGE, MEDIUM, SMALL, drawn, fixture::*, key, lines, press, recovery, text_of};
use gatemedic::session::KeyCode;

pub fn task() -> Task {
    let own = |text: &str| text.to_owned();
    Task {
        id: own("stopped"),
        title: own("Quiet after lunch"),
        level: 1,
        story: own(
            "14:02. The shop's phone rings: \"The pages with the prices say 502 Bad Gateway, since \
             a few minutes. The rest works.\"\n\nNobody has deployed anything today.",
        ),
        accepted: vec![own("app-unit-stopped")],
        choices: [
            "app-unit-stopped",
            "oom-cgroup-unit",
            "proxy-read-timeout",
            "upstream-port-wrong",
        ]
        .map(own)
        .to_vec(),
        hints: vec![
            own("The error line names a socket. Does anybody listen there? (2 shows the chain)"),
            own("7 lists the services: which of them does not run?"),
        ],
        herrings: vec![own("The backup failed too, but no request goes through it.")],
        senior: vec![
            own("Reads one error line: no such file. Nobody made the socket."),
            own("Looks who should: php8.2-fpm, and it is stopped, not failed."),
            own("Asks whether somebody stopped it on purpose, starts it, waits for the proof."),
        ],
        repairs: 1,
        in_a_row: 12,
        seed: None,
    }
}

/// A game whose story is on the screen.
pub fn told() -> Host {
    let mut host = recovery::acting(php_stopped());
    host.model.practise(task());
    host.event(&Event::Settle);
    host.event(&Event::Tick(Host::moment(NOW)));
    host.event(&Event::Settle);
    host
}

/// A game that has begun.
pub fn begun() -> Host {
    let mut host = told();
    press(&mut host, "\n");
    host
}

fn tick(host: &mut Host, secs: i64) {
    host.event(&Event::Tick(Host::moment(NOW + secs))).event(&Event::Settle);
}

fn answered(host: &mut Host, in_a_row: u64) {
    host.event(&Event::Traffic(Traffic { in_a_row, answered: in_a_row, failed: 9 }));
    host.event(&Event::Settle);
}

/// Names a cause by typing a part of it.
fn name(host: &mut Host, part: &str) {
    press(host, "pc");
    press(host, part);
    press(host, "\n");
    host.event(&Event::Settle);
}

fn hinted() -> Host {
    let mut host = begun();
    tick(&mut host, 40);
    name(&mut host, "timeout");
    press(&mut host, "h");
    host
}

/// A game that was won by a repair with its proof.
pub fn won() -> Host {
    let mut host = begun();
    host.event(&Event::Resize(120, 40));
    press(&mut host, "4");
    press(&mut host, "2");
    tick(&mut host, 35);
    name(&mut host, "stopped");
    press(&mut host, "\u{1b}1");
    press(&mut host, "r");
    recovery::ready(&mut host, None);
    press(&mut host, "y");
    for progress in [
        Progress::Recorded { sequence: 1 },
        Progress::Judged {
            judgement: Judgement {
                promises: Vec::new(),
                verdict: Some(Verdict::Fixed),
                holding_secs: None,
            },
            verdict: Verdict::Fixed,
        },
    ] {
        recovery::say(&mut host, progress);
    }
    answered(&mut host, 30);
    recovery::say(&mut host, Progress::End { ending: Ending::Verified });
    tick(&mut host, 58);
    host
}

shows!(the_story_of_a_game, told(), LARGE, "");
shows!(the_story_of_a_game_on_a_usual_screen, told(), MEDIUM, "");
shows!(the_story_of_a_game_on_a_small_screen, told(), SMALL, "");
shows!(a_hidden_ranking, begun(), LARGE, "");
shows!(a_hidden_ranking_on_a_usual_screen, begun(), MEDIUM, "");
shows!(a_hidden_ranking_on_a_small_screen, begun(), SMALL, "");
shows!(a_hint_after_a_wrong_name, hinted(), LARGE, "");
shows!(a_hint_after_a_wrong_name_on_a_small_screen, hinted(), SMALL, "");
shows!(the_names_of_causes, begun(), MEDIUM, "pc");
shows!(the_score, won(), LARGE, "\u{1b}");
shows!(the_score_on_a_usual_screen, won(), MEDIUM, "\u{1b}");
shows!(the_score_on_a_small_screen, won(), SMALL, "\u{1b}");

#[test]
fn nothing_on_any_view_gives_the_cause_away_while_it_is_hidden() {
    const SECRETS: [&str; 5] =
        ["app-unit-stopped", "The service is stopped", "start php", "start-unit", "confirmed"];
    for size in [LARGE, MEDIUM, SMALL] {
        for keys in [
            "", "1", "2", "3", "4", "5", "6", "7", "9", "0", "a", "2\n", "7\n", "p", "w", ":start",
            "?", "z",
        ] {
            let mut host = begun();
            host.event(&Event::Resize(size.0, size.1));
            press(&mut host, keys);
            let text = text_of(&drawn(&mut host, size));
            for secret in SECRETS {
                // What a person may always ask for of the selected row stands in its own list.
                if secret == "start php" && matches!(keys, "a" | ":start") {
                    continue;
                }
                assert!(!text.contains(secret), "{keys:?} shows {secret}:\n{text}");
            }
        }
    }
    let mut host = begun();
    press(&mut host, "r");
    assert!(host.model.view.layers.is_empty(), "the one key prepares nothing");
    let footer = lines(&drawn(&mut host, LARGE)).pop().unwrap();
    assert!(footer.contains("name the cause first: p"), "{footer}");
}

#[test]
fn a_right_name_opens_the_ranking_and_the_one_key() {
    let mut host = begun();
    name(&mut host, "stopped");
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("✓ Right: The service is stopped"), "{text}");
    press(&mut host, "\u{1b}");
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("app-unit-stopped") && text.contains(" r start php8.2-fpm"), "{text}");
}

#[test]
fn a_wrong_name_says_what_tells_it_apart_keeps_the_secret_and_is_not_offered_again() {
    let mut host = begun();
    name(&mut host, "timeout");
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("✗ Not this") && text.contains("How to tell it"), "{text}");
    assert!(!text.contains("app-unit-stopped"), "{text}");
    press(&mut host, "c");
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(!text.contains("proxy-read-timeout") && text.contains("app-unit-stopped"), "{text}");
}

#[test]
fn whoever_pays_sees_the_ranking_and_the_score_says_so() {
    let mut host = begun();
    press(&mut host, "ps");
    host.event(&Event::Settle);
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("app-unit-stopped"), "{text}");
    answered(&mut host, 12);
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("the ranking was shown to you"), "{text}");
}

#[test]
fn the_score_waits_for_the_proof_and_for_whoever_still_reads() {
    let mut host = begun();
    answered(&mut host, 11);
    assert!(host.model.view.layers.is_empty(), "not enough of them yet");
    press(&mut host, "2\n");
    answered(&mut host, 12);
    assert!(matches!(host.model.view.layers.last(), Some(Layer::Page { .. })), "it does not jump");
    let footer = lines(&drawn(&mut host, LARGE)).pop().unwrap();
    assert!(footer.starts_with(" p solved: the score"), "{footer}");
    host.event(&key(KeyCode::Esc));
    assert!(text_of(&drawn(&mut host, LARGE)).contains("of 100 points"));
}

#[test]
fn before_it_begins_only_the_story_has_keys() {
    let mut host = told();
    let before = text_of(&drawn(&mut host, LARGE));
    press(&mut host, "12345690arwpd?:\u{1b}");
    assert_eq!(before, text_of(&drawn(&mut host, LARGE)));
}

#[test]
fn the_keys_of_a_game_are_not_there_without_one() {
    let mut host = recovery::acting(php_stopped());
    press(&mut host, "p");
    assert!(host.model.view.layers.is_empty());
    press(&mut host, "?");
    assert!(!text_of(&drawn(&mut host, (120, 60))).contains("practice"));
}
