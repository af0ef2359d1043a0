//! Containers, by their full id.

use std::{path::Path, time::Duration};

use crate::{
    action::{Failure, Tools},
    host::{
        docker::{Changed, Keeper, ManageError},
        run::{self, Limits, RootOwnedExe},
        trusted,
    },
    observation::{ContainerId, Text},
    remedy::Action,
};

use super::{Done, Undo, words};

/// Longest wait for Compose: it may have to make a container again.
const COMPOSE: Limits = Limits { deadline: Duration::from_mins(2), max_output: 64 * 1024 };
/// Where Docker's program looks for its plugins when root calls it.
const PLUGINS: [&str; 4] = [
    "/usr/local/lib/docker/cli-plugins/docker-compose",
    "/usr/local/libexec/docker/cli-plugins/docker-compose",
    "/usr/lib/docker/cli-plugins/docker-compose",
    "/usr/libexec/docker/cli-plugins/docker-compose",
];
/// The socket that Docker's program asks when it is told nothing.
const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

async fn keeper(
    tools: &Tools,
    id: &ContainerId,
    name: &Text,
    hand: &str,
) -> Result<Keeper, Failure> {
    let Some(socket) = &tools.docker else {
        return Err(Failure::Refused(format!("no container engine was found; type: {hand}")));
    };
    Keeper::of(socket, id).await.map_err(|e| words::from_docker(&e, name, hand))
}

pub(super) async fn start(
    id: &ContainerId,
    name: &Text,
    action: &Action,
    tools: &Tools,
) -> Result<Done, Failure> {
    let hand = words::by_hand(action);
    let changed = keeper(tools, id, name, &hand).await?.start(id).await;
    let changed = changed.map_err(|e| words::from_docker(&e, name, &hand))?;
    Ok(match changed {
        Changed::Done => Done {
            words: format!("container {name} was started"),
            undo: Some(Undo::StopContainer { container: id.clone() }),
        },
        Changed::Already => Done { words: format!("container {name} runs already"), undo: None },
    })
}

pub(super) async fn restart(
    id: &ContainerId,
    name: &Text,
    action: &Action,
    tools: &Tools,
) -> Result<Done, Failure> {
    let hand = words::by_hand(action);
    let changed = keeper(tools, id, name, &hand).await?.restart(id).await;
    changed.map_err(|e| words::from_docker(&e, name, &hand))?;
    Ok(Done { words: format!("container {name} was restarted"), undo: None })
}

pub(super) async fn unpause(
    id: &ContainerId,
    name: &Text,
    action: &Action,
    tools: &Tools,
) -> Result<Done, Failure> {
    let hand = words::by_hand(action);
    let changed = keeper(tools, id, name, &hand).await?.unpause(id).await;
    changed.map_err(|e| words::from_docker(&e, name, &hand))?;
    let undo = Some(Undo::PauseContainer { container: id.clone() });
    Ok(Done { words: format!("container {name} goes on"), undo })
}

pub(super) async fn limit(
    id: &ContainerId,
    name: &Text,
    memory: u64,
    action: &Action,
    tools: &Tools,
) -> Result<Done, Failure> {
    let hand = words::by_hand(action);
    let keeper = keeper(tools, id, name, &hand).await?;
    let failed = |e: &ManageError| words::from_docker(e, name, &hand);
    let before = keeper.inspect(id).await.map_err(|e| failed(&e))?;
    let number = |field: &str| {
        before
            .get("HostConfig")
            .and_then(|host| host.get(field))
            .and_then(serde_json::Value::as_i64)
    };
    let old = number("Memory").and_then(|n| u64::try_from(n).ok()).unwrap_or_default();
    let swap = number("MemorySwap").unwrap_or_default();
    keeper.limit(id, memory, swap_for(memory, old, swap)).await.map_err(|e| failed(&e))?;
    let after = keeper.inspect(id).await.map_err(|e| failed(&e))?;
    let now =
        after.get("HostConfig").and_then(|h| h.get("Memory")).and_then(serde_json::Value::as_u64);
    if now != Some(memory) {
        return Err(Failure::Refused(format!(
            "the engine took the limit of {name} and did not set it"
        )));
    }
    let undo = Undo::LimitContainer { container: id.clone(), memory: old, swap };
    let words = format!("container {name} may use {} MiB", memory >> 20);
    Ok(Done { words, undo: Some(undo) })
}

/// The limit of memory and swap together that leaves as much swap as before. Without one (-1) there is
/// none afterwards; a new -1 is not asked for, because on cgroup v1 the engine cannot write it to a
/// container that runs (Docker 20.10).
fn swap_for(memory: u64, old: u64, swap: i64) -> i64 {
    let memory = i64::try_from(memory).unwrap_or(i64::MAX);
    match u64::try_from(swap) {
        Err(_) => -1,
        // Docker's own default is as much swap as memory.
        Ok(0) => memory.saturating_mul(2),
        Ok(both) => {
            let room = i64::try_from(both.saturating_sub(old)).unwrap_or_default();
            memory.saturating_add(room)
        }
    }
}

