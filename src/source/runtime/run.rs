//! The task: asks every gateway that tells its state, one conversation at a time for each.

use std::{collections::BTreeMap, path::Path, time::Duration};

use futures_util::{StreamExt, stream};

use crate::{
    host::{
        control::{self, ControlError, Question},
        files::Root,
        netns,
    },
    observation::{Address, ControlPoint, GatewayId, GatewayKind, GatewayRuntime, NetNs, Seen},
    session::GatewayView,
    source::{
        AttentionWatch, Closed, Outlet,
        sweep::{Blindness, pause},
    },
};

use super::{caddy, envoy, haproxy};

/// Servers kept of one gateway.
pub(super) const SERVERS: usize = 50_000;
/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(5);
/// Longest conversation.
const DEADLINE: Duration = Duration::from_secs(1);
/// Gateways asked at the same time.
const TOGETHER: usize = 8;
/// Gateways asked in one look.
const MOST: usize = 64;

/// Publishes [`Seen::Runtime`] of every gateway that runs and has a control socket or admin port
/// configured, when it changes.
///
/// # Errors
/// Never returns but by [`Closed`].
pub async fn run(outlet: Outlet, mut attention: AttentionWatch) -> Result<(), Closed> {
    let mut told = Blindness::default();
    let mut known: BTreeMap<GatewayId, GatewayRuntime> = BTreeMap::new();
    loop {
        let wanted = attention.borrow_and_update().clone();
        let own = netns::own().unwrap_or_default();
        let mut blind = Blindness::default();
        known.retain(|id, _| wanted.gateways.iter().any(|g| g.id == *id && g.pid.is_some()));
        let mut asked = Vec::new();
        for gateway in &wanted.gateways {
            if gateway.pid.is_some() && question(gateway.kind).is_some() && asked.len() < MOST {
                asked.push(gateway.clone());
            }
        }
        let mut answers = stream::iter(asked)
            .map(|gateway| async move {
                let answer = of_gateway(&gateway, own).await;
                (gateway, answer)
            })
            .buffered(TOGETHER);
        while let Some((gateway, answer)) = answers.next().await {
            match answer {
                Ok(Some(state)) => {
                    if known.get(&gateway.id).is_none_or(|old| !same(old, &state)) {
                        outlet.publish(Seen::Runtime(Box::new(state.clone()))).await?;
                        known.insert(gateway.id, state);
                    }
                }
                Ok(None) => {}
                Err((at, why, grant)) => {
                    let what = format!("{} of {}", at, gateway.kind.as_str());
                    blind.add(&what, &why, "how the gateway regards its servers", grant);
                }
            }
        }
        drop(answers);
        told.replace(blind, &outlet).await?;
        outlet.swept(wanted.generation).await?;
        pause(&outlet, &mut attention, PAUSE).await?;
    }
}

const fn question(kind: GatewayKind) -> Option<Question> {
    match kind {
        GatewayKind::Haproxy => Some(Question::HaproxyState),
        GatewayKind::Envoy => Some(Question::EnvoyClusters),
        GatewayKind::Caddy => Some(Question::CaddyUpstreams),
        GatewayKind::Nginx | GatewayKind::Apache | GatewayKind::Traefik => None,
    }
}

/// Seconds that pass are no news.
fn same(old: &GatewayRuntime, new: &GatewayRuntime) -> bool {
    let still = |state: &GatewayRuntime| {
        let mut state = state.clone();
        for server in &mut state.servers {
            server.since_secs = None;
        }
        state.connections = None;
        state
    };
    still(old) == still(new)
}

type Blind = (Address, String, &'static str);

/// Asks at each place in turn until one answers; `None` when there is none to ask at.
async fn of_gateway(gateway: &GatewayView, own: NetNs) -> Result<Option<GatewayRuntime>, Blind> {
    let mut last = None;
    for point in gateway.controls.iter().take(4) {
        match at(gateway, point, own).await {
            Ok(state) => return Ok(Some(state)),
            // Caddy's own default may be what another Caddy has.
            Err(_) if point.place.line == 0 && gateway.kind == GatewayKind::Caddy => {}
            Err(blind) => last = Some(blind),
        }
    }
    last.map_or(Ok(None), Err)
}

async fn at(
    gateway: &GatewayView,
    point: &ControlPoint,
    own: NetNs,
) -> Result<GatewayRuntime, Blind> {
    let fail = |why: String, grant| (point.address.clone(), why, grant);
    let Some(question) = question(gateway.kind) else {
        return Err(fail("it tells no state".to_owned(), ""));
    };
    let Some(pid) = gateway.pid else { return Err(fail("it does not run".to_owned(), "")) };
    let answer = match &point.address {
        Address::Unix(path) => {
            let root = Root::new(gateway.root.raw());
            control::ask_unix(&root, Path::new(path.raw()), pid, question, DEADLINE).await
        }
        Address::Tcp(addr) if !addr.ip().is_loopback() => {
            return Err(fail("it is not on this host's loopback".to_owned(), ""));
        }
        Address::Tcp(_) if gateway.netns.is_some_and(|ns| ns != own) => {
            let why = "it is in another network namespace".to_owned();
            return Err(fail(why, "give the gateway a control socket that is a file"));
        }
        Address::Tcp(addr) => control::ask_tcp(*addr, pid, question, DEADLINE).await,
        Address::Name { .. } => {
            return Err(fail("its name is not looked up".to_owned(), ""));
        }
    };
    let answer = answer.map_err(|error| {
        let denied = matches!(&error, ControlError::Io(e) if e.kind() == std::io::ErrorKind::PermissionDenied);
        let grant =
            if denied { "run as root, or join the group of the socket" } else { "" };
        fail(error.to_string(), grant)
    })?;
    let read = match gateway.kind {
        GatewayKind::Haproxy => haproxy::read,
        GatewayKind::Envoy => envoy::read,
        _ => caddy::read,
    };
    let mut state = read(&gateway.id, &point.address, &answer.bytes).ok_or_else(|| {
        let words = String::from_utf8_lossy(&answer.bytes);
        let first: String = words.lines().next().unwrap_or("nothing").chars().take(80).collect();
        fail(format!("the answer is not understood: {first}"), "")
    })?;
    state.cut |= answer.cut;
    Ok(state)
}
