//! Names behind gateways: what the host makes of them, and what each configured resolver says.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};

use futures_util::{StreamExt, stream};

use super::{
    AttentionWatch, Closed, Outlet, lookup,
    sweep::{Blindness, pause},
};
use crate::{
    host::{clock, connect::From, netns, resolve},
    observation::{
        Address, Boot, GatewayId, LOOKUP_MS, NetNs, Resolution, ResolutionOutcome, Seen, Text,
    },
    session::{Attention, GatewayView},
};

/// Pause between two lookups of one name.
const PAUSE: Duration = Duration::from_secs(30);
/// Longest wait for an answer.
const DEADLINE: Duration = Duration::from_millis(LOOKUP_MS);
/// Most lookups in one sweep; all are made at the same time, so that a sweep takes as long as one.
const MOST: usize = 128;

/// Publishes [`Seen::Resolution`] for every name that gateways pass requests to, when it changes.
///
/// # Errors
/// Never returns but by [`Closed`].
pub async fn run(outlet: Outlet, mut attention: AttentionWatch) -> Result<(), Closed> {
    let mut told = Blindness::default();
    let mut known: BTreeMap<Question, (Boot, ResolutionOutcome)> = BTreeMap::new();
    let mut swept = None;
    loop {
        let wanted = attention.borrow_and_update().clone();
        let own = netns::own().unwrap_or_default();
        let (questions, blind) = questions(&wanted);
        known.retain(|question, _| questions.contains_key(question));
        let now = clock::now().boot;
        let due: Vec<(Question, Asked)> = questions
            .into_iter()
            .filter(|(question, _)| {
                known.get(question).is_none_or(|(at, _)| now.secs_since(*at) >= PAUSE.as_secs())
            })
            .collect();
        let mut answers = stream::iter(due)
            .map(|(question, asked)| async move {
                let outcome = ask(&question, &asked, own).await;
                (question, outcome)
            })
            .buffer_unordered(MOST);
        while let Some((question, outcome)) = answers.next().await {
            let old = known.insert(question.clone(), (clock::now().boot, outcome.clone()));
            if old.is_none_or(|(_, old)| !same(&old, &outcome)) {
                let (host, server) = (question.host.clone(), question.server);
                outlet.publish(Seen::Resolution(Resolution { host, server, outcome })).await?;
            }
        }
        drop(answers);
        told.replace(blind, &outlet).await?;
        if swept != Some(wanted.generation) {
            outlet.swept(wanted.generation).await?;
            swept = Some(wanted.generation);
        }
        pause(&outlet, &mut attention, PAUSE).await?;
    }
}

/// Servers turn the order of addresses round: that is no news.
fn same(old: &ResolutionOutcome, new: &ResolutionOutcome) -> bool {
    match (old, new) {
        (ResolutionOutcome::Found(a), ResolutionOutcome::Found(b)) => {
            a.iter().collect::<BTreeSet<_>>() == b.iter().collect::<BTreeSet<_>>()
        }
        (a, b) => a == b,
    }
}

/// What is looked up: the identity of a [`Resolution`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Question {
    host: Text,
    server: Option<SocketAddr>,
}

/// For whom, and how long it may take.
#[derive(Clone, Debug)]
struct Asked {
    gateway: Option<GatewayView>,
    deadline: Duration,
}

async fn ask(question: &Question, asked: &Asked, own: NetNs) -> ResolutionOutcome {
    let gateway = asked.gateway.as_ref();
    let host = question.host.raw();
    match question.server {
        None => lookup::own(gateway, host, own, asked.deadline).await,
        Some(server) => {
            let from = lookup::from_of(gateway, own);
            // A server that is not on the loopback is the same one from here.
            let from = if server.ip().is_loopback() { from } else { From::Here };
            resolve::by_server(server, host, from, asked.deadline).await
        }
    }
}

fn questions(attention: &Attention) -> (BTreeMap<Question, Asked>, Blindness) {
    let gateways: BTreeMap<&GatewayId, &GatewayView> =
        attention.gateways.iter().map(|g| (&g.id, g)).collect();
    let (mut all, mut blind) = (BTreeMap::new(), Blindness::default());
    for target in &attention.targets {
        let Address::Name { host, .. } = &target.address else { continue };
        let gateway = gateways.get(&target.gateway).map(|g| (*g).clone());
        let limit = target
            .resolver
            .as_ref()
            .map_or(DEADLINE, |r| DEADLINE.min(Duration::from_millis(r.timeout_ms.max(1))));
        let asked = |deadline| Asked { gateway: gateway.clone(), deadline };
        let own = (Question { host: host.clone(), server: None }, asked(DEADLINE));
        let servers = lookup::servers(target).into_iter();
        let direct =
            servers.map(|s| (Question { host: host.clone(), server: Some(s) }, asked(limit)));
        for (question, asked) in std::iter::once(own).chain(direct) {
            if all.len() >= MOST {
                let why = format!("there are more than {MOST}");
                blind.add("some names", &why, "whether the others resolve", "");
                break;
            }
            all.entry(question).or_insert(asked);
        }
    }
    (all, blind)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::{
        observation::{Place, Protocol, Resolver, SourceId},
        session::{Event, Target},
    };

    fn target(host: &str, resolver: Option<SocketAddr>) -> Target {
        let servers = |at| vec![Address::Tcp(at)];
        Target {
            gateway: GatewayId(Text::new("g")),
            address: Address::Name { host: Text::new(host), port: 80 },
            protocol: Protocol::Http,
            resolver: resolver.map(|at| Resolver {
                servers: servers(at),
                timeout_ms: 50,
                place: Place::default(),
            }),
            per_request: true,
            ask_tls: false,
            tls_name: None,
            sends_name: false,
            saturated: false,
        }
    }

    #[tokio::test]
    async fn the_host_and_a_silent_resolver_are_told_apart() {
        let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let at = silent.local_addr().unwrap();
        let (sender, mut queue) = mpsc::channel(64);
        let targets = vec![target("localhost", Some(at))];
        let wanted = Attention { generation: 2, targets, ..Attention::default() };
        let (_news, attention) = watch::channel(Arc::new(wanted));
        tokio::spawn(run(Outlet::new(SourceId::Names, sender), attention));
        let mut found = BTreeMap::new();
        while let Some(Event::Seen(seen)) = queue.recv().await {
            match seen.seen {
                Seen::Resolution(r) => drop(found.insert(r.server, r.outcome)),
                Seen::Swept { generation: 2 } => break,
                other => panic!("{other:?}"),
            }
        }
        assert!(matches!(found[&None], ResolutionOutcome::Found(_)));
        assert_eq!(found[&Some(at)], ResolutionOutcome::TimedOut);
    }

    #[test]
    fn another_order_of_the_same_addresses_is_no_news() {
        let found = |ips: [[u8; 4]; 2]| ResolutionOutcome::Found(ips.map(Into::into).to_vec());
        assert!(same(&found([[1, 1, 1, 1], [2, 2, 2, 2]]), &found([[2, 2, 2, 2], [1, 1, 1, 1]])));
        assert!(!same(&found([[1, 1, 1, 1], [2, 2, 2, 2]]), &found([[2, 2, 2, 2], [3, 1, 1, 1]])));
    }
}
