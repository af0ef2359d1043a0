//! What changed on a host: packages, files, images, certificates, the host itself.

use serde::{Deserialize, Serialize};

use super::{ContainerId, GatewayId, Origin, Text, UnitName, Wall};

/// What kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// A package was installed, upgraded or removed.
    Package,
    /// A file of a gateway's or a program's configuration.
    Config,
    /// A unit file or a drop-in.
    UnitFile,
    /// A container was made, or made anew from another image.
    Container,
    /// What an application runs from: its folder, program or script.
    Deploy,
    /// A certificate was put in place, begins or ends.
    Certificate,
    /// Somebody ran a command as another user.
    Command,
    /// A unit or a gateway was started, stopped or reloaded.
    Service,
    /// A timer or a cron job ran.
    Timer,
    /// The host, or the systemd that runs these units, was started.
    Boot,
    /// The clock was set.
    Clock,
}

impl ChangeKind {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Config => "config",
            Self::UnitFile => "unit-file",
            Self::Container => "container",
            Self::Deploy => "deploy",
            Self::Certificate => "certificate",
            Self::Command => "command",
            Self::Service => "service",
            Self::Timer => "timer",
            Self::Boot => "boot",
            Self::Clock => "clock",
        }
    }
}

/// Whom a change concerns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Touched {
    /// Everything on the host.
    Host,
    /// A gateway.
    Gateway(GatewayId),
    /// A unit.
    Unit(UnitName),
    /// A container.
    Container(ContainerId),
    /// A file, folder or socket.
    Path(Text),
}

/// One thing that changed. It is never a cause by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When.
    pub at: Wall,
    /// Kind.
    pub kind: ChangeKind,
    /// What, as a sentence fragment: `php8.2-fpm upgraded 8.2.28-1 → 8.2.29-1`.
    pub what: Text,
    /// By whom or by which command; empty when not recorded.
    pub by: Text,
    /// Where it was read.
    pub origin: Origin,
    /// Whom it concerns, as far as that is known.
    pub touches: Vec<Touched>,
}
