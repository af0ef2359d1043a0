//! What `GET /containers/{id}/json` and the list say, as a [`Container`]. Pure.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value;

use super::{
    addresses,
    json::{at, flag, members, string, strings, text, wall},
    labels,
};
use crate::observation::{
    Address, Claim, ClaimKind, Container, ContainerId, ContainerState, Health, Origin, PortBinding,
    Text, Wall,
};

/// Most ports, networks or claims kept of one container.
const MOST: usize = 1024;
/// Longest output of a health check that is kept, in characters.
const HEALTH_OUTPUT: usize = 4096;

/// Reads the answer of an inspection; `None` when it has no full id.
pub(super) fn inspected(answer: &Value) -> Option<Container> {
    let id = ContainerId::new(string(answer, "/Id")).ok()?;
    let state = state(answer);
    let code = at(answer, "/State/ExitCode").as_i64();
    let ran = !string(answer, "/State/FinishedAt").starts_with("0001-");
    let exit_code = match state {
        ContainerState::Running | ContainerState::Paused => None,
        _ => code.filter(|code| ran || *code != 0),
    };
    let mut ports = bindings(at(answer, "/NetworkSettings/Ports"));
    if ports.is_empty() {
        ports = bindings(at(answer, "/HostConfig/PortBindings"));
    }
    let words: Vec<&str> = std::iter::once(string(answer, "/Path"))
        .chain(strings(answer, "/Args"))
        .filter(|word| !word.is_empty())
        .collect();
    Some(Container {
        name: Text::new(string(answer, "/Name").trim_start_matches('/')),
        image: text(answer, "/Config/Image"),
        state,
        pid: pid(answer),
        pid_visible: false,
        netns: None,
        exit_code,
        oom_killed: flag(answer, "/State/OOMKilled"),
        error: text(answer, "/State/Error"),
        health: health(string(answer, "/State/Health/Status")),
        health_output: health_output(answer),
        restarts: at(answer, "/RestartCount").as_u64().unwrap_or(0),
        restart_policy: restart_policy(answer),
        memory_limit: at(answer, "/HostConfig/Memory").as_u64().filter(|bytes| *bytes > 0),
        ports,
        ips: networks(answer),
        host_network: string(answer, "/HostConfig/NetworkMode") == "host",
        command: Text::new(words.join(" ")),
        claims: claims(&id, answer, &words),
        compose: compose(at(answer, "/Config/Labels")),
        compose_files: compose_files(at(answer, "/Config/Labels")),
        depends_on: depends_on(at(answer, "/Config/Labels")),
        compose_folder: text(
            at(answer, "/Config/Labels"),
            "/com.docker.compose.project.working_dir",
        ),
        aliases: aliases(answer),
        labels: labels::of(at(answer, "/Config/Labels")),
        network_of: network_of(answer),
        created: wall(string(answer, "/Created")),
        image_id: text(answer, "/Image"),
        started: wall(string(answer, "/State/StartedAt")),
        finished: wall(string(answer, "/State/FinishedAt")),
        id,
    })
}

/// Reads one entry of `GET /containers/json`: less than an inspection tells, for a container
/// that could not be inspected.
pub(super) fn listed(entry: &Value) -> Option<Container> {
    let id = ContainerId::new(string(entry, "/Id")).ok()?;
    let port = |value: &Value| Some(u16::try_from(value.as_u64()?).ok()).flatten();
    let ports = at(entry, "/Ports").as_array().into_iter().flatten().filter(|p| is_tcp(p));
    let ports = ports.filter_map(|entry| {
        Some(PortBinding {
            host_ip: host_ip(string(entry, "/IP")),
            host_port: port(at(entry, "/PublicPort"))?,
            container_port: port(at(entry, "/PrivatePort"))?,
        })
    });
    let name = at(entry, "/Names/0").as_str().unwrap_or_default();
    Some(Container {
        name: Text::new(name.trim_start_matches('/')),
        image: text(entry, "/Image"),
        state: state_word(string(entry, "/State")),
        pid: None,
        pid_visible: false,
        netns: None,
        exit_code: None,
        oom_killed: false,
        error: Text::default(),
        health: Health::None,
        health_output: Text::default(),
        restarts: 0,
        restart_policy: Text::default(),
        memory_limit: None,
        ports: ports.take(MOST).collect(),
        ips: networks(entry),
        host_network: string(entry, "/HostConfig/NetworkMode") == "host",
        command: text(entry, "/Command"),
        claims: Vec::new(),
        compose: compose(at(entry, "/Labels")),
        compose_files: compose_files(at(entry, "/Labels")),
        depends_on: depends_on(at(entry, "/Labels")),
        compose_folder: text(at(entry, "/Labels"), "/com.docker.compose.project.working_dir"),
        aliases: aliases(entry),
        labels: labels::of(at(entry, "/Labels")),
        network_of: network_of(entry),
        created: at(entry, "/Created").as_i64().map(Wall::from_secs),
        image_id: text(entry, "/ImageID"),
        started: None,
        finished: None,
        id,
    })
}

