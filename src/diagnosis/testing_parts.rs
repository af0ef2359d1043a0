//! Units and containers made up for a test.

use crate::observation::{
    Claim, ClaimKind, Container, ContainerId, ContainerState, Health, NetNs, Origin, PortBinding,
    Text, Unit, UnitActive, UnitExit, UnitLoad, UnitResult,
};

use super::testing::{address, ago, name};

/// A unit, loaded and running since yesterday until something else is said.
#[derive(Clone)]
pub(crate) struct UnitSeen(Unit);

pub(crate) fn unit(of: &str) -> UnitSeen {
    UnitSeen(Unit {
        name: name(of),
        description: "".into(),
        kind: "simple".into(),
        load: UnitLoad::Loaded,
        active: UnitActive::Active,
        sub: "running".into(),
        result: UnitResult::Success,
        exit: UnitExit::None,
        file_state: "enabled".into(),
        main_pid: None,
        cgroup: Text::new(format!("/system.slice/{of}")),
        restarts: 0,
        restart_policy: "no".into(),
        start_limit_burst: 5,
        start_limit_interval_us: 10_000_000,
        memory_max: None,
        memory_current: None,
        limit_nofile: None,
        condition: true,
        active_enter: Some(ago(86_400)),
        active_exit: None,
        inactive_enter: None,
        exec_start: Some(ago(86_400)),
        exec_exit: None,
        commands: Vec::new(),
        claims: Vec::new(),
        triggered_by: Vec::new(),
        file_is_newer: false,
        needs: Vec::new(),
        unmet: Vec::new(),
        environment_files: Vec::new(),
        pid_file: None,
        start_timeout_us: None,
        runtime_max_us: None,
        watchdog_us: None,
        network_limits: Vec::new(),
        frozen: false,
        pools: Vec::new(),
    })
}

impl From<UnitSeen> for Unit {
    fn from(seen: UnitSeen) -> Self {
        seen.0
    }
}

impl UnitSeen {
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Unit)) -> Self {
        change(&mut self.0);
        self
    }

    /// Its command line names the address.
    pub(crate) fn claims(self, at: &str) -> Self {
        self.claims_by(at, ClaimKind::Command)
    }

    pub(crate) fn claims_by(self, at: &str, kind: ClaimKind) -> Self {
        let claim = |u: &Unit| Claim {
            address: address(at),
            kind,
            origin: Origin::Systemd(u.name.clone()),
        };
        self.with(|u| u.claims.push(claim(u)))
    }

    pub(crate) fn up_since(self, secs: i64) -> Self {
        self.with(|u| {
            u.active_enter = Some(ago(secs));
            u.exec_start = Some(ago(secs));
        })
    }

    fn down(self, active: UnitActive, result: UnitResult, exit: UnitExit, secs: i64) -> Self {
        self.with(|u| {
            u.active = active;
            u.sub = if active == UnitActive::Failed { "failed".into() } else { "dead".into() };
            u.result = result;
            u.exit = exit;
            u.active_exit = Some(ago(secs));
            u.inactive_enter = Some(ago(secs));
            u.exec_exit = Some(ago(secs));
        })
    }

    pub(crate) fn stopped(self, secs: i64) -> Self {
        self.down(UnitActive::Inactive, UnitResult::Success, UnitExit::Exited(0), secs)
    }

    pub(crate) fn exited(self, code: i32, secs: i64) -> Self {
        self.down(UnitActive::Failed, UnitResult::ExitCode, UnitExit::Exited(code), secs)
    }

    pub(crate) fn killed(self, signal: i32, secs: i64) -> Self {
        self.down(UnitActive::Failed, UnitResult::Signal, UnitExit::Killed(signal), secs)
    }

    pub(crate) fn result(self, result: UnitResult) -> Self {
        self.with(|u| u.result = result)
    }

    /// Restarted by systemd so often, under a policy.
    pub(crate) fn restarts(self, n: u32, policy: &str) -> Self {
        self.with(|u| {
            u.restarts = n;
            u.restart_policy = policy.into();
        })
    }

    /// Waits for its next automatic start.
    pub(crate) fn waiting(self) -> Self {
        self.with(|u| {
            u.active = UnitActive::Activating;
            u.sub = "auto-restart".into();
        })
    }

    /// Never ran since boot.
    pub(crate) fn never_ran(self, file_state: &str) -> Self {
        self.with(|u| {
            u.active = UnitActive::Inactive;
            u.sub = "dead".into();
            u.file_state = file_state.into();
            u.active_enter = None;
            u.exec_start = None;
        })
    }
}

/// A container, running since yesterday until something else is said.
#[derive(Clone)]
pub(crate) struct ContainerSeen(Container);

pub(crate) fn container_id(digit: char) -> ContainerId {
    ContainerId::new(digit.to_string().repeat(64)).expect("an id")
}

pub(crate) fn container(of: &str) -> ContainerSeen {
    ContainerSeen(Container {
        id: container_id('c'),
        name: of.into(),
        image: "app:1".into(),
        state: ContainerState::Running,
        pid: Some(500),
        pid_visible: true,
        netns: Some(NetNs(2)),
        exit_code: None,
        oom_killed: false,
        error: "".into(),
        health: Health::None,
        health_output: "".into(),
        restarts: 0,
        restart_policy: "no".into(),
        memory_limit: None,
        ports: Vec::new(),
        ips: vec![("bridge".into(), [172, 17, 0, 2].into())],
        host_network: false,
        command: "app".into(),
        claims: Vec::new(),
        compose: None,
        compose_files: Vec::new(),
        compose_folder: "".into(),
        depends_on: Vec::new(),
        aliases: Vec::new(),
        labels: Vec::new(),
        network_of: None,
        created: None,
        image_id: "".into(),
        started: Some(ago(86_400)),
        finished: None,
    })
}

impl From<ContainerSeen> for Container {
    fn from(seen: ContainerSeen) -> Self {
        seen.0
    }
}

impl ContainerSeen {
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Container)) -> Self {
        change(&mut self.0);
        self
    }

    /// A port of the host that leads into it.
    pub(crate) fn publishes(self, host_port: u16, container_port: u16) -> Self {
        let host_ip = [0, 0, 0, 0].into();
        self.with(|c| c.ports.push(PortBinding { host_ip, host_port, container_port }))
    }

    pub(crate) fn exited(self, code: i64, secs: i64) -> Self {
        self.with(|c| {
            c.state = ContainerState::Exited;
            c.exit_code = Some(code);
            c.finished = Some(ago(secs));
            c.ips.clear();
            c.netns = None;
        })
    }
}
