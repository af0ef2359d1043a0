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
            &backing,
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
