//! Many findings of one cause are one trouble: a thousand addresses that nobody serves are told
//! as some of them and the number of the rest.

use std::collections::BTreeMap;

use crate::observation::GatewayId;

use super::{Confidence, Finding, words::CauseText};

/// Findings of one cause on one gateway that are told each for itself.
const EACH: usize = 24;
/// Pieces of evidence that stand for all of the rest.
const EVIDENCE: usize = 6;

/// What makes findings alike.
type Kind = (&'static str, bool, Confidence, Option<GatewayId>);

/// Puts the findings beyond [`EACH`] of a kind together into one, in the place of the first of
/// them. Expects them sorted, the ones that matter most first.
pub(super) fn gather(found: Vec<Finding>) -> Vec<Finding> {
    if found.len() <= EACH {
        return found;
    }
    let mut seen: BTreeMap<Kind, (usize, Option<usize>)> = BTreeMap::new();
    let mut kept: Vec<Finding> = Vec::new();
    let mut rest: BTreeMap<usize, Vec<Finding>> = BTreeMap::new();
    for finding in found {
        let kind =
            (finding.cause, finding.current, finding.confidence, finding.subject.gateway.clone());
        let (count, place) = seen.entry(kind).or_default();
        *count += 1;
        match *place {
            Some(place) if *count > EACH => rest.entry(place).or_default().push(finding),
            _ => {
                *place = (*count == EACH).then_some(kept.len());
                kept.push(finding);
            }
        }
    }
    for (place, more) in rest {
        if let Some(first) = kept.get_mut(place) {
            together(first, more);
        }
    }
    kept
}

/// Makes one finding that speaks for itself and for all the others.
fn together(first: &mut Finding, more: Vec<Finding>) {
    let title = CauseText::get(first.cause).map_or(first.cause, |text| text.title.as_str());
    first.summary = format!("{} more like the above: {title}", more.len() + 1);
    first.subject.unit = None;
    first.subject.container = None;
    first.subject.address = None;
    first.subject.candidates.clear();
    first.subject.pid = None;
    first.subject.path = None;
    first.subject.name = None;
    first.instead = None;
    let mut upstreams = Vec::new();
    for finding in more {
        first.since = first.since.min(finding.since).or(first.since).or(finding.since);
        upstreams.extend(finding.subject.upstreams);
        let room = EVIDENCE.saturating_sub(first.evidence.len());
        first.evidence.extend(finding.evidence.into_iter().take(room));
        for missing in finding.missing {
            if !first.missing.iter().any(|known| known.source == missing.source) {
                first.missing.push(missing);
            }
        }
    }
    first.subject.add_upstreams(upstreams);
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::testing::{Host, address};

    /// So many addresses that nobody serves.
    fn deserted(count: u16) -> Host {
        (0..count).fold(Host::new(), |host, n| host.upstream(&format!("127.0.0.1:{}", 20_000 + n)))
    }

    #[test]
    fn a_hundred_alike_are_told_as_some_and_a_number() {
        let host = deserted(100).refused(5, "127.0.0.1:20099");
        let found = host.diagnose().findings;
        assert_eq!(found.len(), 24);
        let last = found.last().unwrap();
        assert!(last.summary.starts_with("77 more like the above: "), "{}", last.summary);
        assert_eq!(last.subject.upstreams.len(), 77);
        assert_eq!(last.subject.address, None);
        let all: usize = found.iter().map(|f| f.subject.upstreams.len()).sum();
        assert_eq!(all, 100);
    }

    #[test]
    fn a_few_are_told_each_for_itself() {
        let found = deserted(24).refused(5, "127.0.0.1:20003").diagnose().findings;
        assert_eq!(found.len(), 24);
        let told = |at: &str| found.iter().any(|f| f.subject.address == Some(address(at)));
        assert!(told("127.0.0.1:20000") && told("127.0.0.1:20023"));
        assert!(found.iter().all(|f| !f.summary.contains("more like")));
    }
}
