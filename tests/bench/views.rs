//! What a frame costs on a large host: each view with 10,000 upstreams and 2,000 units, with the
//! key that moves the cursor before it.
//!
//! `cargo bench --bench views`; `-- --upstreams 2000` takes another number.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::allow_attributes,
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "a bench may fail loudly and builds what it measures"
)]

#[path = "../screens/fixture.rs"]
mod fixture;

use std::time::{Duration, Instant};

use fixture::*;
use gatemedic::{
    observation::*,
    session::{Event, Key, KeyCode, Place},
    tui::{Look, Snapshot, draw},
};
use jiff::tz::TimeZone;
use ratatui::{Terminal, backend::TestBackend};

const UNITS: usize = 2_000;
const SIZE: (u16, u16) = (200, 50);
const FRAMES: u32 = 20;
/// A frame on a large host, in milliseconds.
const LIMIT: f64 = 50.0;

fn main() {
    let asked = std::env::args().skip_while(|a| a != "--upstreams").nth(1);
    let upstreams: usize = asked.and_then(|n| n.parse().ok()).unwrap_or(10_000);
    let mut host = oom();
    let all = (0..upstreams).map(|n| {
        let address = format!("10.{}.{}.{}:8080", n / 65_536, n / 256 % 256, n % 256);
        upstream(&address, Protocol::Http, 100 + n as u32)
    });
    let php = upstream(PHP, Protocol::Fastcgi, 31);
    host.config(std::iter::once(php).chain(all).collect());
    for n in 0..UNITS {
        host.unit(unit(&format!("worker-{n:04}.service"), UnitActive::Active, None));
    }
    let begun = Instant::now();
    host.event(&Event::Settle);
    println!("{upstreams} upstreams, {UNITS} units, {}x{}", SIZE.0, SIZE.1);
    println!("one diagnosis, for comparison: {:.0} ms", begun.elapsed().as_secs_f64() * 1e3);
    host.event(&Event::Resize(SIZE.0, SIZE.1));
    let look = Look {
        ascii: false,
        colour: true,
        zone: TimeZone::UTC,
        host: "web1".to_owned(),
        user: "deploy".to_owned(),
    };
    let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).unwrap();
    let places = Place::ALL.into_iter().take(7);
    for place in places {
        press(&mut host, place.digit());
        let (mut key, mut frame) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..FRAMES {
            let begun = Instant::now();
            press(&mut host, 'j');
            key += begun.elapsed();
            let begun = Instant::now();
            let snapshot = Snapshot { model: &host.model, look: &look };
            terminal.draw(|frame| draw(frame, &snapshot)).unwrap();
            frame += begun.elapsed();
        }
        let ms = |all: Duration| all.as_secs_f64() * 1e3 / f64::from(FRAMES);
        let over = if ms(frame) > LIMIT { "  over the limit" } else { "" };
        println!(
            "{:9} key {:6.2} ms, frame {:6.2} ms (limit {LIMIT:.0} ms){over}",
            place.title(),
            ms(key),
            ms(frame),
        );
    }
}

fn press(host: &mut Host, c: char) {
    host.event(&Event::Key(Key { code: KeyCode::Char(c), control: false }));
}
