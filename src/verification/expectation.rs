//! What an action promises.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::observation::{Address, ContainerId, GatewayId, Moment, ProgramId, Text, UnitName};

/// A prediction. It is complete before the action begins and is not changed afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// Seconds within which every clause must hold for the first time.
    pub within_secs: u64,
    /// Seconds for which it must then go on to hold.
    pub stable_secs: u64,
    /// What must hold.
    pub clauses: Vec<Clause>,
    /// The requests that prove it, one per route that failed.
    pub proofs: Vec<Proof>,
}

/// One thing that must be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "clause", rename_all = "kebab-case")]
pub enum Clause {
    /// The unit is active; its main process does not change during the watch.
    UnitRuns {
        /// Which.
        unit: UnitName,
    },
    /// The unit is down, however it ended.
    UnitStopped {
        /// Which.
        unit: UnitName,
    },
    /// The unit is started at boot.
    UnitEnabled {
        /// Which.
        unit: UnitName,
    },
    /// The unit is not in the failed state.
    NotFailed {
        /// Which.
        unit: UnitName,
    },
    /// The unit's main process may open more files than before: what systemd is told counts only as
    /// far as its own rights go.
    OpenFiles {
        /// Which.
        unit: UnitName,
        /// The limit before.
        above: u64,
    },
    /// A container of a Compose service runs, under whatever id.
    ServiceRuns {
        /// Project, as labelled.
        project: Text,
        /// Service, as labelled.
        service: Text,
    },
    /// The container runs, is not restarting, and is not unhealthy.
    ContainerRuns {
        /// Which.
        container: ContainerId,
        /// Its name.
        name: Text,
    },
    /// The managed program runs and is not started again during the watch.
    ProgramRuns {
        /// Which.
        program: ProgramId,
    },
    /// An upstream's address takes connections: somebody listens there, and the newest probe, if
    /// there is one since the action, connected.
    Listens {
        /// For which gateway.
        gateway: GatewayId,
        /// Where.
        address: Address,
    },
    /// The gateway has at least one worker that is younger than the action.
    NewWorkers {
        /// Which.
        gateway: GatewayId,
    },
    /// The gateway has a worker at all.
    GatewayRuns {
        /// Which.
        gateway: GatewayId,
    },
    /// The gateway's error log holds no `[emerg]` since the action.
    NoEmerg {
        /// Which.
        gateway: GatewayId,
    },
    /// No request has failed since the first proof succeeded, and no error line named one of the
    /// addresses.
    NoFailures {
        /// Which.
        gateway: GatewayId,
        /// The addresses that it is about.
        addresses: Vec<Address>,
    },
    /// The diagnosis does not name the cause as present any more.
    CauseGone {
        /// Id of the cause.
        cause: String,
        /// Whom it concerned.
        whom: String,
    },
}

impl Expectation {
    /// What its requests prove when it is kept: gateways, each with the addresses that must not fail
    /// any more; without an address where it speaks of none.
    pub fn proven(&self) -> Vec<(GatewayId, Option<Address>)> {
        let mut proven = Vec::new();
        for proof in &self.proofs {
            let before = proven.len();
            for clause in &self.clauses {
                if let Clause::NoFailures { gateway, addresses } = clause
                    && *gateway == proof.gateway
                {
                    proven.extend(addresses.iter().map(|a| (gateway.clone(), Some(a.clone()))));
                }
            }
            if proven.len() == before {
                proven.push((proof.gateway.clone(), None));
            }
        }
        proven
    }
}

/// One GET through the gateway's own listener, with the virtual host's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Proof {
    /// Through which gateway.
    pub gateway: GatewayId,
    /// Where the gateway listens.
    pub listen: SocketAddr,
    /// Whether it speaks TLS there.
    pub tls: bool,
    /// `Host` header.
    pub host: Text,
    /// Path, without a query.
    pub path: Text,
    /// Answers in a row that are needed.
    pub times: u8,
}

/// Who made an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Speaker {
    /// The gateway itself: its own error page.
    Gateway,
    /// Somebody behind it.
    Behind,
}

/// The answer to a [`Proof`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofAnswer {
    /// When it was complete.
    pub at: Moment,
    /// Index of the proof in the expectation.
    pub proof: usize,
    /// Status, `None` without an answer.
    pub status: Option<u16>,
    /// Who made it.
    pub speaker: Speaker,
    /// Why there was none.
    pub failure: Option<Text>,
}

impl ProofAnswer {
    /// Whether the route works: somebody behind the gateway answered, and not with a server error
    /// of the kind that gateways make.
    pub const fn is_good(&self) -> bool {
        matches!((self.status, self.speaker), (Some(status), Speaker::Behind) if !is_gateways(status))
    }

    /// Whether the gateway answered by itself and found nothing wrong: a redirect, say. It shows
    /// that the gateway works, and nothing of what is behind it.
    pub const fn is_gateways_own(&self) -> bool {
        matches!((self.status, self.speaker), (Some(status), Speaker::Gateway) if status < 400)
    }
}

/// Statuses by which a gateway speaks of what is behind it.
const fn is_gateways(status: u16) -> bool {
    matches!(status, 502..=504)
}

impl Clause {
    /// In words, as a promise.
    pub fn words(&self) -> String {
        match self {
            Self::UnitRuns { unit } => format!("{unit} is active and does not restart"),
            Self::UnitStopped { unit } => format!("{unit} is stopped and stays so"),
            Self::UnitEnabled { unit } => format!("{unit} is started at boot"),
            Self::NotFailed { unit } => format!("{unit} is not failed any more"),
            Self::OpenFiles { unit, above } => {
                format!("{unit} may open more than {above} files")
            }
            Self::ServiceRuns { project, service } => {
                format!("service {service} of project {project} runs")
            }
            Self::ContainerRuns { name, .. } => {
                format!("container {name} runs and does not restart")
            }
            Self::ProgramRuns { program } => format!("{program} runs and does not restart"),
            Self::Listens { address, .. } => format!("{address} takes connections"),
            Self::NewWorkers { .. } => "the gateway has new workers".to_owned(),
            Self::GatewayRuns { .. } => "the gateway has workers".to_owned(),
            Self::NoEmerg { .. } => "the gateway logs no [emerg]".to_owned(),
            Self::NoFailures { .. } => "no request fails any more".to_owned(),
            Self::CauseGone { cause, .. } => format!("{cause} is no longer seen"),
        }
    }
}

impl Proof {
    /// In words, as a promise.
    pub fn words(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        let Self { times, host, path, listen, .. } = self;
        format!("{times} of {times} answers to GET {scheme}://{host}{path} through {listen}")
    }
}

impl Expectation {
    /// All promises in words, the requests last.
    pub fn words(&self) -> Vec<String> {
        let clauses = self.clauses.iter().map(Clause::words);
        clauses.chain(self.proofs.iter().map(Proof::words)).collect()
    }

    /// How soon, and for how long then: "within 15 s, and then for 10 s".
    pub fn span(&self) -> String {
        match (self.within_secs, self.stable_secs) {
            (within, 0) => format!("within {within} s"),
            (within, stable) => format!("within {within} s, and then for {stable} s"),
        }
    }
}
