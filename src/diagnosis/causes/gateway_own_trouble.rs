//! What a gateway cannot do on its own host: bind the address that it should send from, or write the
//! files that it keeps bodies in.

use std::net::IpAddr;

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::LogFact,
    observation::{Gateway, Origin},
};

use super::{by_upstream_line::still_current, rule::Rule};

pub(super) const BIND: Rule = Rule { cause: "proxy-bind-address-missing", judge: bind };
pub(super) const TEMP: Rule = Rule { cause: "proxy-temp-permission", judge: temp };

/// The lines of one cause that each gateway wrote.
fn lines<'s>(scene: &'s Scene<'_>, ids: &'s [&'s str]) -> Vec<(&'s Gateway, Vec<&'s LogFact>)> {
    let of = |gateway: &'s Gateway| {
        let own = scene.facts(ids).filter(|f| f.gateway.as_ref() == Some(&gateway.id));
        (gateway, own.collect::<Vec<_>>())
    };
    scene.case.gateways.values().map(of).filter(|(_, facts)| !facts.is_empty()).collect()
}

fn bind(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (gateway, facts) in lines(scene, &[BIND.cause]) {
        let (Some(first), Some(last)) = (facts.first(), facts.last()) else { continue };
        let told = last.captures.get("addr").map(ToString::to_string).unwrap_or_default();
        let ip: Option<IpAddr> = told.trim_matches(['[', ']']).parse().ok();
        let table = scene.case.netns_of(gateway).and_then(|ns| scene.case.listeners.get(&ns));
        let locals = table.map(|t| t.value.local_addresses.as_slice()).unwrap_or_default();
        let here = ip.is_some_and(|ip| locals.contains(&ip));
        let chains: Vec<usize> = scene
            .chains
            .iter()
            .filter(|c| scene.facts_on(c, &[BIND.cause]).next().is_some())
            .map(|c| c.index)
            .collect();
        let name = gateway.kind.as_str();
        let mut subject = scene.subject(&chains);
        subject.gateway = Some(gateway.id.clone());
        let mut finding = Finding::new(
            BIND.cause,
            Confidence::Confirmed,
            format!(
                "{name} is to connect from {told}, which this host does not have ({} times)",
                facts.len()
            ),
        )
        .about(subject)
        .with_some(Some(Scene::quote(last)))
        .since(Some(first.at))
        .check("ip -brief address, against proxy_bind in the configuration");
        if ip.is_some() && !here && !locals.is_empty() {
            let what = format!("{told} is not among the addresses of this host");
            finding = finding.with(what, Origin::Sockets, None);
        }
        finding.current = !here && still_current(scene, gateway.loaded, last.at);
        found.push(finding);
    }
    found
}

fn temp(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (gateway, facts) in lines(scene, &[TEMP.cause]) {
        let (Some(first), Some(last)) = (facts.first(), facts.last()) else { continue };
        let file = last.captures.get("file");
        let folder = file.map(|f| f.raw().rsplit_once('/').map_or(f.raw(), |(folder, _)| folder));
        let folder = folder.unwrap_or_default().to_owned();
        let who = gateway.worker_uid.map(|uid| format!(" (uid {uid})")).unwrap_or_default();
        let name = gateway.kind.as_str();
        let mut finding = Finding::new(
            TEMP.cause,
            Confidence::Confirmed,
            format!("{name}'s workers{who} may not write below {folder} ({} times)", facts.len()),
        )
        .with_some(Some(Scene::quote(last)))
        .since(Some(first.at))
        .check(format!("ls -ld {folder}; namei -l {folder}: may the worker's user write there?"));
        finding.subject.gateway = Some(gateway.id.clone());
        finding.subject.path = file.cloned();
        finding.current = still_current(scene, gateway.loaded, last.at);
        found.push(finding);
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{
        Confidence,
        testing::{Host, ago},
    };

    const AT: &str = "127.0.0.1:8000";
    const BIND: &str =
        "bind(10.9.9.9) failed (99: Cannot assign requested address) while connecting to upstream";
    const TEMP: &str = r#"open() "/var/lib/nginx/body/0000000001" failed (13: Permission denied), client: 10.0.0.9, server: shop.lan, request: "POST /cart HTTP/1.1", host: "shop.lan""#;

    fn host() -> Host {
        Host::passing_to(AT).serves("shop.service", AT, 100)
    }

    #[test]
    fn an_address_to_send_from_that_is_not_here_is_told() {
        let host = host().nginx(10, BIND, AT);
        host.incident("proxy-bind-address-missing", Confidence::Confirmed, "nginx");
        let found = host.root("proxy-bind-address-missing");
        assert!(found.evidence.iter().any(|e| e.what.contains("10.9.9.9 is not among")));
    }

    #[test]
    fn no_free_port_is_another_cause_with_the_same_number() {
        host()
            .nginx(10, "connect() to 127.0.0.1:8000 failed (99: Cannot assign requested address) while connecting to upstream", AT)
            .spares("proxy-bind-address-missing");
    }

    #[test]
    fn an_address_that_came_back_is_no_present_trouble() {
        let found = host().nginx(10, &BIND.replace("10.9.9.9", "10.0.0.5"), AT).diagnose();
        assert!(found.findings.iter().all(|f| f.cause != "proxy-bind-address-missing"));
    }

    #[test]
    fn a_folder_that_the_worker_may_not_write_fails_uploads() {
        let host = host().nginx_line(10, TEMP);
        host.incident("proxy-temp-permission", Confidence::Confirmed, "/var/lib/nginx/body");
        let reloaded = host.gateway(|g| g.loaded = Some(ago(1)));
        assert!(reloaded.diagnose().findings.iter().all(|f| f.cause != "proxy-temp-permission"));
    }
}
