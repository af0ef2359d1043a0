//! The six sources that look at sockets, processes, paths, names and filters, together, on this
//! machine's own loopback.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test may fail loudly and may touch its own files"
)]

use std::{
    collections::BTreeSet,
    net::{SocketAddr, TcpListener},
    os::unix::{fs::PermissionsExt, net::UnixListener},
    sync::Arc,
    time::Duration,
};

use gatemedic::{
    observation::{
        Access, Address, GatewayId, GatewayKind, ProbeOutcome, Protocol, Seen, SocketFileKind,
        SourceId, Text,
    },
    session::{Attention, Event, GatewayView, Target},
    source::{Outlet, firewall, listeners, names, probe, processes, sockfiles},
};
use tokio::sync::{mpsc, watch};

const SOURCES: [SourceId; 6] = [
    SourceId::Listeners,
    SourceId::Processes,
    SourceId::SocketFiles,
    SourceId::Probes,
    SourceId::Names,
    SourceId::Firewall,
];

fn target(address: Address, protocol: Protocol) -> Target {
    Target {
        gateway: GatewayId(Text::new("nginx:/etc/nginx/nginx.conf")),
        address,
        protocol,
        resolver: None,
        per_request: false,
        ask_tls: false,
        tls_name: None,
        sends_name: false,
        saturated: false,
    }
}

fn gateway() -> GatewayView {
    GatewayView {
        id: GatewayId(Text::new("nginx:/etc/nginx/nginx.conf")),
        kind: GatewayKind::Nginx,
        pid: None,
        netns: None,
        root: Text::default(),
        worker_uid: Some(54_321),
        worker_gids: vec![],
        container: None,
        controls: Vec::new(),
    }
}

/// Everything seen until every source has swept generation 1.
async fn look(attention: Attention) -> Vec<(SourceId, Seen)> {
    let (sender, mut queue) = mpsc::channel(1_024);
    let (_news, watch) = watch::channel(Arc::new(attention));
    let outlet = |source| Outlet::new(source, sender.clone());
    tokio::spawn(listeners::run(outlet(SourceId::Listeners), watch.clone(), None));
    tokio::spawn(processes::run(outlet(SourceId::Processes), watch.clone()));
    tokio::spawn(sockfiles::run(outlet(SourceId::SocketFiles), watch.clone()));
    tokio::spawn(probe::run(outlet(SourceId::Probes), watch.clone()));
    tokio::spawn(names::run(outlet(SourceId::Names), watch.clone()));
    tokio::spawn(firewall::run(outlet(SourceId::Firewall), watch.clone()));
    let (mut seen, mut waiting) = (Vec::new(), BTreeSet::from(SOURCES));
    while !waiting.is_empty() {
        let next = tokio::time::timeout(Duration::from_secs(20), queue.recv()).await;
        let Some(Event::Seen(one)) = next.unwrap() else { panic!("closed") };
        if matches!(one.seen, Seen::Swept { generation: 1 }) {
            waiting.remove(&one.source);
        }
        seen.push((one.source, one.seen));
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_links_of_the_chain_are_seen_before_every_source_has_swept() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let alive = listener.local_addr().unwrap();
    let dead: SocketAddr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let stale = dir.path().join("stale.sock");
    drop(UnixListener::bind(&stale).unwrap());
    let stale = Address::Unix(Text::new(stale.to_str().unwrap()));
    let attention = Attention {
        generation: 1,
        gateways: vec![gateway()],
        targets: vec![
            target(Address::Tcp(alive), Protocol::Http),
            target(Address::Tcp(dead), Protocol::Http),
            target(stale.clone(), Protocol::Fastcgi),
            target(
                Address::Name { host: Text::new("localhost"), port: alive.port() },
                Protocol::Http,
            ),
        ],
        pids: BTreeSet::from([std::process::id()]),
        ..Attention::default()
    };
    let seen = look(attention).await;
    let mut probes = BTreeSet::new();
    let (mut listening, mut refused, mut file, mut process, mut name) =
        (false, false, false, false, false);
    for (_, seen) in &seen {
        match seen {
            Seen::Listeners(table) => {
                let find = |at| table.listeners.iter().find(|l| l.address == Address::Tcp(at));
                listening |= find(alive).is_some_and(|l| l.pids.contains(&std::process::id()));
                assert!(find(dead).is_none());
            }
            Seen::Probe(probe) => {
                probes.insert(probe.target.clone());
                refused |= probe.tried == stale && probe.outcome == ProbeOutcome::Refused;
            }
            Seen::SocketFile(found) => {
                file |= found.kind == SocketFileKind::Socket
                    && matches!(found.access, Access::DirectoryDenied(_));
            }
            Seen::Processes(list) => process |= list.iter().any(|p| p.pid == std::process::id()),
            Seen::Resolution(found) => name |= found.host == Text::new("localhost"),
            _ => {}
        }
    }
    assert_eq!(probes.len(), 4, "{probes:?}");
    let all = [listening, refused, file, process, name];
    assert_eq!(all, [true; 5], "{seen:#?}");
}
