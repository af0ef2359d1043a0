//! Hostile text in every field of everything that can be seen: recorded incidents, in which each
//! string that may hold free text does, drawn in every view and layer through the backend that
//! writes to the terminal.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use gatemedic::{
    observation::{Observation, Text},
    remedy::{Check, Digest, Ending, Guard, Progress},
    session::{
        AuditLine, Draft, Event, FileAt, Key, KeyCode, Knowledge, Layer, Model, Powers, update,
    },
    tui::{Look, Paper, Snapshot, draw, edit},
};
use jiff::tz::TimeZone;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use ratatui::Terminal;
use serde_json::Value;

use super::{
    corpus::CORPUS,
    oracle::{Stream, assert_ours},
};

const SIZES: [(u16, u16); 4] = [(120, 40), (200, 50), (80, 24), (40, 15)];
/// Keys that open views and layers, and keys inside of them.
const FIRST: [&str; 19] =
    ["", "1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "?", "a", "w", "r", "d", "A", "e", "z"];
const THEN: [&str; 10] = ["", "\n", "j\n", "jj\n", "G\n", "?", "y", "/x", "\nG", " "];

/// Makes every string hostile that may be, and knows which may.
struct Poison<'a> {
    /// What is added to a string; the same to the same.
    payload: &'a mut dyn FnMut(&str) -> String,
    /// Whether a place (a path without its indices) takes free text.
    takes: HashMap<String, bool>,
    given: HashMap<String, String>,
    bytes: usize,
}

impl<'a> Poison<'a> {
    fn new(payload: &'a mut dyn FnMut(&str) -> String) -> Self {
        Self { payload, takes: HashMap::new(), given: HashMap::new(), bytes: 0 }
    }

    fn hostile(&mut self, original: &str) -> String {
        let payload = &mut self.payload;
        let made = self.given.entry(original.to_owned()).or_insert_with(|| payload(original));
        self.bytes += made.len();
        format!("{original}{made}")
    }

    fn observation(&mut self, line: &str) -> Observation {
        let mut value: Value = serde_json::from_str(line).unwrap();
        let mut places = Vec::new();
        collect(&value, &mut String::new(), &mut Vec::new(), &mut places);
        for (pattern, steps) in places {
            if self.takes.get(&pattern) == Some(&false) {
                continue;
            }
            let place = leaf(&mut value, &steps);
            let original = place.as_str().unwrap().to_owned();
            *place = Value::String(self.hostile(&original));
            let known = self.takes.contains_key(&pattern);
            let takes = known || serde_json::from_value::<Observation>(value.clone()).is_ok();
            if !known {
                self.takes.insert(pattern, takes);
            }
            if !takes {
                *leaf(&mut value, &steps) = Value::String(original);
            }
        }
        // A place may take some strings only, as a name of a unit does.
        serde_json::from_value(value).unwrap_or_else(|_| serde_json::from_str(line).unwrap())
    }
}

#[derive(Clone)]
enum Step {
    Name(String),
    Index(usize),
}

fn collect(
    value: &Value,
    pattern: &mut String,
    steps: &mut Vec<Step>,
    places: &mut Vec<(String, Vec<Step>)>,
) {
    let length = pattern.len();
    match value {
        Value::String(_) => places.push((pattern.clone(), steps.clone())),
        Value::Array(items) => {
            pattern.push_str("/*");
            for (index, item) in items.iter().enumerate() {
                steps.push(Step::Index(index));
                collect(item, pattern, steps, places);
                steps.pop();
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                pattern.push('/');
                pattern.push_str(name);
                steps.push(Step::Name(name.clone()));
                collect(field, pattern, steps, places);
                steps.pop();
                pattern.truncate(length);
            }
        }
        _ => {}
    }
    pattern.truncate(length);
}

