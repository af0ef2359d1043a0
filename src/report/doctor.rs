//! What could be seen in one look and what could not, source by source, with the least privilege
//! that opens the rest.

use serde_json::{Value, json};

use crate::{
    evidence::CaseFile,
    observation::{BlindSpot, ConfigProblem, GatewayConfig, ProblemKind, SourceId, Wall},
};

use super::{Inventory, page::Page};

/// The schema's name.
pub const SCHEMA: &str = "gatemedic.doctor/1";

/// Problems shown of one configuration in the text.
const PROBLEMS: usize = 20;

/// How one source fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceState {
    /// It saw all it was asked for.
    Readable,
    /// Some or all of it is out of sight.
    Blind,
    /// It had not finished at the deadline.
    Unfinished,
    /// Nothing was heard of it.
    Silent,
}

impl SourceState {
    /// Its name in JSON and on screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Readable => "readable",
            Self::Blind => "blind",
            Self::Unfinished => "unfinished",
            Self::Silent => "silent",
        }
    }
}

/// One source.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceCheck {
    /// Which.
    pub source: SourceId,
    /// How it fared.
    pub state: SourceState,
    /// What it said is out of sight.
    pub spots: Vec<BlindSpot>,
}

/// The whole examination.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkup {
    /// Time of the newest observation.
    pub as_of: Wall,
    /// Every source, in the order of the story.
    pub sources: Vec<SourceCheck>,
    /// The gateways' configurations.
    pub configs: Vec<GatewayConfig>,
    /// What was found on this host.
    pub found: Inventory,
}

impl Checkup {
    /// Whether nothing at all is out of sight.
    pub fn sees_everything(&self) -> bool {
        self.sources.iter().all(|check| check.state == SourceState::Readable)
            && !self.configs.iter().flat_map(|config| &config.problems).any(hides)
    }
}

/// Whether a problem keeps part of a configuration from being read.
const fn hides(problem: &ConfigProblem) -> bool {
    matches!(problem.kind, ProblemKind::Unreadable | ProblemKind::NotAFile | ProblemKind::TooMuch)
}

/// Judges one look: `asked` are the sources that were started, `incomplete` those that had not
/// finished when it ended.
pub fn examine(case: &CaseFile, asked: &[SourceId], incomplete: &[SourceId]) -> Checkup {
    let check = |source: SourceId| {
        let spots: Vec<BlindSpot> =
            case.blind.values().filter(|spot| spot.source == source).cloned().collect();
        let state = if !asked.contains(&source) || !case.heard.contains_key(&source) {
            SourceState::Silent
        } else if incomplete.contains(&source) {
            SourceState::Unfinished
        } else if spots.is_empty() {
            SourceState::Readable
        } else {
            SourceState::Blind
        };
        SourceCheck { source, state, spots }
    };
    Checkup {
        as_of: case.now.wall,
        sources: SourceId::ALL.into_iter().map(check).collect(),
        configs: case.configs.values().cloned().collect(),
        found: Inventory::of(case),
    }
}

/// What a source tells when it can see; without it, this is not known.
pub const fn tells(source: SourceId) -> &'static str {
    match source {
        SourceId::Gateways => "which gateways run and what their configuration says",
        SourceId::Listeners => "who listens where, and how full the queues are",
        SourceId::Processes => "the processes behind gateways and sockets, and their limits",
        SourceId::SocketFiles => "socket files as the gateway's worker sees them",
        SourceId::Units => "the state of systemd's units and how they ended",
        SourceId::Journal => "what the units say about themselves",
        SourceId::Docker => "containers, their ports, exits and logs",
        SourceId::Kernel => "memory kills and crashes",
        SourceId::Cgroups => "memory limits and use of units and containers",
        SourceId::Pressure => "memory, CPU and stalls of the host",
        SourceId::Disks => "full disks, inodes and read-only mounts",
        SourceId::Firewall => "packet filter rules in the way of upstreams",
        SourceId::Logs => "the gateways' error and access logs",
        SourceId::Probes => "whether upstreams accept a connection",
        SourceId::Names => "what upstream names resolve to",
        SourceId::Managers => "programs of PM2, Supervisor, runit and OpenRC",
        SourceId::Runtime => "what the gateways say of their servers over their control sockets",
        SourceId::Triage => "since when requests fail, from the log lines that are already there",
        SourceId::Changes => "what changed on this host before the incident",
        SourceId::Settings => "kernel settings, routes, SELinux and AppArmor",
    }
}

