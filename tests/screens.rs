//! The screen, drawn from folded observations: what a person sees, on every size.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::allow_attributes,
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail loudly and may read its own files"
)]

#[path = "screens/fixture.rs"]
mod fixture;
#[path = "screens/habits.rs"]
mod habits;
#[path = "screens/history.rs"]
mod history;
#[path = "screens/kiosk.rs"]
mod kiosk;
#[path = "screens/logs.rs"]
mod logs;
#[path = "screens/pictures.rs"]
mod pictures;
#[path = "screens/places.rs"]
mod places;
#[path = "screens/recovery.rs"]
mod recovery;
#[path = "screens/replay.rs"]
mod replay;
#[path = "screens/shots.rs"]
mod shots;
#[path = "replay/tapes.rs"]
mod tapes;
#[path = "screens/tour.rs"]
mod tour;

use std::path::PathBuf;

use fixture::*;
use gatemedic::{
    observation::*,
    session::{Effect, Event, Key, KeyCode, Knowledge, Model, keymap, update},
    tui::{Depth, Look, Snapshot, Theme, draw, svg},
};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use ratatui::{
    Terminal,
    backend::TestBackend,
    buffer::Buffer,
    style::{Color, Modifier},
};

fn look() -> Look {
    Look {
        ascii: false,
        colour: true,
        depth: Depth::Sixteen,
        themes: Theme::embedded().into(),
        zone: TimeZone::fixed(jiff::tz::offset(1)),
        host: "web1".to_owned(),
        user: "deploy".to_owned(),
    }
}

fn drawn_as(model: &Model, size: (u16, u16), look: &Look) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    terminal.draw(|frame| draw(frame, &Snapshot { model, look })).unwrap();
    terminal.backend().buffer().clone()
}

fn drawn(host: &mut Host, size: (u16, u16)) -> Buffer {
    host.event(&Event::Resize(size.0, size.1));
    drawn_as(&host.model, size, &look())
}

fn lines(buf: &Buffer) -> Vec<String> {
    (0..buf.area.height)
        .map(|y| {
            let mut line = String::new();
            let mut skip = 0;
            for x in 0..buf.area.width {
                let symbol = buf[(x, y)].symbol();
                if skip == 0 {
                    line.push_str(symbol);
                    skip = unicode_width::UnicodeWidthStr::width(symbol).max(1);
                }
                skip -= 1;
            }
            line.trim_end().to_owned()
        })
        .collect()
}

fn text_of(buf: &Buffer) -> String {
    lines(buf).join("\n")
}

fn key(code: KeyCode) -> Event {
    Event::Key(Key { code, control: false })
}

