//! Why: the causes, their words, and the rules that prove them from a case.
//!
//! Floor 1, over `evidence`. Nothing here can fail and nothing depends on a clock.

mod causes;
mod changed;
mod diagnose;
mod finding;
mod gather;
mod hidden;
#[cfg(test)]
mod label_reading_tests;
#[cfg(test)]
mod label_tests;
mod lines_on;
mod rank;
mod scene;
#[cfg(test)]
mod scene_tests;
mod settle;
mod sight;
mod status;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
pub(crate) mod testing_haproxy;
#[cfg(test)]
mod testing_incident_tests;
#[cfg(test)]
mod testing_lines;
#[cfg(test)]
mod testing_parts;
#[cfg(test)]
pub(crate) mod testing_programs;

pub mod url;
pub mod words;

pub use causes::rule_ids;
pub use changed::{Bearing, Changed};
pub use diagnose::{Diagnosis, UpstreamRow, diagnose, diagnose_scene};
pub use finding::{Confidence, Evidence, Finding, FindingSubject, Missing};
pub use scene::Scene;
pub use status::Status;
