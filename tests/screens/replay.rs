//! A recording on the screen: the watermark, the axis of time, the keys.

use gatemedic::session::replay::{Ask, Axis, Reel, Tape};

use super::*;

/// Where one stands in the recording of the memory kill and of its repair.
fn at(ask: Ask) -> Host {
    let knowledge = Knowledge::embedded();
    let (mut reel, mut host) =
        (Reel::new(Tape::whole(tapes::framed(&tapes::repaired()).concat())), Host::new());
    host.model = Model::of_recording();
    host.model.view.size = LARGE;
    reel.read_all(knowledge);
    reel.ask(&mut host.model, ask, knowledge);
    host
}

/// At the first failure.
pub fn failing() -> Host {
    at(Ask::FirstFailure)
}

/// Where its cause is known.
pub fn explained() -> Host {
    let knowledge = Knowledge::embedded();
    let bytes = tapes::framed(&tapes::repaired()).concat();
    let (mut reel, mut host) = (Reel::new(Tape::whole(bytes)), failing());
    reel.read_all(knowledge);
    while host.model.said.is_empty() {
        reel.ask(&mut host.model, Ask::NextChange, knowledge);
    }
    host.model.said.clear();
    reel.ask(&mut host.model, Ask::Forward, knowledge);
    host
}

fn done() -> Host {
    at(Ask::End)
}

fn damaged() -> Host {
    let mut host = at(Ask::End);
    let axis = host.model.replay.as_mut().unwrap();
    axis.lost.words = "3 records lost at byte 812".to_owned();
    axis.lost.records = 3;
    host
}

macro_rules! shows {
    ($name:ident, $host:expr, $size:expr, $keys:expr) => {
        #[test]
        fn $name() {
            let mut host = $host;
            host.event(&Event::Resize($size.0, $size.1));
            press(&mut host, $keys);
            insta::assert_snapshot!(text_of(&drawn(&mut host, $size)));
        }
    };
}

shows!(a_recording_at_its_first_failure, failing(), LARGE, "");
shows!(a_recording_on_a_usual_screen, failing(), MEDIUM, "");
shows!(a_recording_on_a_small_screen, damaged(), SMALL, "");
shows!(the_keys_of_a_recording, failing(), LARGE, "?");
shows!(what_was_done_in_a_recording, done(), LARGE, "9");
shows!(what_is_missing_of_a_recording, damaged(), MEDIUM, "0");
shows!(a_time_of_a_recording_is_asked_for, failing(), MEDIUM, "t");
shows!(the_timeline_of_a_recording, done(), MEDIUM, "5");

#[test]
fn the_states_along_the_axis_are_told_without_colour_and_in_ascii() {
    let host = failing();
    let look = Look { ascii: true, colour: false, ..look() };
    let text = text_of(&drawn_as(&host.model, LARGE, &look));
    assert!(text.is_ascii());
    assert!(text.lines().next().unwrap().contains("REPLAY"), "{text}");
    let axis = text.lines().rev().nth(2).unwrap();
    assert!(axis.contains('v') && axis.contains('#') && axis.contains('%'), "{axis}");
}

#[test]
fn a_screen_of_any_size_says_that_it_is_a_recording() {
    let mut host = failing();
    for width in [8, 20, 36, 40, 63, 64, 80, 200] {
        for height in [1, 7, 8, 11, 12, 19, 20, 50] {
            host.event(&Event::Resize(width, height));
            let text = text_of(&drawn_as(&host.model, (width, height), &look()));
            let first = text.lines().next().unwrap();
            assert!(first.contains("REPLAY"), "{width}x{height}: {first}");
        }
    }
}

#[test]
fn a_key_that_moves_in_time_asks_the_recording_and_is_unknown_to_a_live_session() {
    let mut host = failing();
    let asked = |model: &mut Model, c| update(model, &key(KeyCode::Char(c)), Knowledge::embedded());
    for (c, ask) in [
        (' ', Ask::Play),
        (']', Ask::Next),
        ('[', Ask::Previous),
        ('}', Ask::NextChange),
        ('{', Ask::PreviousChange),
        ('F', Ask::FirstFailure),
        ('>', Ask::Faster),
        ('<', Ask::Slower),
        ('^', Ask::Start),
        ('$', Ask::End),
    ] {
        assert!(asked(&mut host.model, c).contains(&Effect::Replay(ask)), "{c}");
        let live = asked(&mut oom().model, c);
        assert!(!live.iter().any(|effect| matches!(effect, Effect::Replay(_))), "{c}");
    }
}

#[test]
fn whatever_is_pressed_nothing_is_asked_of_a_machine() {
    let mut host = failing();
    let keys: Vec<char> = (' '..='~').chain(['\n', '\t', '\u{1b}']).collect();
    for first in &keys {
        for then in &keys {
            for c in [first, then] {
                let code = match c {
                    '\n' => KeyCode::Enter,
                    '\t' => KeyCode::Tab,
                    '\u{1b}' => KeyCode::Esc,
                    c => KeyCode::Char(*c),
                };
                for effect in update(&mut host.model, &key(code), Knowledge::embedded()) {
                    let harmless = matches!(
                        effect,
                        Effect::Draw
                            | Effect::Quit
                            | Effect::Continue
                            | Effect::ReadAudit
                            | Effect::Remember(_)
                            | Effect::Copy(_)
                            | Effect::Replay(_)
                    );
                    assert!(harmless, "{first:?} {then:?}: {effect:?}");
                }
            }
            host.model.view.layers.clear();
        }
    }
    assert!(host.model.recovery.run.is_none() && host.model.recovery.past.is_empty());
}

#[test]
fn an_axis_that_has_nothing_yet_is_drawn() {
    let mut host = failing();
    host.model.replay = Some(Box::new(Axis::default()));
    let text = text_of(&drawn_as(&host.model, LARGE, &look()));
    assert!(text.contains("0.0 s of 0.0 s"), "{text}");
}