fn leaf<'v>(value: &'v mut Value, steps: &[Step]) -> &'v mut Value {
    steps.iter().fold(value, |value, step| match step {
        Step::Name(name) => &mut value[name.as_str()],
        Step::Index(index) => &mut value[*index],
    })
}

fn incidents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/incidents");
    let all = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path().join("events.jsonl"));
    let mut all: Vec<PathBuf> = all.filter(|path| path.is_file()).collect();
    all.sort();
    all
}

fn knowledge() -> Knowledge {
    Knowledge::embedded().typing(edit)
}

fn poisoned(incident: &Path, poison: &mut Poison<'_>) -> Model {
    let mut model = Model::new();
    model.powers = Powers::Act;
    let text = fs::read_to_string(incident).unwrap();
    for line in text.lines().skip(1) {
        let observation = poison.observation(line);
        update(&mut model, &Event::Seen(Box::new(observation)), knowledge());
    }
    update(&mut model, &Event::Settle, knowledge());
    let evil = |poison: &mut Poison<'_>| Text::new(poison.hostile("who"));
    let line = AuditLine {
        sequence: 1,
        at: model.case.now.wall,
        who: evil(poison),
        what: evil(poison),
        result: evil(poison),
        intact: true,
        detail: gatemedic::session::AuditDetail::default(),
    };
    update(&mut model, &Event::Audit(Ok(vec![line])), knowledge());
    model.host = poison.hostile("host");
    model.playbook_flaws = vec![poison.hostile("flaw")];
    model.broken_off = vec![poison.hostile("edit")];
    model.unfinished = vec![evil(poison)];
    model
}

fn press(model: &mut Model, keys: &str) {
    for c in keys.chars() {
        let code = match c {
            '\n' => KeyCode::Enter,
            c => KeyCode::Char(c),
        };
        update(model, &Event::Key(Key { code, control: false }), knowledge());
    }
}

/// A canvas that stays, so that frames are differences as they are on a terminal.
struct Screen {
    canvas: Terminal<Paper>,
    look: Look,
    terminal: vt100::Parser,
}

impl Screen {
    fn new(size: (u16, u16), poison: &mut Poison<'_>) -> Self {
        let look = Look {
            ascii: false,
            colour: true,
            depth: gatemedic::tui::Depth::True,
            themes: gatemedic::tui::Theme::embedded().into(),
            zone: TimeZone::UTC,
            host: poison.hostile("host"),
            user: poison.hostile("user"),
        };
        let canvas = Terminal::new(Paper::new(move || size)).unwrap();
        let count = |n: u16| n.try_into().unwrap();
        Self { canvas, look, terminal: vt100::Parser::new(count(size.1), count(size.0), 0) }
    }

    fn shows(&mut self, model: &Model) {
        let snapshot = Snapshot { model, look: &self.look };
        self.canvas.draw(|frame| draw(frame, &snapshot)).unwrap();
        let bytes = self.canvas.backend_mut().take();
        assert_ours(&bytes, Stream::Frames);
        self.terminal.process(&bytes);
    }
}

/// Draws an incident wherever keys lead; how many hostile bytes were in it.
fn walk(
    incident: &Path,
    payload: &mut dyn FnMut(&str) -> String,
    sizes: &[(u16, u16)],
    thens: &[&str],
) -> usize {
    let mut poison = Poison::new(payload);
    let model = poisoned(incident, &mut poison);
    let mut screens: Vec<Screen> = sizes.iter().map(|s| Screen::new(*s, &mut poison)).collect();
    for (round, first) in FIRST.iter().enumerate() {
        for (turn, then) in thens.iter().enumerate() {
            let size = sizes[(round + turn) % sizes.len()];
            let mut model = model.clone();
            update(&mut model, &Event::Resize(size.0, size.1), knowledge());
            press(&mut model, first);
            press(&mut model, then);
            screens[(round + turn) % sizes.len()].shows(&model);
        }
    }
    layers_of_acting(&model, &mut screens[0], &mut poison);
    poison.bytes
}

