//! Whether the container is still there under its full id, and how it takes what is asked.

use serde_json::Value;

use crate::{
    host::{
        docker::{GRACE_SECONDS, Keeper},
        files::Root,
    },
    observation::Text,
    remedy::{Action, Check, Guard},
};

use super::Ground;

const GUARD: Guard = Guard::Container;

pub(super) async fn look(action: &Action, ground: Ground<'_>) -> Vec<Check> {
    let Some((id, name)) = action.container() else { return Vec::new() };
    let refused = |why: String| vec![Check::refused(GUARD, why)];
    let Some(socket) = &ground.tools.docker else {
        return refused("no container engine was found".to_owned());
    };
    let seen = async { Keeper::of(socket, id).await?.inspect(id).await };
    match seen.await {
        Ok(seen) => judge(action, name, &seen),
        Err(error) if error.status() == Some(404) => refused(format!("container {name} is gone")),
        Err(error) => refused(format!(
            "the container engine cannot be asked about {name}: {}",
            Text::new(error.to_string())
        )),
    }
}

fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

fn judge(action: &Action, name: &Text, seen: &Value) -> Vec<Check> {
    let state = at(seen, &["State", "Status"]).and_then(Value::as_str).unwrap_or("unknown");
    let flag = |path: &[&str]| at(seen, path).and_then(Value::as_bool) == Some(true);
    let stops = matches!(action, Action::RestartContainer { .. } | Action::ComposeUp { .. });
    if flag(&["State", "Dead"]) || state == "removing" || state == "dead" {
        return vec![Check::refused(GUARD, format!("container {name} is being removed"))];
    }
    let mut checks = Vec::new();
    let mut note = |words: String| checks.push(Check::note(GUARD, words));
    match (action, state) {
        (Action::UnpauseContainer { .. }, state) if state != "paused" => {
            return vec![Check::refused(GUARD, format!("container {name} is {state}, not paused"))];
        }
        (Action::StartContainer { .. }, "paused") => {
            let words = format!("container {name} is paused: it goes on with unpause, not start");
            return vec![Check::refused(GUARD, words)];
        }
        (Action::StartContainer { .. }, "running") => {
            note(format!("container {name} runs already"));
        }
        (Action::RestartContainer { .. }, "paused") => {
            note(format!("container {name} is paused by somebody, and will run after it"));
        }
        _ => {}
    }
    if stops && flag(&["HostConfig", "AutoRemove"]) {
        let words = format!(
            "container {name} was made with --rm: when it does not come up again, it is gone"
        );
        checks.push(Check::typed(GUARD, words));
    }
    let mut note = |words: String| checks.push(Check::note(GUARD, words));
    let policy = at(seen, &["HostConfig", "RestartPolicy", "Name"]).and_then(Value::as_str);
    if let Some(policy) = policy.filter(|policy| !matches!(*policy, "" | "no")) {
        note(format!(
            "the engine starts it again by itself (restart policy {})",
            Text::new(policy)
        ));
    }
    if at(seen, &["State", "Health", "Status"]).and_then(Value::as_str) == Some("starting") {
        note(format!("the health check of {name} has not judged yet"));
    }
    if stops && state == "running" {
        note(if is_deaf(seen) {
            format!(
                "its first process does not listen to SIGTERM: it is killed after {GRACE_SECONDS} s"
            )
        } else {
            format!("it gets {GRACE_SECONDS} s to end before it is killed")
        });
    }
    checks.push(Check::clear(GUARD, format!("container {name} is {}", Text::new(state))));
    checks
}

/// Whether its first process takes no notice of SIGTERM: the first process of a pid namespace gets
/// no signal that it has no handler for (`pid_namespaces(7)`).
fn is_deaf(seen: &Value) -> bool {
    let init = at(seen, &["HostConfig", "Init"]).and_then(Value::as_bool) == Some(true);
    let shared = at(seen, &["HostConfig", "PidMode"]).and_then(Value::as_str);
    let signal = at(seen, &["Config", "StopSignal"]).and_then(Value::as_str);
    let other = signal.is_some_and(|signal| !matches!(signal, "" | "SIGTERM" | "TERM" | "15"));
    let pid = at(seen, &["State", "Pid"]).and_then(Value::as_u64).filter(|pid| *pid > 0);
    let (Some(pid), false, false) = (pid, init || other, shared.is_some_and(|s| !s.is_empty()))
    else {
        return false;
    };
    let status = Root::default().read_text(format!("/proc/{pid}/status"), 64 * 1024);
    status.is_ok_and(|status| !catches_term(&status))
}

/// Bit 14 of `SigCgt` is SIGTERM (proc(5)); a status without that line says nothing.
fn catches_term(status: &str) -> bool {
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let bits = caught.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    bits.is_none_or(|bits| bits & (1 << 14) != 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{observation::ContainerId, remedy::Regard};

    fn container() -> (ContainerId, Text) {
        (ContainerId::new("b".repeat(64)).unwrap(), Text::new("web"))
    }

    #[test]
    fn what_a_container_is_decides_how_it_is_treated() {
        let (container, name) = container();
        let restart = Action::RestartContainer { container: container.clone(), name: name.clone() };
        let unpause = Action::UnpauseContainer { container, name: name.clone() };
        let seen = json!({
            "State": {"Status": "running"},
            "HostConfig": {"AutoRemove": true, "RestartPolicy": {"Name": "always"}}
        });
        let words: Vec<Check> = judge(&restart, &name, &seen);
        assert!(words.iter().any(|c| c.regard == Regard::Typed && c.words.contains("--rm")));
        assert!(words.iter().any(|c| c.words.contains("always")));
        assert!(words.iter().any(|c| c.words.contains("10 s to end")));
        assert_eq!(judge(&unpause, &name, &seen)[0].regard, Regard::Refused);
    }

    #[test]
    fn a_first_process_without_a_handler_is_deaf() {
        assert!(catches_term("Name:\tx\nSigCgt:\t0000000000004002\n"));
        assert!(!catches_term("SigCgt:\t0000000000000000\n"));
        assert!(catches_term("Name:\tx\n"));
    }
}
