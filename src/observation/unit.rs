//! systemd units, as D-Bus tells them.

use serde::{Deserialize, Serialize};

use super::{Address, Origin, Place, Text, UnitName, Wall};

/// `LoadState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitLoad {
    /// Loaded.
    Loaded,
    /// No such file.
    NotFound,
    /// Masked.
    Masked,
    /// Broken file.
    Bad,
}

/// `ActiveState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitActive {
    /// Runs.
    Active,
    /// Reloads.
    Reloading,
    /// Stopped.
    Inactive,
    /// Ended badly.
    Failed,
    /// On its way up, `auto-restart` included.
    Activating,
    /// On its way down.
    Deactivating,
}

/// `Result` of the last run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitResult {
    /// Ended well, or never ran.
    Success,
    /// Non-zero exit.
    ExitCode,
    /// Killed by a signal.
    Signal,
    /// Killed by a signal with a core.
    CoreDump,
    /// A start, stop or run time limit.
    Timeout,
    /// No watchdog ping.
    Watchdog,
    /// Started too often.
    StartLimitHit,
    /// The kernel's memory killer.
    OomKill,
    /// Could not get what it needs to run.
    Resources,
    /// Broke the start protocol of its type.
    Protocol,
    /// An `ExecCondition` failed.
    ExecCondition,
    /// Anything newer.
    Other,
}

/// How the main process ended (`ExecMainCode`, `ExecMainStatus`; waitid(2) codes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitExit {
    /// Never ended.
    None,
    /// Exited with this status.
    Exited(i32),
    /// Killed by this signal.
    Killed(i32),
    /// Killed by this signal, leaving a core.
    Dumped(i32),
}

/// What connects an address with a unit or container that should serve it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimKind {
    /// It was seen listening there in this session.
    History,
    /// Its own log says that it listened there.
    Log,
    /// A socket unit or a published port says so.
    Binding,
    /// Its command line or environment names the address.
    Command,
    /// A configuration file that it reads names the address.
    Config,
    /// A script or file that it runs mentions the port.
    Mention,
}

/// An address that a unit or container says it serves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Claim {
    /// The address; a bare port is `0.0.0.0:port`.
    pub address: Address,
    /// How it is known.
    pub kind: ClaimKind,
    /// Where it was read.
    pub origin: Origin,
}

/// A unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Name (the primary `Id`).
    pub name: UnitName,
    /// Description.
    pub description: Text,
    /// `Type=` of a service (`simple`, `notify`, `oneshot`, …); empty for other units.
    pub kind: Text,
    /// `LoadState`.
    pub load: UnitLoad,
    /// `ActiveState`.
    pub active: UnitActive,
    /// `SubState` as written.
    pub sub: Text,
    /// `Result`.
    pub result: UnitResult,
    /// How the main process last ended.
    pub exit: UnitExit,
    /// `UnitFileState`: enabled, disabled, static, …
    pub file_state: Text,
    /// Main pid, if it runs.
    pub main_pid: Option<u32>,
    /// Control group path.
    pub cgroup: Text,
    /// Automatic restarts since the last manual start.
    pub restarts: u32,
    /// `Restart=` as written.
    pub restart_policy: Text,
    /// `StartLimitBurst`.
    pub start_limit_burst: u32,
    /// `StartLimitInterval` in microseconds.
    pub start_limit_interval_us: u64,
    /// `MemoryMax` (or v1 `MemoryLimit`) in bytes; `None` for infinity.
    pub memory_max: Option<u64>,
    /// `MemoryCurrent` in bytes; `None` without accounting.
    pub memory_current: Option<u64>,
    /// `LimitNOFILE` soft.
    pub limit_nofile: Option<u64>,
    /// `ConditionResult`; false when a condition kept it from starting.
    pub condition: bool,
    /// When it last became active.
    pub active_enter: Option<Wall>,
    /// When it last left `active`.
    pub active_exit: Option<Wall>,
    /// When it last became inactive or failed.
    pub inactive_enter: Option<Wall>,
    /// When the main process last started.
    pub exec_start: Option<Wall>,
    /// When the main process last ended.
    pub exec_exit: Option<Wall>,
    /// Command lines of `ExecStart`, redacted.
    pub commands: Vec<Text>,
    /// Addresses that it says it serves.
    pub claims: Vec<Claim>,
    /// Units that trigger it (its socket unit, for example).
    pub triggered_by: Vec<UnitName>,
    /// `NeedDaemonReload`: its file is newer than what systemd goes by.
    #[serde(default)]
    pub file_is_newer: bool,
    /// Units without which it cannot start (`Requires=`, `Requisite=`, `BindsTo=`), those left out
    /// that only group others.
    #[serde(default)]
    pub needs: Vec<UnitName>,
    /// Conditions that were not met when it was last to start, as in a unit file.
    #[serde(default)]
    pub unmet: Vec<Text>,
    /// `EnvironmentFile=` that must be there (without a dash).
    #[serde(default)]
    pub environment_files: Vec<Text>,
    /// `PIDFile=`.
    #[serde(default)]
    pub pid_file: Option<Text>,
    /// `TimeoutStartSec=` in microseconds; `None` for infinity.
    #[serde(default)]
    pub start_timeout_us: Option<u64>,
    /// `RuntimeMaxSec=` in microseconds; `None` for infinity.
    #[serde(default)]
    pub runtime_max_us: Option<u64>,
    /// `WatchdogSec=` in microseconds; `None` when there is none.
    #[serde(default)]
    pub watchdog_us: Option<u64>,
    /// Settings that keep it from the network, as in a unit file.
    #[serde(default)]
    pub network_limits: Vec<Text>,
    /// Whether `systemctl freeze` holds it.
    #[serde(default)]
    pub frozen: bool,
    /// Pools of php-fpm that it serves.
    #[serde(default)]
    pub pools: Vec<FpmPool>,
}

/// A pool of php-fpm, as configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FpmPool {
    /// Name.
    pub name: Text,
    /// `listen`.
    pub listen: Address,
    /// `listen.allowed_clients`, empty for everybody, and where it is written.
    pub allowed_clients: Vec<Text>,
    /// Where that is written, else where the pool's address is.
    pub place: Place,
    /// `process_control_timeout` of the whole php-fpm in milliseconds: how long a reload waits for
    /// requests under way. Zero, the default, ends them.
    pub control_timeout_ms: u64,
}

impl Unit {
    /// Whether it runs or is meant to within moments.
    pub fn is_up(&self) -> bool {
        matches!(self.active, UnitActive::Active | UnitActive::Reloading)
    }
}
