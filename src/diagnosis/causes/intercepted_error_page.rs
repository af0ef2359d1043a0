//! The gateway puts its own error page and status in the place of what the application sent.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene},
    observation::{AccessEntry, Address, Gateway, Origin},
};

use super::{by_upstream_line::still_current, rule::Rule, upstream_sent_5xx::has_error_line};

pub(super) const RULE: Rule = Rule { cause: "intercepted-error-page", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    scene.gateways().filter_map(|gateway| of_gateway(scene, gateway)).collect()
}

fn of_gateway(scene: &Scene<'_>, gateway: &Gateway) -> Option<Finding> {
    let from = scene.incident.window;
    let entries: Vec<(&AccessEntry, u16)> = scene
        .case
        .access
        .entries
        .iter()
        .filter(|e| e.gateway == gateway.id && e.at >= from && (500..=599).contains(&e.status))
        .filter_map(|entry| Some((entry, replaced(entry)?)))
        .filter(|(entry, _)| !has_error_line(scene, entry))
        .collect();
    let (newest, sent) = entries.last().copied()?;
    let summary = format!(
        "the application answered {sent}, and {} put its own {} in that place (error_page): look at \
         what the application says ({} requests)",
        gateway.kind.as_str(),
        newest.status,
        entries.len()
    );
    let mut finding = Finding::new(RULE.cause, Confidence::Confirmed, summary)
        .since(entries.first().map(|(e, _)| e.at))
        .check("grep -rn 'error_page\\|proxy_intercept_errors' in the configuration");
    let told = newest.upstream_addr.as_ref().and_then(|all| {
        let last = all.raw().rsplit([',', ' ']).find(|part| !part.is_empty())?;
        Address::parse(last, 80)
    });
    if let Some(address) = told {
        let chain = |c: &&crate::evidence::topology::Chain<'_>| {
            c.gateway.id == gateway.id && c.has_address(&address)
        };
        if let Some(chain) = scene.chains.iter().find(chain) {
            finding.subject = scene.subject_of(chain);
        }
    }
    finding.subject.gateway = Some(gateway.id.clone());
    finding.evidence.push(Evidence {
        what: format!("{} was answered {}, upstream status {sent}", newest.request, newest.status),
        origin: Origin::File(newest.log.clone()),
        at: Some(newest.at),
    });
    finding.current = still_current(scene, None, newest.at);
    Some(finding)
}

/// The status that the upstream sent, where the client got another one.
fn replaced(entry: &AccessEntry) -> Option<u16> {
    let told = entry.upstream_status.as_ref()?.raw();
    let last: u16 = told.rsplit([',', ':']).next()?.trim().parse().ok()?;
    (last != entry.status && (400..=599).contains(&last)).then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::testing::{Host, access_log};

    const AT: &str = "127.0.0.1:8000";

    fn shop() -> Host {
        Host::passing_to(AT).config(|c| c.logs.push(access_log())).serves("shop.service", AT, 100)
    }

    #[test]
    fn a_status_that_the_gateway_replaced_is_told_with_the_one_sent() {
        let host = shop().answered(10, 502, Some("500"));
        assert!(host.root("intercepted-error-page").summary.contains("answered 500"));
        host.incident("intercepted-error-page", Confidence::Confirmed, "nginx");
    }

    #[test]
    fn a_status_that_was_passed_on_or_made_by_the_gateway_is_no_replacement() {
        shop().answered(10, 502, Some("502")).spares("intercepted-error-page");
        shop().answered(10, 503, Some("-")).spares("intercepted-error-page");
        shop().closed(10, AT).answered(10, 504, Some("502")).spares("intercepted-error-page");
    }
}
