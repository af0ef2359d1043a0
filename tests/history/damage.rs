//! Every kind of damage: it is named, set aside where it is damage, and nothing else stops.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::Path,
};

use gatemedic::action::incidents::{Found, find};
use proptest::prelude::*;

use super::desk::{Desk, NOW, fixed, incident};

fn image() -> Vec<u8> {
    Desk::image((0..40).map(|n| fixed(&format!("unit-{n}"), n + 2)).collect())
}

/// Damage is set aside byte for byte, named, and a new history begins.
fn is_set_aside(bytes: &[u8], what: &str) {
    let desk = Desk::new();
    desk.put(bytes);
    let Found::Broken(why) = find(&desk.tools()) else { panic!("{what} passes for a history") };
    assert!(why.contains("history.db is damaged"), "{why}");
    let history = desk.keep(vec![incident("shop", 0)]);
    let notice = history.notice.expect(what).to_string();
    assert!(notice.contains("set aside as history.db.corrupt-2026-11-20"), "{notice}");
    assert_eq!(fs::read(desk.state().join("history.db.corrupt-2026-11-20")).unwrap(), bytes);
    assert_eq!(desk.book().incidents().len(), 1, "{what}");
    assert_eq!(history.incidents.len(), 1);
}

#[test]
fn a_file_that_was_cut_off_is_set_aside_wherever_it_was_cut() {
    let whole = image();
    let page = 4_096;
    assert!(whole.len() > 4 * page);
    for pages in 0..whole.len() / page {
        is_set_aside(&whole[..pages * page], &format!("{pages} pages"));
    }
    for bytes in [1, 16, 99, 100, 101, 5_000, whole.len() - 1] {
        is_set_aside(&whole[..bytes], &format!("{bytes} bytes"));
    }
}

#[test]
fn what_is_no_history_is_set_aside() {
    is_set_aside(b"", "nothing");
    is_set_aside(b"I am a letter to a friend\n", "a text");
    is_set_aside(&[0; 8_192], "zeros");
    let dir = tempfile::tempdir().unwrap();
    let other = dir.path().join("other.db");
    let db = rusqlite::Connection::open(&other).unwrap();
    db.execute_batch("CREATE TABLE songs (title TEXT); PRAGMA user_version = 1").unwrap();
    is_set_aside(&fs::read(other).unwrap(), "a database of songs");
}

