//! What an engine that does not run has written down about its containers: who they were, which
//! ports they published and how they ended. Pure but for the files that it reads.

use serde_json::{Value, json};

use super::{
    inspect,
    json::{at, flag, string, wall},
};
use crate::{
    host::files::Root,
    observation::{Container, Wall},
};

/// Where the engine keeps them when its configuration names no other place.
const DATA: &str = "/var/lib/docker";
/// Most containers read.
const MOST: usize = 512;
/// Most bytes of one file.
const LIMIT: u64 = 1 << 20;

/// The containers that ran at or after `since`; older ones are left over and nobody misses them.
/// Blocks on the file system. What cannot be read is left out: the engine is out of sight anyhow,
/// and that is told.
pub(super) fn containers(root: &Root, since: Wall) -> Vec<Container> {
    let folder = format!("{}/containers", data_root(root));
    let Ok((names, _)) = root.list(&folder, MOST) else { return Vec::new() };
    let read = |name: &String| {
        let file = |which: &str| -> Option<Value> {
            let text = root.read_text(format!("{folder}/{name}/{which}"), LIMIT).ok()?;
            serde_json::from_str(&text).ok()
        };
        container(&file("config.v2.json")?, &file("hostconfig.json")?, since)
    };
    names.iter().filter_map(read).collect()
}

/// `data-root` of the engine's configuration.
fn data_root(root: &Root) -> String {
    let text = root.read_text("/etc/docker/daemon.json", LIMIT).unwrap_or_default();
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    let told = string(&value, "/data-root");
    if told.starts_with('/') { told.to_owned() } else { DATA.to_owned() }
}

/// The two files hold what an inspection tells, in other places, without a word for the state.
fn container(config: &Value, host: &Value, since: Wall) -> Option<Container> {
    let ran = ["/State/FinishedAt", "/State/StartedAt"];
    let last = ran.iter().filter_map(|field| wall(string(config, field))).max();
    if last.is_none_or(|last| last < since) {
        return None;
    }
    let mut answer = json!({
        "Id": at(config, "/ID"),
        "Name": at(config, "/Name"),
        "Path": at(config, "/Path"),
        "Args": at(config, "/Args"),
        "State": at(config, "/State"),
        "RestartCount": at(config, "/RestartCount"),
        "Config": at(config, "/Config"),
        "HostConfig": host,
        "NetworkSettings": { "Networks": at(config, "/NetworkSettings/Networks") },
    });
    let word = if flag(config, "/State/Running") { "running" } else { "exited" };
    if let Some(state) = answer.pointer_mut("/State").and_then(Value::as_object_mut) {
        state.insert("Status".to_owned(), word.into());
    }
    let mut container = inspect::inspected(&answer)?;
    // Its network is gone with the engine, and its process is not looked for.
    container.ips.clear();
    container.pid = None;
    Some(container)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::observation::ContainerState;

    /// As Docker 20.10 writes them, shortened.
    const CONFIG: &str = r#"{"State":{"Running":false,"Paused":false,"Restarting":false,"OOMKilled":false,"Dead":false,"Pid":0,"ExitCode":137,"Error":"","StartedAt":"2026-11-20T13:00:00.5Z","FinishedAt":"2026-11-20T13:59:00.25Z"},"ID":"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc","Path":"httpd","Args":["-f"],"Config":{"Image":"lab:bb","Cmd":["httpd"],"ExposedPorts":{"8080/tcp":{}}},"Name":"/tours","NetworkSettings":{"Networks":{"bridge":{"IPAddress":"172.17.0.2"}}},"RestartCount":0}"#;
    const HOST: &str = r#"{"PortBindings":{"8080/tcp":[{"HostIp":"127.0.0.1","HostPort":"3720"}]},"RestartPolicy":{"Name":"no","MaximumRetryCount":0},"Memory":0,"NetworkMode":"default"}"#;

    fn read(since: i64) -> Option<Container> {
        let parse = |text| serde_json::from_str(text).unwrap();
        container(&parse(CONFIG), &parse(HOST), Wall::from_secs(since))
    }

    #[test]
    fn a_container_is_read_with_the_ports_that_it_had() {
        let read = read(0).unwrap();
        assert_eq!(read.name.raw(), "tours");
        assert_eq!(read.state, ContainerState::Exited);
        assert_eq!((read.exit_code, read.ports[0].host_port), (Some(137), 3_720));
        assert!(read.ips.is_empty() && read.finished.is_some());
    }

    #[test]
    fn one_that_ended_before_this_boot_is_left_over() {
        assert!(read(1_795_183_200).is_none());
    }

    proptest! {
        #[test]
        fn any_text_in_their_place_is_survived(one in any::<String>(), other in any::<String>()) {
            let value = |text: &str| serde_json::from_str(text).unwrap_or(Value::String(text.into()));
            let _ = container(&value(&one), &value(&other), Wall::from_secs(0));
            let mixed: Value = serde_json::from_str(CONFIG).unwrap();
            let _ = container(&mixed, &value(&one), Wall::from_secs(0));
        }
    }
}
