//! `/clusters?format=json` of Envoy's admin port.

use serde_json::Value;

use crate::observation::{Address, GatewayId, GatewayRuntime, ServerState, ServerStatus, Text};

use super::SERVERS;

/// Reads the answer; `None` when it is not what was asked for.
pub(super) fn read(gateway: &GatewayId, control: &Address, bytes: &[u8]) -> Option<GatewayRuntime> {
    let root: Value = serde_json::from_slice(bytes).ok()?;
    let clusters = root.get("cluster_statuses")?.as_array()?;
    let mut servers = Vec::new();
    let mut cut = false;
    for cluster in clusters {
        let group = cluster.get("name").and_then(Value::as_str).unwrap_or_default();
        let hosts = cluster.get("host_statuses").and_then(Value::as_array);
        for host in hosts.into_iter().flatten() {
            if servers.len() >= SERVERS {
                cut = true;
                break;
            }
            servers.push(server(group, host));
        }
    }
    Some(GatewayRuntime {
        gateway: gateway.clone(),
        control: control.clone(),
        servers,
        waiting: Vec::new(),
        refused: Vec::new(),
        connections: None,
        cut,
    })
}

fn server(group: &str, host: &Value) -> ServerState {
    let at = |path: &str| host.pointer(path);
    let socket = at("/address/socket_address");
    let address = socket.and_then(|socket| {
        let ip = socket.get("address")?.as_str()?;
        let port = u16::try_from(socket.get("port_value")?.as_u64()?).ok()?;
        Address::parse(
            &if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") },
            port,
        )
    });
    let pipe = at("/address/pipe/path").and_then(Value::as_str);
    let address = address.or_else(|| pipe.map(|path| Address::unix(Text::new(path))));
    let failed: Vec<&str> = [
        "failed_active_health_check",
        "failed_outlier_check",
        "failed_active_degraded_check",
        "pending_dynamic_removal",
    ]
    .into_iter()
    .filter(|flag| at(&format!("/health_status/{flag}")).and_then(Value::as_bool) == Some(true))
    .collect();
    let eds = at("/health_status/eds_health_status").and_then(Value::as_str).unwrap_or_default();
    let status = match eds {
        "UNHEALTHY" | "TIMEOUT" => ServerStatus::Down,
        "DRAINING" => ServerStatus::Draining,
        _ if failed.is_empty() => ServerStatus::Up,
        _ => ServerStatus::Down,
    };
    let counter = |name: &str| {
        let list = host.get("stats")?.as_array()?;
        let found =
            list.iter().find(|stat| stat.get("name").and_then(Value::as_str) == Some(name))?;
        // Numbers of 64 bits are texts in JSON made from protocol buffers.
        let value = found.get("value")?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    };
    let words = if failed.is_empty() { eds.to_lowercase() } else { failed.join(", ") };
    ServerState {
        group: Text::new(group),
        name: Text::default(),
        address,
        status,
        words: Text::new(if words.is_empty() { "healthy" } else { &words }),
        check: failed.first().map(Text::new),
        check_words: None,
        since_secs: None,
        queued: None,
        sessions: counter("rq_active").and_then(|n| u32::try_from(n).ok()),
        limit: None,
        connect_errors: counter("cx_connect_fail"),
        response_errors: counter("rq_error"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(bytes: &[u8]) -> Option<GatewayRuntime> {
        read(&GatewayId("envoy:x".into()), &Address::Unix("/a".into()), bytes)
    }

    #[test]
    fn hosts_are_told_with_their_health() {
        let answer = br#"{"cluster_statuses":[{"name":"app","host_statuses":[
{"address":{"socket_address":{"address":"10.0.0.1","port_value":80}},"stats":[{"name":"cx_connect_fail","value":"4"},{"name":"rq_active","type":"GAUGE","value":"2"}],"health_status":{"eds_health_status":"HEALTHY"}},
{"address":{"pipe":{"path":"/run/a.sock"}},"health_status":{"failed_active_health_check":true,"eds_health_status":"HEALTHY"}}]}]}"#;
        let state = of(answer).unwrap();
        assert_eq!(state.servers[0].status, ServerStatus::Up);
        assert_eq!(
            (state.servers[0].connect_errors, state.servers[0].sessions),
            (Some(4), Some(2))
        );
        assert_eq!(state.servers[1].status, ServerStatus::Down);
        assert_eq!(state.servers[1].address.as_ref().unwrap().to_string(), "unix:/run/a.sock");
        assert_eq!(of(b"{}"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = of(&bytes);
        }
    }
}
