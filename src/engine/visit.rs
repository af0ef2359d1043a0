//! Asks a URL as a visitor and from inside, and looks whether the request came here.

use std::{
    io::{Read, Seek, SeekFrom},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::{
    diagnosis::url::Sight,
    evidence::CaseFile,
    host::{
        connect::From,
        files::{FileError, Root},
        netns,
        visit::{self, Local, Target, Token},
    },
    observation::{
        Address, Arrival, Gateway, GatewayConfig, GatewayId, LocalVisit, LogKind, LogTarget, Text,
        Visit,
    },
    remedy::parse_listen,
};

/// Listeners of this host that are asked at most.
const LISTENERS: usize = 3;
/// Access logs that are looked through at most, and how much of the end of each, in bytes.
const LOGS: usize = 64;
const TAIL: u64 = 256 * 1024;
/// How long a line may take to be written.
const SETTLES: Duration = Duration::from_millis(1_500);

/// The visitor's request, to be judged when the host has been looked at.
pub struct Asked {
    target: Target,
    token: Token,
    public: Visit,
}

/// Asks as a visitor does.
pub async fn ask(target: Target) -> Asked {
    let token = Token::new();
    let public = visit::public(&target, &token, visit::LONGEST).await;
    Asked { target, token, public }
}

/// Asks the gateways of this host the same, and looks for both requests in their access logs.
pub async fn compare(asked: Asked, case: &CaseFile) -> Sight {
    let Asked { target, token, public } = asked;
    let own = Token::new();
    let mut local = Vec::new();
    for place in listeners(&target, case) {
        let visit = visit::local(&target, &own, place.local).await;
        let Local { listen, tls, .. } = place.local;
        local.push(LocalVisit { gateway: place.gateway, listen, tls, named: place.named, visit });
    }
    let logs: Vec<LogTarget> = case
        .configs
        .values()
        .flat_map(|config| &config.logs)
        .filter(|log| matches!(log.kind, LogKind::Access(_)))
        .take(LOGS)
        .cloned()
        .collect();
    let any = !local.is_empty();
    let arrival = arrival(logs, token, any.then_some(own)).await;
    let (url, host) = (target.shown(), Text::new(target.host()));
    Sight { url, host, public, local, without_query: target.has_query(), arrival }
}

/// Rows of upstreams that the URL's host leads to, by the configurations.
pub fn leads_to(host: &str, case: &CaseFile) -> Vec<String> {
    let upstreams = case.configs.values().flat_map(|config| &config.upstreams);
    let of_host = upstreams
        .filter(|upstream| upstream.routes.iter().any(|route| is_named(&route.server_names, host)));
    of_host.map(|upstream| upstream.id.to_string()).collect()
}

/// A listener to ask.
#[derive(Debug)]
struct Place {
    gateway: GatewayId,
    named: bool,
    local: Local,
}

/// The listeners that fit best: those of sites with the URL's name and scheme first.
fn listeners(target: &Target, case: &CaseFile) -> Vec<Place> {
    let mut found: Vec<(bool, bool, bool, Place)> = Vec::new();
    for gateway in case.gateways.values().filter(|gateway| gateway.running) {
        let config = case.configs.get(&gateway.id);
        let from = from(gateway);
        let mut places = config.map(|config| configured(config, target)).unwrap_or_default();
        if places.is_empty() {
            places = bound(gateway, case).into_iter().map(|(at, tls)| (at, tls, false)).collect();
        }
        for (listen, tls, named) in places {
            let local = Local { listen, tls, from };
            let place = Place { gateway: gateway.id.clone(), named, local };
            found.push((!named, tls != target.tls(), listen.port() != target.port(), place));
        }
    }
    found.sort_by_key(|(named, tls, port, place)| (*named, *tls, *port, place.local.listen));
    found.dedup_by_key(|(_, _, _, place)| place.local.listen);
    // One listener of each gateway is enough.
    let mut kept: Vec<Place> = Vec::new();
    for (_, _, _, place) in found {
        if kept.len() < LISTENERS && !kept.iter().any(|other| other.gateway == place.gateway) {
            kept.push(place);
        }
    }
    kept
}

fn configured(config: &GatewayConfig, target: &Target) -> Vec<(SocketAddr, bool, bool)> {
    let mut places = Vec::new();
    for site in &config.sites {
        let named = is_named(&site.names, target.host());
        let listens = site.listens.iter().filter_map(|listen| parse_listen(listen.raw()));
        places.extend(listens.map(|(at, tls)| (at, tls, named)));
    }
    places
}

/// TCP listeners that the gateway's processes hold.
fn bound(gateway: &Gateway, case: &CaseFile) -> Vec<(SocketAddr, bool)> {
    let own = |pid: &u32| gateway.workers.contains(pid) || gateway.master == Some(*pid);
    let tables = case.listeners.values().map(|table| &table.value);
    let tables = tables.filter(|table| gateway.netns.is_none_or(|netns| table.netns == netns));
    let listeners = tables.flat_map(|table| &table.listeners).filter(|l| l.pids.iter().any(own));
    let local = |at: SocketAddr| match at.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, at.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, at.port()).into(),
        _ => at,
    };
    let of = listeners.filter_map(|listener| match &listener.address {
        Address::Tcp(at) => Some((local(*at), matches!(at.port(), 443 | 8443))),
        _ => None,
    });
    of.collect()
}

