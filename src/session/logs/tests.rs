use proptest::prelude::*;

use crate::{
    evidence::lines::{Lines, Pinned},
    observation::{
        Boot, LogLine, Moment, Observation, Origin, Program, Seen, SourceId, Text, Wall,
    },
    session::{Effect, Event, Key as Stroke, KeyCode, Knowledge, Model, Place, update},
};

use super::{Filter, Key, Logs, Pattern};

/// A view whose ring forgets early.
fn small() -> Model {
    let mut model = Model::new();
    model.case.lines = Lines::bounded(40, 1 << 20, 8);
    model.view.size = (100, 30);
    model.view.place = Place::Logs;
    model
}

fn see(model: &mut Model, at: i64, text: &str) {
    let line = LogLine {
        program: Program::Application,
        origin: Origin::File(Text::new("/var/log/app.log")),
        gateway: None,
        at: Some(Wall::from_secs(at)),
        text: Text::new(text),
    };
    let at = Moment { wall: Wall::from_secs(1_000), boot: Boot(0) };
    let seen = Observation { at, source: SourceId::Logs, seen: Seen::Log(line) };
    fold(model, &Event::Seen(Box::new(seen)));
}

/// Folds an event and whatever it asks to go on with.
fn fold(model: &mut Model, event: &Event) -> Vec<Effect> {
    let mut effects = update(model, event, Knowledge::embedded());
    let mut all = effects.clone();
    while effects.contains(&Effect::Continue) {
        effects = update(model, &Event::Continue, Knowledge::embedded());
        all.extend(effects.clone());
    }
    all
}

fn press(model: &mut Model, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for c in keys.chars() {
        let code = match c {
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            '\u{8}' => KeyCode::Backspace,
            c => KeyCode::Char(c),
        };
        effects.extend(fold(model, &Event::Key(Stroke { code, control: false })));
    }
    effects
}

fn texts(model: &Model) -> Vec<String> {
    let logs = &model.view.logs;
    let line = |key| logs.line(&model.case.lines, key).map(|line| line.raw.to_owned());
    logs.rows.from(0).map(|row| line(row.key).unwrap_or_default()).collect()
}

fn selected(model: &Model) -> Option<String> {
    let logs = &model.view.logs;
    logs.line(&model.case.lines, logs.here()?).map(|line| line.raw.to_owned())
}

