//! A unit that ended because it could not bind the address that it should serve: the address is on no
//! interface, or the port is one that it may not use.

use crate::{
    diagnosis::{Confidence, Finding, Scene, scene::Backing},
    evidence::LogFact,
    observation::{Address, ListenerTable, Origin, Unit},
};

use super::rule::{Rule, about_unit, missed_units};

pub(super) const ADDRESS: Rule = Rule { cause: "app-bind-address-missing", judge: judge_address };
pub(super) const REFUSED: Rule = Rule { cause: "app-bind-failed", judge: judge_refused };

fn judge_address(scene: &Scene<'_>) -> Vec<Finding> {
    failed(scene)
        .filter_map(|backing| {
            let unit = backing.who;
            let line = scene.facts_since_start(unit, &[ADDRESS.cause]).next_back()?;
            let table = scene.case.listeners.values().map(|dated| &dated.value).next();
            let missing = table.and_then(|table| foreign(unit, table));
            let summary = match &missing {
                Some(ip) => format!("{} cannot listen: {ip} is on no interface of this host", unit.name),
                None => format!("{} could not listen: its address was not on this host then", unit.name),
            };
            let mut finding = about_unit(scene, backing, ADDRESS.cause, Confidence::Confirmed, summary)
                .with_some(Some(Scene::quote(line)))
                .since(Some(line.at));
            finding = match missing {
                Some(ip) => finding
                    .with(format!("{ip} is not among the addresses of this host"), Origin::Sockets, None)
                    .check(format!("ip -brief address; should {ip} be there?")),
                None => finding.check(format!(
                    "the address may have come later: systemctl start {}, then order it After=network-online.target",
                    unit.name
                )),
            };
            Some(finding)
        })
        .collect()
}

fn judge_refused(scene: &Scene<'_>) -> Vec<Finding> {
    failed(scene)
        .filter_map(|backing| {
            let unit = backing.who;
            let line = scene.facts_since_start(unit, &[REFUSED.cause]).next_back()?;
            let limit = scene.case.settings.as_ref().and_then(|s| s.unprivileged_ports);
            let port = port_of(unit, line);
            let low = port.zip(limit).filter(|(port, limit)| port < limit);
            // Without an errno in the line a low port is what tells it from a port that is taken.
            let told = line.text.raw().to_ascii_lowercase();
            let named = ["listen", "bind"].iter().any(|w| told.contains(w))
                && ["permission denied", "eacces"].iter().any(|w| told.contains(w));
            let sure = if named || low.is_some() { Confidence::Confirmed } else { Confidence::Possible };
            let summary = match low {
                Some((port, limit)) => format!(
                    "{} may not listen on port {port}: ports below {limit} need CAP_NET_BIND_SERVICE",
                    unit.name
                ),
                None => format!("{} may not listen where it wants to", unit.name),
            };
            let mut finding = about_unit(scene, backing, REFUSED.cause, sure, summary)
                .with_some(Some(Scene::quote(line)))
                .since(Some(line.at))
                .check(format!("systemctl show {} -p User -p AmbientCapabilities", unit.name));
            if let Some((_, limit)) = low {
                let path = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
                finding = finding.with(
                    format!("net.ipv4.ip_unprivileged_port_start is {limit}"),
                    Origin::Path(path.into()),
                    None,
                );
            }
            Some(finding)
        })
        .collect()
}

fn failed<'s, 'a>(scene: &'s Scene<'a>) -> impl Iterator<Item = &'s Backing<'a, Unit>> {
    missed_units(scene).filter(|backing| !backing.who.is_up())
}

/// An address that the unit says it serves and that no interface has.
fn foreign(unit: &Unit, table: &ListenerTable) -> Option<std::net::IpAddr> {
    unit.claims.iter().find_map(|claim| match &claim.address {
        Address::Tcp(at) => {
            let ip = at.ip();
            let ours =
                ip.is_unspecified() || ip.is_loopback() || table.local_addresses.contains(&ip);
            (!ours && !table.local_addresses.is_empty()).then_some(ip)
        }
        _ => None,
    })
}

/// The port in the line, else the one that the unit says it serves.
fn port_of(unit: &Unit, line: &LogFact) -> Option<u16> {
    let part = |key: &str| line.captures.get(key).and_then(|text| text.raw().rsplit(':').next());
    let told = part("port").or_else(|| part("addr")).and_then(|port| port.parse().ok());
    told.or_else(|| unit.claims.iter().find_map(|claim| claim.address.port()))
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{
        Confidence,
        testing::{Host, unit},
    };

    const SHOP: &str = "shop.service";
    const NOT_HERE: &str = "Error: listen EADDRNOTAVAIL: address not available 10.9.9.9:8000";
    const LOW: &str = "Error: listen EACCES: permission denied 0.0.0.0:81";

    fn host(at: &str, line: &str) -> Host {
        Host::passing_to(at)
            .unit(unit(SHOP).claims(at).exited(1, 60))
            .said(SHOP, 61, line)
            .settings(|s| s.unprivileged_ports = Some(1024))
    }

    #[test]
    fn an_address_on_no_interface_is_why_nothing_listens() {
        let host = Host::passing_to("127.0.0.1:8000")
            .unit(unit(SHOP).claims("127.0.0.1:8000").claims("10.9.9.9:8000").exited(1, 60))
            .said(SHOP, 61, NOT_HERE)
            .refused(10, "127.0.0.1:8000");
        host.incident("app-bind-address-missing", Confidence::Confirmed, r"shop\.service");
        assert!(
            host.root("app-bind-address-missing").summary.contains("10.9.9.9 is on no interface")
        );
    }

    #[test]
    fn an_address_that_came_later_is_told_as_such() {
        let found = host(
            "10.0.0.5:8000",
            "Error: listen EADDRNOTAVAIL: address not available 10.0.0.5:8000",
        )
        .refused(10, "10.0.0.5:8000")
        .root("app-bind-address-missing");
        assert!(found.next_check.unwrap_or_default().contains("network-online.target"));
    }

    #[test]
    fn a_low_port_without_the_capability_is_refused() {
        let host = host("127.0.0.1:81", LOW).refused(10, "127.0.0.1:81");
        host.incident("app-bind-failed", Confidence::Confirmed, r"shop\.service");
        assert!(host.root("app-bind-failed").summary.contains("port 81: ports below 1024"));
    }

    #[test]
    fn pythons_words_need_a_low_port_beside_them() {
        let denied = "PermissionError: [Errno 13] Permission denied";
        let low = host("127.0.0.1:81", denied).refused(10, "127.0.0.1:81");
        assert_eq!(low.root("app-bind-failed").confidence, Confidence::Confirmed);
        host("127.0.0.1:8000", denied).refused(10, "127.0.0.1:8000").root("app-unit-failed-exit");
    }

    #[test]
    fn a_port_that_is_taken_is_another_cause() {
        let host = host("127.0.0.1:81", "Error: listen EADDRINUSE: address already in use :::81")
            .refused(10, "127.0.0.1:81");
        host.spares("app-bind-failed");
        host.root("app-port-in-use");
    }
}
