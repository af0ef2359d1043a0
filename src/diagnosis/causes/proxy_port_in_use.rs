//! Another program holds the port that the gateway wants for its clients.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::LogFact,
    observation::{Address, Gateway, Listener, Origin},
};

use super::{by_upstream_line::still_current, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "proxy-port-in-use", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene.gateways().filter_map(|gateway| of_gateway(scene, gateway)).collect()
}

fn of_gateway(scene: &Scene<'_>, gateway: &Gateway) -> Option<Finding> {
    let of_it = |fact: &&LogFact| {
        let journal =
            gateway.unit.as_ref().is_some_and(|unit| fact.origin == Origin::Journal(unit.clone()));
        fact.gateway.as_ref() == Some(&gateway.id) || journal
    };
    // A gateway that is down stays so: what it said at its last start counts however old it is.
    let from = if gateway.running { scene.incident.window } else { scene.now().minus_secs(86_400) };
    let line = scene
        .case
        .logs
        .since(from)
        .filter(|fact| fact.signature == RULE.cause)
        .filter(of_it)
        .next_back()?;
    // It was started since, and so it got its port.
    if gateway.running && gateway.started.is_some_and(|at| at > line.at.plus_secs(1)) {
        return None;
    }
    if let Some(finding) = left_over(scene, gateway, line) {
        return Some(finding);
    }
    let wanted =
        line.captures.get("addr").map(|addr| addr.raw().trim_matches(['[', ']']).to_owned());
    let port = wanted.as_deref().and_then(|a| a.rsplit(':').next()?.parse::<u16>().ok());
    let holder = port.and_then(|port| holder(scene, gateway, port));
    let pid = holder.and_then(|l| l.pids.first().copied());
    let process = pid.and_then(|pid| scene.case.processes.get(&pid));
    let who = process.map_or_else(
        || "another program".to_owned(),
        |p| format!("{} (process {})", p.name, p.pid),
    );
    let at = port.map_or_else(|| "a port".to_owned(), |port| format!("port {port}"));
    let effect =
        if gateway.running { "the new configuration was not taken" } else { "it cannot start" };
    let sure = match (gateway.running, holder.is_some()) {
        (false, _) | (true, true) => Confidence::Confirmed,
        (true, false) => Confidence::Likely,
    };
    let summary = format!("{} wants {at}, which {who} holds: {effect}", gateway.kind.as_str());
    let mut finding = Finding::new(RULE.cause, sure, summary)
        .with_some(Some(Scene::quote(line)))
        .since(Some(line.at))
        .check("ss -ltnp: who listens there, and is it meant to?");
    finding.subject.gateway = Some(gateway.id.clone());
    finding.subject.unit.clone_from(&gateway.unit);
    finding.subject.pid = pid;
    if let Some(process) = process {
        finding = finding.with(
            format!("{} holds it: {}", process.pid, process.command),
            Origin::Process(process.pid),
            process.started,
        );
    } else if let Some(listener) = holder {
        finding = finding.with(format!("{} is taken", listener.address), Origin::Sockets, None);
    }
    finding.current = !gateway.running || holder.is_some() || still_current(scene, None, line.at);
    Some(finding)
}