/// Every line that is kept or marked, filtered one by one.
fn naive(logs: &Logs, lines: &Lines) -> Vec<Key> {
    let kept = logs.lines(lines).since(0).filter(|line| {
        let text = [line.raw, line.source.name.as_str(), line.level.as_str()].join("\n");
        logs.filters.iter().all(|f| f.pattern.spans(&text).is_empty() == f.out)
    });
    let marked = logs.bookmarks.values().filter_map(Pinned::line);
    let mut keys: Vec<Key> = kept.map(|l| Key::of(&l)).chain(marked.map(|l| Key::of(&l))).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

#[derive(Clone, Debug)]
enum Deed {
    Line(i64, String),
    Keys(&'static str),
}

fn deed() -> impl Strategy<Value = Deed> {
    let keys = [
        "k", "j", "g", "G", " ", "b", "z", "'", "\"", "e", "E", "x", "f", "+a\n", "-b\n", "+c|d\n",
        "-error\n", "/a\n", "n", "N", "\u{1b}4", "14", "1", "+(\u{1b}", "-\u{8}\n",
    ];
    prop_oneof![
        4 => (0_i64..40, "[abcd]{1,3}( error:)?").prop_map(|(at, text)| Deed::Line(at, text)),
        2 => proptest::sample::select(keys.to_vec()).prop_map(Deed::Keys),
    ]
}

proptest! {
    #[test]
    fn the_rows_are_those_that_one_by_one_pass_the_filters(
        deeds in proptest::collection::vec(deed(), 1..160),
    ) {
        let mut model = small();
        for deed in deeds {
            match deed {
                Deed::Line(at, text) => see(&mut model, at, &text),
                Deed::Keys(keys) => drop(press(&mut model, keys)),
            }
            let shown = model.shown();
            let (logs, lines) = (&model.view.logs, &shown.case.lines);
            if model.view.place != Place::Logs {
                continue;
            }
            let rows: Vec<Key> = logs.rows.from(0).map(|row| row.key).collect();
            let every = naive(logs, lines);
            if logs.folded {
                prop_assert!(rows.iter().all(|key| every.contains(key)));
                prop_assert!(rows.is_sorted_by(|one, next| one < next));
            } else {
                prop_assert_eq!(&rows, &every);
            }
            let stood_for: u32 = logs.rows.from(0).map(|row| row.times).sum();
            prop_assert_eq!(stood_for as usize, every.len());
            prop_assert_eq!(logs.rows.lines(), every.len());
            let all = logs.rows.slices().values();
            let (lines_of, errors) = all.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            prop_assert_eq!(lines_of as usize, every.len());
            prop_assert_eq!(errors as usize, logs.rows.errors());
            let hits = logs.rows.from(0).filter(|row| row.hit).count();
            prop_assert_eq!(hits, logs.rows.hits());
            let height = 10;
            let (first, at) = (logs.first(height), logs.position());
            prop_assert!(first <= at && at < first + height);
        }
    }

    #[test]
    fn the_cursor_stays_on_its_line_while_lines_come_and_go(
        before in 5_usize..60, up in 1_usize..30, after in proptest::collection::vec(0_i64..40, 0..120),
    ) {
        let mut model = small();
        for n in 0..before {
            see(&mut model, 20, &format!("line {n}"));
        }
        press(&mut model, &"k".repeat(up));
        let chosen = selected(&model);
        prop_assert!(chosen.is_some());
        for at in &after {
            see(&mut model, *at, "more");
            prop_assert_eq!(&selected(&model), &chosen);
        }
        prop_assert_eq!(model.view.logs.waiting, after.len() as u64);
    }
}

#[test]
fn new_lines_are_followed_until_somebody_looks_up_and_then_they_wait() {
    let mut model = small();
    for n in 0..5 {
        see(&mut model, 20 + n, &format!("line {n}"));
    }
    assert_eq!(selected(&model).as_deref(), Some("line 4"));
    press(&mut model, "k");
    see(&mut model, 60, "new");
    assert_eq!(selected(&model).as_deref(), Some("line 3"));
    assert_eq!((model.view.logs.waiting, texts(&model).len()), (1, 5));
    press(&mut model, "G");
    assert_eq!(selected(&model).as_deref(), Some("new"));
    assert!(model.view.logs.is_following());
}

#[test]
fn only_lines_that_pass_the_filters_are_counted_as_waiting() {
    let mut model = small();
    press(&mut model, "+timeout\n ");
    see(&mut model, 1, "a timeout");
    see(&mut model, 1, "a refusal");
    assert_eq!(model.view.logs.waiting, 1);
}

#[test]
fn late_lines_stand_where_their_time_is() {
    let mut model = small();
    for (at, text) in [(30, "c"), (10, "a"), (20, "b"), (40, "d")] {
        see(&mut model, at, text);
    }
    assert_eq!(texts(&model), ["a", "b", "c", "d"]);
}

#[test]
fn a_wrong_pattern_is_said_while_it_is_typed_and_is_not_taken() {
    let mut model = small();
    see(&mut model, 1, "a");
    press(&mut model, "+a(");
    let flaw = |model: &Model| match model.view.layers.last() {
        Some(crate::session::Layer::Logs { flaw, .. }) => flaw.clone(),
        _ => "closed".to_owned(),
    };
    assert_eq!(flaw(&model), "unclosed group");
    press(&mut model, "\n");
    assert_eq!(flaw(&model), "unclosed group");
    press(&mut model, ")");
    assert_eq!(flaw(&model), "");
    press(&mut model, "\n");
    assert_eq!(model.view.logs.filters.len(), 1);
    // Backspace in an empty input takes it back, to be typed anew.
    press(&mut model, "+\u{8}");
    assert!(model.view.logs.filters.is_empty());
    press(&mut model, "\u{8}\u{8}\n");
    assert_eq!(model.view.logs.filters.first().map(|f| f.pattern.source()), Some("a"));
}

#[test]
fn a_bookmark_outlives_the_ring_and_the_filters() {
    let mut model = small();
    see(&mut model, 1, "the one");
    press(&mut model, "bf-the one\n");
    for n in 0..200 {
        see(&mut model, 10, &format!("line {n}"));
    }
    assert!(model.case.lines.get(0).is_none());
    assert_eq!(texts(&model).first().map(String::as_str), Some("the one"));
    press(&mut model, "\"");
    assert_eq!(selected(&model).as_deref(), Some("the one"));
    press(&mut model, "b");
    assert_ne!(texts(&model).first().map(String::as_str), Some("the one"));
}

#[test]
fn a_mark_is_set_where_the_cursor_is_seen_also_when_its_line_was_filtered_away() {
    let mut model = small();
    for (at, text) in [(1, "b"), (2, "c")] {
        see(&mut model, at, text);
    }
    press(&mut model, "g-b\nb");
    assert_eq!(texts(&model), ["c"]);
    let marked = model.view.logs.bookmarks.values().filter_map(Pinned::line);
    assert_eq!(marked.map(|line| line.raw.to_owned()).collect::<Vec<_>>(), ["c"]);
}

#[test]
fn errors_are_found_in_both_directions_and_the_end_is_said() {
    let mut model = small();
    for (at, text) in [(1, "a"), (2, "ERROR b"), (3, "c"), (4, "FATAL d"), (5, "e")] {
        see(&mut model, at, text);
    }
    press(&mut model, "E");
    assert_eq!(selected(&model).as_deref(), Some("FATAL d"));
    press(&mut model, "E");
    assert_eq!(selected(&model).as_deref(), Some("ERROR b"));
    press(&mut model, "E");
    assert_eq!(model.view.logs.said, "no earlier error");
    press(&mut model, "e");
    assert_eq!(selected(&model).as_deref(), Some("FATAL d"));
}

#[test]
fn lines_that_say_the_same_within_ten_seconds_are_one_row_and_each_again_on_the_same_key() {
    let mut model = small();
    for n in 0..4 {
        see(
            &mut model,
            20 + n,
            &format!("*{n} connect() failed (111: refused), client: 192.0.2.{n}"),
        );
        see(&mut model, 20 + n, &format!("request {n}abc took {n} ms"));
    }
    see(&mut model, 25, "shop.service: stopped");
    see(&mut model, 31, "request 9 took 9 ms");
    press(&mut model, "z");
    let rows: Vec<_> = model.view.logs.rows.from(0).map(|row| row.times).collect();
    assert_eq!(rows, [4, 4, 1, 1]);
    assert_eq!(texts(&model).get(2).map(String::as_str), Some("shop.service: stopped"));
    see(&mut model, 26, "request 5 took 70 ms");
    assert_eq!(model.view.logs.rows.get(1).map(|row| row.times), Some(5));
    press(&mut model, "z");
    assert_eq!(texts(&model).len(), 11);
}

#[test]
fn a_search_finds_what_only_a_folded_line_says() {
    let mut model = small();
    for n in 0..6 {
        see(&mut model, 20, &format!("request {n} failed"));
    }
    see(&mut model, 21, "the end");
    press(&mut model, "z/request 4\n");
    assert_eq!(model.view.logs.rows.hits(), 1);
    assert_eq!(selected(&model).as_deref(), Some("request 0 failed"));
    press(&mut model, "z");
    assert_eq!(model.view.logs.rows.hits(), 1);
}

#[test]
fn a_folded_row_stands_for_the_lines_that_are_still_kept() {
    let mut model = small();
    press(&mut model, "z");
    for n in 0..120 {
        see(&mut model, 20, &format!("line {n}"));
    }
    let kept = model.case.lines.since(0).count();
    assert!(kept < 120);
    let rows = &model.view.logs.rows;
    assert_eq!((rows.len(), rows.lines()), (1, kept));
    assert!(!texts(&model).contains(&String::new()), "its line is there");
}

#[test]
fn a_time_is_gone_to_and_one_that_is_not_kept_is_said() {
    let mut model = small();
    // All of it is in the first quarter of an hour of 1970, and so is now.
    for minute in 0..10 {
        see(&mut model, minute * 60, &format!("minute {minute}"));
    }
    press(&mut model, "t00:05\n");
    assert_eq!(selected(&model).as_deref(), Some("minute 5"));
    press(&mut model, "t-11m\n");
    assert_eq!(selected(&model).as_deref(), Some("minute 6"));
    press(&mut model, "t1969-12-31 23:00\n");
    assert_eq!(selected(&model).as_deref(), Some("minute 0"));
    assert_eq!(model.view.logs.said, "no line that old is kept: this is the oldest");
}

#[test]
fn what_is_copied_is_the_bookmarks_or_else_the_line_and_holds_no_secret() {
    let mut model = small();
    see(&mut model, 1, "login password=hunter2 \u{1b}[2J");
    see(&mut model, 2, "other");
    let copied = |effects: Vec<Effect>| {
        effects.into_iter().find_map(|effect| match effect {
            Effect::Copy(clip) => Some(clip.text().to_owned()),
            _ => None,
        })
    };
    assert_eq!(
        copied(press(&mut model, "c")).as_deref(),
        Some("1970-01-01T00:00:02Z app.log other\n")
    );
    let text = copied(press(&mut model, "kbfc")).unwrap_or_default();
    assert_eq!(text, "1970-01-01T00:00:01Z app.log login password=[redacted] ␛[2J\n");
    // Nothing is copied without that key.
    assert!(copied(press(&mut model, "kjgG \n\u{1b}e/a\nn")).is_none());
}

#[test]
fn a_changed_filter_looks_at_the_whole_ring_in_steps_and_says_how_far_it_is() {
    let mut model = small();
    model.case.lines = Lines::default();
    for n in 0..3_000 {
        see(&mut model, n, &format!("line {n} {}", "x".repeat(300)));
    }
    for c in "+7 x\n".chars() {
        let code = if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) };
        update(&mut model, &Event::Key(Stroke { code, control: false }), Knowledge::embedded());
    }
    let progress = model.view.logs.progress(&model.case.lines);
    assert!(progress.is_some_and(|percent| percent < 100), "{progress:?}");
    fold(&mut model, &Event::Continue);
    assert_eq!(model.view.logs.progress(&model.case.lines), None);
    assert_eq!(model.view.logs.rows.len(), 300);
}