fn press(host: &mut Host, keys: &str) {
    for c in keys.chars() {
        let code = match c {
            '\n' => KeyCode::Enter,
            '\t' => KeyCode::Tab,
            '\u{1b}' => KeyCode::Esc,
            c => KeyCode::Char(c),
        };
        host.event(&key(code));
    }
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

#[path = "screens/practice.rs"]
mod practice;

const LARGE: (u16, u16) = (120, 40);
const MEDIUM: (u16, u16) = (80, 24);
const SMALL: (u16, u16) = (40, 15);

shows!(a_memory_kill_on_a_large_screen, oom(), LARGE, "");
shows!(a_memory_kill_on_a_usual_screen, oom(), MEDIUM, "");
shows!(a_memory_kill_on_a_small_screen, oom(), SMALL, "");
shows!(a_stopped_unit, php_stopped(), LARGE, "");
shows!(a_restart_loop, restart_loop(), LARGE, "");
shows!(a_healthy_host, healthy(), LARGE, "");
shows!(little_rights, unprivileged(), LARGE, "");
shows!(no_gateway, nothing(), MEDIUM, "");
shows!(the_first_moments, looking(), MEDIUM, "");
shows!(the_page_of_a_cause, oom(), LARGE, "\n");
shows!(the_page_of_an_upstream, oom(), LARGE, "2\n");
shows!(the_page_of_failed_requests, oom(), LARGE, "e\n");
shows!(the_page_of_an_error, oom(), LARGE, "ej\n");
shows!(the_page_of_a_unit, oom(), LARGE, "7\n");
shows!(the_memory_view, oom(), MEDIUM, "6");
shows!(the_help, oom(), MEDIUM, "?");
shows!(a_search, oom(), LARGE, "7/ssh");
shows!(what_can_be_seen, unprivileged(), MEDIUM, "0");

#[test]
fn nothing_is_called_healthy_before_everybody_has_looked() {
    let mut host = looking();
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(!text.contains("HEALTHY"), "{text}");
    assert!(text.contains("LOOKING") && text.contains("docker"), "{text}");
}

#[test]
fn a_kill_from_before_the_incident_is_called_so() {
    let mut host = oom();
    press(&mut host, "6");
    let text = text_of(&drawn(&mut host, LARGE));
    let line = text.lines().find(|l| l.contains("chrome")).unwrap();
    assert!(line.contains("before this incident"), "{line}");
    let line = text.lines().find(|l| l.contains("php-fpm8.2")).unwrap();
    assert!(!line.contains("before"), "{line}");
}

#[test]
fn a_kill_of_something_that_no_upstream_leads_to_is_called_so() {
    let mut host = oom();
    let report = Owner::Unit(unit_name("report.service"));
    host.kill(30, "busybox", Some(report), Some(20 << 20)).event(&Event::Settle);
    press(&mut host, "6");
    let text = text_of(&drawn(&mut host, LARGE));
    let line = text.lines().find(|l| l.contains("busybox")).unwrap();
    assert!(line.contains("no upstream leads to it"), "{line}");
    assert!(text.contains("1 kill"), "{text}");
}

#[test]
fn the_state_is_a_word_a_symbol_and_a_colour() {
    let mut host = php_stopped();
    let buf = drawn(&mut host, LARGE);
    assert!(lines(&buf)[0].starts_with(" ✗ FAILING"));
    assert_eq!(buf[(3, 0)].fg, Color::Red);
    let buf = drawn(&mut healthy(), LARGE);
    assert!(lines(&buf)[0].starts_with(" ● HEALTHY"));
    assert_eq!(buf[(3, 0)].fg, Color::Green);
}

#[test]
fn the_selected_row_is_visible_without_colour() {
    let mut host = oom();
    press(&mut host, "\t\t\t\tj");
    host.event(&Event::Resize(120, 40));
    let buf = drawn_as(&host.model, LARGE, &Look { colour: false, ..look() });
    let reversed = |y: u16| buf[(70, y)].modifier.contains(Modifier::REVERSED);
    assert_eq!((1..40).filter(|y| reversed(*y)).count(), 1);
    assert!(buf.content.iter().all(|c| c.fg == Color::Reset && c.bg == Color::Reset));
    assert_eq!(lines(&buf).iter().filter(|l| l.contains('▸')).count(), 1);
}

#[test]
fn an_ascii_terminal_gets_ascii() {
    for mut host in [oom(), unprivileged(), hostile()] {
        host.event(&Event::Resize(120, 40));
        let buf = drawn_as(&host.model, LARGE, &Look { ascii: true, ..look() });
        assert!(text_of(&buf).is_ascii(), "{}", text_of(&buf));
    }
}

#[test]
fn the_cursor_stays_on_its_row_when_rows_move() {
    let mut host = php_stopped();
    host.event(&Event::Resize(120, 40));
    press(&mut host, "\tj");
    let marked = |host: &mut Host| {
        let text = text_of(&drawn(host, LARGE));
        text.lines().find(|l| l.contains('▸')).unwrap().to_owned()
    };
    let before = marked(&mut host);
    assert!(before.contains(":8000"), "{before}");
    host.probe("127.0.0.1:8000", ProbeOutcome::Refused).event(&Event::Settle);
    host.unit(unit("aaa.service", UnitActive::Failed, None)).event(&Event::Settle);
    let after = marked(&mut host);
    assert!(after.contains(":8000"), "{after}");
}

#[test]
fn silence_of_the_sampler_is_marked_stale() {
    let mut host = healthy();
    host.event(&Event::Tick(Host::moment(NOW + 60))).event(&Event::Settle);
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("stale: silent for 1 min"), "{text}");
}

#[test]
fn nothing_changes_on_screen_within_a_coarse_step() {
    let mut host = healthy();
    host.event(&Event::Tick(Host::moment(NOW + 6))).event(&Event::Settle);
    let before = drawn(&mut host, LARGE);
    host.event(&Event::Tick(Host::moment(NOW + 7))).event(&Event::Settle);
    let after = drawn(&mut host, LARGE);
    let changed = before.content.iter().zip(&after.content).filter(|(a, b)| a != b).count();
    assert!(changed <= 2, "{changed} cells besides the clock");
}

