//! The view of the logs, as a person sees it.

use gatemedic::{observation::*, session::KeyCode};
use ratatui::style::Modifier;

use super::{
    LARGE, MEDIUM, SMALL, drawn, drawn_as,
    fixture::{Host, container, container_id, gateway_id, oom, text, unit_name, wall},
    key, lines, look, press, text_of,
};

const WIDE: (u16, u16) = (200, 50);

fn request(host: &mut Host, ago: i64, status: u16, uri: &str) {
    let entry = AccessEntry {
        gateway: gateway_id(),
        log: text("/var/log/nginx/access.log"),
        at: wall(ago),
        status,
        upstream_status: Some(text(&status.to_string())),
        upstream_addr: Some(text("unix:/run/php/php8.2-fpm.sock")),
        request: text(&format!("GET {uri}")),
        host: Some(text("shop.example.com")),
        request_ms: Some(3),
        upstream_ms: Some(3),
        flags: None,
        backend: None,
        retries: None,
    };
    host.see(SourceId::Logs, Seen::Access(entry));
}

/// An incident with a line of every kind.
fn busy() -> Host {
    let mut host = oom();
    let unit = || Origin::Journal(unit_name("php8.2-fpm.service"));
    let worker = container('a', "worker", ContainerState::Running);
    host.see(SourceId::Docker, Seen::Container(Box::new(worker)));
    for n in 0..40 {
        let app = Origin::File(text("/var/log/shop/app.log"));
        let line = format!("INFO cart {n} stored for customer {}", n * 37 % 11);
        host.log(Program::Application, app, 1_200 - n * 25, &line);
    }
    host.log(
        Program::PhpFpm,
        Origin::File(text("/var/log/php8.2-fpm.log")),
        200,
        "[20-Nov-2026 14:01:10] WARNING: [pool www] server reached pm.max_children setting (5)",
    );
    for (ago, line) in [
        (141, "php8.2-fpm.service: Main process exited, code=killed, status=9/KILL"),
        (141, "php8.2-fpm.service: Failed with result 'oom-kill'."),
        (90_000, "Started php8.2-fpm.service - The PHP 8.2 FastCGI Process Manager."),
    ] {
        host.log(Program::Systemd, unit(), ago, line);
    }
    let line = r#"{"level":40,"msg":"queue is slow","depth":912}"#;
    host.log(Program::Application, Origin::ContainerLog(container_id('a')), 120, line);
    let gap = Gap {
        source: SourceId::Logs,
        what: text("/var/log/nginx/error.log"),
        lines: 312,
        bytes: 0,
        why: text("they came faster than they could be read"),
    };
    host.see(SourceId::Logs, Seen::Gap(gap));
    for n in 0..12 {
        request(&mut host, 130 - n * 10, 502, &format!("/cart/{n}"));
    }
    host
}

fn shown(host: &mut Host, size: (u16, u16), keys: &str) -> String {
    drawn(host, size);
    press(host, keys);
    text_of(&drawn(host, size))
}

macro_rules! shows {
    ($name:ident, $size:expr, $keys:expr) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(shown(&mut busy(), $size, $keys));
        }
    };
}

shows!(the_logs_on_a_wide_screen, WIDE, "4");
shows!(the_logs_on_a_large_screen, LARGE, "4");
shows!(the_logs_on_a_usual_screen, MEDIUM, "4");
shows!(the_logs_on_a_small_screen, SMALL, "4");
shows!(logs_filtered_and_searched_and_marked, LARGE, "4kkkkb+nginx|access\n-cart/3\n/upstream\n");
shows!(logs_paused_on_a_usual_screen, MEDIUM, "4kkkkkkb+cart\n");
shows!(a_wrong_pattern_in_the_logs, MEDIUM, "4+(cart");
shows!(a_time_is_asked_for_in_the_logs, SMALL, "4t");
shows!(the_page_of_a_log_line, LARGE, "4/max_children\n\n");
shows!(the_page_of_a_log_line_on_a_small_screen, SMALL, "4EE\n");
shows!(the_help_of_the_logs, LARGE, "4?");

#[test]
fn without_colour_and_beyond_ascii_nothing_is_lost() {
    let mut host = busy();
    shown(&mut host, LARGE, "4kb/cart\n");
    let plain = gatemedic::tui::Look { ascii: true, colour: false, ..look() };
    let buf = drawn_as(&host.model, LARGE, &plain);
    assert!(text_of(&buf).is_ascii());
    insta::assert_snapshot!("the_logs_in_ascii", text_of(&buf));
    // The selected row is reversed, and what was searched for is underlined.
    let has = |modifier| buf.content.iter().any(|cell| cell.modifier.contains(modifier));
    assert!(has(Modifier::REVERSED) && has(Modifier::UNDERLINED));
}

#[test]
fn an_error_is_a_word_a_sign_and_a_colour() {
    let mut host = busy();
    shown(&mut host, LARGE, "4");
    let buf = drawn(&mut host, LARGE);
    let row = lines(&buf).iter().position(|line| line.contains("✗ 502")).expect("a failed request");
    let cells = (0..buf.area.width).map(|x| &buf[(x, row as u16)]);
    let sign = cells.into_iter().find(|cell| cell.symbol() == "✗").expect("a sign");
    assert_ne!(sign.fg, ratatui::style::Color::Reset);
}

#[test]
fn what_waits_is_counted_in_the_title() {
    let mut host = busy();
    shown(&mut host, LARGE, "4 ");
    for n in 0..1_203 {
        request(&mut host, 1, 502, &format!("/late/{n}"));
    }
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("‖ paused · 1,203 wait"), "{text}");
    assert!(!text.contains("/late/"));
    press(&mut host, "f");
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("▶ following") && text.contains("/late/1202"), "{text}");
}

#[test]
fn a_name_of_a_source_that_is_hostile_is_shown_harmless() {
    let mut host = busy();
    let file = Origin::File(text("/var/log/\u{1b}]0;x\u{7}\u{202e}a.log"));
    host.log(Program::Application, file, 1, "\u{1b}[2J hello \u{9b}31m");
    for keys in ["4", "k/hello\n", "\n"] {
        shown(&mut host, LARGE, keys);
        let buf = drawn(&mut host, LARGE);
        super::assert_safe(&buf);
        assert!(text_of(&buf).contains("hello"));
    }
    // A pattern is typed by the person: it can hold nothing that a screen would act on either.
    press(&mut host, "\u{1b}+");
    host.event(&gatemedic::session::Event::Paste("\u{1b}[2Jx".to_owned()));
    host.event(&key(KeyCode::Enter));
    super::assert_safe(&drawn(&mut host, LARGE));
}