#[test]
fn no_flipped_byte_stops_anything() {
    let whole = image();
    let desk = Desk::new();
    for at in (0..whole.len()).step_by(61).chain(0..100) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x5b;
        desk.put(&bytes);
        match find(&desk.tools()) {
            // What is flipped inside of a word is another word.
            Found::Book(book) => assert!(book.incidents().len() <= 40, "{at}"),
            Found::Broken(why) | Found::Alone(why) => {
                assert!(!why.chars().any(char::is_control) && why.len() < 1_000, "{at} {why}");
            }
            Found::Nothing => panic!("{at}: there is something"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_stop_anything(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        bytes in prop::collection::vec(any::<u8>(), 0..3_000),
    ) {
        let desk = Desk::new();
        let mut whole = Desk::image(vec![fixed("shop", 2)]);
        for (at, byte) in flips {
            let at = at.index(whole.len());
            whole[at] = byte;
        }
        for bytes in [whole, [b"SQLite format 3\0".as_slice(), &bytes].concat(), bytes] {
            desk.put(&bytes);
            if let Found::Book(book) = find(&desk.tools()) {
                prop_assert!(book.incidents().len() <= 1);
            }
            let newer = matches!(find(&desk.tools()), Found::Alone(_));
            let history = desk.keep(vec![incident("blog", 0)]);
            prop_assert_eq!(history.incidents.is_empty(), newer);
        }
    }
}

/// What is no file of ours is left alone, and named; the session goes on.
fn is_left_alone(desk: &Desk, words: &str) {
    let Found::Alone(why) = find(&desk.tools()) else { panic!("{:?}", find(&desk.tools())) };
    assert!(why.contains(words), "{why}");
    let notice = desk.keep(vec![incident("shop", 0)]).notice.unwrap().to_string();
    assert!(notice.contains("incidents are not kept") && notice.contains(words), "{notice}");
    let notice = desk.scribe().open(NOW).notice.unwrap().to_string();
    assert!(notice.contains(words), "{notice}");
    let output = desk.run(&["history"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_folder_a_pipe_or_a_link_in_its_place_is_left_alone() {
    let victim = tempfile::tempdir().unwrap();
    let target = victim.path().join("target");
    fs::write(&target, Desk::image(vec![fixed("shop", 2)])).unwrap();
    let before = fs::read(&target).unwrap();
    type Plant = fn(&Path, &Path);
    let planted: [(&str, Plant); 3] = [
        ("not a regular file", |at, _| fs::create_dir(at).unwrap()),
        ("not a regular file", |at, _| {
            let fifo = rustix::fs::FileType::Fifo;
            rustix::fs::mknodat(rustix::fs::CWD, at, fifo, 0o600.into(), 0).unwrap();
        }),
        ("symbolic link", |at, target| symlink(target, at).unwrap()),
    ];
    for (words, plant) in planted {
        let desk = Desk::new();
        desk.put(b"");
        fs::remove_file(desk.file()).unwrap();
        plant(&desk.file(), &target);
        is_left_alone(&desk, words);
        assert_eq!(fs::read(&target).unwrap(), before, "the link was followed");
    }
}

#[test]
fn what_somebody_else_could_have_written_is_left_alone() {
    let desk = Desk::new();
    desk.keep(vec![fixed("shop", 2)]);
    fs::set_permissions(desk.file(), PermissionsExt::from_mode(0o620)).unwrap();
    is_left_alone(&desk, "somebody else can write to it");
    if rustix::process::geteuid().is_root() {
        fs::set_permissions(desk.file(), PermissionsExt::from_mode(0o600)).unwrap();
        chown(desk.file(), Some(65_534), None).unwrap();
        is_left_alone(&desk, "somebody else can write to it");
    }
    let desk = Desk::new();
    desk.keep(vec![fixed("shop", 2)]);
    fs::set_permissions(desk.state(), PermissionsExt::from_mode(0o777)).unwrap();
    is_left_alone(&desk, "not a folder that only we can write to");
}

#[test]
fn the_history_of_a_newer_gatemedic_is_left_as_it_is() {
    let desk = Desk::new();
    desk.keep(vec![fixed("shop", 2)]);
    let db = rusqlite::Connection::open(desk.file()).unwrap();
    db.execute_batch("ALTER TABLE incidents ADD COLUMN mood TEXT; PRAGMA user_version = 2")
        .unwrap();
    drop(db);
    let before = fs::read(desk.file()).unwrap();
    is_left_alone(&desk, "it has version 2, and this gatemedic knows up to 1");
    assert_eq!(fs::read(desk.file()).unwrap(), before);
    assert!(!desk.names().iter().any(|name| name.contains("corrupt")));
}

#[test]
fn of_what_was_set_aside_only_the_newest_are_kept() {
    let desk = Desk::new();
    for n in 0..9_u8 {
        desk.put(&[n; 50]);
        desk.keep(vec![incident("shop", 0)]);
    }
    let names = desk.names();
    let aside = names.iter().filter(|name| name.starts_with("history.db.corrupt-"));
    assert_eq!(aside.count(), 4, "{names:?}");
}

/// A history in which somebody has planted something.
fn planted(sql: &str) -> Desk {
    let desk = Desk::new();
    desk.keep(vec![fixed("shop", 2)]);
    let db = rusqlite::Connection::open(desk.file()).unwrap();
    db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    db.execute_batch(sql).unwrap();
    drop(db);
    desk
}

#[test]
fn a_hostile_database_is_only_data() {
    // A view that never ends, where a table should be.
    let desk = planted(
        "ALTER TABLE incidents RENAME TO old; CREATE VIEW incidents AS WITH RECURSIVE n(id) AS
         (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT * FROM n",
    );
    assert!(matches!(find(&desk.tools()), Found::Broken(_)));
    // A value that is computed, and larger than anything.
    let desk = planted(
        "DROP TABLE repairs; CREATE TABLE repairs (incident INTEGER, number INTEGER, actor TEXT,
         action TEXT AS (printf('%.*c', 900000000, 'x')), at_us INTEGER, secs INTEGER, verdict TEXT,
         ending TEXT, record INTEGER); INSERT INTO repairs (incident, number) VALUES (1, 1)",
    );
    assert!(matches!(find(&desk.tools()), Found::Broken(_)), "{:?}", find(&desk.tools()));
    // A trigger is not carried over, nor run.
    let desk = planted(
        "CREATE TRIGGER t AFTER INSERT ON incidents BEGIN DELETE FROM incidents; END;
         CREATE TABLE more (x)",
    );
    desk.keep(vec![incident("blog", 1)]);
    assert_eq!(desk.book().incidents().len(), 2);
    let db = rusqlite::Connection::open(desk.file()).unwrap();
    let others: i64 = db
        .query_row("SELECT count(*) FROM sqlite_schema WHERE type <> 'table'", [], |r| r.get(0))
        .unwrap();
    assert_eq!(others, 0);
    // Text is shown as text, and cut.
    let desk = planted(
        "UPDATE incidents SET summary = char(27) || ']0;x' || char(7) || printf('%.*c', 99999, 'y'),
         subject = char(8238) || 'evil', cause = 'a' || char(10) || 'b', id = 9",
    );
    let output = desk.run(&["history", "show", "9"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text}");
    assert!(text.len() < 4_000, "{}", text.len());
    // Numbers that no calendar knows.
    let desk = planted("UPDATE incidents SET first_us = 9223372036854775807");
    assert!(matches!(find(&desk.tools()), Found::Broken(_)));
    let desk = planted("UPDATE incidents SET failures = -1");
    assert!(matches!(find(&desk.tools()), Found::Broken(_)));
}

#[test]
fn a_full_or_a_read_only_disk_costs_a_notice_and_leaves_the_old_history() {
    let made = std::process::Command::new("unshare").args(["-m", "true"]).status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: namespaces need root and unshare(1)");
        return;
    }
    let desk = Desk::new();
    desk.keep((0..200).map(|n| fixed(&format!("unit-{n}"), n + 2)).collect());
    let kept = fs::read(desk.file()).unwrap();
    let under = |prepare: &str| {
        let script = format!(
            "set -e; S=$1; mkdir $S.d; mount -t tmpfs -o mode=700,size=256k none $S.d
             cp -p $S/* $S.d/; {prepare}; set +e
             \"$2\" --state $S.d history --forget 1 --yes; echo \"exit $?\"
             \"$2\" --state $S.d history -n 1; echo \"exit $?\"; ls $S.d; cmp $S/history.db $S.d/history.db
             umount $S.d; rmdir $S.d"
        );
        let state = desk.state();
        let program = env!("CARGO_BIN_EXE_gatemedic");
        let mut command = std::process::Command::new("unshare");
        command.args(["-m", "bash", "-c", &script, "bash"]).arg(&state).arg(program);
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text + &String::from_utf8_lossy(&output.stderr)
    };
    for (prepare, words) in [
        ("head -c 1M /dev/zero >$S.d/fill 2>/dev/null || true", "No space left"),
        ("mount -o remount,ro $S.d", "Read-only file system"),
    ] {
        let said = under(prepare);
        assert!(said.contains(words) && said.contains("exit 74"), "{said}");
        assert!(said.contains("#1 ") && said.contains("exit 0"), "{said}");
        assert!(!said.contains("differ") && !said.contains(".new"), "{said}");
    }
    assert_eq!(fs::read(desk.file()).unwrap(), kept);
}
