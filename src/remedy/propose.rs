//! Which remedies a finding calls for.

use crate::{
    diagnosis::{Confidence, Diagnosis, Finding, words::CauseText},
    observation::{Origin, Place, UnitName},
};

use super::{Action, Remedy};

/// The remedies of a finding, the best first; each only when what it would act on is known. What
/// is merely possible calls for its next check, and what is over for nothing.
pub fn propose(finding: &Finding, diagnosis: &Diagnosis) -> Vec<Remedy> {
    let Some(words) = CauseText::get(finding.cause) else { return Vec::new() };
    if !finding.current || finding.confidence < Confidence::Likely {
        return Vec::new();
    }
    words
        .remedies
        .iter()
        .filter_map(|id| {
            let action = action(id, finding, diagnosis)?;
            Some(Remedy { id: id.as_str(), action })
        })
        .collect()
}

fn action(id: &str, finding: &Finding, diagnosis: &Diagnosis) -> Option<Action> {
    let subject = &finding.subject;
    let unit = || subject.unit.clone();
    // What answers already needs no start.
    let stopped = || unit().filter(|unit| !serves(unit, diagnosis));
    let container = || subject.container.as_ref().map(|(id, _)| id.clone());
    match id {
        "start-unit" => stopped().map(Action::StartUnit),
        "restart-unit" => unit().map(Action::RestartUnit),
        "reset-failed-start" => stopped().map(Action::ResetFailedStart),
        "enable-unit" => unit().map(Action::EnableUnit),
        "raise-memory-limit" => unit().map(Action::RaiseMemoryLimit),
        "reload-gateway" => {
            let mut gateways = diagnosis.gateways.iter();
            let gateway = gateways.find(|g| subject.gateway.as_ref() == Some(&g.id))?;
            let here = gateway.running && gateway.container.is_none();
            let unit = gateway.unit.clone().filter(|_| here)?;
            Some(Action::ReloadGateway { gateway: gateway.id.clone(), unit })
        }
        "start-container" => container().map(Action::StartContainer),
        "restart-container" => container().map(Action::RestartContainer),
        "unpause-container" => container().map(Action::UnpauseContainer),
        "edit-config" => config(finding).map(Action::EditConfig),
        "fix-socket-permission" => subject.path.clone().map(Action::FixSocketPermission),
        "stop-port-owner" => subject.pid.map(Action::StopPortOwner),
        _ => None,
    }
}

fn serves(unit: &UnitName, diagnosis: &Diagnosis) -> bool {
    diagnosis.upstreams.iter().any(|row| row.unit_serves && row.unit.as_ref() == Some(unit))
}

