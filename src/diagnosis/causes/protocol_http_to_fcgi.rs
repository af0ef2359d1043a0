//! The gateway speaks HTTP to php-fpm, which knows nothing but FastCGI.

use crate::{
    diagnosis::{Confidence, Finding, Scene, scene::counts},
    observation::{Origin, Protocol},
};

use super::{behind, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "protocol-http-to-fcgi", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for chain in scene.chains.iter().filter(|c| counts(c) && c.upstream.protocol == Protocol::Http)
    {
        let by_process = behind::runs_program(chain, |name| name.starts_with("php-fpm"));
        let by_unit = chain
            .peers
            .iter()
            .all(|peer| peer.unit.is_some_and(|unit| unit.name.as_str().contains("fpm")));
        if !by_process && (chain.peers.is_empty() || !by_unit) {
            continue;
        }
        let ids =
            ["sym-reset-before-header", "sym-closed-before-header", "sym-reset-while-sending"];
        let lines: Vec<_> = scene.facts_on(chain, &ids).collect();
        // Whose the socket is decides; a unit's name alone says less.
        let sure = match (lines.is_empty(), by_process) {
            (false, true) => Confidence::Confirmed,
            _ => Confidence::Likely,
        };
        let at = chain.peers.first().map(|p| p.address.to_string()).unwrap_or_default();
        let summary =
            format!("{at} belongs to php-fpm, which does not understand HTTP: it hangs up");
        let mut finding = Finding::new(RULE.cause, sure, summary)
            .about(scene.subject_of(chain))
            .with(
                format!("the gateway speaks HTTP there: {}", chain.upstream.written),
                Origin::Config(chain.upstream.place.clone()),
                None,
            )
            .with_some(lines.last().map(|fact| Scene::quote(fact)))
            .since(lines.first().map(|fact| fact.at).or(scene.incident.first))
            .check("write fastcgi_pass with the SCRIPT_FILENAME parameter there, test, reload");
        for process in chain.peers.iter().flat_map(|p| &p.processes).take(1) {
            finding = finding.with(
                format!("{} ({}) holds that socket", process.name, process.pid),
                Origin::Process(process.pid),
                None,
            );
        }
        found.push(finding);
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, unit},
        },
        observation::Protocol,
    };

    const AT: &str = "127.0.0.1:9000";

    fn pool(protocol: Protocol) -> Host {
        Host::new()
            .upstream_with(AT, |u| u.protocol = protocol)
            .unit(unit("php8.2-fpm.service").claims(AT).up_since(80_000))
            .process(100, "php-fpm8.2", "php8.2-fpm.service")
            .listens(AT, 100)
            .reset(10, AT)
    }

    #[test]
    fn http_to_the_port_of_php_fpm_is_proven_by_who_holds_it() {
        pool(Protocol::Http).incident(
            "protocol-http-to-fcgi",
            Confidence::Confirmed,
            r"127\.0\.0\.1:9000",
        );
    }

    #[test]
    fn a_reset_of_a_fastcgi_request_is_a_child_that_died() {
        pool(Protocol::Fastcgi).spares("protocol-http-to-fcgi");
    }

    #[test]
    fn another_program_on_the_port_may_speak_http() {
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .reset(10, AT)
            .spares("protocol-http-to-fcgi");
    }
}
