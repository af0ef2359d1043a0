//! What goes into a survey of claims and what comes out.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    observation::{Address, Claim, FpmPool, LogTarget, Origin, UnitName},
    session::Attention,
};

/// What a unit declares about itself. Holds environment values, so it has no `Debug` and is
/// never published.
#[derive(Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Whose.
    pub unit: UnitName,
    /// Argument lists of `ExecStart=`.
    pub commands: Vec<Vec<String>>,
    /// `Environment=` as `KEY=VALUE`.
    pub environment: Vec<String>,
    /// Paths of `EnvironmentFile=`.
    pub environment_files: Vec<String>,
    /// `WorkingDirectory=`, empty when not set.
    pub working_directory: String,
    /// `Listen*=` of a socket unit: kind (`Stream`) and address.
    pub listen: Vec<(String, String)>,
}

/// The same of any program. Holds environment values, so it has no `Debug` and is never published.
#[derive(Clone, PartialEq, Eq)]
pub struct Terms {
    /// Where it is declared.
    pub origin: Origin,
    /// Argument lists.
    pub commands: Vec<Vec<String>>,
    /// Variables as `KEY=VALUE`.
    pub environment: Vec<String>,
    /// Files with variables.
    pub environment_files: Vec<String>,
    /// Working directory, empty when not set.
    pub working_directory: String,
    /// Sockets that somebody binds for it: kind (`Stream`) and address.
    pub listen: Vec<(String, String)>,
}

impl From<&Declaration> for Terms {
    fn from(unit: &Declaration) -> Self {
        Self {
            origin: Origin::Systemd(unit.unit.clone()),
            commands: unit.commands.clone(),
            environment: unit.environment.clone(),
            environment_files: unit.environment_files.clone(),
            working_directory: unit.working_directory.clone(),
            listen: unit.listen.clone(),
        }
    }
}

/// The addresses that gateways pass requests to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// TCP ports.
    pub ports: BTreeSet<u16>,
    /// Socket paths, `/var/run` written as `/run`.
    pub paths: BTreeSet<String>,
}

impl Wanted {
    /// What an attention asks for.
    pub fn new(attention: &Attention) -> Self {
        Self {
            ports: attention.ports(),
            paths: attention.socket_paths().into_iter().map(run_path).collect(),
        }
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.ports.is_empty() && self.paths.is_empty()
    }

    /// Whether a gateway passes requests to this port or path.
    pub fn has(&self, address: &Address) -> bool {
        match address {
            Address::Unix(path) => self.paths.contains(&run_path(path.raw())),
            other => other.port().is_some_and(|port| self.ports.contains(&port)),
        }
    }
}

/// `/var/run` is a link to `/run` everywhere.
pub(super) fn run_path(path: &str) -> String {
    match path.strip_prefix("/var/run/") {
        Some(rest) => format!("/run/{rest}"),
        None => path.to_owned(),
    }
}

/// What was found about one unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Addresses that it says it serves, the surest kind first.
    pub claims: Vec<Claim>,
    /// Log files that it writes itself.
    pub logs: Vec<LogTarget>,
    /// Pools of php-fpm that it serves.
    pub pools: Vec<FpmPool>,
    /// Files that would tell more and cannot be read, with the reason.
    pub unreadable: BTreeMap<String, String>,
}