/// Brings a Compose service up. What its labels name is only followed where nobody but root could
/// have written it: whoever starts a container chooses its labels.
pub(super) async fn compose_up(action: &Action, tools: &Tools) -> Result<Done, Failure> {
    let Action::ComposeUp { project, service, files, folder, .. } = action else {
        return Err(Failure::Human("this is no Compose service".to_owned()));
    };
    let hand = words::by_hand(action);
    let human = |why: String| Err(Failure::Human(format!("{why}; look at it and type: {hand}")));
    if !is_plain(project.raw()) || !is_plain(service.raw()) {
        return human("the Compose labels do not hold plain names".to_owned());
    }
    if !trusted::is_roots_own_folder(Path::new(folder.raw())) {
        return human(format!("somebody other than root could change {folder}, or it is gone"));
    }
    if files.is_empty() {
        return human("the Compose labels name no files".to_owned());
    }
    for file in files {
        // The words that are run are the words that were shown.
        if file.to_string() != file.raw() || !trusted::is_roots_own(Path::new(file.raw())) {
            return human(format!("somebody other than root could change {file}, or it is gone"));
        }
    }
    if tools.docker.as_deref() != Some(Path::new(DEFAULT_SOCKET)) {
        return human("the engine does not listen where docker asks by itself".to_owned());
    }
    if !PLUGINS.iter().any(|path| RootOwnedExe::at(path).is_ok()) {
        return human("docker compose is not installed".to_owned());
    }
    let Ok(docker) = RootOwnedExe::at("/usr/bin/docker") else {
        return human("/usr/bin/docker is missing or not root's own".to_owned());
    };
    let commands = action.commands();
    let args: Vec<&str> = commands.iter().flatten().skip(1).map(String::as_str).collect();
    let output = run::run(&docker, &args, COMPOSE).await.map_err(|error| match error {
        run::RunError::Deadline(_) => Failure::Late(format!(
            "docker compose did not end within {} s and was stopped; look: docker compose -p \
             {project} ps",
            COMPOSE.deadline.as_secs()
        )),
        other => Failure::Refused(format!("docker compose: {other}")),
    })?;
    if !output.status.success() {
        let said = Text::from_bytes(last_line(&output.stderr));
        return Err(Failure::Refused(format!("docker compose failed: {said}")));
    }
    Ok(Done { words: format!("docker compose brought {service} up"), undo: None })
}

/// What Compose itself allows, and never an option.
fn is_plain(name: &str) -> bool {
    let part = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    name.len() <= 128
        && name.bytes().all(part)
        && name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
}

fn last_line(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.trim_ascii_end();
    let start = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    bytes.get(start..).unwrap_or_default()
}

pub(super) async fn take_back(undo: &Undo, tools: &Tools) -> Result<String, Failure> {
    let (id, verb) = match undo {
        Undo::StopContainer { container } => (container, "stop"),
        Undo::PauseContainer { container } => (container, "pause"),
        Undo::LimitContainer { container, .. } => (container, "update"),
        _ => return Err(Failure::Human("this is no container".to_owned())),
    };
    let hand = format!("sudo docker {verb} {}", id.as_str());
    let name = Text::new(id.short());
    let keeper = keeper(tools, id, &name, &hand).await?;
    let done = match undo {
        Undo::StopContainer { .. } => keeper.stop(id).await,
        Undo::PauseContainer { .. } => keeper.pause(id).await,
        Undo::LimitContainer { memory, swap, .. } => keeper.limit(id, *memory, *swap).await,
        _ => Ok(Changed::Already),
    };
    done.map_err(|e| words::from_docker(&e, &name, &hand))?;
    Ok(match undo {
        Undo::StopContainer { .. } => format!("container {name} was stopped again"),
        Undo::PauseContainer { .. } => format!("container {name} was paused again"),
        _ => format!("container {name} has its old limit again"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compose(service: &str, file: &str) -> Action {
        Action::ComposeUp {
            container: ContainerId::new("a".repeat(64)).unwrap(),
            project: Text::new("shop"),
            service: Text::new(service),
            files: vec![Text::new(file)],
            folder: Text::new("/etc"),
        }
    }

    #[test]
    fn a_higher_limit_leaves_as_much_swap_as_before() {
        let mib = |n: i64| n << 20;
        assert_eq!(swap_for(320 << 20, 64 << 20, mib(128)), mib(384));
        assert_eq!(swap_for(320 << 20, 64 << 20, mib(64)), mib(320), "none before, none after");
        assert_eq!(swap_for(320 << 20, 64 << 20, -1), -1);
        assert_eq!(swap_for(320 << 20, 64 << 20, 0), mib(640));
        assert_eq!(swap_for(u64::MAX, 1, 0), i64::MAX);
    }

    #[tokio::test]
    async fn compose_labels_that_somebody_else_could_have_written_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let planted = dir.path().join("compose.yml");
        std::fs::write(&planted, "").unwrap();
        let tools = Tools {
            bus: String::new(),
            docker: Some(DEFAULT_SOCKET.into()),
            state: dir.path().to_owned(),
            runtime: dir.path().to_owned(),
        };
        for action in [
            compose("web", planted.to_str().unwrap()),
            compose("--help", "/etc/hostname"),
            compose("web", "etc/hostname"),
        ] {
            let failure = compose_up(&action, &tools).await.unwrap_err();
            assert!(matches!(failure, Failure::Human(_)), "{failure}");
            assert!(failure.to_string().contains("docker compose --project-name shop"));
        }
    }

    #[test]
    fn the_last_line_of_an_error_output_is_told() {
        assert_eq!(last_line(b"a\nno such service: web\n"), b"no such service: web");
        assert_eq!(last_line(b""), b"");
    }
}
