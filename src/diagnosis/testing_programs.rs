//! Managed programs made up for a test.

use crate::observation::{
    Claim, ClaimKind, LogLine, ManagedProgram, Manager, ManagerKind, Origin, Program, ProgramId,
    ProgramState, Seen, SourceId, Text, UnitName,
};

use super::testing::{Host, address, ago};

pub(crate) const HOME: &str = "/root/.pm2";
pub(crate) const PM2_LOG: &str = "/root/.pm2/pm2.log";
pub(crate) const SOCKET: &str = "/run/supervisor.sock";
pub(crate) const SUPERVISOR_LOG: &str = "/var/log/supervisor/supervisord.log";

/// A program with its manager.
#[derive(Clone)]
pub(crate) struct ProgramSeen {
    manager: Manager,
    program: ManagedProgram,
}

pub(crate) fn program_id(manager: ManagerKind, name: &str) -> ProgramId {
    let home = match manager {
        ManagerKind::Pm2 => HOME,
        ManagerKind::Supervisor => SOCKET,
        ManagerKind::Runit => "/etc/service",
        ManagerKind::Openrc => "/run/openrc",
    };
    ProgramId { manager, home: home.into(), name: name.into() }
}

pub(crate) fn pm2(name: &str) -> ProgramSeen {
    seen(ManagerKind::Pm2, name, PM2_LOG, "pm2-root.service")
}

pub(crate) fn supervisor(name: &str) -> ProgramSeen {
    seen(ManagerKind::Supervisor, name, SUPERVISOR_LOG, "supervisor.service")
}

pub(crate) fn runit(name: &str) -> ProgramSeen {
    seen(ManagerKind::Runit, name, "", "runit.service")
}

pub(crate) fn openrc(name: &str) -> ProgramSeen {
    seen(ManagerKind::Openrc, name, "", "openrc.service")
}

fn seen(kind: ManagerKind, name: &str, log: &str, unit: &str) -> ProgramSeen {
    let id = program_id(kind, name);
    let logs = match kind {
        ManagerKind::Pm2 => ["error", "out"].map(|of| format!("{HOME}/logs/{name}-{of}.log")),
        _ => ["stderr", "stdout"].map(|of| format!("/var/log/supervisor/{name}-{of}.log")),
    };
    let manager = Manager {
        kind,
        home: id.home.clone(),
        running: true,
        pid: Some(90),
        uid: Some(0),
        user: "root".into(),
        version: "".into(),
        unit: UnitName::new(unit).ok(),
        started: Some(ago(80_000)),
        last_seen: None,
        log: log.into(),
        socket: Text::new(match kind {
            ManagerKind::Pm2 => "/root/.pm2/rpc.sock",
            _ => SOCKET,
        }),
        config: Text::new(match kind {
            ManagerKind::Pm2 => "/root/.pm2/dump.pm2",
            _ => "/etc/supervisor/supervisord.conf",
        }),
        programs: Vec::new(),
    };
    let program = ManagedProgram {
        id,
        state: ProgramState::Running,
        said: "".into(),
        numbers: if kind == ManagerKind::Pm2 { vec![0] } else { Vec::new() },
        wanted: 1,
        up: 1,
        pids: Vec::new(),
        tree: Vec::new(),
        restarts: (kind == ManagerKind::Pm2).then_some(0),
        exit: None,
        error: "".into(),
        started: Some(ago(80_000)),
        stopped: None,
        autorestart: Some(true),
        memory_limit: None,
        command: Text::new(format!("node /srv/{name}/app.js")),
        folder: Text::new(format!("/srv/{name}")),
        shares_sockets: false,
        logs: logs.iter().map(Text::new).collect(),
        last_words: None,
        claims: Vec::new(),
    };
    ProgramSeen { manager, program }
}

impl ProgramSeen {
    pub(crate) const fn program(&self) -> &ManagedProgram {
        &self.program
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut ManagedProgram)) -> Self {
        change(&mut self.program);
        self
    }

    pub(crate) fn manager(mut self, change: impl FnOnce(&mut Manager)) -> Self {
        change(&mut self.manager);
        self
    }

    /// Its manager does not run.
    pub(crate) fn down(self) -> Self {
        self.manager(|m| {
            m.running = false;
            m.pid = None;
            m.started = None;
        })
        .with(|p| p.started = None)
    }

    pub(crate) fn claims(self, at: &str) -> Self {
        self.with(|p| {
            p.claims.push(Claim {
                address: address(at),
                kind: ClaimKind::Command,
                origin: Origin::Manager(p.id.clone()),
            });
        })
    }

    pub(crate) fn runs(self, pid: u32) -> Self {
        self.with(|p| (p.pids, p.tree) = (vec![pid], vec![pid]))
    }

    /// Down in some way, since a minute after a run of a second.
    pub(crate) fn state(self, state: ProgramState, said: &str) -> Self {
        self.with(|p| {
            p.state = state;
            p.said = said.into();
            p.up = 0;
            p.started = Some(ago(61));
        })
    }
}

impl Host {
    pub(crate) fn programs(self, seen: ProgramSeen) -> Self {
        let mut manager = seen.manager;
        manager.programs.push(seen.program);
        self.sees(SourceId::Managers, Seen::Manager(Box::new(manager)))
    }

    /// A line of a program's or a manager's own log, with the stamp that it begins with.
    pub(crate) fn program_said(self, path: &str, text: &str) -> Self {
        let stamp = text.get(..19).map(|head| head.replace('T', " "));
        let stamp = stamp.filter(|head| head.starts_with("2026-"));
        let civil = stamp.and_then(|head| head.parse::<jiff::civil::DateTime>().ok());
        let zoned = civil.and_then(|at| at.to_zoned(jiff::tz::TimeZone::UTC).ok());
        let line = LogLine {
            program: Program::Application,
            origin: Origin::File(path.into()),
            gateway: None,
            at: zoned.map(|at| crate::observation::Wall::from_secs(at.timestamp().as_second())),
            text: text.into(),
        };
        self.sees(SourceId::Logs, Seen::Log(line))
    }
}
