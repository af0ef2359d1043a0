//! `/reverse_proxy/upstreams` of Caddy's admin endpoint.

use serde_json::Value;

use crate::observation::{Address, GatewayId, GatewayRuntime, ServerState, ServerStatus, Text};

use super::SERVERS;

/// Reads the answer; `None` when it is not what was asked for.
pub(super) fn read(gateway: &GatewayId, control: &Address, bytes: &[u8]) -> Option<GatewayRuntime> {
    let root: Value = serde_json::from_slice(bytes).ok()?;
    let list = root.as_array()?;
    let servers = list.iter().take(SERVERS).filter_map(server).collect();
    Some(GatewayRuntime {
        gateway: gateway.clone(),
        control: control.clone(),
        servers,
        waiting: Vec::new(),
        refused: Vec::new(),
        connections: None,
        cut: list.len() > SERVERS,
    })
}

/// Caddy tells how many failures it remembers, and for how long it shuns one is in its configuration:
/// the state alone says nothing, so a server counts as in service.
fn server(upstream: &Value) -> Option<ServerState> {
    let written = upstream.get("address")?.as_str()?;
    let address = match written.strip_prefix("unix/") {
        Some(path) => Some(Address::unix(Text::new(path))),
        None => Address::parse(written, 80),
    };
    let fails = upstream.get("fails").and_then(Value::as_u64);
    Some(ServerState {
        group: Text::default(),
        name: Text::default(),
        address,
        status: ServerStatus::Unchecked,
        words: Text::new(format!("{} failures remembered", fails.unwrap_or(0))),
        check: None,
        check_words: None,
        since_secs: None,
        queued: None,
        sessions: upstream
            .get("num_requests")
            .and_then(Value::as_u64)
            .and_then(|n| u32::try_from(n).ok()),
        limit: None,
        connect_errors: None,
        response_errors: fails,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(bytes: &[u8]) -> Option<GatewayRuntime> {
        read(&GatewayId("caddy:x".into()), &Address::Unix("/a".into()), bytes)
    }

    #[test]
    fn upstreams_are_told_with_their_failures() {
        let state = of(br#"[{"address":"127.0.0.1:9000","num_requests":3,"fails":2},{"address":"unix//run/a.sock","num_requests":0,"fails":0}]"#).unwrap();
        assert_eq!(
            (state.servers[0].sessions, state.servers[0].response_errors),
            (Some(3), Some(2))
        );
        assert_eq!(state.servers[1].address.as_ref().unwrap().to_string(), "unix:/run/a.sock");
        assert_eq!(of(b"{\"error\":\"x\"}"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = of(&bytes);
        }
    }
}
