//! Containers of a real engine.

use gatemedic::{
    action::Failure,
    observation::{ContainerId, Text},
    remedy::Action,
};

use super::ground::{self, run};

/// A container of this test's own, gone with it.
pub struct Made(pub ContainerId, Text);

impl Made {
    pub fn new(name: &str, args: &[&str]) -> Option<Self> {
        let name = format!("gatemedic-test-{name}");
        if !run("docker", &["images", "-q", "lab:bb"]).is_empty() {
            run("docker", &["rm", "-f", &name]);
            let mut words = vec!["run", "-d", "--name", &name];
            words.extend(args);
            words.extend(["lab:bb", "sleep", "1000"]);
            let id = ContainerId::new(run("docker", &words)).unwrap();
            return Some(Self(id, Text::new(&name)));
        }
        println!("skipped: no engine with the lab's image");
        None
    }

    fn show(&self, field: &str) -> String {
        run("docker", &["inspect", "-f", &format!("{{{{{field}}}}}"), self.0.as_str()])
    }

    pub fn restart(&self) -> Action {
        self.action(|container, name| Action::RestartContainer { container, name })
    }

    fn action(&self, make: fn(ContainerId, Text) -> Action) -> Action {
        make(self.0.clone(), self.1.clone())
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        run("docker", &["unpause", self.0.as_str()]);
        run("docker", &["rm", "-f", self.0.as_str()]);
    }
}

#[tokio::test]
async fn a_container_is_stopped_started_paused_limited_and_each_has_its_way_back() {
    if !ground::is_lab() {
        return;
    }
    let Some(made) = Made::new("life", &["--memory=32m"]) else { return };
    let start = made.action(|container, name| Action::StartContainer { container, name });
    let already = ground::act(&start).await.unwrap();
    assert!(already.undo.is_none() && already.words.contains("already"), "{}", already.words);
    run("docker", &["kill", made.0.as_str()]);
    let done = ground::act(&start).await.unwrap();
    assert_eq!(made.show(".State.Status"), "running");
    let memory = 64 << 20;
    let limit = Action::LimitContainer { container: made.0.clone(), name: made.1.clone(), memory };
    let limited = ground::act(&limit).await.unwrap();
    assert_eq!(made.show(".HostConfig.Memory"), memory.to_string());
    ground::take_back(&limited.undo.unwrap()).await.unwrap();
    assert_eq!(made.show(".HostConfig.Memory"), (32 << 20).to_string());
    run("docker", &["pause", made.0.as_str()]);
    let unpause = made.action(|container, name| Action::UnpauseContainer { container, name });
    let unpaused = ground::act(&unpause).await.unwrap();
    assert_eq!(made.show(".State.Status"), "running");
    ground::take_back(&unpaused.undo.unwrap()).await.unwrap();
    assert_eq!(made.show(".State.Status"), "paused");
    run("docker", &["unpause", made.0.as_str()]);
    ground::take_back(&done.undo.unwrap()).await.unwrap();
    assert_eq!(made.show(".State.Status"), "exited");
}

#[tokio::test]
async fn a_container_that_ignores_the_request_to_end_is_waited_for() {
    if !ground::is_lab() {
        return;
    }
    // The first process of a container has no default handlers: sleep does not hear SIGTERM.
    let Some(made) = Made::new("deaf", &[]) else { return };
    let before = made.show(".State.StartedAt");
    ground::act(&made.restart()).await.unwrap();
    assert_eq!(made.show(".State.Status"), "running");
    assert_ne!(made.show(".State.StartedAt"), before);
}

#[tokio::test]
async fn another_container_under_the_same_name_is_not_touched() {
    if !ground::is_lab() {
        return;
    }
    let Some(old) = Made::new("same", &[]) else { return };
    run("docker", &["rm", "-f", old.0.as_str()]);
    let Some(new) = Made::new("same", &[]) else { return };
    let before = new.show(".State.StartedAt");
    let failure = ground::act(&old.restart()).await.unwrap_err();
    assert_eq!(failure, Failure::Gone("container gatemedic-test-same is gone".to_owned()));
    assert_eq!(new.show(".State.StartedAt"), before);
}
