//! A pool of php-fpm takes requests from other addresses than the gateway's.

use std::net::IpAddr;

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Address, FpmPool, Origin, Text},
};

use super::{by_upstream_line::still_current, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "fpm-allowed-clients", judge };

/// What the gateway sees of a pool that hangs up on it.
const CUT: [&str; 2] = ["sym-reset-before-header", "sym-closed-before-header"];

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (chain, peer) in scene.peers() {
        let (Address::Tcp(to), Some(unit)) = (&peer.address, peer.unit) else { continue };
        let pool = unit.pools.iter().find(|pool| is_at(pool, &peer.address));
        // From this host to an address of this host the kernel takes the same address as source.
        let from = peer.local.then(|| to.ip());
        let shut = pool.filter(|pool| from.is_some_and(|ip| !allows(&pool.allowed_clients, ip)));
        let line = scene.facts_of_unit(unit, &[RULE.cause]).next_back();
        let cut = scene.facts_on(chain, &CUT).next_back();
        let sure = match (line, shut, cut) {
            (Some(_), _, Some(_)) | (None, Some(_), Some(_)) => Confidence::Confirmed,
            (None, Some(_), None) => Confidence::Likely,
            _ => continue,
        };
        let whom = from.map(|ip| ip.to_string());
        let summary = format!(
            "php-fpm at {to} hangs up on the gateway{}: listen.allowed_clients leaves it out",
            whom.map(|ip| format!(" ({ip})")).unwrap_or_default()
        );
        let mut finding = Finding::new(RULE.cause, sure, summary)
            .about(scene.subject_of(chain))
            .with_some(line.map(Scene::quote))
            .with_some(cut.map(Scene::quote))
            .since(cut.or(line).map(|f| f.at).or(scene.incident.first))
            .check("grep -rn allowed_clients in the pool's configuration");
        if let Some(pool) = pool {
            let clients: Vec<String> =
                pool.allowed_clients.iter().map(ToString::to_string).collect();
            finding = finding.with(
                format!("pool {} allows {}", pool.name, clients.join(", ")),
                Origin::Config(pool.place.clone()),
                None,
            );
        } else if let Some(line) = line {
            finding.current = still_current(scene, unit.exec_start, line.at);
        }
        found.push(finding);
    }
    found
}

fn is_at(pool: &FpmPool, address: &Address) -> bool {
    match (&pool.listen, address) {
        (Address::Tcp(listen), Address::Tcp(wanted)) => {
            listen.port() == wanted.port()
                && (listen.ip().is_unspecified() || listen.ip() == wanted.ip())
        }
        (listen, wanted) => listen == wanted,
    }
}

/// Whether a list of single addresses holds one (`fpm_conf`, `fcgi_is_allowed`); empty allows all.
fn allows(clients: &[Text], ip: IpAddr) -> bool {
    let same = |text: &Text| {
        text.raw().eq_ignore_ascii_case("any")
            || text.raw().parse::<IpAddr>().is_ok_and(|c| c.to_canonical() == ip.to_canonical())
    };
    clients.is_empty() || clients.iter().any(same)
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, address, unit},
        },
        observation::{FpmPool, Place},
    };

    const AT: &str = "127.0.0.1:9000";
    const FPM: &str = "php8.2-fpm.service";

    fn host(allowed: &[&str]) -> Host {
        let pool = FpmPool {
            name: "www".into(),
            listen: address(AT),
            allowed_clients: allowed.iter().map(|c| (*c).into()).collect(),
            place: Place { file: "/etc/php/8.2/fpm/pool.d/www.conf".into(), line: 30 },
            control_timeout_ms: 0,
        };
        Host::fastcgi(AT)
            .unit(unit(FPM).claims(AT).with(|u| u.pools = vec![pool]))
            .process(100, "php-fpm8.2", FPM)
            .listens(AT, 100)
    }

    #[test]
    fn a_pool_that_leaves_the_gateway_out_hangs_up_on_it() {
        let host = host(&["10.0.0.7"]).reset(10, AT);
        host.incident("fpm-allowed-clients", Confidence::Confirmed, r"php8\.2-fpm\.service");
        let found = host.root("fpm-allowed-clients");
        assert!(found.evidence.iter().any(|e| e.what.contains("allows 10.0.0.7")));
        assert!(found.explains.contains(&"sym-reset-before-header"));
    }

    #[test]
    fn a_pool_that_allows_the_gateway_resets_for_another_reason() {
        host(&["10.0.0.7", "127.0.0.1"]).reset(10, AT).spares("fpm-allowed-clients");
        host(&["::ffff:127.0.0.1"]).reset(10, AT).spares("fpm-allowed-clients");
        host(&[]).reset(10, AT).spares("fpm-allowed-clients");
    }

    #[test]
    fn a_child_that_was_killed_is_not_a_matter_of_who_may_come() {
        host(&["127.0.0.1"])
            .fpm(10, "[20-Nov-2026 13:59:50] WARNING: [pool www] child 100 exited on signal 9 (SIGKILL) after 2.0 seconds from start")
            .reset(10, AT)
            .root("app-worker-killed");
    }
}