/// Whether one of the names of a site is that of the URL: exactly, or by a wildcard.
fn is_named(names: &[Text], host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    names.iter().any(|name| {
        let name = name.raw().to_ascii_lowercase();
        let name = name.split(':').next().unwrap_or_default();
        match name.strip_prefix("*.").or_else(|| name.strip_prefix('.')) {
            Some(rest) => {
                let below = host.strip_suffix(rest).is_some_and(|head| head.ends_with('.'));
                below || (name.starts_with('.') && host == rest)
            }
            None => name == host,
        }
    })
}

fn from(gateway: &Gateway) -> From {
    let pid = gateway.master.or_else(|| gateway.workers.first().copied());
    match pid.zip(gateway.netns) {
        Some((pid, netns)) if netns::own() != Some(netns) => From::Inside { pid, netns },
        _ => From::Here,
    }
}

/// Looks for both requests. A log that did not take down the local one says nothing of the other.
async fn arrival(logs: Vec<LogTarget>, public: Token, local: Option<Token>) -> Arrival {
    if logs.is_empty() {
        return Arrival::Unknown(Text::new("no access log of a gateway here is known"));
    }
    let end = Instant::now() + SETTLES;
    loop {
        let (list, public, local) = (logs.clone(), public.clone(), local.clone());
        let look = move || look(&list, &public, local.as_ref());
        let (came, heard) = match tokio::task::spawn_blocking(look).await {
            Ok(found) => found,
            Err(_) => return Arrival::Unknown(Text::new("the access logs could not be read")),
        };
        if let Some(log) = came {
            return Arrival::Came(log);
        }
        if Instant::now() >= end {
            return if heard {
                Arrival::Never
            } else {
                Arrival::Unknown(Text::new(
                    "the access logs did not take down the local request either (buffered, \
                     elsewhere, switched off, or without the User-Agent)",
                ))
            };
        }
        sleep(Duration::from_millis(150)).await;
    }
}

/// The log that has the public request, and whether one has the local one.
fn look(logs: &[LogTarget], public: &Token, local: Option<&Token>) -> (Option<Text>, bool) {
    let mut heard = false;
    for log in logs {
        let root = Root::new(log.root.raw());
        let Ok(bytes) = tail(&root, log.path.raw()) else { continue };
        let has = |token: &Token| memchr::memmem::find(&bytes, token.as_str().as_bytes()).is_some();
        if has(public) {
            return (Some(log.path.clone()), true);
        }
        heard |= local.is_some_and(has);
    }
    (None, heard)
}

fn tail(root: &Root, path: &str) -> Result<Vec<u8>, FileError> {
    let mut file = root.open(path)?;
    let from = file.metadata()?.len().saturating_sub(TAIL);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_a_site_exactly_or_by_its_wildcard() {
        let names = |all: &[&str]| all.iter().map(Text::new).collect::<Vec<_>>();
        for (all, host, yes) in [
            (&["shop.example"][..], "Shop.example", true),
            (&["shop.example"], "www.shop.example", false),
            (&["*.shop.example"], "www.shop.example", true),
            (&["*.shop.example"], "shop.example", false),
            (&[".shop.example"], "shop.example", true),
            (&["*.op.example"], "shop.example", false),
            (&["_", ""], "shop.example", false),
        ] {
            assert_eq!(is_named(&names(all), host), yes, "{all:?} {host}");
        }
    }

    #[test]
    fn a_log_tells_only_of_what_it_takes_down() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("access.log");
        let (public, local) = (Token::new(), Token::new());
        let log = LogTarget {
            gateway: None,
            path: Text::new(path.display().to_string()),
            root: Text::default(),
            kind: LogKind::Error,
            place: crate::observation::Place::default(),
        };
        let logs = [log];
        assert_eq!(look(&logs, &public, Some(&local)), (None, false));
        std::fs::write(&path, format!("\"GET / HTTP/1.1\" 200 \"{}\"\n", local.as_str())).unwrap();
        assert_eq!(look(&logs, &public, Some(&local)), (None, true));
        std::fs::write(&path, format!("\"GET / HTTP/1.1\" 502 \"{}\"\n", public.as_str())).unwrap();
        assert_eq!(look(&logs, &public, Some(&local)), (Some(logs[0].path.clone()), true));
    }
}
