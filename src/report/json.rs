//! The diagnosis as JSON: the contract with scripts, `gatemedic.diagnosis/1`.

use serde_json::{Map, Value, json};

use crate::{
    diagnosis::{Diagnosis, Evidence, Finding, FindingSubject, UpstreamRow},
    observation::{ContainerId, Gateway, ProgramId, SourceId, Wall},
    remedy::{Action, Offer, Plan},
};

use super::changed;

/// The schema's name.
pub const SCHEMA: &str = "gatemedic.diagnosis/1";

/// The whole document. Every text in it has passed the sanitiser.
///
/// `offers` are what can be done about the findings, in their order.
pub fn document(
    diagnosis: &Diagnosis,
    offers: &[Offer],
    host: &str,
    incomplete: &[SourceId],
) -> Value {
    json!({
        "schema": SCHEMA,
        "as_of": diagnosis.as_of.rfc3339(),
        "host": { "name": host },
        "status": diagnosis.status.as_str(),
        "incident": {
            "first": stamp(diagnosis.incident.first),
            "last": stamp(diagnosis.incident.last),
            "failures": diagnosis.incident.failures,
            "requests_seen": diagnosis.incident.traffic,
        },
        "gateways": diagnosis.gateways.iter().map(gateway).collect::<Vec<_>>(),
        "upstreams": diagnosis.upstreams.iter().map(upstream).collect::<Vec<_>>(),
        "findings": ranked(&diagnosis.findings, offers),
        "recovered": ranked(&diagnosis.recovered, &[]),
        "changes": diagnosis.changes.iter().map(changed::json).collect::<Vec<_>>(),
        "outside": diagnosis.outside,
        "blind_spots": diagnosis.blind_spots.iter().map(|spot| json!({
            "source": spot.source.as_str(),
            "what": spot.what.to_string(),
            "why": spot.why.to_string(),
            "hides": spot.hides.to_string(),
            "grant": spot.grant.to_string(),
        })).collect::<Vec<_>>(),
        "incomplete": incomplete.iter().map(|id| id.as_str()).collect::<Vec<_>>(),
    })
}

fn stamp(at: Option<Wall>) -> Value {
    at.map_or(Value::Null, |at| Value::String(at.rfc3339()))
}

fn gateway(gateway: &Gateway) -> Value {
    json!({
        "kind": gateway.kind.as_str(),
        "version": gateway.version.as_ref().map(ToString::to_string),
        "config": gateway.config.to_string(),
        "running": gateway.running,
        "pid": gateway.master,
        "workers": gateway.workers.len(),
        "unit": gateway.unit.as_ref().map(ToString::to_string),
        "container": gateway.container.as_ref().map(ContainerId::as_str),
    })
}

fn upstream(row: &UpstreamRow) -> Value {
    json!({
        "id": row.id.to_string(),
        "gateway": row.gateway.to_string(),
        "address": row.address,
        "group": row.group.as_ref().map(ToString::to_string),
        "protocol": row.protocol.as_str(),
        "place": row.place.to_string(),
        "state": row.state,
        "reason": row.reason,
        "resolved": row.resolved,
        "errors": row.errors,
        "behind": {
            "unit": row.unit.as_ref().map(ToString::to_string),
            "program": row.program.as_ref().map(program),
            "serves": row.unit_serves,
            "pid": row.pid,
            "container": row.container.as_ref().map(|(id, name)| json!({
                "id": id.as_str(), "name": name.to_string()
            })),
        },
        "queue": row.queue.map(|(waiting, limit)| json!({ "waiting": waiting, "limit": limit })),
    })
}

fn program(id: &ProgramId) -> Value {
    json!({ "manager": id.manager.as_str(), "home": id.home.to_string(), "name": id.name.to_string() })
}

fn ranked(findings: &[Finding], offers: &[Offer]) -> Vec<Value> {
    findings.iter().enumerate().map(|(at, f)| finding(at + 1, f, offers.get(at))).collect()
}

