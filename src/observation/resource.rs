//! Memory, CPU, pressure, disks and control groups.

use serde::{Deserialize, Serialize};

use super::{Owner, Text};

/// `/proc/meminfo`, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemorySample {
    /// `MemTotal`.
    pub total: u64,
    /// `MemAvailable`.
    pub available: u64,
    /// `SwapTotal`.
    pub swap_total: u64,
    /// `SwapFree`.
    pub swap_free: u64,
}

/// CPU use and load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CpuSample {
    /// Busy share of all CPUs since the last sample, 0 to 1.
    pub busy: f64,
    /// Load averages over 1, 5 and 15 minutes.
    pub load: [f64; 3],
    /// CPUs.
    pub cpus: u32,
}

/// One resource of `/proc/pressure`: share of the last 10 s in which some or all tasks waited,
/// in percent (<https://docs.kernel.org/accounting/psi.html>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stall {
    /// `some avg10`.
    pub some: f64,
    /// `full avg10`.
    pub full: f64,
    /// `some avg60`, over the last minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub some_60: Option<f64>,
    /// `full avg60`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_60: Option<f64>,
}

/// Pressure of the host; `None` where the kernel does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PressureSample {
    /// CPU.
    pub cpu: Option<Stall>,
    /// Memory.
    pub memory: Option<Stall>,
    /// I/O.
    pub io: Option<Stall>,
}

/// A mounted file system, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSample {
    /// Mount point.
    pub mount: Text,
    /// Size.
    pub total: u64,
    /// Free for an ordinary user.
    pub available: u64,
    /// Inodes in all, 0 where the file system has no fixed number.
    pub inodes: u64,
    /// Inodes free.
    pub inodes_free: u64,
    /// Mounted read-only.
    pub read_only: bool,
}

/// A control group that matters, v1 or v2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupSample {
    /// Whose.
    pub owner: Owner,
    /// Path below the hierarchy.
    pub path: Text,
    /// Memory in use, bytes.
    pub memory: Option<u64>,
    /// Memory limit, bytes; `None` for none.
    pub memory_max: Option<u64>,
    /// Kills counted by the group (v2 counts global kills too).
    pub oom_kills: Option<u64>,
    /// Tasks now.
    pub pids: Option<u64>,
    /// Task limit; `None` for none.
    pub pids_max: Option<u64>,
    /// Periods in which it was held back by its CPU quota.
    pub throttled_periods: Option<u64>,
    /// Time held back, microseconds.
    pub throttled_us: Option<u64>,
    /// Periods that its CPU quota was applied to.
    #[serde(default)]
    pub cpu_periods: Option<u64>,
}