/// What an executor says, a file that is edited, and what is typed and pasted.
fn layers_of_acting(model: &Model, screen: &mut Screen, poison: &mut Poison<'_>) {
    let mut acting = model.clone();
    update(&mut acting, &Event::Resize(120, 40), knowledge());
    press(&mut acting, "r");
    for progress in [
        Progress::TakesBack { what: poison.hostile("what"), words: vec![poison.hostile("w")] },
        Progress::Checked { check: Check::note(Guard::Memory, poison.hostile("note")) },
        Progress::Diff {
            file: Text::new(poison.hostile("file")),
            lines: vec![Text::new(poison.hostile("+line")), Text::new(poison.hostile("-line"))],
        },
        Progress::Ready {
            digest: Digest::of(b"x"),
            nonce: poison.hostile("n"),
            type_name: Some(poison.hostile("name")),
        },
        Progress::Captured { folder: Text::new(poison.hostile("folder")) },
        Progress::Done { step: 0, words: poison.hostile("done") },
        Progress::Refused { why: poison.hostile("why"), by_hand: vec![poison.hostile("command")] },
        Progress::End { ending: Ending::Refused },
    ] {
        update(&mut acting, &Event::Progress(Box::new(progress)), knowledge());
        screen.shows(&acting);
    }
    update(&mut acting, &Event::Lost(poison.hostile("lost")), knowledge());
    screen.shows(&acting);

    let mut editing = model.clone();
    update(&mut editing, &Event::Resize(120, 40), knowledge());
    let lines: Vec<String> = (0..20).map(|_| poison.hostile("line")).collect();
    let mut at = FileAt::default();
    at.place.file = Text::new(poison.hostile("/etc/nginx/x"));
    editing.draft = Some(Draft { at, base: Some(lines.join("\n")), lines, ..Draft::default() });
    editing.view.layers.push(Layer::Editor);
    screen.shows(&editing);
    update(&mut editing, &Event::Paste(poison.hostile("pasted")), knowledge());
    press(&mut editing, "x\nG");
    screen.shows(&editing);

    let mut searching = model.clone();
    press(&mut searching, "2/");
    update(&mut searching, &Event::Paste(poison.hostile("searched")), knowledge());
    screen.shows(&searching);
}

fn from_corpus() -> impl FnMut(&str) -> String {
    let mut corpus = CORPUS.iter().cycle();
    move |_| format!(" {}", corpus.next().unwrap())
}

/// Strings of whatever characters there are, control characters among them more than is fair.
fn from_chance(runner: &mut TestRunner) -> impl FnMut(&str) -> String + '_ {
    let character = proptest::prop_oneof![
        3 => proptest::char::range('\u{0}', '\u{9f}'),
        1 => proptest::sample::select("[]()?;0123456789mHJKhlcnqrR\\\u{1b}".chars().collect::<Vec<_>>()),
        1 => proptest::char::range('\u{2000}', '\u{206f}'),
        1 => proptest::char::any(),
    ];
    let text = proptest::collection::vec(character, 1..60);
    move |_| text.new_tree(runner).unwrap().current().into_iter().collect()
}

#[test]
fn what_people_put_into_logs_and_names_is_shown_and_never_done() {
    for incident in incidents().iter().step_by(9) {
        walk(incident, &mut from_corpus(), &SIZES, &THEN[..4]);
    }
}

#[test]
fn random_text_in_every_field_reaches_the_terminal_as_our_own_bytes_only() {
    let mut runner = TestRunner::deterministic();
    let incidents = incidents();
    let mut bytes = 0;
    for incident in incidents.iter().skip(4).step_by(13) {
        bytes += walk(incident, &mut from_chance(&mut runner), &SIZES, &THEN[..3]);
    }
    assert!(bytes > 50_000, "only {bytes} hostile bytes were drawn");
}

