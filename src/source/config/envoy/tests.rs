//! What is told of whole configurations.

use proptest::prelude::*;

use crate::{
    host::files::Root,
    observation::{AccessSyntax, Address, GatewayConfig, GatewayKind, LogKind, ProblemKind},
    source::config::setup::Setup,
};

use super::parse;

fn read(files: &[(&str, &str)]) -> GatewayConfig {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        std::fs::write(dir.path().join(path), text).unwrap();
    }
    let main = format!("/{}", files[0].0);
    let parsed = parse(&Setup::of(GatewayKind::Envoy, Root::new(dir.path()), main));
    assert!(parsed.readable);
    parsed.config
}

fn shown(config: &GatewayConfig) -> Vec<String> {
    let one = |u: &crate::observation::ConfiguredUpstream| {
        let address = u.address.as_ref().map_or_else(|| "?".to_owned(), Address::to_string);
        let group = u.group.as_ref().map(|g| g.raw().to_owned()).unwrap_or_default();
        let routes: Vec<String> = u
            .routes
            .iter()
            .map(|r| {
                let names: Vec<&str> = r.server_names.iter().map(|t| t.raw()).collect();
                format!("{}{}", names.join(","), r.location)
            })
            .collect();
        format!("{group} {} {address} {}", u.protocol.as_str(), routes.join(";"))
    };
    config.upstreams.iter().map(one).collect()
}

const BOOTSTRAP: &str = "\
admin:
  address: {socket_address: {address: 0.0.0.0, port_value: 9901}}
static_resources:
  listeners:
  - name: web
    address:
      socket_address: {address: 0.0.0.0, port_value: 10000}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          access_log:
          - name: envoy.access_loggers.file
            typed_config:
              '@type': type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: /var/log/envoy/access.log
          route_config:
            virtual_hosts:
            - name: shop
              domains: ['shop.lan', '*']
              routes:
              - match: {prefix: /api}
                route: {cluster: api, timeout: 3s}
              - match: {path: /off}
                direct_response: {status: 503}
              - match: {prefix: /}
                route:
                  weighted_clusters:
                    clusters: [{name: app, weight: 90}, {name: eds, weight: 10}]
  - name: db
    address: {socket_address: {address: 127.0.0.1, port_value: 5432}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.tcp_proxy
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
          cluster: db
  clusters:
  - name: api
    type: STRICT_DNS
    connect_timeout: 0.25s
    load_assignment:
      cluster_name: api
      endpoints:
      - lb_endpoints:
        - endpoint: {address: {socket_address: {address: api.lan, port_value: 443}}}
    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        '@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        sni: api.lan
    health_checks:
    - http_health_check: {path: /health}
  - name: app
    load_assignment:
      endpoints:
      - lb_endpoints:
        - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 8000}}}
        - endpoint: {address: {pipe: {path: /run/app.sock}}}
  - name: db
    load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: '::1', port_value: 5433}}}}]}]}
  - name: eds
    type: EDS
";

#[test]
fn routes_of_listeners_lead_to_the_endpoints_of_clusters() {
    let config = read(&[("envoy.yaml", BOOTSTRAP)]);
    assert_eq!(
        shown(&config),
        [
            "api https api.lan:443 shop.lan/api",
            "app http 127.0.0.1:8000 shop.lan/",
            "app http unix:/run/app.sock shop.lan/",
            "db tcp [::1]:5433 ",
        ]
    );
    let api = &config.upstreams[0];
    assert_eq!((api.timeouts.connect.value, api.timeouts.read.value), (250, 3_000));
    assert!(!api.tls_verify && api.tls.sends_name);
    assert_eq!(api.params.check.as_ref().unwrap().request.raw(), "GET /health");
    assert_eq!(config.answers[0].location.raw(), "= /off");
    assert_eq!(config.controls[0].address.to_string(), "127.0.0.1:9901");
    assert_eq!(config.sites[0].listens[0].raw(), "10000");
    assert_eq!(config.sites[1].listens[0].raw(), "127.0.0.1:5432");
    assert_eq!(config.upstreams[3].routes[0].listens[0].raw(), "127.0.0.1:5432");
    let eds = config.problems.iter().find(|p| p.what.raw().contains("eds")).unwrap();
    assert_eq!(eds.kind, ProblemKind::Unknown);
    let access = config.logs.iter().find(|l| l.path.raw() == "/var/log/envoy/access.log").unwrap();
    assert!(matches!(&access.kind, LogKind::Access(f) if f.syntax == AccessSyntax::Envoy));
}

#[test]
fn resources_in_files_are_read_and_a_control_plane_is_said_to_be_one() {
    let main = "dynamic_resources:\n  cds_config: {path: /cds.yaml}\n  lds_config: {ads: {}}\n";
    let cds = "resources:\n- '@type': x.Cluster\n  name: a\n  load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 10.0.0.1, port_value: 80}}}}]}]}\n";
    let config = read(&[("envoy.yaml", main), ("cds.yaml", cds)]);
    assert_eq!(shown(&config), ["a http 10.0.0.1:80 "]);
    assert_eq!(config.upstreams[0].place.file.raw(), "/cds.yaml");
    assert!(config.problems.iter().any(|p| p.kind == ProblemKind::Unknown && p.place.line == 3));
}

#[test]
fn json_and_the_command_line_are_read_too() {
    let text = r#"{"static_resources": {"clusters": [{"name": "a", "load_assignment": {"endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"socket_address": {"address": "10.0.0.1", "port_value": 80}}}}]}]}}]}}"#;
    assert_eq!(shown(&read(&[("envoy.json", text)])), ["a http 10.0.0.1:80 "]);
    let mut setup = Setup::of(GatewayKind::Envoy, Root::default(), "command line");
    setup.start.arguments = vec!["--config-yaml".to_owned(), text.to_owned()];
    assert_eq!(shown(&parse(&setup).config), ["a http 10.0.0.1:80 "]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&[("e.yaml", &String::from_utf8_lossy(&bytes))]);
    }

    #[test]
    fn a_cut_configuration_never_panics(at in 0_usize..3_000) {
        let _ = read(&[("e.yaml", BOOTSTRAP.get(..at.min(BOOTSTRAP.len())).unwrap_or(""))]);
    }
}
