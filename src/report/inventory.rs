//! Which gateways, managers and backends this program knows, and which of them were seen.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    evidence::{CaseFile, topology::chains},
    observation::{Gateway, GatewayKind, Manager, ManagerKind, Process},
};

/// Programs behind a gateway that are known by name, with the beginnings of what they are called.
const BACKENDS: [(&str, &[&str]); 10] = [
    ("php-fpm", &["php-fpm"]),
    ("gunicorn", &["gunicorn"]),
    ("uvicorn", &["uvicorn"]),
    ("uwsgi", &["uwsgi"]),
    ("puma", &["puma"]),
    ("node", &["node", "npm", "next-server", "PM2 v"]),
    ("java", &["java"]),
    ("dotnet", &["dotnet"]),
    ("ruby", &["ruby", "bundle", "rails"]),
    ("python", &["python"]),
];

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inventory {
    /// Gateways.
    pub gateways: Vec<Gateway>,
    /// Managers besides systemd and the container engines.
    pub managers: Vec<Manager>,
    /// Units known, containers known, and services of Compose among them.
    pub kept: [usize; 3],
    /// Kinds of programs behind upstreams.
    pub backends: BTreeSet<&'static str>,
}

impl Inventory {
    /// What a case holds.
    pub fn of(case: &CaseFile) -> Self {
        let chains = chains(case);
        let behind = chains.iter().flat_map(|chain| &chain.peers).flat_map(|peer| &peer.processes);
        let composed = case.containers.values().filter(|c| c.compose.is_some()).count();
        Self {
            gateways: case.gateways.values().cloned().collect(),
            managers: case.managers.values().cloned().collect(),
            kept: [case.units.len(), case.containers.len(), composed],
            backends: behind.filter_map(|process| backend(process)).collect(),
        }
    }

    /// In lines for people; nothing where nothing was seen.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .gateways
            .iter()
            .map(|gateway| {
                let runs = if gateway.running { "runs" } else { "does not run" };
                format!("gateway {} ({runs})", gateway.id)
            })
            .collect();
        let kept = ["units of systemd", "containers", "services of Compose"];
        let kept = self.kept.iter().zip(kept).filter(|(count, _)| **count > 0);
        lines.extend(kept.map(|(count, what)| format!("{count} {what}")));
        for manager in &self.managers {
            let up = manager.programs.iter().filter(|program| program.is_up()).count();
            let runs = if manager.running { "" } else { ", which does not run" };
            let all = manager.programs.len();
            lines.push(format!(
                "{} at {}{runs}: {up} of {all} programs run",
                manager.kind, manager.home
            ));
        }
        if !self.backends.is_empty() {
            let all: Vec<&str> = self.backends.iter().copied().collect();
            lines.push(format!("behind the gateways: {}", all.join(", ")));
        }
        lines
    }

    pub(super) fn document(&self) -> (Value, Value) {
        let gateways: Vec<&str> = GatewayKind::ALL.iter().map(|kind| kind.as_str()).collect();
        let engines = ["systemd", "docker", "podman", "compose"];
        let others = ManagerKind::ALL.iter().map(|kind| kind.as_str());
        let managers: Vec<&str> = engines.into_iter().chain(others).collect();
        let backends: Vec<&str> = BACKENDS.iter().map(|(name, _)| *name).collect();
        let supported = json!({ "gateways": gateways, "managers": managers, "backends": backends });
        let names = ["systemd", "containers", "compose"];
        let kept = self.kept.iter().zip(names).filter(|(count, _)| **count > 0);
        let mut managers: Vec<Value> =
            kept.map(|(count, name)| json!({ "kind": name, "programs": count })).collect();
        managers.extend(self.managers.iter().map(|manager| {
            json!({
                "kind": manager.kind.as_str(),
                "home": manager.home.to_string(),
                "user": manager.user.to_string(),
                "running": manager.running,
                "programs": manager.programs.len(),
                "up": manager.programs.iter().filter(|program| program.is_up()).count(),
            })
        }));
        let gateways: Vec<Value> = self
            .gateways
            .iter()
            .map(|gateway| {
                json!({
                    "kind": gateway.kind.as_str(),
                    "id": gateway.id.to_string(),
                    "running": gateway.running,
                })
            })
            .collect();
        let seen = json!({ "gateways": gateways, "managers": managers, "backends": self.backends });
        (supported, seen)
    }
}

/// Which of the known programs a process is: what it is called, else what it was started as.
fn backend(process: &Process) -> Option<&'static str> {
    let command = process.command.raw();
    // `python3 /usr/bin/gunicorn`: the first words that are programs, the more special one first.
    let words = command.split(' ').take(3).map(|word| word.rsplit('/').next().unwrap_or(word));
    let names: Vec<&str> = std::iter::once(process.name.raw()).chain(words).collect();
    let is = |starts: &&(&str, &[&str])| {
        names.iter().any(|name| starts.1.iter().any(|start| name.starts_with(start)))
    };
    BACKENDS.iter().find(is).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{
        testing::Host,
        testing_programs::{pm2, supervisor},
    };

    const AT: &str = "127.0.0.1:8000";

    #[test]
    fn what_was_seen_is_told_beside_what_is_known() {
        let case = Host::passing_to(AT)
            .programs(pm2("shop").claims(AT).runs(100))
            .programs(supervisor("mail").down())
            .process(100, "node", "session-2.scope")
            .listens(AT, 100)
            .case();
        let inventory = Inventory::of(&case);
        assert_eq!(inventory.backends, BTreeSet::from(["node"]));
        let (supported, seen) = inventory.document();
        assert!(supported["managers"].as_array().unwrap().iter().any(|m| m == "openrc"));
        assert_eq!(seen["managers"][0]["kind"], "pm2");
        assert_eq!(seen["managers"][0]["up"], 1);
        assert_eq!(seen["managers"][1]["running"], false);
        assert_eq!(seen["gateways"][0]["kind"], "nginx");
        let lines = inventory.lines().join("\n");
        assert!(lines.contains("PM2 at /root/.pm2: 1 of 1 programs run"), "{lines}");
        assert!(
            lines.contains("Supervisor at /run/supervisor.sock, which does not run"),
            "{lines}"
        );
    }

    #[test]
    fn a_server_is_told_by_its_script_where_its_program_is_python() {
        let of = |name: &str, command: &str| {
            let host = Host::passing_to(AT).process(7, name, "a.service").listens(AT, 7);
            let mut process = host.processes[0].clone();
            process.command = command.into();
            backend(&process)
        };
        assert_eq!(of("gunicorn", "python3 /usr/bin/gunicorn app:app"), Some("gunicorn"));
        assert_eq!(of("python3", "/usr/bin/python3 /srv/app.py"), Some("python"));
        assert_eq!(of("shop", "/opt/shop --port 1"), None);
    }
}