#[test]
fn a_picture_that_is_held_still_says_what_waits() {
    let mut host = php_stopped();
    let before = drawn(&mut host, LARGE);
    press(&mut host, " ");
    host.failure(1, "[crit] 1#1: *1 connect() failed (2: No such file)", "http://127.0.0.1:8000/");
    host.event(&Event::Settle);
    let after = drawn(&mut host, LARGE);
    assert!(text_of(&after).contains("1 log lines wait"));
    assert_eq!(lines(&before)[3..38], lines(&after)[3..38]);
    press(&mut host, " ");
    assert!(!text_of(&drawn(&mut host, LARGE)).contains("wait:"));
}

#[test]
fn escape_closes_one_layer_after_the_other() {
    let mut host = php_stopped();
    press(&mut host, "\n?");
    assert!(text_of(&drawn(&mut host, LARGE)).contains("Keys that work here"));
    press(&mut host, "\u{1b}");
    assert!(text_of(&drawn(&mut host, LARGE)).contains("What it is"));
    press(&mut host, "\u{1b}");
    assert!(text_of(&drawn(&mut host, LARGE)).contains("2 Upstreams"));
}

#[test]
fn a_small_screen_reaches_every_pane() {
    let mut host = oom();
    for (keys, word) in [
        ("\t", "→ shop-api.service"),
        ("\t", "connect()"),
        ("\t", "host memory"),
        ("\t", "ssh.service"),
        ("\t", "outside this incident"),
    ] {
        press(&mut host, keys);
        let text = text_of(&drawn(&mut host, (50, 15)));
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn a_blind_source_says_how_to_open_it_where_it_is_missed() {
    let mut host = unprivileged();
    let text = text_of(&drawn(&mut host, LARGE));
    let line = text.lines().find(|l| l.contains("to open it")).unwrap();
    assert!(line.contains("why requests fail") && line.contains("usermod -aG adm deploy"));
    host.event(&Event::Resize(80, 24));
    press(&mut host, "0G");
    let text = text_of(&drawn(&mut host, MEDIUM));
    assert!(text.contains("to open it"), "{text}");
}

#[test]
fn a_page_is_scrolled_to_its_last_line_and_back_at_once() {
    let mut host = oom();
    host.event(&Event::Resize(80, 24));
    press(&mut host, "\n");
    let top = text_of(&drawn(&mut host, MEDIUM));
    press(&mut host, &"j".repeat(500));
    let end = text_of(&drawn(&mut host, MEDIUM));
    assert!(end.contains("What not to do"), "{end}");
    press(&mut host, "k");
    assert_ne!(end, text_of(&drawn(&mut host, MEDIUM)));
    press(&mut host, "g");
    assert_eq!(top, text_of(&drawn(&mut host, MEDIUM)));
}

#[test]
fn the_help_lists_only_what_works() {
    let mut host = php_stopped();
    press(&mut host, "?");
    let text = text_of(&drawn(&mut host, (120, 50)));
    assert!(text.contains("leave at once") && !text.contains("next match"), "{text}");
    press(&mut host, "\u{1b}2/php\n?");
    assert!(text_of(&drawn(&mut host, (120, 50))).contains("next match"));
}

#[test]
fn control_c_leaves_from_everywhere() {
    for keys in ["", "\n", "?", "/x", "\n/x"] {
        let mut host = php_stopped();
        press(&mut host, keys);
        let quit = Event::Key(Key { code: KeyCode::Char('c'), control: true });
        assert_eq!(update(&mut host.model, &quit, Knowledge::embedded()), [Effect::Quit]);
    }
}

#[test]
fn a_paste_is_text_and_never_keys() {
    let mut host = php_stopped();
    host.event(&Event::Resize(120, 40));
    let before = drawn(&mut host, LARGE);
    host.event(&Event::Paste("q\nz".to_owned()));
    assert_eq!(before, drawn(&mut host, LARGE));
    press(&mut host, "2/");
    host.event(&Event::Paste("\u{1b}[2J80\u{202e}00\n".to_owned()));
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.lines().last().unwrap().contains("/ [2J8000"), "{text}");
}

/// Hostile text in every field that reaches a screen.
fn hostile() -> Host {
    let evil = "\u{1b}[31mred\u{1b}]0;title\u{7}\u{202e}gnp.exe\u{200d}\u{9b}2J日本👩\u{200d}👩\u{200d}👧é\u{301}\u{301}\u{301}";
    let mut host = php_stopped();
    let mut php = unit("php8.2-fpm.service", UnitActive::Failed, None);
    php.description = text(evil);
    php.sub = text(evil);
    php.commands = vec![text(evil)];
    host.unit(php);
    let mut web = container('b', evil, ContainerState::Exited);
    web.image = text(evil);
    web.error = text(evil);
    web.command = text(evil);
    web.ports[0].host_port = 3_000;
    host.see(SourceId::Docker, Seen::Container(Box::new(web)));
    host.kill(100, evil, None, Some(1 << 20));
    host.blind(SourceId::Docker, evil, [evil, evil, evil]);
    host.processes(vec![process(812, evil, None), process(900, evil, None)]);
    let mut config = three_of(evil);
    config.push(upstream(&format!("unix:/run/{evil}.sock"), Protocol::Http, 90));
    host.config(config);
    host.failure(
        3,
        &format!("[error] 1#1: *1 connect() {evil} failed (111: Connection refused)"),
        "http://127.0.0.1:8000/",
    );
    host.event(&Event::Settle);
    host
}

fn three_of(evil: &str) -> Vec<ConfiguredUpstream> {
    let mut one = upstream("127.0.0.1:3000", Protocol::Http, 58);
    one.group = Some(text(evil));
    one.place.file = text(evil);
    one.routes[0].server_names = vec![text(evil)];
    one.routes[0].location = text(evil);
    vec![upstream(PHP, Protocol::Fastcgi, 31), one]
}

fn assert_safe(buf: &Buffer) {
    for cell in &buf.content {
        for c in cell.symbol().chars() {
            assert!(!c.is_control(), "{:?}", cell.symbol());
            assert!(!matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'), "{c:?}");
        }
    }
}

#[test]
fn hostile_text_never_reaches_a_cell() {
    for keys in [
        "", "\n", "2", "3", "4", "5", "6", "7", "2\n", "2j\n", "2jj\n", "e\n", "6\n", "6jj\n",
        "7\n", "7j\n", "0", "\tz", "2G", "3\n", "5--", "5\n", "5+", "5---G\n", "6G",
    ] {
        let mut host = hostile();
        for size in [LARGE, MEDIUM, SMALL] {
            host.event(&Event::Resize(size.0, size.1));
            press(&mut host, keys);
            let buf = drawn(&mut host, size);
            assert_safe(&buf);
            for line in lines(&buf) {
                let width = unicode_width::UnicodeWidthStr::width(line.as_str());
                assert!(width <= usize::from(size.0), "{width}: {line}");
            }
            press(&mut host, "\u{1b}\u{1b}\u{1b}\u{1b}");
        }
    }
}

#[test]
fn text_reaches_the_screen_through_one_door() {
    fn files(folder: PathBuf) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
        entries.flat_map(|p| if p.is_dir() { files(p) } else { vec![p] }).collect()
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/tui");
    for file in files(root) {
        if file.ends_with("ink.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        for door in [
            "Span",
            "Paragraph",
            "set_string",
            "set_symbol",
            "set_line",
            "text::Line",
            "Block",
            ".raw()",
        ] {
            assert!(!text.contains(door), "{} uses {door}", file.display());
        }
    }
}

fn any_key() -> impl Strategy<Value = Event> {
    let bound: Vec<Key> = keymap::BINDINGS.iter().flat_map(|b| b.keys).copied().collect();
    prop_oneof![
        6 => proptest::sample::select(bound).prop_map(Event::Key),
        1 => any::<char>().prop_map(|c| key(KeyCode::Char(c))),
        1 => ".{0,8}".prop_map(Event::Paste),
        1 => (0_u16..150, 0_u16..60).prop_map(|(w, h)| Event::Resize(w, h)),
        1 => Just(Event::Settle),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_key_and_no_size_panics(
        events in proptest::collection::vec(any_key(), 1..40),
        sizes in proptest::collection::vec((0_u16..140, 0_u16..50), 1..4),
        which in 0..4,
    ) {
        let mut host = match which { 0 => hostile(), 1 => looking(), 2 => nothing(), _ => oom() };
        for event in &events {
            host.event(event);
        }
        let last = host.model.view.size;
        for size in sizes.into_iter().chain([last]) {
            for ascii in [false, true] {
                let buf = drawn_as(&host.model, size, &Look { ascii, ..look() });
                assert_safe(&buf);
            }
        }
    }
}

#[test]
fn every_size_is_drawn() {
    let host = oom();
    for width in 0..50 {
        for height in 0..20 {
            drawn_as(&host.model, (width, height), &look());
        }
    }
    let text = text_of(&drawn_as(&host.model, (20, 4), &look()));
    assert!(text.contains("needs 36 x 8"), "{text}");
}
