//! Processes that hold what a service needs.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use gatemedic::{
    action::{Failure, hands},
    evidence::CaseFile,
    observation::Text,
    remedy::Action,
};

use super::ground;

/// A child that is reaped in the background, as the parent of a real one would.
fn sleeper() -> (Child, Action, CaseFile) {
    let child = Command::new("/bin/sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
    // Between fork and exec it is still a copy of this program.
    while gatemedic::host::proc::exe(child.id()) == gatemedic::host::proc::exe(std::process::id()) {
        std::thread::yield_now();
    }
    let action = Action::EndProcess { pid: child.id(), name: Text::new("sleep") };
    let mut case = CaseFile::new();
    case.processes.insert(child.id(), ground::seen(child.id()));
    (child, action, case)
}

async fn act(action: &Action, case: &CaseFile) -> Result<hands::Done, Failure> {
    let tools = ground::tools(Path::new("/nowhere"));
    hands::carry_out(&ground::permit(), action, case, &tools).await
}

#[tokio::test]
async fn a_process_that_was_seen_is_asked_to_end_and_does() {
    let (mut child, action, case) = sleeper();
    let done = act(&action, &case).await.unwrap();
    assert!(done.words.contains("ended") && done.undo.is_none());
    let status = child.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(15));
    let failure = act(&action, &case).await.unwrap_err();
    assert!(matches!(failure, Failure::Gone(_)), "{failure}");
}

#[tokio::test]
async fn a_number_that_was_reused_is_left_alone() {
    let (mut child, action, mut case) = sleeper();
    case.processes.get_mut(&child.id()).unwrap().start_ticks -= 1;
    let failure = act(&action, &case).await.unwrap_err();
    assert!(matches!(failure, Failure::Changed(_)), "{failure}");
    case.processes.clear();
    let failure = act(&action, &case).await.unwrap_err();
    assert!(matches!(failure, Failure::Changed(_)), "{failure}");
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn the_first_process_our_ancestors_ourselves_and_the_kernel_are_spared() {
    let mut case = CaseFile::new();
    let parent = gatemedic::host::proc::stat(std::process::id()).unwrap().parent;
    for pid in [1, 2, parent, std::process::id()] {
        let Ok(stat) = gatemedic::host::proc::stat(pid) else { continue };
        case.processes.insert(pid, ground::seen(pid));
        let action = Action::EndProcess { pid, name: stat.name };
        let failure = act(&action, &case).await.unwrap_err();
        assert!(matches!(failure, Failure::Refused(_)), "{pid}: {failure}");
    }
}
