//! The wall screen: its pages, its alarm, and what it keeps to itself.

use gatemedic::session::kiosk::{Alarm, Board, Kiosk, LockFact, Way, alarm};

use super::*;

fn locked() -> Vec<LockFact> {
    let fact = |what: &str, came: &str| LockFact {
        what: what.to_owned(),
        came: came.to_owned(),
        holds: true,
    };
    vec![fact("write a file", "EACCES"), fact("signal process 1", "EPERM")]
}

fn on_the_wall(mut host: Host, mut way: Way) -> Host {
    way.lock = locked();
    host.model.kiosk = Some(Kiosk::new(way));
    host.event(&Event::Tick(Host::moment(NOW))).event(&Event::Settle);
    host
}

fn wall(host: Host) -> Host {
    on_the_wall(host, Way::default())
}

/// Turns to a page by keys.
fn at(mut host: Host, board: Board) -> Host {
    for _ in 0..6 {
        if host.model.kiosk.as_ref().unwrap().board == board {
            break;
        }
        host.event(&key(KeyCode::Right));
    }
    assert_eq!(host.model.kiosk.as_ref().unwrap().board, board);
    host
}

const WIDE: (u16, u16) = (200, 50);
const SIZES: [((u16, u16), &str); 4] =
    [(WIDE, "200x50"), (LARGE, "120x40"), (MEDIUM, "80x24"), (SMALL, "40x15")];

#[test]
fn every_page_at_every_size() {
    let boards = [
        (Board::State, "state"),
        (Board::Cause, "cause"),
        (Board::Upstreams, "upstreams"),
        (Board::Requests, "requests"),
        (Board::Host, "host"),
        (Board::Screen, "screen"),
    ];
    for (board, name) in boards {
        let mut host = at(wall(oom()), board);
        for (size, words) in SIZES {
            let text = text_of(&drawn(&mut host, size));
            insta::assert_snapshot!(format!("kiosk_{name}_{words}"), text);
        }
    }
}

#[test]
fn a_healthy_wall_is_calm() {
    let mut host = wall(healthy());
    let buf = drawn(&mut host, LARGE);
    insta::assert_snapshot!(text_of(&buf));
    assert!(buf.content.iter().all(|cell| cell.fg != Color::Red));
}

#[test]
fn the_alarm_is_a_shape_a_colour_and_a_word() {
    let buf = drawn(&mut wall(oom()), LARGE);
    let mono = drawn_as(&wall(oom()).model, LARGE, &Look { colour: false, ..look() });
    assert_eq!(buf[(0, 5)].symbol(), "█");
    assert_eq!(buf[(0, 5)].fg, Color::Red);
    assert_eq!(mono[(0, 5)].symbol(), "█");
    let small = text_of(&drawn(&mut wall(oom()), SMALL));
    let plain = drawn_as(&wall(oom()).model, (36, 8), &look());
    assert!(small.contains('▙') || small.contains("FAILING"), "{small}");
    assert!(text_of(&plain).contains("FAILING"), "{}", text_of(&plain));
}

#[test]
fn an_ascii_wall_is_ascii() {
    for board in [Board::State, Board::Cause, Board::Requests, Board::Host] {
        let host = at(wall(oom()), board);
        let buf = drawn_as(&host.model, LARGE, &Look { ascii: true, ..look() });
        assert!(text_of(&buf).is_ascii(), "{}", text_of(&buf));
    }
}

#[test]
fn pages_turn_by_themselves_and_stay_when_told_to() {
    let mut host = wall(oom());
    let board = |host: &Host| host.model.kiosk.as_ref().unwrap().board;
    host.event(&Event::Tick(Host::moment(NOW + 14)));
    assert_eq!(board(&host), Board::State);
    host.event(&Event::Tick(Host::moment(NOW + 15)));
    assert_eq!(board(&host), Board::Cause);
    press(&mut host, " ");
    host.event(&Event::Tick(Host::moment(NOW + 300)));
    assert_eq!(board(&host), Board::Cause);
    press(&mut host, " ");
    let mut seen = Vec::new();
    for n in 1..6 {
        host.event(&Event::Tick(Host::moment(NOW + 300 + 15 * n)));
        seen.push(board(&host));
    }
    let turn = [Board::Upstreams, Board::Requests, Board::Host, Board::State, Board::Cause];
    assert_eq!(seen, turn);
}