/// The examination in plain words, 80 columns.
pub fn text(checkup: &Checkup) -> String {
    let mut page = Page::default();
    let readable = checkup.sources.iter().filter(|c| c.state == SourceState::Readable).count();
    page.title(&format!("{readable} of {} sources see everything", checkup.sources.len()));
    for check in &checkup.sources {
        let name = format!("{:<13} {}", check.source.as_str(), check.state.as_str());
        page.row(&name, 25, words(check));
        for spot in &check.spots {
            tell_spot(&mut page, spot);
        }
    }
    let found = checkup.found.lines();
    if !found.is_empty() {
        page.heading("Found here");
        for line in &found {
            page.item(line);
        }
    }
    if checkup.configs.is_empty() {
        page.section("Configurations", "no gateway's configuration was found or could be read");
        return page.finish();
    }
    page.heading("Configurations");
    for config in &checkup.configs {
        let count = config.files.len();
        let upstreams = config.upstreams.len();
        page.item(&format!("{}: {count} files, {upstreams} upstreams", config.gateway));
        for problem in config.problems.iter().take(PROBLEMS) {
            page.deeper(&format!("{}: {} ({})", problem.place, problem.what, kind(problem.kind)));
        }
        let more = config.problems.len().saturating_sub(PROBLEMS);
        if more > 0 {
            page.deeper(&format!("and {more} more"));
        }
    }
    page.finish()
}

fn words(check: &SourceCheck) -> &'static str {
    match check.state {
        SourceState::Silent => "nothing was heard of it",
        _ => tells(check.source),
    }
}

fn tell_spot(page: &mut Page, spot: &BlindSpot) {
    page.deeper(&format!("{}: {}", spot.what, spot.why));
    if !spot.hides.is_empty() {
        page.deeper(&format!("hides: {}", spot.hides));
    }
    if !spot.grant.is_empty() {
        page.deeper(&format!("to open it: {}", spot.grant));
    }
}

const fn kind(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Syntax => "syntax",
        ProblemKind::Unreadable => "unreadable",
        ProblemKind::Missing => "missing",
        ProblemKind::IncludeLoop => "include-loop",
        ProblemKind::TooMuch => "too-much",
        ProblemKind::NotAFile => "not-a-file",
        ProblemKind::Unknown => "unknown",
    }
}

/// The examination as JSON, `gatemedic.doctor/1`. Every text in it has passed the sanitiser.
pub fn document(checkup: &Checkup, host: &str) -> Value {
    let (supported, seen) = checkup.found.document();
    json!({
        "schema": SCHEMA,
        "as_of": checkup.as_of.rfc3339(),
        "host": { "name": host },
        "sees_everything": checkup.sees_everything(),
        "supported": supported,
        "seen": seen,
        "sources": checkup.sources.iter().map(|check| json!({
            "source": check.source.as_str(),
            "state": check.state.as_str(),
            "tells": tells(check.source),
            "blind_spots": check.spots.iter().map(|spot| json!({
                "what": spot.what.to_string(),
                "why": spot.why.to_string(),
                "hides": spot.hides.to_string(),
                "grant": spot.grant.to_string(),
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "configs": checkup.configs.iter().map(|config| json!({
            "gateway": config.gateway.to_string(),
            "files": config.files.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "upstreams": config.upstreams.len(),
            "problems": config.problems.iter().map(|problem| json!({
                "kind": kind(problem.kind),
                "place": problem.place.to_string(),
                "what": problem.what.to_string(),
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evidence::{Signatures, admit},
        observation::{Moment, Observation, Seen, Text},
    };

    fn saw(case: &mut CaseFile, source: SourceId, seen: Seen) {
        let seen = Observation { at: Moment::default(), source, seen };
        admit(case, &seen, Signatures::embedded());
    }

    #[test]
    fn silence_is_not_readability() {
        let mut case = CaseFile::new();
        for source in SourceId::ALL {
            saw(&mut case, source, Seen::Swept { generation: 0 });
        }
        assert!(examine(&case, &SourceId::ALL, &[]).sees_everything());
        let unfinished = examine(&case, &SourceId::ALL, &[SourceId::Names]);
        assert!(!unfinished.sees_everything());
        assert!(text(&unfinished).contains("names         unfinished"), "{}", text(&unfinished));
        case.heard.remove(&SourceId::Docker);
        let silent = examine(&case, &SourceId::ALL, &[]);
        assert!(!silent.sees_everything() && text(&silent).contains("nothing was heard of it"));
    }

    #[test]
    fn a_blind_source_says_what_it_hides_and_how_to_open_it() {
        let mut case = CaseFile::new();
        let spot = BlindSpot {
            source: SourceId::Docker,
            what: Text::new("/var/run/docker.sock"),
            why: Text::new("permission denied"),
            hides: Text::new("container\u{1b}[2J state"),
            grant: Text::new("join the group docker"),
        };
        saw(&mut case, SourceId::Docker, Seen::Blind(spot));
        let checkup = examine(&case, &SourceId::ALL, &[]);
        let text = text(&checkup);
        for words in ["docker        blind", "hides: container␛[2J state", "to open it: join"] {
            assert!(text.contains(words), "{text}");
        }
        let json = document(&checkup, "web1");
        let docker = json["sources"].as_array().unwrap().iter().find(|s| s["source"] == "docker");
        assert_eq!(docker.unwrap()["blind_spots"][0]["grant"], "join the group docker");
    }
}
