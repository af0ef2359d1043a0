//! The configuration itself answers with the error: `return 503`, a maintenance switch.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene},
    observation::{AccessEntry, GatewayId, GatewayKind, Origin, OwnAnswer},
};

use super::{
    by_upstream_line::still_current,
    rule::Rule,
    upstream_sent_5xx::{has_error_line, location_fit},
};

pub(super) const RULE: Rule = Rule { cause: "proxy-own-answer", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for gateway in scene.gateways() {
        let entries: Vec<(&AccessEntry, &OwnAnswer)> = scene
            .case
            .access
            .entries
            .iter()
            .filter(|e| e.gateway == gateway.id && e.at >= scene.incident.window)
            .filter_map(|entry| Some((entry, answer_of(scene, entry)?)))
            .collect();
        let Some((newest, answer)) = entries.last().copied() else { continue };
        // A dash in $upstream_status says that no upstream was asked; without that variable the
        // answer may also have come from behind.
        // HAProxy says by its flags that it answered by itself: by a rule of its own (PR) or a
        // service of its own (LR).
        let by_flags = newest.flags.as_ref().is_some_and(|flags| {
            gateway.kind == GatewayKind::Haproxy
                && ["PR", "LR"].iter().any(|own| flags.raw().starts_with(own))
        });
        let told = newest.upstream_status.is_some() || by_flags;
        let sure = if told { Confidence::Confirmed } else { Confidence::Likely };
        let summary = format!(
            "{} itself answers {} by {}: no upstream is asked ({} requests)",
            gateway.kind.as_str(),
            answer.status,
            answer.place,
            entries.len()
        );
        let mut finding = Finding::new(RULE.cause, sure, summary)
            .with(format!("return {}", answer.status), Origin::Config(answer.place.clone()), None)
            .since(entries.first().map(|(e, _)| e.at))
            .check("is it meant, for maintenance for example? The lines around it tell");
        finding.evidence.push(Evidence {
            what: format!("{} was answered {}", newest.request, newest.status),
            origin: Origin::File(newest.log.clone()),
            at: Some(newest.at),
        });
        finding.subject.gateway = Some(gateway.id.clone());
        finding.subject.path = Some(answer.place.file.clone());
        finding.current = still_current(scene, gateway.loaded, newest.at);
        found.push(finding);
    }
    found
}

/// The place in the configuration that may have made a record without any upstream.
pub(super) fn answer_of<'s>(scene: &'s Scene<'_>, entry: &AccessEntry) -> Option<&'s OwnAnswer> {
    let asked = entry.upstream_status.as_ref().is_some_and(|status| status.raw() != "-");
    if asked || entry.status < 500 {
        return None;
    }
    let uri = entry.request.raw().split(' ').nth(1).unwrap_or_default();
    let fits = |answer: &&OwnAnswer| {
        let location = answer.location.raw();
        let host = entry.host.as_ref();
        let on_host = host.is_none_or(|host| {
            answer.server_names.is_empty() || answer.server_names.contains(host)
        });
        answer.status == entry.status
            && on_host
            && (location.is_empty() || location_fit(location, uri).is_some())
    };
    let gateway: &GatewayId = &entry.gateway;
    let found = scene.case.configs.get(gateway)?.answers.iter().find(fits)?;
    (!has_error_line(scene, entry)).then_some(found)
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{Confidence, testing::Host},
        observation::{OwnAnswer, Place},
    };

    const AT: &str = "127.0.0.1:8000";

    fn maintenance() -> Host {
        Host::passing_to(AT).serves("shop.service", AT, 100).config(|config| {
            config.answers.push(OwnAnswer {
                place: Place { file: "/etc/nginx/nginx.conf".into(), line: 9 },
                status: 503,
                server_names: Vec::new(),
                location: "/".into(),
            });
        })
    }

    #[test]
    fn a_maintenance_switch_is_not_the_upstreams_fault() {
        let host = maintenance().answered(10, 503, None);
        assert_eq!(host.root("proxy-own-answer").confidence, Confidence::Likely);
        host.spares("upstream-sent-5xx");
    }

    #[test]
    fn a_dash_for_the_upstreams_status_proves_it() {
        let host = maintenance().answered(10, 503, Some("-"));
        assert_eq!(host.root("proxy-own-answer").confidence, Confidence::Confirmed);
    }

    #[test]
    fn a_pattern_of_a_rewrite_is_one_of_addresses() {
        let host = Host::passing_to(AT).serves("shop.service", AT, 100).config(|config| {
            config.answers.push(OwnAnswer {
                place: Place { file: "/etc/apache2/sites-enabled/shop.conf".into(), line: 9 },
                status: 503,
                server_names: Vec::new(),
                location: "~ ^".into(),
            });
        });
        let host = host.answered(10, 503, None);
        host.root("proxy-own-answer");
        host.spares("upstream-sent-5xx");
    }

    #[test]
    fn another_status_or_one_that_the_upstream_sent_is_not_the_lines() {
        maintenance().answered(10, 502, None).spares("proxy-own-answer");
        maintenance().answered(10, 503, Some("503")).spares("proxy-own-answer");
    }
}
