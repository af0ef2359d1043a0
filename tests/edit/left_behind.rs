//! What an executor makes of an edit that another one left behind.

use std::fs;

use gatemedic::{
    action::{
        audit::Who,
        edit::write,
        journal::{OnDisk, interrupted},
    },
    engine::{
        Options,
        recovery::{Setup, run},
    },
    remedy::{Ending, Order, Progress},
};

use super::bench::{Bench, OLD, permit, plan, rehearse};

/// An edit whose process is gone.
fn broken_off(bench: &Bench) -> std::path::PathBuf {
    let file = bench.folder.path().join("conf.d/shop.conf");
    drop(write(&permit(), rehearse(&file).unwrap(), &bench.tools(), plan()).unwrap());
    let pending = bench.tools().state.join("pending");
    for entry in fs::read_dir(pending).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let (before, after) = text.split_once("\"start_ticks\":").unwrap();
        let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
        fs::write(&path, format!("{before}\"start_ticks\":1{after}")).unwrap();
    }
    assert_eq!(interrupted(&bench.tools())[0].on_disk, OnDisk::New);
    file
}

/// Orders that the last deed be taken back, says yes, and hears everything.
fn take_back(bench: &Bench) -> (Ending, Vec<Progress>) {
    let setup = Setup {
        options: Options::default(),
        tools: bench.tools(),
        who: Who::default(),
        permit: Some(permit()),
        stable_secs: None,
    };
    let (lane, orders) = tokio::sync::mpsc::channel(4);
    lane.try_send(Order::TakeBack { sequence: None, rehearsal: false }).unwrap();
    let mut said = Vec::new();
    let mut say = |progress: Progress| {
        if let Progress::Ready { digest, nonce, .. } = &progress {
            let yes = Order::Confirm { digest: *digest, nonce: nonce.clone(), typed: None };
            lane.try_send(yes).unwrap();
        }
        said.push(progress);
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let ending = runtime.block_on(run(setup, orders, &mut say));
    runtime.shutdown_background();
    (ending, said)
}

#[test]
fn somebody_elses_work_on_a_broken_off_edit_stays_and_is_asked_about_once() {
    let bench = Bench::new();
    let file = broken_off(&bench);
    fs::write(&file, "somebody was here;\n").unwrap();
    let (ending, said) = take_back(&bench);
    assert_eq!(ending, Ending::Verified, "{said:#?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "somebody was here;\n");
    assert!(interrupted(&bench.tools()).is_empty());
    // Nothing stands in the way of older deeds any more.
    let (ending, said) = take_back(&bench);
    let Some(Progress::Refused { why, .. }) = said.first() else { panic!("{said:#?}") };
    assert_eq!(
        (ending, why.as_str()),
        (Ending::Refused, "there is nothing that could be taken back")
    );
}

#[test]
fn an_edit_that_broke_off_before_it_changed_anything_is_not_in_the_way() {
    let bench = Bench::new();
    let file = broken_off(&bench);
    fs::write(&file, OLD).unwrap();
    let (_, said) = take_back(&bench);
    let Some(Progress::Refused { why, .. }) = said.first() else { panic!("{said:#?}") };
    assert_eq!(why, "there is nothing that could be taken back");
}

#[test]
fn a_broken_off_edit_is_taken_back_and_the_record_says_what_was_done() {
    let bench = Bench::new();
    let file = broken_off(&bench);
    let (ending, said) = take_back(&bench);
    assert_eq!(ending, Ending::Verified, "{said:#?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), OLD);
    let audit = fs::read_to_string(bench.tools().state.join("audit.jsonl")).unwrap();
    assert!(audit.contains("take-back") && audit.contains("cp /"), "{audit}");
}
