//! Every practice scenario, played end to end in a real terminal by a player who knows nothing but
//! what the screen shows: it reads, names or pays, presses the keys that are offered, and stops when
//! the score is there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::allow_attributes,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail loudly, and this one runs the program from outside"
)]

#[path = "practice/player.rs"]
mod player;
#[path = "terminal/pty.rs"]
mod pty;
#[path = "practice/traces.rs"]
mod traces;

use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use gatemedic::practice::game::Library;
use player::{Player, Way};
use rustix::process::Signal;
use traces::Traces;

const PROGRAM: &str = env!("CARGO_BIN_EXE_gatemedic");

/// Plays one to its end, and looks that nothing is left of it.
fn played(words: &[&str], way: Way) {
    to_the_end(Player::start(PROGRAM, words, (120, 40)), way);
}

fn to_the_end(mut player: Player, way: Way) {
    player.begin();
    let traces = Traces::of(&player.pty);
    player.read();
    player.find(way);
    player.repair();
    player.score(way);
    player.leave();
    traces.are_gone();
}

/// The ids of a part of the library: three tests play a third each, side by side.
fn third(part: usize) -> Vec<&'static str> {
    let all = Library::all().iter().map(|one| one.task.id.as_str()).enumerate();
    let only = std::env::var("PRACTICE_ONLY").ok();
    let wanted = |id: &str| only.as_deref().is_none_or(|only| only.split(',').any(|o| o == id));
    all.filter(|(at, _)| at % 3 == part).map(|(_, id)| id).filter(|id| wanted(id)).collect()
}

/// Where there is a short list the player tries the names in it, else it pays for the ranking.
fn way(id: &str) -> Way {
    let task = &Library::get(id).unwrap().task;
    if task.choices.is_empty() { Way::Pays } else { Way::Tries }
}

#[test]
fn the_first_third_of_the_scenarios_is_solved_by_what_the_screen_shows() {
    third(0).into_iter().for_each(|id| played(&[id], way(id)));
}

#[test]
fn the_second_third_of_the_scenarios_is_solved_by_what_the_screen_shows() {
    third(1).into_iter().for_each(|id| played(&[id], way(id)));
}

#[test]
fn the_last_third_of_the_scenarios_is_solved_by_what_the_screen_shows() {
    third(2).into_iter().for_each(|id| played(&[id], way(id)));
}

#[test]
fn incidents_by_chance_are_solved_too() {
    if std::env::var_os("PRACTICE_ONLY").is_some() {
        return;
    }
    played(&["--seed", "1", "--level", "1"], Way::Tries);
    played(&["--seed", "2", "--level", "3"], Way::Pays);
    played(&["--seed", "3", "--level", "4"], Way::Pays);
}

/// The gateway's workers are the owner of every socket then, and nothing is anybody else's.
#[test]
fn whoever_is_not_root_plays_the_same() {
    const SETPRIV: &str = "/usr/bin/setpriv";
    if !rustix::process::geteuid().is_root() || !Path::new(SETPRIV).exists() {
        eprintln!("skipped: only root can become somebody else, with {SETPRIV}");
        return;
    }
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let own = folder.path().join("gatemedic");
    std::fs::copy(PROGRAM, &own).unwrap();
    for path in [folder.path(), &own] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let own = own.to_str().unwrap();
    let nobody = [SETPRIV, "--reuid=65534", "--regid=65534", "--clear-groups", own];
    for id in ["locked-socket", "moving-day"] {
        let none = [("HOME", "/nonexistent")];
        to_the_end(Player::behind(&nobody, &[id], (120, 40), &none), way(id));
    }
}

#[test]
fn with_the_nginx_of_this_host_it_is_the_same_game() {
    if !Path::new("/usr/sbin/nginx").exists() {
        eprintln!("skipped: there is no nginx here");
        return;
    }
    for id in ["typo-after-deploy", "locked-socket", "frozen"] {
        played(&["--real", id], way(id));
    }
}

/// The console reads times in its zone, and every part of the world writes them in it.
#[test]
fn an_incident_in_another_zone_is_one_of_now() {
    let zone = [("TZ", "Asia/Tokyo")];
    to_the_end(Player::behind(&[PROGRAM], &["fell-over"], (120, 40), &zone), way("fell-over"));
}

#[test]
fn whoever_leaves_in_the_middle_leaves_nothing_behind() {
    for signal in [None, Some(Signal::TERM), Some(Signal::KILL)] {
        let mut player = Player::start(PROGRAM, &["quiet-after-lunch"], (80, 24));
        player.begin();
        let traces = Traces::of(&player.pty);
        match signal {
            None => player.pty.send(b"q"),
            Some(signal) => player.pty.signal(signal),
        }
        drop(player.pty.until_end());
        traces.are_gone();
    }
}

#[test]
fn the_next_one_and_the_same_again_begin_with_their_stories() {
    let mut player = Player::start(PROGRAM, &["quiet-after-lunch"], (120, 40));
    player.begin();
    let traces = Traces::of(&player.pty);
    player.read();
    player.find(Way::Pays);
    player.repair();
    player.score(Way::Pays);
    player.pty.send(b"a");
    player.until(&["Enter begin", "Quiet after lunch"]);
    traces.are_gone();
    player.begin();
    let traces = Traces::of(&player.pty);
    player.pty.send(b"q");
    assert_eq!(player.pty.until_exit(), 0);
    traces.are_gone();
}

#[test]
fn without_a_terminal_it_lists_what_there_is_and_says_what_it_needs() {
    let run = |words: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.arg("practice").args(words).stdin(Stdio::null());
        command.output().unwrap()
    };
    let list = run(&["--list"]);
    let text = String::from_utf8(list.stdout).unwrap();
    assert_eq!(list.status.code(), Some(0));
    for one in Library::all() {
        assert!(text.contains(&one.task.id) && text.contains(&one.task.title), "{text}");
    }
    let none = run(&[]);
    assert_eq!(none.status.code(), Some(64));
    assert!(String::from_utf8(none.stderr).unwrap().contains("is not a terminal"));
    let wrong = run(&["quiet-after-lunhc"]);
    assert_eq!(wrong.status.code(), Some(64));
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("is it quiet-after-lunch?"));
}
