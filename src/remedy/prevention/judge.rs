//! All rows of the checklist.

use crate::{
    diagnosis::{Diagnosis, Finding, Scene},
    observation::Wall,
};

use super::{
    boot, caching, config_test, health,
    item::{Precaution, Row, Standing},
    kept::kept,
    logs, memory, monitoring, names, queue, restart, route, spare, timeouts,
};

/// Rows told at most.
const MOST: usize = 120;

/// The checklist for a host, as an incident left it: first what is lacking and would have mattered.
///
/// `cause` is the cause that the incident is told by, `seen` when a person or this program first
/// looked at it.
pub fn precautions(
    scene: &Scene<'_>,
    diagnosis: &Diagnosis,
    cause: Option<&Finding>,
    seen: Option<Wall>,
) -> Vec<Precaution> {
    if diagnosis.gateways.is_empty() && diagnosis.upstreams.is_empty() {
        return Vec::new();
    }
    let blamed = cause.map(|finding| &finding.subject);
    let kept = kept(scene, blamed);
    let rows: [(&Row, Vec<Precaution>); 12] = [
        (&restart::ROW, restart::judge(scene, &kept)),
        (&boot::ROW, boot::judge(scene, &kept)),
        (&memory::ROW, memory::judge(scene, &kept)),
        (&health::ROW, health::judge(scene, blamed)),
        (&monitoring::ROW, monitoring::judge(scene, seen)),
        (&timeouts::ROW, timeouts::judge(scene, blamed)),
        (&names::ROW, names::judge(scene, blamed)),
        (&config_test::ROW, config_test::judge(scene)),
        (&logs::ROW, logs::judge(scene)),
        (&queue::ROW, queue::judge(scene, blamed)),
        (&spare::ROW, spare::judge(scene, blamed)),
        (&caching::ROW, caching::judge(scene)),
    ];
    let helps = |row: &Row| {
        cause.is_some_and(|finding| {
            row.against.contains(&finding.cause)
                || finding.explains.iter().any(|id| row.against.contains(id))
        })
    };
    let about = cause.map(|finding| named(scene, finding)).unwrap_or_default();
    let mut all: Vec<Precaution> = Vec::new();
    for (row, own) in rows {
        let helps = helps(row);
        all.extend(own.into_iter().map(|one| {
            let named = about.contains(&one.whom);
            // What is there already was no help; a row about others would have been none.
            let this_time =
                one.standing != Standing::Present && (one.this_time || (helps && named));
            Precaution { this_time, ..one }
        }));
    }
    all.sort_by_key(|one| (one.standing, !one.this_time));
    all.truncate(MOST);
    all
}

/// Whom a finding concerns, as the rows call them.
fn named(scene: &Scene<'_>, finding: &Finding) -> Vec<String> {
    let subject = &finding.subject;
    let mut names: Vec<String> = [
        subject.unit.as_ref().map(ToString::to_string),
        subject.container.as_ref().map(|(_, name)| format!("container {name}")),
        subject.program.as_ref().map(ToString::to_string),
        subject.gateway.as_ref().map(ToString::to_string),
    ]
    .into_iter()
    .flatten()
    .collect();
    let suffers = scene.chains.iter().filter(|c| subject.upstreams.contains(&c.upstream.id));
    for chain in suffers {
        names.push(route::whom(chain));
        names.push(chain.gateway.id.to_string());
    }
    names
}