#[test]
fn the_bell_rings_when_an_alarm_begins_and_not_again() {
    let way = Way { bell: true, ..Way::default() };
    let mut host = on_the_wall(healthy(), way.clone());
    let ring = |host: &mut Host, secs: i64| {
        let tick = Event::Tick(Host::moment(NOW + secs));
        let said = update(&mut host.model, &tick, Knowledge::embedded());
        said.iter().filter(|effect| **effect == Effect::Bell).count()
    };
    assert_eq!(ring(&mut host, 1), 0);
    let mut host = on_the_wall(oom(), way);
    // The first tick rang already: the wall was put up in the middle of an incident.
    assert_eq!(host.model.kiosk.as_ref().unwrap().called, Alarm::Failing);
    assert_eq!(ring(&mut host, 1), 0);
    host.model.kiosk.as_mut().unwrap().called = Alarm::Healthy;
    assert_eq!(ring(&mut host, 2), 1);
    assert_eq!(ring(&mut host, 3), 0);
}

#[test]
fn nothing_is_called_healthy_on_old_word() {
    let mut host = wall(healthy());
    host.event(&Event::Tick(Host::moment(NOW + 60))).event(&Event::Settle);
    assert_eq!(alarm(&host.model.shown()), Alarm::Stale);
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("nothing heard for 1 min"), "{text}");
}

#[test]
fn the_picture_moves_so_that_nothing_burns_in() {
    let mut host = wall(healthy());
    let first = drawn(&mut host, LARGE);
    let mut places = vec![first];
    for minute in 1..4 {
        host.event(&Event::Tick(Host::moment(NOW + 60 * minute)));
        host.model.kiosk.as_mut().unwrap().board = Board::State;
        places.push(drawn(&mut host, LARGE));
    }
    let corner = |buf: &Buffer| {
        let find = |(x, y): (u16, u16)| buf[(x, y)].symbol() == "w";
        (0..3).flat_map(|y| (0..4).map(move |x| (x, y))).find(|at| find(*at)).unwrap()
    };
    let mut corners: Vec<_> = places.iter().map(corner).collect();
    corners.sort_unstable();
    corners.dedup();
    assert_eq!(corners.len(), 4);
}

#[test]
fn a_wall_has_no_key_that_acts_and_a_sealed_one_has_none() {
    let way = Way { keys: false, ..Way::default() };
    let keys = "raduAykqw123456789:/?\n\t \u{1b}";
    let mut sealed = on_the_wall(oom(), way);
    let before = sealed.model.clone();
    press(&mut sealed, keys);
    sealed.event(&Event::Key(Key { code: KeyCode::Char('c'), control: true }));
    assert_eq!(before.view, sealed.model.view);
    assert_eq!(before.kiosk, sealed.model.kiosk);
    let mut open = wall(oom());
    press(&mut open, keys);
    assert!(open.model.view.layers.is_empty() && open.model.recovery.run.is_none());
    let bindings: Vec<_> = keymap::bindings(keymap::Scope::Kiosk, open.model.powers).collect();
    assert_eq!(bindings.len(), 5, "{bindings:?}");
}

#[test]
fn clients_and_what_they_asked_for_are_not_on_the_wall() {
    let mut host = oom();
    let said = "[error] 7#7: *9 connect() failed (111: Connection refused) while connecting to \
                upstream, client: 203.0.113.77, server: shop, request: \"GET /a?mail=x@y.example \
                HTTP/1.1\"";
    for n in 0..40 {
        host.failure(n % 9, said, "http://127.0.0.1:8000/");
    }
    host.event(&Event::Settle);
    let mut host = wall(host);
    for _ in 0..6 {
        for size in [WIDE, LARGE, MEDIUM] {
            let text = text_of(&drawn(&mut host, size));
            assert!(!text.contains("203.0.113") && !text.contains("x@y"), "{text}");
        }
        host.event(&key(KeyCode::Right));
    }
}

#[test]
fn hostile_text_does_not_reach_the_wall() {
    let mut host = wall(hostile());
    for _ in 0..6 {
        for size in [WIDE, LARGE, MEDIUM, SMALL, (36, 8)] {
            assert_safe(&drawn(&mut host, size));
        }
        host.event(&key(KeyCode::Right));
    }
}

#[test]
fn a_wall_of_any_size_is_drawn() {
    let host = wall(oom());
    for board in [Board::State, Board::Requests, Board::Host] {
        let host = at(wall(oom()), board);
        for (width, height) in (30..70).step_by(3).zip((6..20).cycle()) {
            drawn_as(&host.model, (width, height), &look());
        }
    }
    for (width, height) in [(1, 1), (65_535, 1), (1, 500), (300, 9), (37, 60)] {
        drawn_as(&host.model, (width, height), &look());
    }
}