fn finding(rank: usize, finding: &Finding, offer: Option<&Offer>) -> Value {
    let plans = offer.map(|offer| offer.plans.as_slice()).unwrap_or_default();
    let refusal = offer.and_then(|offer| offer.refusal.as_ref());
    json!({
        "rank": rank,
        "cause": finding.cause,
        "confidence": finding.confidence.as_str(),
        "subject": subject(&finding.subject),
        "summary": finding.summary,
        "since": stamp(finding.since),
        "explains": finding.explains,
        "for": evidence(&finding.evidence),
        "against": evidence(&finding.against),
        "missing": finding.missing.iter().map(|m| json!({
            "what": m.what, "source": m.source.as_str()
        })).collect::<Vec<_>>(),
        "changed_before": finding.changed_before.as_ref().map(changed::json),
        "next_check": finding.next_check,
        "remedies": plans.iter().map(remedy).collect::<Vec<_>>(),
        "no_remedy": refusal.map(|refusal| json!({
            "why": refusal.why, "by_hand": refusal.by_hand
        })),
    })
}

fn remedy(plan: &Plan) -> Value {
    let mut commands = plan.steps.iter().flat_map(Action::commands);
    let first = commands.next();
    let main = plan.steps.iter().find(|step| !matches!(step, Action::ResetFailed { .. }));
    json!({
        "id": plan.remedy,
        "action": main.or(plan.steps.first()).map(action),
        "summary": plan.words(),
        "command": first,
        "then": commands.collect::<Vec<_>>(),
        "risk": main.or(plan.steps.first()).map(Action::risk),
        "reversible": plan.reversible(),
        "promise": plan.expect.words(),
    })
}

fn action(action: &Action) -> Value {
    let mut map = Map::new();
    map.insert("kind".to_owned(), action.kind().into());
    let mut put = |name: &str, value: Value| {
        map.insert(name.to_owned(), value);
    };
    if let Some(unit) = action.unit() {
        put("unit", unit.to_string().into());
    }
    if let Some(call) = action.program() {
        put("program", program(&call.program));
    }
    if let Some((container, _)) = action.container() {
        put("container", container.as_str().into());
    }
    match action {
        Action::ReloadGateway { gateway, .. } | Action::RestartGateway { gateway, .. } => {
            put("gateway", gateway.to_string().into());
        }
        Action::EditFile(edit) => {
            put("place", format!("{}:{}", edit.file, edit.change.line()).into());
        }
        Action::SetSocketAccess { path, .. } => put("path", path.to_string().into()),
        Action::AllowTraverse { directory, .. } => put("path", directory.to_string().into()),
        Action::EndProcess { pid, .. } => put("pid", (*pid).into()),
        _ => {}
    }
    Value::Object(map)
}

fn subject(subject: &FindingSubject) -> Value {
    let mut map = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            map.insert(key.to_owned(), value);
        }
    };
    put("gateway", subject.gateway.as_ref().map(|g| g.to_string().into()));
    put("upstream", subject.upstreams.first().map(|u| u.to_string().into()));
    if subject.upstreams.len() > 1 {
        put("upstreams", Some(subject.upstreams.iter().map(ToString::to_string).collect()));
    }
    if !subject.candidates.is_empty() {
        put("candidates", Some(subject.candidates.iter().map(ToString::to_string).collect()));
    }
    put("address", subject.address.as_ref().map(|a| a.to_string().into()));
    put("unit", subject.unit.as_ref().map(|u| u.to_string().into()));
    put("program", subject.program.as_ref().map(program));
    put("container", subject.container.as_ref().map(|(_, name)| name.to_string().into()));
    put("container_id", subject.container.as_ref().map(|(id, _)| id.as_str().into()));
    put("pid", subject.pid.map(Into::into));
    put("path", subject.path.as_ref().map(|p| p.to_string().into()));
    put("name", subject.name.as_ref().map(|n| n.to_string().into()));
    Value::Object(map)
}

fn evidence(list: &[Evidence]) -> Vec<Value> {
    list.iter()
        .map(|e| json!({ "what": e.what, "origin": e.origin.to_string(), "at": stamp(e.at) }))
        .collect()
}
