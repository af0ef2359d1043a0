//! SIGKILL at every step of an edit: what is on disk is exactly the old or exactly the new, and the
//! next start offers recovery.

use std::{
    env, fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::Command,
};

use gatemedic::action::{
    edit::write_watched,
    journal::{OnDisk, interrupted, recover},
};

use super::bench::{Bench, NEW, OLD, permit, plan, rehearse, tools};

const FOLDER: &str = "GATEMEDIC_TEST_FOLDER";
const STEP: &str = "GATEMEDIC_TEST_STEP";
const STEPS: usize = 9;

/// What the killed process does: an edit that dies after so many steps.
#[test]
#[ignore = "it kills itself: started by the tests below"]
fn an_edit_that_dies() {
    let (Some(folder), Some(step)) = (env::var_os(FOLDER), env::var(STEP).ok()) else { return };
    let (folder, last) = (PathBuf::from(folder), step.parse::<usize>().unwrap());
    let rehearsal = rehearse(&folder.join("conf.d/shop.conf")).unwrap();
    let mut done = 0;
    let written = write_watched(&permit(), rehearsal, &tools(&folder), plan(), &mut |_| {
        done += 1;
        if done == last {
            let own = rustix::process::getpid();
            rustix::process::kill_process(own, rustix::process::Signal::KILL).unwrap();
        }
    });
    drop(written.unwrap());
}

fn kill_at(bench: &Bench, step: usize) -> bool {
    let status = Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "killed::an_edit_that_dies"])
        .env(FOLDER, bench.folder.path())
        .env(STEP, step.to_string())
        .output()
        .unwrap()
        .status;
    status.signal() == Some(9)
}

fn is_loaded_by_a_glob(name: &str) -> bool {
    !name.starts_with('.') || name.ends_with(".conf")
}

fn kill_everywhere(times: usize, prepare: impl Fn(&Bench)) -> usize {
    let mut reached = 0;
    for step in 1..=STEPS {
        for _ in 0..times {
            let bench = Bench::new();
            prepare(&bench);
            if !kill_at(&bench, step) {
                // There are fewer steps on this way; then the edit came to its end.
                assert_eq!(bench.text(), NEW, "step {step}");
                continue;
            }
            reached = reached.max(step);
            let text = bench.text();
            assert!(text == OLD || text == NEW, "step {step}: {text:?}");
            assert!(!bench.strays().iter().any(|name| is_loaded_by_a_glob(name)));
            let found = interrupted(&bench.tools());
            assert_eq!(found.len(), 1, "step {step}");
            let expected = if text == OLD { OnDisk::Old } else { OnDisk::New };
            assert_eq!(found[0].on_disk, expected, "step {step}: {}", found[0].words);
            assert_eq!(found[0].undo.is_some(), text == NEW, "step {step}");
            if text == OLD && found[0].undo.is_none() {
                gatemedic::action::journal::forget(&permit(), &bench.tools(), &found[0]).unwrap();
            } else {
                recover(&permit(), &bench.tools(), &found[0]).unwrap();
            }
            assert_eq!(bench.text(), OLD, "step {step}");
            assert!(interrupted(&bench.tools()).is_empty(), "step {step}");
            assert!(bench.strays().is_empty(), "step {step}: {:?}", bench.strays());
        }
    }
    reached
}

fn link(bench: &Bench) {
    fs::hard_link(bench.file(), bench.path("other")).unwrap();
}

#[test]
fn a_process_that_is_killed_at_any_step_leaves_the_old_or_the_new_and_is_recovered() {
    assert_eq!(kill_everywhere(5, |_| {}), STEPS);
}

#[test]
fn the_same_where_the_file_is_written_in_place() {
    assert!(kill_everywhere(2, link) >= 6);
}

#[test]
#[ignore = "takes minutes"]
fn fifty_kills_at_every_step() {
    assert_eq!(kill_everywhere(50, |_| {}), STEPS);
    assert!(kill_everywhere(50, link) >= 6);
}

#[test]
fn a_write_in_place_that_broke_off_half_way_is_taken_back_from_the_copy() {
    let bench = Bench::new();
    link(&bench);
    // Killed after the file was announced to be written over: half of it stands there.
    let writing = (1..=STEPS).find(|step| {
        let bench = Bench::new();
        link(&bench);
        kill_at(&bench, *step) && bench.text() == NEW
    });
    assert!(kill_at(&bench, writing.unwrap() - 1));
    fs::write(bench.file(), "server 127.0.0.1:80").unwrap();
    let found = interrupted(&bench.tools());
    assert_eq!(found[0].on_disk, OnDisk::Other);
    assert!(found[0].words.contains("in part"), "{}", found[0].words);
    recover(&permit(), &bench.tools(), &found[0]).unwrap();
    assert_eq!(bench.text(), OLD);
    assert_eq!(fs::read_to_string(bench.path("other")).unwrap(), OLD);
}

#[test]
fn somebody_elses_work_after_a_kill_is_not_overwritten() {
    let bench = Bench::new();
    assert!(kill_at(&bench, STEPS));
    fs::write(bench.file(), "mine;\n").unwrap();
    let found = interrupted(&bench.tools());
    assert_eq!((found[0].on_disk, found[0].undo.is_none()), (OnDisk::Other, true));
    assert!(recover(&permit(), &bench.tools(), &found[0]).is_err());
    assert_eq!(bench.text(), "mine;\n");
    assert!(Path::new(found[0].file.raw()).is_absolute());
}
