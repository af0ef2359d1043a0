//! What changed before: the changes of a host aligned to the first failure, and the one that
//! touches what a finding concerns. A change is never a cause by itself and proves nothing.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
};

use crate::observation::{
    Change, ChangeKind, ContainerId, GatewayId, Origin, Text, Touched, UnitName, UpstreamId, Wall,
};

use super::{Finding, FindingSubject, Scene, UpstreamRow};

/// Changes told at most.
const TOLD: usize = 200;
/// A change so long before a failure is no longer told beside its cause, seconds.
const HORIZON_SECS: i64 = 24 * 3600;
/// Within this time before a failure a change of substance outweighs one that is merely closer.
const NEAR_SECS: i64 = 15 * 60;
/// Log stamps have whole seconds: what happened in the same second came before.
const SLACK_SECS: i64 = 1;

/// How near a change is to what fails, the nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bearing {
    /// It touches what a finding concerns.
    Subject,
    /// It touches a gateway, or what stands behind one.
    Chain,
    /// It touches the whole host.
    Host,
    /// No upstream leads to it.
    Elsewhere,
}

impl Bearing {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Chain => "chain",
            Self::Host => "host",
            Self::Elsewhere => "elsewhere",
        }
    }
}

/// A change and its place beside the failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The change.
    pub change: Change,
    /// How near it is to what fails.
    pub bearing: Bearing,
    /// Seconds from it to the first failure, negative when it came later; `None` without a failure.
    pub secs_before: Option<i64>,
    /// Whether that failure was a request; else it is what a finding found, which began then.
    pub of_request: bool,
}

impl Changed {
    /// Whether it came before the first failure, or in the same second.
    pub fn is_before(&self) -> bool {
        self.secs_before.is_some_and(|secs| secs >= -SLACK_SECS)
    }

    /// When, what, by whom, and where that was read.
    pub fn sentence(&self) -> String {
        let (words, origin) = (self.words(), &self.change.origin);
        let distance = self.distance().map(|distance| format!("{distance}: ")).unwrap_or_default();
        format!("{distance}{words} ({origin})")
    }

    /// What changed and by whom.
    pub fn words(&self) -> String {
        let Change { what, by, .. } = &self.change;
        if by.raw().is_empty() { what.to_string() } else { format!("{what}, by {by}") }
    }

    /// `41 s before the first failure`; without a failure, nothing.
    pub fn distance(&self) -> Option<String> {
        let secs = self.secs_before?;
        let what = if self.of_request { "the first failure" } else { "this began" };
        Some(if secs > 0 {
            format!("{} before {what}", long(secs))
        } else if secs < -SLACK_SECS {
            format!("{} after {what}", long(secs.saturating_neg()))
        } else if self.of_request {
            "in the second of the first failure".to_owned()
        } else {
            "in the second when this began".to_owned()
        })
    }
}

/// A time span in one unit.
fn long(secs: i64) -> String {
    match secs {
        ..120 => format!("{secs} s"),
        120..7_200 => format!("{} min", secs / 60),
        7_200..172_800 => format!("{} h", secs / 3600),
        _ => format!("{} days", secs / 86_400),
    }
}

