//! What was seen: moments, subjects, origins, and the closed list of things that can be seen.
//!
//! Floor 0. Nothing here reads a clock, a file or a socket; every value is made by a source and
//! only carried. Text from outside is a [`Text`]: redacted at birth and sanitised when displayed.

mod address;
mod blind;
mod change;
mod config;
mod container;
mod gateway;
mod kernel;
mod labels;
mod log;
mod managed;
mod moment;
mod name;
mod network;
mod origin;
mod process;
mod redaction;
mod resource;
mod runtime;
mod secret;
mod seen;
mod settings;
mod text;
mod tls;
mod triage;
mod unit;
mod visit;

pub use address::{Address, Protocol};
pub use blind::{BlindSpot, Gap, SourceId, TO_STREAM};
pub use change::{Change, ChangeKind, Touched};
pub use config::{
    AccessFormat, AccessSyntax, ConfigProblem, ConfiguredUpstream, ControlPoint, GatewayConfig,
    HealthCheck, Loaded, LogKind, LogTarget, OwnAnswer, Place, ProblemKind, Resolver, Route,
    ServerParams, Setting, Site, Timeouts,
};
pub use container::{Container, ContainerEvent, ContainerState, Health, PortBinding};
pub use gateway::{Gateway, GatewayId, GatewayKind, UpstreamId};
pub use kernel::{KernelKill, KillScope, Segfault};
pub use labels::{LabelProvider, Transport};
pub use log::{AccessEntry, LogLine, Program, Traffic};
pub use managed::{ManagedProgram, Manager, ManagerKind, ProgramId, ProgramState};
pub use moment::{Boot, Moment, Wall};
pub use name::{ContainerId, NameError, UnitName};
pub use network::{
    Access, FirewallRule, FirewallTable, FirewallVerdict, LOOKUP_MS, Listener, ListenerTable,
    NetNs, PortUse, Probe, ProbeOutcome, Resolution, ResolutionOutcome, SocketFile, SocketFileKind,
};
pub use origin::Origin;
pub use process::{Owner, Process, ProcessLimits, RunState};
pub use redaction::{Continuation, has_mark, redact, redact_configuration, tag_secrets};
pub use resource::{CgroupSample, CpuSample, DiskSample, MemorySample, PressureSample, Stall};
pub use runtime::{GatewayRuntime, Refusal, RefusedAnswer, ServerState, ServerStatus};
pub use secret::Secret;
pub use seen::{Observation, Seen};
pub use settings::{HostSettings, RouteOutcome, Stalled, Ways};
pub use text::{Clean, TEXT_LIMIT, Text};
pub use tls::{CertificateFacts, TlsAnswer, TlsFacts, UpstreamTls};
pub use triage::{Episode, Ranked, Ranking, Triage, TriageMinute, TriagedError, TriagedLog};
pub use unit::{Claim, ClaimKind, FpmPool, Unit, UnitActive, UnitExit, UnitLoad, UnitResult};
pub use visit::{Arrival, LocalVisit, Reply, Visit, VisitFailure};
