//! What a configuration keeps out of sight: includes that cannot be read hide upstreams.

use crate::{
    evidence::CaseFile,
    observation::{BlindSpot, ConfigProblem, ProblemKind, SourceId, Text},
};

/// Most of them told of one configuration.
const MOST: usize = 16;

/// One blind spot for each file that a configuration names and that cannot be read. A main file
/// that cannot be read is told by the source itself.
pub(super) fn by_configs(case: &CaseFile) -> impl Iterator<Item = BlindSpot> {
    case.configs.values().flat_map(|config| {
        config.problems.iter().filter(|p| p.place.line > 0).filter_map(spot).take(MOST)
    })
}

fn spot(problem: &ConfigProblem) -> Option<BlindSpot> {
    let grant = match problem.kind {
        ProblemKind::Unreadable => "run as root, or grant read access to this file",
        ProblemKind::NotAFile | ProblemKind::TooMuch => "",
        _ => return None,
    };
    Some(BlindSpot {
        source: SourceId::Gateways,
        what: Text::new(problem.place.to_string()),
        why: problem.what.clone(),
        hides: Text::new("upstreams, virtual hosts and logs that it would name"),
        grant: Text::new(grant),
    })
}
