//! What the kernel log proves.

use serde::{Deserialize, Serialize};

use super::{Owner, Text, Wall};

/// Which memory ran out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KillScope {
    /// The whole host's (`CONSTRAINT_NONE`, `global_oom`).
    Host,
    /// A control group's (`CONSTRAINT_MEMCG`), with the path of the group whose limit was hit.
    Cgroup(Text),
    /// A CPU set's or memory policy's nodes.
    Nodes,
}

/// A process killed by the kernel's memory killer. Only records of facility 0 count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelKill {
    /// When, on the wall clock.
    pub at: Wall,
    /// Sequence number of the kernel record: the identity.
    pub sequence: u64,
    /// Which memory ran out.
    pub scope: KillScope,
    /// The victim's pid in the kernel's (initial) namespace.
    pub pid: u32,
    /// The victim's name.
    pub name: Text,
    /// Control group of the victim, when the kernel said it.
    pub cgroup: Option<Text>,
    /// Unit or container of the victim, from that group.
    pub owner: Option<Owner>,
    /// Anonymous plus file plus shmem resident memory in bytes.
    pub rss: u64,
    /// Limit of the group in bytes, when the kernel printed it.
    pub limit: Option<u64>,
    /// The record's text.
    pub text: Text,
}

/// A crash that the kernel logged (`segfault at`, `general protection fault`, `trap`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segfault {
    /// When.
    pub at: Wall,
    /// Sequence number of the record.
    pub sequence: u64,
    /// Pid in the initial namespace.
    pub pid: u32,
    /// Process name.
    pub name: Text,
    /// The record's text.
    pub text: Text,
}