/// A unix socket that the gateway itself left behind when it was killed: nobody holds it, and the
/// gateway does not remove what it did not make (nginx: `ngx_open_listening_sockets`).
fn left_over(scene: &Scene<'_>, gateway: &Gateway, line: &LogFact) -> Option<Finding> {
    let text = line.text.raw();
    let (_, rest) = text.split_once("unix:")?;
    let path = rest.split_whitespace().next().filter(|path| path.starts_with('/'))?;
    let address = Address::parse(&format!("unix:{path}"), 0)?;
    let table = &scene.case.listeners.get(&scene.case.netns_of(gateway)?)?.value;
    if gateway.running
        || !table.unix_complete
        || table.listeners.iter().any(|l| l.address == address)
    {
        return None;
    }
    let path = address.path()?.to_owned();
    let kind = gateway.kind.as_str();
    let summary = format!(
        "{path} is left over from the last run of {kind}, and {kind} does not start while the \
         file is there"
    );
    let mut finding = Finding::new(RULE.cause, Confidence::Confirmed, summary)
        .with_some(Some(Scene::quote(line)))
        .with(format!("no process listens on {path}"), Origin::Sockets, None)
        .since(Some(line.at))
        .check(format!("does no process of {kind} run any more? Then rm {path}, and start it"));
    finding.subject.gateway = Some(gateway.id.clone());
    finding.subject.unit.clone_from(&gateway.unit);
    finding.subject.path = Some(crate::observation::Text::new(path));
    Some(finding)
}

/// A socket on this port that is not the gateway's own.
fn holder<'a>(scene: &Scene<'a>, gateway: &Gateway, port: u16) -> Option<&'a Listener> {
    let table = &scene.case.listeners.get(&scene.case.netns_of(gateway)?)?.value;
    let own = |pid: &u32| gateway.master == Some(*pid) || gateway.workers.contains(pid);
    table.listeners.iter().find(|l| {
        matches!(l.address, Address::Tcp(at) if at.port() == port)
            && !l.pids.iter().any(own)
            && !(gateway.running && l.pids.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{Host, ago, unit},
        observation::Program,
    };

    const AT: &str = "127.0.0.1:8000";
    const TAKEN: &str = "2026/11/20 13:58:00 [emerg] 10#10: bind() to 0.0.0.0:8443 failed (98: Address already in use)";

    #[test]
    fn a_socket_that_the_gateway_itself_left_behind_is_held_by_nobody() {
        const LEFT: &str = "2026/11/20 13:58:00 [emerg] 10#10: bind() to unix:/run/inner.sock failed (98: Address already in use)";
        let host = Host::passing_to("unix:/run/inner.sock")
            .gateway(|g| g.running = false)
            .unit(unit("nginx.service").exited(1, 100))
            .socket("/run/inner.sock", crate::observation::SocketFileKind::Socket, |_| {})
            .config(|c| {
                c.sites.push(crate::observation::Site {
                    place: crate::observation::Place {
                        file: "/etc/nginx/nginx.conf".into(),
                        line: 3,
                    },
                    listens: vec!["unix:/run/inner.sock".into()],
                    names: Vec::new(),
                });
            })
            .line(
                Program::Nginx,
                Origin::Journal(crate::diagnosis::testing::name("nginx.service")),
                100,
                LEFT,
            );
        let found = host.root("proxy-port-in-use");
        assert!(found.summary.contains("left over from the last run"), "{}", found.summary);
        assert!(found.next_check.unwrap().contains("rm /run/inner.sock"));
        host.spares("unix-socket-stale");
    }

    fn started(running: bool) -> Host {
        let gateway = unit("nginx.service");
        let gateway = if running { gateway } else { gateway.exited(1, 100) };
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .gateway(|g| g.running = running)
            .unit(gateway)
            .process(300, "python3", "other.service")
            .listens("0.0.0.0:8443", 300)
            .line(
                Program::Nginx,
                Origin::Journal(crate::diagnosis::testing::name("nginx.service")),
                100,
                TAKEN,
            )
    }

    #[test]
    fn a_gateway_that_cannot_start_names_who_has_its_port() {
        let host = started(false);
        let found = host.root("proxy-port-in-use");
        assert_eq!(found.subject.pid, Some(300));
        assert!(found.explains.contains(&"proxy-not-running"));
        host.incident("proxy-port-in-use", Confidence::Confirmed, "nginx");
    }

    #[test]
    fn one_that_was_started_since_has_its_port() {
        started(true).gateway(|g| g.started = Some(ago(50))).spares("proxy-port-in-use");
    }
}
