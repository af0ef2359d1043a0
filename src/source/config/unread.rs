//! What is said of a configuration in a language that this program does not read.

use crate::{
    host::fingerprint::Fingerprint,
    observation::{ConfigProblem, GatewayConfig, GatewayKind, Place, ProblemKind, Text},
};

use super::{
    include::{Watched, path_text},
    setup::{Parsed, Setup},
};

/// A configuration of which nothing but its file is known.
pub(super) fn parse(setup: &Setup, kind: GatewayKind) -> Parsed {
    let file = path_text(&setup.config);
    let print = Fingerprint::take(&setup.root, &setup.config, true).ok();
    let problem = ConfigProblem {
        kind: ProblemKind::Unknown,
        place: Place { file: file.clone(), line: 0 },
        what: Text::new(format!("configurations of {} are not read yet", kind.as_str())),
    };
    let config = GatewayConfig {
        controls: Vec::new(),
        gateway: setup.gateway.clone(),
        upstreams: Vec::new(),
        sites: Vec::new(),
        logs: Vec::new(),
        answers: Vec::new(),
        problems: vec![problem],
        files: vec![file],
        modified: print.map(|print| print.modified()),
    };
    let watched = vec![Watched { path: setup.config.clone(), fingerprint: print }];
    Parsed { config, watched, readable: true }
}
