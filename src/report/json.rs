//! The diagnosis as JSON: the contract with scripts, `gatemedic.diagnosis/1`.

use serde_json::{Map, Value, json};

use crate::{
    diagnosis::{Diagnosis, Evidence, Finding, FindingSubject, UpstreamRow},
    observation::{ContainerId, Gateway, SourceId, Wall},
    remedy::{Action, Remedy, propose},
};

/// The schema's name.
pub const SCHEMA: &str = "gatemedic.diagnosis/1";

/// The whole document. Every text in it has passed the sanitiser.
pub fn document(diagnosis: &Diagnosis, host: &str, incomplete: &[SourceId]) -> Value {
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
        "findings": ranked(&diagnosis.findings, diagnosis),
        "recovered": ranked(&diagnosis.recovered, diagnosis),
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
            "serves": row.unit_serves,
            "pid": row.pid,
            "container": row.container.as_ref().map(|(id, name)| json!({
                "id": id.as_str(), "name": name.to_string()
            })),
        },
        "queue": row.queue.map(|(waiting, limit)| json!({ "waiting": waiting, "limit": limit })),
    })
}

fn ranked(findings: &[Finding], diagnosis: &Diagnosis) -> Vec<Value> {
    findings.iter().enumerate().map(|(at, f)| finding(at + 1, f, diagnosis)).collect()
}

fn finding(rank: usize, finding: &Finding, diagnosis: &Diagnosis) -> Value {
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
        "next_check": finding.next_check,
        "remedies": propose(finding, diagnosis).iter().map(remedy).collect::<Vec<_>>(),
    })
}

fn remedy(remedy: &Remedy) -> Value {
    let mut commands = remedy.action.commands().into_iter();
    let first = commands.next();
    json!({
        "id": remedy.id,
        "action": action(&remedy.action),
        "summary": remedy.action.words(),
        "command": first,
        "then": commands.collect::<Vec<_>>(),
        "risk": remedy.action.risk(),
        "reversible": remedy.action.reversible(),
    })
}

fn action(action: &Action) -> Value {
    let (name, value): (_, Value) = match action {
        Action::StartUnit(unit)
        | Action::RestartUnit(unit)
        | Action::ResetFailedStart(unit)
        | Action::EnableUnit(unit)
        | Action::RaiseMemoryLimit(unit) => ("unit", unit.to_string().into()),
        Action::ReloadGateway { gateway, .. } => ("gateway", gateway.to_string().into()),
        Action::StartContainer(id)
        | Action::RestartContainer(id)
        | Action::UnpauseContainer(id) => ("container", id.as_str().into()),
        Action::EditConfig(place) => ("place", place.to_string().into()),
        Action::FixSocketPermission(path) => ("path", path.to_string().into()),
        Action::StopPortOwner(pid) => ("pid", (*pid).into()),
    };
    let mut map = Map::new();
    map.insert("kind".to_owned(), action.kind().into());
    map.insert(name.to_owned(), value);
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
