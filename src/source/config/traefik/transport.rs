//! How servers are spoken to: `serversTransport` of the static part, `serversTransports` of the
//! dynamic one.

use crate::{
    observation::{Place, Setting, Text, Timeouts, Transport, UpstreamTls},
    source::config::{caddy, document::Node},
};

/// How long Traefik tries to connect (`forwardingTimeouts.dialTimeout`), in milliseconds.
const DIAL_MS: u64 = 30_000;

/// Reads one; without a node, what Traefik does by itself.
pub(super) fn read(found: Option<(&Text, &Node)>) -> Transport {
    let node = found.map(|(_, node)| node);
    let word = |name: &str| node.map(|node| node.word(name)).filter(|word| !word.is_empty());
    Transport {
        verify: !node.is_some_and(|node| node.is_on("insecureSkipVerify")),
        tls: UpstreamTls {
            sends_name: true,
            name: word("serverName").map(Text::new),
            trusted: node.and_then(|node| node.words("rootCAs").first().map(Text::new)),
            ..UpstreamTls::default()
        },
        timeouts: timeouts(found),
    }
}

fn timeouts(transport: Option<(&Text, &Node)>) -> Timeouts {
    let setting = |name: &str, default: u64| {
        let found = transport.and_then(|(file, node)| {
            let node = node.at(&["forwardingTimeouts", name])?;
            let value = caddy::duration_ms(&node.text()?)?;
            Some(Setting { value, place: Some(Place { file: file.clone(), line: node.line }) })
        });
        found.unwrap_or(Setting { value: default, place: None })
    };
    Timeouts {
        connect: setting("dialTimeout", DIAL_MS),
        send: Setting::default(),
        read: setting("responseHeaderTimeout", 0),
    }
}
