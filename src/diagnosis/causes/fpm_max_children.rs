//! All php-fpm children are busy.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene},
    observation::{Origin, Protocol},
};

use super::rule::{Rule, about_unit};

pub(super) const RULE: Rule = Rule { cause: "fpm-max-children", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for backing in scene.units() {
        let unit = backing.who;
        let fastcgi = backing
            .chains
            .iter()
            .filter_map(|i| scene.chains.get(*i))
            .any(|c| c.upstream.protocol == Protocol::Fastcgi);
        if !fastcgi || backing.missing || !unit.name.as_str().contains("fpm") {
            continue;
        }
        let line = scene.facts_of_unit(unit, &["fpm-max-children"]).next_back();
        let chains = || backing.chains.iter().filter_map(|i| scene.chains.get(*i));
        let refused = chains().find_map(|c| {
            scene
                .facts_on(c, &["unix-backlog-full", "proxy-read-timeout", "sym-connect-timeout"])
                .next_back()
        });
        let full = chains().flat_map(|c| &c.peers).find(|p| p.queue_full());
        // With pm=static nothing is logged: the full queue in front of php-fpm is the proof.
        let confidence = match (line, refused, full) {
            (Some(_), _, Some(_)) | (Some(_), Some(_), _) | (None, Some(_), Some(_)) => {
                Confidence::Confirmed
            }
            (None, None, Some(_)) => Confidence::Likely,
            (None, Some(f), None) if f.signature.as_str() == "unix-backlog-full" => {
                Confidence::Likely
            }
            _ => continue,
        };
        let limit = line
            .and_then(|f| f.captures.get("n"))
            .map(|n| format!(" (max_children {n})"))
            .unwrap_or_default();
        let mut finding = about_unit(
            scene,
            backing,
            RULE.cause,
            confidence,
            format!("all children of {} are busy{limit}; new requests wait or are refused", unit.name),
        )
        .with_some(line.map(Scene::quote))
        .check("what are the children waiting for? the slow log names the script; more children need memory");
        if let Some((queue, backlog)) =
            full.and_then(|p| p.listener).and_then(|l| l.queue.zip(l.backlog))
        {
            finding.evidence.push(Evidence {
                what: format!(
                    "{queue} connections wait in its accept queue, the limit is {backlog}"
                ),
                origin: Origin::Sockets,
                at: None,
            });
        }
        finding.since = line.or(refused).map(|f| f.at);
        found.push(finding);
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{
        Confidence,
        testing::{Host, name, unit},
    };

    const AT: &str = "unix:/run/php/php8.2-fpm.sock";
    const FULL: &str = "connect() to unix:/run/php/php8.2-fpm.sock failed (11: Resource temporarily unavailable) while connecting to upstream";
    const LIMIT: &str = "[20-Nov-2026 13:59:11] WARNING: [pool www] server reached pm.max_children setting (2), consider raising it";

    fn fpm(queue: u32) -> Host {
        Host::fastcgi(AT)
            .unit(unit("php8.2-fpm.service").claims(AT).up_since(80_000))
            .process(100, "php-fpm8.2", "php8.2-fpm.service")
            .listens_with(AT, 100, |l| {
                l.queue = Some(queue);
                l.backlog = Some(5);
            })
    }

    #[test]
    fn a_pool_at_its_limit_stands_above_the_full_queue() {
        let found = fpm(6).fpm(30, LIMIT).nginx(10, FULL, AT).root("fpm-max-children");
        assert_eq!(found.subject.unit, Some(name("php8.2-fpm.service")));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.summary.contains("max_children 2"), "{}", found.summary);
        assert!(found.explains.contains(&"unix-backlog-full"));
    }

    #[test]
    fn a_static_pool_logs_nothing_and_is_proven_by_its_queue() {
        let found = fpm(6).nginx(10, FULL, AT).root("fpm-max-children");
        assert_eq!(found.confidence, Confidence::Confirmed);
    }

    #[test]
    fn a_slow_page_in_a_pool_with_room_is_only_slow() {
        let host = fpm(0).nginx(10, "upstream timed out (110: Connection timed out) while reading response header from upstream", AT);
        host.spares("fpm-max-children");
        host.root("proxy-read-timeout");
    }

    #[test]
    fn a_limit_reached_without_a_failed_request_is_no_incident() {
        fpm(0).fpm(30, LIMIT).traffic(1, 200, 10).spares("fpm-max-children");
    }

    #[test]
    fn a_full_queue_of_another_application_is_not_php_s() {
        let at = "unix:/run/shop.sock";
        let host = Host::passing_to(at)
            .unit(unit("shop.service").claims(at).up_since(80_000))
            .process(100, "gunicorn", "shop.service")
            .listens_with(at, 100, |l| l.queue = Some(200));
        host.spares("fpm-max-children");
        host.root("unix-backlog-full");
    }
}
