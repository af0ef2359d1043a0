//! What the view of the logs costs: `cargo bench --bench logs`. Prints lines a second that are
//! taken in, with the view closed, open, and open with filters; beside them what the regex engine
//! alone takes for the same patterns and lines, and `rg` with its start where it is installed; how
//! long a changed filter takes over a full ring; and the longest of many frames under flood beside
//! the 16 ms that a key may take.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    clippy::allow_attributes,
    reason = "a bench reads the clock, runs a peer, prints, and may fail loudly"
)]

use std::{
    hint::black_box,
    io::Write,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use gatemedic::{
    observation::{
        Boot, GatewayId, LogLine, Moment, Observation, Origin, Program, Seen, SourceId, Text, Wall,
    },
    session::{Effect, Event, Key, KeyCode, Knowledge, Model, Place, update},
    tui::{Depth, Look, Snapshot, Theme, draw},
};
use jiff::tz::TimeZone;
use ratatui::{Terminal, backend::TestBackend};

const LINES: usize = 60_000;
const FLOOD: f64 = 20_000.0;
const PATTERNS: [&str; 3] = ["upstream", r"cart/\d+", "static|healthz"];
const NOW: i64 = 1_795_183_470;

fn text(n: usize) -> String {
    format!(
        r#"2026/11/20 14:04:30 [error] 26779#26779: *{n} connect() failed (111: Connection refused) while connecting to upstream, client: 203.0.113.{}, server: shop.example.com, request: "GET /cart/{n} HTTP/1.1", upstream: "http://127.0.0.1:9001/cart/{n}", host: "shop.example.com""#,
        n % 250
    )
}

fn event(n: usize) -> Event {
    let wall = Wall::from_secs(NOW);
    let line = LogLine {
        program: Program::Nginx,
        origin: Origin::File(Text::new("/var/log/nginx/error.log")),
        gateway: Some(GatewayId(Text::new("nginx"))),
        at: Some(wall),
        text: Text::new(text(n)),
    };
    let at = Moment { wall, boot: Boot(n as u64 * 50) };
    Event::Seen(Box::new(Observation { at, source: SourceId::Logs, seen: Seen::Log(line) }))
}

fn fold(model: &mut Model, event: &Event) {
    let mut effects = update(model, event, Knowledge::embedded());
    while effects.contains(&Effect::Continue) {
        effects = update(model, &Event::Continue, Knowledge::embedded());
    }
}

fn press(model: &mut Model, keys: &str) {
    for c in keys.chars() {
        let code = if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) };
        fold(model, &Event::Key(Key { code, control: false }));
    }
}

fn filters() -> String {
    format!("+{}\n+{}\n-{}\n", PATTERNS[0], PATTERNS[1], PATTERNS[2])
}

fn main() {
    let events: Vec<Event> = (0..LINES).map(event).collect();
    for (name, keys) in [
        ("view closed", String::new()),
        ("view open", "4".to_owned()),
        ("open, 3 filters", format!("4{}", filters())),
    ] {
        let mut model = Model::new();
        model.view.size = (120, 40);
        press(&mut model, &keys);
        let start = Instant::now();
        for event in &events {
            fold(&mut model, event);
        }
        rate(name, start.elapsed());
    }
    engine_alone();
    ripgrep();
    rescans(&events);
    frames(&events);
}

fn rate(name: &str, took: Duration) {
    let rate = LINES as f64 / took.as_secs_f64();
    println!("{name:34} {rate:10.0} lines/s  {:6.1} times the flood of {FLOOD}", rate / FLOOD);
}

fn engine_alone() {
    let lines: Vec<String> = (0..LINES).map(text).collect();
    let patterns: Vec<regex::bytes::Regex> =
        PATTERNS.iter().map(|p| regex::bytes::Regex::new(&format!("(?i-u){p}")).unwrap()).collect();
    let start = Instant::now();
    for line in &lines {
        black_box(patterns.iter().filter(|p| p.is_match(line.as_bytes())).count());
    }
    rate("the regex engine alone, 3 patterns", start.elapsed());
}

fn ripgrep() {
    let lines: String = (0..LINES).map(|n| text(n) + "\n").collect();
    let start = Instant::now();
    let child = Command::new("rg")
        .args(["-ic", PATTERNS[1]])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn();
    let Ok(mut child) = child else {
        println!("rg                                 not installed");
        return;
    };
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    child.wait().unwrap();
    rate("rg with its start, 1 pattern", start.elapsed());
}

/// A changed filter over a full ring, and the longest step of it, which is what a key waits for.
fn rescans(events: &[Event]) {
    for pattern in ["refused", r"cart/\d+7\b", "nothing has this", r"(a|e|i)+[^x]*shop.*\d{3,9}"] {
        let mut model = Model::new();
        model.view.size = (120, 40);
        press(&mut model, "4");
        for event in events {
            fold(&mut model, event);
        }
        press(&mut model, &format!("+{pattern}"));
        let start = Instant::now();
        let enter = Event::Key(Key { code: KeyCode::Enter, control: false });
        let mut effects = update(&mut model, &enter, Knowledge::embedded());
        let (mut longest, mut steps) = (start.elapsed(), 1);
        while effects.contains(&Effect::Continue) {
            let step = Instant::now();
            effects = update(&mut model, &Event::Continue, Knowledge::embedded());
            longest = longest.max(step.elapsed());
            steps += 1;
        }
        let kept = model.case.lines.len();
        println!(
            "filter over {kept} lines: {:6.1} ms in {steps:2} steps, longest {:5.2} ms   {pattern}",
            start.elapsed().as_secs_f64() * 1e3,
            longest.as_secs_f64() * 1e3,
        );
    }
}

fn frames(events: &[Event]) {
    let look = Look {
        ascii: false,
        colour: true,
        depth: Depth::Sixteen,
        themes: Theme::embedded().into(),
        zone: TimeZone::UTC,
        host: "web1".to_owned(),
        user: "root".to_owned(),
    };
    let mut model = Model::new();
    model.view.size = (200, 50);
    model.view.place = Place::Logs;
    press(&mut model, &format!("{}/cart\n f", filters()));
    let mut terminal = Terminal::new(TestBackend::new(200, 50)).unwrap();
    let mut times = Vec::new();
    for batch in events.chunks(256) {
        for event in batch {
            fold(&mut model, event);
        }
        let start = Instant::now();
        press(&mut model, "k");
        terminal.draw(|frame| draw(frame, &Snapshot { model: &model, look: &look })).unwrap();
        times.push(start.elapsed());
        press(&mut model, "f");
    }
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    println!(
        "key to frame at 200x50: p50 {:.2} ms, p99 {:.2} ms, most {:.2} ms (may take 16)",
        at(50),
        at(99),
        at(100)
    );
}