/// Aligns the changes of the case to its failures, the most suspicious first, and gives each
/// finding the one that touches it.
pub(super) fn align(
    scene: &Scene<'_>,
    rows: &[UpstreamRow],
    findings: &mut [Finding],
) -> Vec<Changed> {
    let changes = all(scene);
    if changes.is_empty() {
        return Vec::new();
    }
    let chain = Chain::new(scene, rows);
    let first = scene.incident.first.filter(|_| scene.incident.present);
    let by_id = by_id(rows);
    let concerns: Vec<Concern<'_>> =
        findings.iter().map(|f| Concern::new(&f.subject, &by_id)).collect();
    let named: Vec<Option<Changed>> = findings
        .iter()
        .zip(&concerns)
        .map(|(finding, concern)| before(finding, concern, &changes, &chain, first))
        .collect();
    let anchor = first.or_else(|| findings.iter().find_map(|finding| finding.since));
    let mut aligned: Vec<Changed> = changes
        .into_iter()
        .map(|change| {
            let bearing = if concerns.iter().any(|concern| concern.is_touched(&change)) {
                Bearing::Subject
            } else {
                chain.bearing(&change)
            };
            let secs_before = anchor.map(|at| at.since(change.at).as_secs());
            Changed { change, bearing, secs_before, of_request: first.is_some() }
        })
        .collect();
    aligned.sort_by_cached_key(|changed| {
        let distance = changed.secs_before.map_or(0, i64::abs);
        let near = changed.secs_before.is_some() && distance <= NEAR_SECS;
        let weight = if near { weight(changed.change.kind) } else { u8::MAX };
        let (late, newest) = (!changed.is_before(), Reverse(changed.change.at));
        (changed.bearing, late, weight, distance, newest, changed.change.what.clone())
    });
    aligned.truncate(TOLD);
    for (finding, change) in findings.iter_mut().zip(named) {
        finding.changed_before = change;
    }
    aligned
}

/// The rows of each upstream: looked up once for all findings, of which each asks for a few among
/// thousands.
type ById<'a> = HashMap<&'a UpstreamId, Vec<&'a UpstreamRow>>;

fn by_id(rows: &[UpstreamRow]) -> ById<'_> {
    let mut all = ById::with_capacity(rows.len());
    for row in rows {
        all.entry(&row.id).or_default().push(row);
    }
    all
}

/// What the source of changes told, and what the states of the case tell by themselves.
fn all(scene: &Scene<'_>) -> Vec<Change> {
    const DAYS_SECS: i64 = 7 * 86_400;
    let case = scene.case;
    let now = scene.now();
    let since = now.minus_secs(DAYS_SECS);
    let mut list = case.changes.clone();
    list.extend(case.images.replaced.iter().cloned());
    for container in case.containers.values() {
        let Some(at) = container.created else { continue };
        let named = |c: &Change| c.touches.contains(&Touched::Container(container.id.clone()));
        if !case.images.replaced.iter().any(named) {
            let words = format!("container {} made from {}", container.name, container.image);
            list.push(Change {
                at,
                kind: ChangeKind::Container,
                what: Text::new(words),
                by: Text::default(),
                origin: Origin::Docker(container.id.clone()),
                touches: vec![Touched::Container(container.id.clone())],
            });
        }
    }
    for gateway in case.gateways.values() {
        let began = gateway.started.unwrap_or_default();
        let reload = gateway.loaded.filter(|at| at.since(began).as_secs() > 5);
        let words = [(gateway.started, "started"), (reload, "loaded its configuration")];
        for (at, what) in words {
            let Some((at, pid)) = at.zip(gateway.master) else { continue };
            list.push(Change {
                at,
                kind: ChangeKind::Service,
                what: Text::new(format!("{} {what}", gateway.kind.as_str())),
                by: Text::default(),
                origin: Origin::Process(pid),
                touches: vec![Touched::Gateway(gateway.id.clone())],
            });
        }
    }
    list.retain(|change| change.at >= since && change.at <= now.plus_secs(120));
    list
}

/// Everything that requests go through.
struct Chain<'a> {
    gateways: BTreeSet<&'a GatewayId>,
    units: BTreeSet<&'a UnitName>,
    containers: BTreeSet<&'a ContainerId>,
}

impl<'a> Chain<'a> {
    fn new(scene: &'a Scene<'_>, rows: &'a [UpstreamRow]) -> Self {
        let gateways = scene.case.gateways.values();
        let units = gateways.clone().filter_map(|gateway| gateway.unit.as_ref());
        let containers = gateways.clone().filter_map(|gateway| gateway.container.as_ref());
        Self {
            units: units.chain(rows.iter().filter_map(|row| row.unit.as_ref())).collect(),
            containers: containers
                .chain(rows.iter().filter_map(|row| row.container.as_ref().map(|(id, _)| id)))
                .collect(),
            gateways: gateways.map(|gateway| &gateway.id).collect(),
        }
    }