fn is_tcp(port: &Value) -> bool {
    matches!(string(port, "/Type"), "tcp" | "")
}

fn state(answer: &Value) -> ContainerState {
    // A restart loop is running and restarting at once; what a person sees is a loop.
    if flag(answer, "/State/Restarting") {
        return ContainerState::Restarting;
    }
    if flag(answer, "/State/Paused") {
        return ContainerState::Paused;
    }
    state_word(string(answer, "/State/Status"))
}

/// Docker's words, and podman's own for the same.
fn state_word(word: &str) -> ContainerState {
    match word {
        "created" | "configured" | "initialized" => ContainerState::Created,
        "running" => ContainerState::Running,
        "paused" => ContainerState::Paused,
        "restarting" => ContainerState::Restarting,
        "exited" | "stopped" => ContainerState::Exited,
        _ => ContainerState::Other,
    }
}

fn health(word: &str) -> Health {
    match word {
        "starting" => Health::Starting,
        "healthy" => Health::Healthy,
        "unhealthy" => Health::Unhealthy,
        _ => Health::None,
    }
}

fn health_output(answer: &Value) -> Text {
    let last = at(answer, "/State/Health/Log").as_array().and_then(|log| log.last());
    let output = last.map(|entry| string(entry, "/Output")).unwrap_or_default().trim();
    Text::new(output.chars().take(HEALTH_OUTPUT).collect::<String>())
}

fn pid(answer: &Value) -> Option<u32> {
    at(answer, "/State/Pid").as_u64().and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0)
}

fn restart_policy(answer: &Value) -> Text {
    let name = string(answer, "/HostConfig/RestartPolicy/Name");
    match at(answer, "/HostConfig/RestartPolicy/MaximumRetryCount").as_u64() {
        Some(most) if most > 0 => Text::new(format!("{name}:{most}")),
        _ => Text::new(name),
    }
}

/// Services that one waits for.
const MOST_NEEDED: usize = 32;

fn compose(labels: &Value) -> Option<(Text, Text)> {
    let label = |name: &str| labels.get(name).and_then(Value::as_str).map(Text::new);
    Some((label("com.docker.compose.project")?, label("com.docker.compose.service")?))
}

/// `db:service_healthy:false,cache:service_started:true`: service, condition, whether it is restarted
/// along (`com.docker.compose.depends_on`).
fn depends_on(labels: &Value) -> Vec<(Text, Text)> {
    let all = labels.get("com.docker.compose.depends_on").and_then(Value::as_str).unwrap_or("");
    let one = |item: &str| {
        let mut parts = item.split(':');
        let service = parts.next().filter(|name| !name.is_empty())?;
        Some((Text::new(service), Text::new(parts.next().unwrap_or("service_started"))))
    };
    all.split(',').take(MOST_NEEDED).filter_map(one).collect()
}

/// The files are separated by commas (`com.docker.compose.project.config_files`).
fn compose_files(labels: &Value) -> Vec<Text> {
    let all = string(labels, "/com.docker.compose.project.config_files");
    all.split(',').filter(|file| !file.is_empty()).take(MOST).map(Text::new).collect()
}