#[test]
fn lines_that_were_lost_are_never_filtered_away() {
    let mut model = small();
    let gap = crate::observation::Gap {
        source: SourceId::Logs,
        what: Text::new("/var/log/app.log"),
        lines: 7,
        bytes: 0,
        why: Text::new("too fast"),
    };
    let at = Moment::default();
    let seen = Observation { at, source: SourceId::Logs, seen: Seen::Gap(gap) };
    fold(&mut model, &Event::Seen(Box::new(seen)));
    let none = Filter { out: false, pattern: Pattern::new("nothing has this").unwrap() };
    model.view.logs.filters.push(none);
    model.view.logs.refilter();
    fold(&mut model, &Event::Settle);
    assert_eq!(texts(&model).len(), 1);
}

#[test]
fn a_view_that_nobody_looks_at_holds_no_rows() {
    let mut model = small();
    see(&mut model, 1, "a");
    press(&mut model, "1");
    assert!(model.view.logs.rows.is_empty());
    see(&mut model, 2, "b");
    press(&mut model, "4");
    assert_eq!(texts(&model), ["a", "b"]);
}

/// A view with so much text that no search looks at all of it at once.
fn large() -> Model {
    let mut model = small();
    model.case.lines = Lines::default();
    see(&mut model, 1, "the needle");
    for at in 2..200 {
        see(&mut model, at, &"ab".repeat(3_000));
    }
    model
}

