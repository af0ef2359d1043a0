//! The response header does not fit the gateway's buffer.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Origin, Protocol},
};

use super::{by_upstream_line, rule::Rule};

pub(super) const RULE: Rule = Rule { cause: "response-header-too-big", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = by_upstream_line::judge(
        scene,
        RULE.cause,
        &["response-header-too-big"],
        Confidence::Confirmed,
        |address, n| {
            format!(
                "{address} sends response headers that do not fit the gateway's buffer ({n} times)"
            )
        },
    );
    for finding in &mut found {
        let chain =
            scene.chains.iter().find(|c| finding.subject.upstreams.contains(&c.upstream.id));
        let Some(chain) = chain else { continue };
        let directive = match chain.upstream.protocol {
            Protocol::Fastcgi => "fastcgi_buffer_size",
            Protocol::Uwsgi => "uwsgi_buffer_size",
            Protocol::Scgi => "scgi_buffer_size",
            Protocol::Grpc | Protocol::Grpcs => "grpc_buffer_size",
            _ => "proxy_buffer_size",
        };
        let buffer = &chain.upstream.header_buffer;
        let what = format!("{directive} is {} bytes", buffer.value);
        let place = buffer.place.clone().unwrap_or_else(|| chain.upstream.place.clone());
        let what = if buffer.place.is_some() { what } else { format!("{what}, the default") };
        finding.evidence.push(crate::diagnosis::Evidence {
            what,
            origin: Origin::Config(place),
            at: None,
        });
        finding.next_check = Some(format!(
            "which header is so long (a cookie?); else raise {directive}, with the busy buffers rule in mind"
        ));
    }
    found
}
