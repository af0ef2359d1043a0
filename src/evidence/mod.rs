//! What it amounts to: log lines are recognised by signatures kept as data, and everything seen
//! is joined into one case.
//!
//! Floor 1. Pure: it reads values that sources made, never a file, a socket or a clock.

mod case;
mod entry_line;
mod images;
mod incident;
mod logbook;
mod looks;
mod own_lines;
mod pattern_set;
mod programs;
mod ring;
mod routine;
mod signature_file;
mod signatures;
mod stamp;
mod ties;

pub mod access;
pub mod apache_line;
pub mod gateway_line;
pub mod go_line;
pub mod haproxy_line;
pub mod lines;
pub mod nginx_line;
pub mod topology;
pub mod triage;

pub use case::{CaseFile, CgroupTrack, Dated, RuntimeTrack, admit};
pub use images::Images;
pub use incident::{Incident, incident, incident_of};
pub use logbook::{AccessBook, Fold, LogBook, LogFact, PlainLine, SPARK_MINUTES};
pub use looks::{Found, awaited};
pub use programs::ProgramBook;
pub use ring::Ring;
pub use routine::is_routine;
pub use signature_file::SignatureInfo;
pub use signatures::{Match, SignatureId, Signatures};
pub use stamp::StampReader;