/// The line that is at fault. The line of an application's own configuration is not known: what a
/// finding about an application quotes is the gateway's.
fn config(finding: &Finding) -> Option<Place> {
    if finding.cause.starts_with("app-") {
        return None;
    }
    finding.evidence.iter().find_map(|evidence| match &evidence.origin {
        Origin::Config(place) => Some(place.clone()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::{FindingSubject, UpstreamRow},
        observation::{GatewayId, Protocol, Text, UpstreamId},
    };

    fn about(cause: &'static str, unit: Option<&str>) -> Finding {
        let unit = unit.map(|name| UnitName::new(name).unwrap());
        Finding::new(cause, Confidence::Confirmed, "x")
            .about(FindingSubject { unit, ..FindingSubject::default() })
    }

    #[test]
    fn a_stopped_unit_is_started_and_one_at_its_limit_is_reset_first() {
        let remedies =
            propose(&about("app-unit-stopped", Some("shop.service")), &Diagnosis::default());
        assert_eq!(remedies.len(), 1);
        assert_eq!(remedies[0].action.commands(), [["systemctl", "start", "shop.service"]]);
        let remedies =
            propose(&about("app-start-limit-hit", Some("shop.service")), &Diagnosis::default());
        assert_eq!(remedies[0].action.commands()[0][1], "reset-failed");
        assert_eq!(remedies[0].action.commands()[1][1], "start");
    }

    #[test]
    fn without_a_subject_without_certainty_or_after_the_end_nothing_is_proposed() {
        assert_eq!(propose(&about("app-unit-stopped", None), &Diagnosis::default()), []);
        assert_eq!(propose(&about("upstream-all-banned", None), &Diagnosis::default()), []);
        let mut finding = about("app-unit-stopped", Some("shop.service"));
        finding.confidence = Confidence::Possible;
        assert_eq!(propose(&finding, &Diagnosis::default()), []);
        finding.confidence = Confidence::Confirmed;
        finding.current = false;
        assert_eq!(propose(&finding, &Diagnosis::default()), []);
    }

    #[test]
    fn what_serves_already_is_not_started() {
        let finding = about("oom-cgroup-unit", Some("shop.service"));
        let ids = |diagnosis: &Diagnosis| -> Vec<&str> {
            propose(&finding, diagnosis).iter().map(|remedy| remedy.id).collect()
        };
        assert_eq!(ids(&Diagnosis::default()), ["raise-memory-limit", "reset-failed-start"]);
        let row = UpstreamRow {
            id: UpstreamId(Text::new("nginx:/n.conf:1")),
            gateway: GatewayId(Text::new("nginx:/n.conf")),
            address: "127.0.0.1:9000".to_owned(),
            group: None,
            protocol: Protocol::Http,
            place: Place::default(),
            state: "up",
            reason: String::new(),
            resolved: Vec::new(),
            unit: finding.subject.unit.clone(),
            unit_serves: true,
            pid: None,
            process: None,
            container: None,
            queue: None,
            errors: 0,
            routes: 1,
        };
        let serving = Diagnosis { upstreams: vec![row], ..Diagnosis::default() };
        assert_eq!(ids(&serving), ["raise-memory-limit"]);
    }

    #[test]
    fn the_line_to_edit_is_the_one_that_the_evidence_names() {
        let place = Place { file: Text::new("/etc/nginx/nginx.conf"), line: 12 };
        let finding = about("upstream-port-wrong", None).with("x", Origin::Config(place), None);
        let remedies = propose(&finding, &Diagnosis::default());
        assert_eq!(remedies[0].action.words(), "edit /etc/nginx/nginx.conf:12");
        assert!(remedies[0].action.commands().is_empty());
        let place = Place { file: Text::new("/etc/nginx/nginx.conf"), line: 12 };
        let app = about("app-config-invalid", Some("shop.service")).with(
            "x",
            Origin::Config(place),
            None,
        );
        assert!(
            propose(&app, &Diagnosis::default()).iter().all(|remedy| remedy.id != "edit-config")
        );
    }

    #[test]
    fn every_remedy_that_a_cause_names_is_an_action() {
        let all = FindingSubject {
            gateway: Some(GatewayId(Text::new("nginx:/n.conf"))),
            unit: Some(UnitName::new("a.service").unwrap()),
            container: Some((
                crate::observation::ContainerId::new("a".repeat(64)).unwrap(),
                Text::new("a"),
            )),
            pid: Some(7),
            path: Some(Text::new("/run/a.sock")),
            ..FindingSubject::default()
        };
        let gateway: crate::observation::Gateway = serde_json::from_value(serde_json::json!({
            "id": "nginx:/n.conf", "kind": "nginx", "version": null, "config": "/n.conf",
            "running": true, "master": 7, "workers": [8], "worker_uid": null, "worker_gids": [],
            "netns": null, "root": "", "unit": "nginx.service", "container": null,
            "started": null, "loaded": null
        }))
        .unwrap();
        let place = Place { file: Text::new("/n.conf"), line: 1 };
        let finding =
            about("upstream-port-wrong", None).about(all).with("x", Origin::Config(place), None);
        let diagnosis = Diagnosis { gateways: vec![gateway], ..Diagnosis::default() };
        for id in CauseText::all().iter().flat_map(|cause| &cause.remedies) {
            let action = action(id, &finding, &diagnosis);
            assert_eq!(action.map(|a| a.kind()), Some(id.as_str()));
        }
    }
}