fn host_ip(text: &str) -> IpAddr {
    text.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// A port map: `{"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}`; datagram ports are left out.
fn bindings(map: &Value) -> Vec<PortBinding> {
    let mut found = Vec::new();
    for (key, hosts) in map.as_object().into_iter().flatten() {
        let Some(container_port) = tcp_port(key) else { continue };
        for host in hosts.as_array().into_iter().flatten() {
            let written = string(host, "/HostPort");
            // A range that the engine chose from (`8000-8010`) is known only once it runs.
            let Ok(host_port) = written.parse() else { continue };
            let host_ip = host_ip(string(host, "/HostIp"));
            found.push(PortBinding { host_ip, host_port, container_port });
        }
    }
    found.sort_unstable();
    found.dedup();
    found.truncate(MOST);
    found
}

/// The port of `80/tcp` or `80`.
fn tcp_port(key: &str) -> Option<u16> {
    let (port, protocol) = key.split_once('/').unwrap_or((key, "tcp"));
    (protocol == "tcp").then(|| port.parse().ok()).flatten().filter(|port| *port > 0)
}

/// Names in the networks; `DNSNames` since API version 1.44.
fn aliases(answer: &Value) -> Vec<Text> {
    let mut found = Vec::new();
    for (_, network) in members(answer, "/NetworkSettings/Networks") {
        for field in ["/Aliases", "/DNSNames"] {
            let names = at(network, field).as_array().into_iter().flatten();
            found.extend(names.take(MOST).filter_map(Value::as_str).map(Text::new));
        }
    }
    found.sort_unstable();
    found.dedup();
    found.truncate(MOST);
    found
}

fn networks(answer: &Value) -> Vec<(Text, IpAddr)> {
    let mut found = Vec::new();
    for (name, network) in members(answer, "/NetworkSettings/Networks") {
        for field in ["/IPAddress", "/GlobalIPv6Address"] {
            if let Ok(ip) = string(network, field).parse() {
                found.push((Text::new(name), ip));
            }
        }
    }
    found.truncate(MOST);
    found
}

/// `container:ID`.
fn network_of(answer: &Value) -> Option<ContainerId> {
    let mode = string(answer, "/HostConfig/NetworkMode");
    ContainerId::new(mode.strip_prefix("container:")?).ok()
}

/// What the container's configuration says it serves inside.
fn claims(id: &ContainerId, answer: &Value, words: &[&str]) -> Vec<Claim> {
    let origin = || Origin::Docker(id.clone());
    let env = strings(answer, "/Config/Env");
    let env = env.iter().filter_map(|entry| entry.split_once('='));
    let mut found: Vec<Claim> = addresses::of_command(words)
        .into_iter()
        .chain(addresses::of_environment(env))
        .map(|address| Claim { address, kind: ClaimKind::Command, origin: origin() })
        .collect();
    for (key, _) in members(answer, "/Config/ExposedPorts") {
        if let Some(port) = tcp_port(key) {
            let address = Address::Tcp((Ipv4Addr::UNSPECIFIED, port).into());
            found.push(Claim { address, kind: ClaimKind::Binding, origin: origin() });
        }
    }
    found.sort_unstable();
    found.dedup();
    found.truncate(MOST);
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// A real answer of Docker 20.10 (API 1.41).
    macro_rules! real {
        ($name:literal) => {{
            let text = include_str!(concat!("../../../tests/fixtures/docker/", $name, ".json"));
            inspected(&serde_json::from_str(text).unwrap()).unwrap()
        }};
    }

    fn port(host: &str, host_port: u16, container_port: u16) -> PortBinding {
        PortBinding { host_ip: host.parse().unwrap(), host_port, container_port }
    }

    fn claimed(container: &Container, kind: ClaimKind) -> Vec<String> {
        let of_kind = container.claims.iter().filter(|claim| claim.kind == kind);
        of_kind.map(|claim| claim.address.to_string()).collect()
    }

    #[test]
    fn an_oom_kill_is_told_with_its_limit() {
        let text = include_str!("../../../tests/fixtures/docker/oom.json");
        let mut answer: Value = serde_json::from_str(text).unwrap();
        // On this host the engine missed the kernel's notice, as it does for a child's kill.
        assert!(!inspected(&answer).unwrap().oom_killed);
        answer["State"]["OOMKilled"] = Value::Bool(true);
        let c = inspected(&answer).unwrap();
        assert_eq!((c.state, c.exit_code, c.oom_killed), (ContainerState::Exited, Some(137), true));
        assert_eq!(c.memory_limit, Some(32 << 20));
        assert_eq!(c.name.raw(), "gm-dock-oom");
        assert!(c.finished > c.started && c.pid.is_none());
    }

    #[test]
    fn an_exit_code_is_told_of_a_container_that_ended() {
        let c = real!("exit78");
        assert_eq!((c.state, c.exit_code, c.oom_killed), (ContainerState::Exited, Some(78), false));
        assert_eq!(c.command.raw(), "sh -c echo config broken >&2; exit 78");
    }

    #[test]
    fn a_restart_loop_is_restarting_though_it_says_running() {
        let c = real!("loop");
        assert_eq!((c.state, c.exit_code), (ContainerState::Restarting, Some(3)));
        assert_eq!(c.restart_policy.raw(), "always");
        assert!(c.restarts > 0);
    }

    #[test]
    fn a_paused_container_is_paused_and_has_no_exit_code() {
        let c = real!("paused");
        assert_eq!((c.state, c.exit_code), (ContainerState::Paused, None));
        assert!(c.pid.is_some());
        assert_eq!(c.finished, None, "the zero time is none");
    }

    #[test]
    fn health_is_told_with_what_the_check_said() {
        let (good, bad) = (real!("healthy"), real!("unhealthy"));
        assert_eq!((good.health, good.health_output.raw()), (Health::Healthy, "fine"));
        assert_eq!((bad.health, bad.health_output.raw()), (Health::Unhealthy, "no route to db"));
    }

    #[test]
    fn published_ports_and_what_is_served_inside_are_told_apart() {
        let c = real!("ports");
        let expected =
            [port("0.0.0.0", 28081, 3001), port("127.0.0.1", 28080, 3000), port("::", 28081, 3001)];
        assert_eq!(c.ports, expected);
        assert_eq!(claimed(&c, ClaimKind::Command), ["0.0.0.0:3000", "127.0.0.1:3000"]);
        assert_eq!(claimed(&c, ClaimKind::Binding), ["0.0.0.0:3000", "0.0.0.0:3001"]);
        assert_eq!(c.ips.len(), 1);
        assert!(!format!("{c:?}").contains("CANARY"), "the environment is not told");
    }

    #[test]
    fn a_stopped_container_still_has_its_published_ports() {
        assert_eq!(real!("stopped").ports, [port("0.0.0.0", 28084, 80)]);
        let never = real!("created");
        assert_eq!(never.ports, [port("0.0.0.0", 28083, 80)]);
        assert_eq!((never.state, never.exit_code), (ContainerState::Created, Some(127)));
        assert!(never.error.raw().contains("no such file"));
    }

    #[test]
    fn what_a_service_waits_for_is_read_from_its_label() {
        let of =
            |text: &str| depends_on(&serde_json::json!({ "com.docker.compose.depends_on": text }));
        let pair = |a: &str, b: &str| (Text::new(a), Text::new(b));
        assert_eq!(
            of("db:service_healthy:false,cache"),
            [pair("db", "service_healthy"), pair("cache", "service_started")]
        );
        assert_eq!(of(""), []);
        assert_eq!(depends_on(&Value::Null), []);
    }

    #[test]
    fn host_network_and_compose_labels_are_told() {
        assert!(real!("hostnet").host_network);
        let c = real!("compose");
        assert_eq!(c.compose, Some(("shop".into(), "web".into())));
        assert_eq!((c.restart_policy.raw(), c.host_network), ("on-failure:3", false));
    }

    #[test]
    fn the_list_alone_tells_state_and_ports() {
        let text = include_str!("../../../tests/fixtures/docker/list.json");
        let entries: Vec<Value> = serde_json::from_str(text).unwrap();
        let all: Vec<Container> = entries.iter().filter_map(listed).collect();
        let named = |name: &str| all.iter().find(|c| c.name.raw() == name).unwrap();
        assert_eq!(named("gm-dock-stopped").state, ContainerState::Exited);
        assert!(named("gm-dock-ports").ports.contains(&port("127.0.0.1", 28080, 3000)));
        assert!(named("gm-dock-compose").compose.is_some());
    }

    #[test]
    fn an_unknown_word_hides_no_container() {
        let c = inspected(&json!({"Id": "c".repeat(64), "Name": "/x",
            "State": {"Status": "hibernating", "Pid": -1, "Health": {"Status": 7}},
            "HostConfig": {"Memory": "much", "PortBindings": []}}));
        assert_eq!(c.map(|c| (c.state, c.pid)), Some((ContainerState::Other, None)));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let key = "Id|Name|State|Status|Health|Log|Output|NetworkSettings|Ports|Networks|HostConfig|PortBindings|Config|Env|Labels|ExposedPorts|80/tcp|HostPort|Args|Pid";
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,12}|[0-9]{1,6}|PORT=[0-9]{0,7}|0001-01-01T00:00:00Z|a{64}"
                .prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 64, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map(key, inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_answer_breaks_it(mut answer in any_json()) {
            let _ = (inspected(&answer), listed(&answer));
            if let Some(map) = answer.as_object_mut() {
                map.insert("Id".to_owned(), Value::from("d".repeat(64)));
                prop_assert!(inspected(&answer).is_some() && listed(&answer).is_some());
            }
        }
    }
}