    fn bearing(&self, change: &Change) -> Bearing {
        let near = |touched: &Touched| match touched {
            Touched::Host | Touched::Path(_) => false,
            Touched::Gateway(id) => self.gateways.contains(id),
            Touched::Unit(unit) => self.units.contains(unit),
            Touched::Container(id) => self.containers.contains(id),
        };
        if change.touches.iter().any(near) {
            Bearing::Chain
        } else if change.touches.contains(&Touched::Host) {
            Bearing::Host
        } else {
            Bearing::Elsewhere
        }
    }
}

/// Whom a finding concerns, and what stands behind its upstreams where it names nobody.
struct Concern<'a> {
    subject: &'a FindingSubject,
    units: BTreeSet<&'a UnitName>,
    containers: BTreeSet<&'a ContainerId>,
    gateways: BTreeSet<&'a GatewayId>,
}

impl<'a> Concern<'a> {
    fn new(subject: &'a FindingSubject, rows: &ById<'a>) -> Self {
        let mut units: BTreeSet<_> = subject.unit.iter().collect();
        let mut containers: BTreeSet<_> = subject.container.iter().map(|(id, _)| id).collect();
        let mut gateways = BTreeSet::new();
        // A finding about a unit or a container is not about the configuration of the gateway.
        if units.is_empty() && containers.is_empty() {
            for row in subject.upstreams.iter().filter_map(|id| rows.get(id)).flatten() {
                units.extend(&row.unit);
                containers.extend(row.container.as_ref().map(|(id, _)| id));
                gateways.insert(&row.gateway);
            }
            gateways.extend(&subject.gateway);
        }
        Self { subject, units, containers, gateways }
    }

    fn is_touched(&self, change: &Change) -> bool {
        change.touches.iter().any(|touched| match touched {
            Touched::Host => false,
            Touched::Gateway(id) => self.gateways.contains(id),
            Touched::Unit(unit) => self.units.contains(unit),
            Touched::Container(id) => self.containers.contains(id),
            Touched::Path(path) => self.subject.path.as_ref() == Some(path),
        })
    }
}

/// The change to name beside a finding.
fn before(
    finding: &Finding,
    concern: &Concern<'_>,
    changes: &[Change],
    chain: &Chain<'_>,
    first: Option<Wall>,
) -> Option<Changed> {
    // A restart loop began after the first failure as often as before it.
    let anchor = first.into_iter().chain(finding.since).min()?;
    let judged = changes.iter().filter_map(|change| {
        let secs = anchor.since(change.at).as_secs();
        let tells = !matches!(change.kind, ChangeKind::Service) || !change.by.raw().is_empty();
        if !tells || !(-SLACK_SECS..=HORIZON_SECS).contains(&secs) {
            return None;
        }
        let near = secs <= NEAR_SECS;
        let bearing =
            if concern.is_touched(change) { Bearing::Subject } else { chain.bearing(change) };
        let fits = match bearing {
            Bearing::Subject => true,
            Bearing::Chain | Bearing::Host => near,
            Bearing::Elsewhere => false,
        };
        let weight = if near { weight(change.kind) } else { u8::MAX };
        fits.then_some((bearing, weight, secs.max(0), change))
    });
    let (bearing, _, _, change) = judged.min_by_key(|(bearing, weight, secs, change)| {
        (*bearing, *weight, *secs, change.what.clone())
    })?;
    let secs_before = Some(first.unwrap_or(anchor).since(change.at).as_secs());
    let of_request = first.is_some();
    Some(Changed { change: change.clone(), bearing, secs_before, of_request })
}

/// Which kind of change explains most, the weightiest first.
const fn weight(kind: ChangeKind) -> u8 {
    match kind {
        // A package brings its files along: it stands above what they tell.
        ChangeKind::Package => 0,
        ChangeKind::Config
        | ChangeKind::UnitFile
        | ChangeKind::Container
        | ChangeKind::Deploy
        | ChangeKind::Certificate => 1,
        ChangeKind::Command => 2,
        ChangeKind::Boot | ChangeKind::Clock => 3,
        ChangeKind::Service => 4,
        ChangeKind::Timer => 5,
    }
}

#[cfg(test)]
#[path = "changed_tests.rs"]
mod tests;
