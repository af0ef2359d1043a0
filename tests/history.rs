//! The history of incidents on a real disk: kept, shared, damaged, bounded, shown, forgotten.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::allow_attributes,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail loudly and may touch its own files"
)]

#[path = "history/damage.rs"]
mod damage;
#[path = "history/desk.rs"]
mod desk;
#[path = "terminal/pty.rs"]
mod pty;
#[path = "history/reading.rs"]
mod reading;
#[path = "contract/trace.rs"]
mod trace;
#[path = "history/verb.rs"]
mod verb;

use std::{fs, os::unix::fs::MetadataExt, thread};

use desk::{Desk, NOW, entries, fixed, incident};
use gatemedic::{
    action::incidents::Kept,
    observation::Text,
    session::history::{Entry, State},
};

#[test]
fn what_was_kept_is_read_back_as_it_was_with_who_did_it() {
    let desk = Desk::new();
    let mut told = fixed("shop", 2);
    told.recording = Some(Text::new("2026-11-18T140430Z.rec"));
    told.returns = 2;
    let mut open = incident("blog", 0);
    (open.state, open.ended) = (State::Open, None);
    open.changed = Some(Text::new("blog.service was started"));
    let history = desk.keep(vec![told.clone(), open.clone()]);
    assert_eq!(history.notice, None);
    told.id = 1;
    told.repairs[0].by = Text::new("anna");
    open.id = 2;
    assert_eq!(desk.book().incidents(), [told.clone(), open.clone()]);
    assert_eq!(history.incidents, [open, told], "the newest first");
    assert_eq!(fs::metadata(desk.file()).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(desk.names(), ["history.db", "history.lock"], "no journal is left");
}

#[test]
fn the_file_is_a_database_that_other_tools_can_query() {
    let desk = Desk::new();
    desk.keep(vec![fixed("shop", 2), incident("blog", 1)]);
    let db = rusqlite::Connection::open(desk.file()).unwrap();
    let fixed: (String, i64) = db
        .query_row(
            "SELECT action, secs FROM incidents JOIN repairs ON incident = id
             WHERE cause = 'app-unit-stopped' AND verdict = 'fixed'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(fixed, ("start shop.service".to_owned(), 40));
    let version: u32 = db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, gatemedic::action::incidents::VERSION);
}

#[test]
fn a_database_that_a_person_opened_with_another_journal_is_read_as_before() {
    let desk = Desk::new();
    desk.keep(vec![fixed("shop", 2)]);
    let db = rusqlite::Connection::open(desk.file()).unwrap();
    db.pragma_update(None, "journal_mode", "wal").unwrap();
    drop(db);
    assert_eq!(desk.book().incidents().len(), 1);
}

#[test]
fn two_who_write_at_once_lose_nothing_and_one_incident_stays_one() {
    let desk = Desk::new();
    thread::scope(|scope| {
        for who in 0..4 {
            let desk = &desk;
            scope.spawn(move || {
                let mut scribe = desk.scribe();
                for n in 0..12 {
                    let mut shared = incident("shop", 0);
                    (shared.state, shared.ended) = (State::Open, None);
                    shared.updated = NOW.plus_secs(n);
                    let own = Entry { serial: 1, incident: shared };
                    let other = incident(&format!("unit-{who}-{n}"), 3);
                    let other = Entry { serial: 10 + u64::try_from(n).unwrap(), incident: other };
                    let history = scribe.keep(&[own, other], NOW);
                    assert_eq!(history.notice, None);
                }
            });
        }
    });
    let book = desk.book();
    let shared = book.incidents().iter().filter(|i| i.trouble.subject.raw() == "shop.service");
    assert_eq!(shared.count(), 1);
    assert_eq!(book.incidents().len(), 1 + 4 * 12);
}

#[test]
fn whoever_holds_the_lock_for_good_costs_a_notice_and_no_more() {
    let desk = Desk::new();
    desk.keep(vec![fixed("shop", 2)]);
    let lock = fs::File::open(desk.state().join("history.lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let history = desk.keep(vec![incident("blog", 1)]);
    let notice = history.notice.unwrap().to_string();
    assert!(notice.contains("somebody else writes the history"), "{notice}");
    assert_eq!(history.incidents.len(), 1, "what is there is still known");
}

#[test]
fn what_is_old_is_forgotten() {
    let desk = Desk::new();
    desk.keep(vec![fixed("old", 390), fixed("shop", 20)]);
    let mut scribe = desk.scribe_keeping(Kept { days: 30, mib: 16 });
    scribe.keep(&entries(vec![incident("blog", 1)]), NOW);
    let left: Vec<String> =
        desk.book().incidents().iter().map(|i| i.trouble.subject.to_string()).collect();
    assert_eq!(left, ["shop.service", "blog.service"]);
}

#[test]
fn the_file_stays_within_its_size_and_the_newest_are_kept() {
    let desk = Desk::new();
    let all: Vec<_> = (0..1_500)
        .map(|n| {
            let mut one = fixed(&format!("unit-{n}"), 1);
            one.first = NOW.minus_secs(1_000_000 - n * 100);
            one.last = one.first;
            one.ended = Some(one.first);
            one.trouble.summary = Text::new("word ".repeat(100));
            one
        })
        .collect();
    let mut scribe = desk.scribe_keeping(Kept { days: 400, mib: 1 });
    let history = scribe.keep(&entries(all), NOW);
    assert_eq!(history.notice, None);
    let size = fs::metadata(desk.file()).unwrap().len();
    assert!(size <= 1 << 20, "{size}");
    let book = desk.book();
    assert!(book.incidents().len() > 500, "{}", book.incidents().len());
    assert_eq!(book.incidents().last().unwrap().trouble.subject.raw(), "unit-1499.service");
}

#[test]
fn no_secret_reaches_the_file() {
    let desk = Desk::new();
    let canary = "CANARY7f3a9c";
    let mut told = fixed("shop", 1);
    let words = [
        format!("upstream https://bob:{canary}@10.0.0.9/ refused"),
        format!("GET /pay?token={canary}&x=1 failed"),
        format!("Authorization: Bearer {canary}{canary}{canary}"),
        format!("mysql --password={canary} ended"),
    ];
    told.trouble.summary = Text::new(&words[0]);
    told.trouble.subject = Text::new(&words[1]);
    told.repairs[0].action = Text::new(&words[2]);
    told.changed = Some(Text::new(&words[3]));
    desk.keep(vec![told]);
    let bytes = fs::read(desk.file()).unwrap();
    assert!(!bytes.windows(canary.len()).any(|window| window == canary.as_bytes()));
    for arguments in [&["history"][..], &["history", "show", "1"], &["history", "-o", "json"]] {
        let output = desk.run(arguments);
        assert_eq!(output.status.code(), Some(0));
        assert!(!String::from_utf8_lossy(&output.stdout).contains(canary));
    }
}