#[test]
#[ignore = "minutes: ten million bytes"]
fn ten_million_bytes_in_every_field_reach_the_terminal_as_our_own_bytes_only() {
    let mut runner = TestRunner::default();
    let mut bytes = 0;
    for incident in incidents().iter().cycle() {
        bytes += walk(incident, &mut from_chance(&mut runner), &SIZES, &THEN);
        if bytes > 10_000_000 {
            break;
        }
    }
}

/// What a terminal makes of the bytes is what was meant, cell by cell: nothing wide or joined has
/// pushed anything.
#[test]
fn wide_joined_and_piled_characters_move_no_border() {
    for incident in incidents().iter().step_by(17) {
        let mut payload = from_corpus();
        let mut poison = Poison::new(&mut payload);
        let model = poisoned(incident, &mut poison);
        for size in SIZES {
            let mut screen = Screen::new(size, &mut poison);
            for keys in ["", "2", "3", "4", "6", "7", "\n", "2\n"] {
                let mut model = model.clone();
                update(&mut model, &Event::Resize(size.0, size.1), knowledge());
                press(&mut model, keys);
                screen.shows(&model);
                assert_same(&screen, &model, size);
            }
        }
    }
}

fn assert_same(screen: &Screen, model: &Model, size: (u16, u16)) {
    let mut meant = Terminal::new(ratatui::backend::TestBackend::new(size.0, size.1)).unwrap();
    meant.draw(|frame| draw(frame, &Snapshot { model, look: &screen.look })).unwrap();
    let buffer = meant.backend().buffer();
    for y in 0..size.1 {
        let mut covered = 0;
        for x in 0..size.0 {
            let symbol = buffer[(x, y)].symbol();
            if covered > 0 {
                covered -= 1;
                continue;
            }
            covered = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
            // Combining marks are the terminal's to place.
            let cell = screen.terminal.screen().cell(y, x).unwrap();
            let shown = cell.contents().chars().next().unwrap_or(' ');
            let meant = symbol.chars().next().unwrap_or(' ');
            assert_eq!(
                shown,
                meant,
                "column {x}, row {y}: {}",
                screen.terminal.screen().contents()
            );
        }
    }
}

/// Text that looks like our own title, question or verdict stays inside: it never begins a row,
/// however it is wrapped, and ours are where nothing of the host's is written.
#[test]
fn what_forges_our_own_screen_never_begins_a_row() {
    let forged = ["━━━━ 3 Cause ━━━━ 0 that hold", "Do it? [y] yes", "✓ VERIFIED fixed"];
    let mut turn = 0;
    let mut payload = |_: &str| {
        turn += 1;
        // Wherever a line is broken, one of them is the first of the next.
        format!("{}{}", "x ".repeat(turn % 61), forged[turn % forged.len()])
    };
    let mut poison = Poison::new(&mut payload);
    let mut seen = 0;
    for incident in incidents().iter().step_by(17) {
        let model = poisoned(incident, &mut poison);
        for size in SIZES {
            let mut screen = Screen::new(size, &mut poison);
            for keys in ["", "2", "4", "6", "7", "\n", "2\n", "4\n", "6jj\n", "7\n", "0", "A", "8"]
            {
                let mut model = model.clone();
                update(&mut model, &Event::Resize(size.0, size.1), knowledge());
                press(&mut model, keys);
                screen.shows(&model);
                for row in screen.terminal.screen().contents().lines() {
                    seen += usize::from(forged.iter().any(|f| row.contains(f)));
                    let wrong = forged.iter().any(|f| row.starts_with(f));
                    assert!(!wrong, "{keys:?}:\n{}", screen.terminal.screen().contents());
                }
            }
        }
    }
    assert!(seen > 100, "only {seen} of them were on a screen");
}

#[test]
fn a_copied_line_is_the_escaped_one() {
    for text in CORPUS {
        let clip = gatemedic::session::Clip::new([text]);
        assert_ours(clip.text().trim_end_matches('\n').as_bytes(), Stream::Frames);
    }
}