#[test]
fn a_search_that_takes_long_lets_keys_through_and_still_ends_at_the_match() {
    let mut model = large();
    press(&mut model, "/needl");
    let key = |c| Event::Key(Stroke { code: c, control: false });
    let typed = update(&mut model, &key(KeyCode::Char('e')), Knowledge::embedded());
    assert!(typed.contains(&Effect::Continue), "there is more to look at");
    // Nobody waits with the next key until all has been looked at.
    update(&mut model, &key(KeyCode::Enter), Knowledge::embedded());
    assert_eq!(model.view.logs.said, "", "nothing is called missing before it was looked for");
    fold(&mut model, &Event::Continue);
    assert_eq!(model.view.logs.rows.hits(), 1);
    let here = model.view.logs.here().unwrap();
    assert!(model.view.logs.line(&model.case.lines, here).unwrap().raw.contains("needle"));
}

#[test]
fn a_pattern_that_is_hard_to_match_is_held_against_fewer_lines_at_once() {
    let hits = |pattern: &str| {
        let mut model = large();
        let pattern = Pattern::new(pattern).unwrap();
        let lines = model.case.lines.clone();
        model.view.logs.look_for(&lines, Some(pattern));
        model.view.logs.rows.hits()
    };
    assert!(hits("b") > 30, "{}", hits("b"));
    assert!((1..10).contains(&hits("b{1,9}")), "{}", hits("b{1,9}"));
}
