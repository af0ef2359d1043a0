//! Name lookups with a deadline: the host's own way (whatever `nsswitch.conf` says), and by
//! asking one server, as nginx's `resolver` does.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    os::fd::OwnedFd,
    time::Duration,
};

use hickory_resolver::proto::{
    op::{Message, Query, ResponseCode},
    rr::{Name, RData, RecordType},
};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use tokio::{net::UdpSocket, sync::Semaphore, time::timeout};

use super::{connect::From, files::Root, netns};
use crate::observation::{ResolutionOutcome, Text};

/// Most addresses kept of one name.
const MOST_ADDRESSES: usize = 32;
/// Most lookups of the host's own kind that run at the same time, those that nobody waits for
/// any more included: a dead resolver holds each for ten seconds and longer.
static LOOKUPS: Semaphore = Semaphore::const_new(8);

/// Looks a name up the way every program on this host does, in the blocking pool. After the
/// deadline the lookup goes on there, unheard.
pub async fn by_host(host: &str, deadline: Duration) -> ResolutionOutcome {
    let name = host.to_owned();
    let lookup = async {
        let permit = LOOKUPS.acquire().await.ok();
        let task = tokio::spawn(async move {
            let found = tokio::net::lookup_host((name, 0)).await;
            drop(permit);
            found.map(|all| all.map(|a| a.ip()).collect::<Vec<IpAddr>>())
        });
        task.await.map_err(io::Error::other)?
    };
    match timeout(deadline, lookup).await {
        Err(_) => ResolutionOutcome::TimedOut,
        Ok(Err(error)) => failure(&error),
        Ok(Ok(found)) => ResolutionOutcome::Found(distinct(found)),
    }
}

fn distinct(found: impl IntoIterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found {
        if addresses.len() < MOST_ADDRESSES && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

/// Looks a name up the way a program inside another root and network does: its `/etc/hosts`,
/// then the servers of its `/etc/resolv.conf`, asked from inside its network.
pub async fn by_root(root: Root, host: &str, from: From, deadline: Duration) -> ResolutionOutcome {
    let files = tokio::task::spawn_blocking(move || {
        let text = |path| root.read_text(path, 256 * 1024).unwrap_or_default();
        (text("/etc/hosts"), text("/etc/resolv.conf"))
    });
    let Ok(Ok((hosts, conf))) = timeout(deadline, files).await else {
        return ResolutionOutcome::TimedOut;
    };
    let fixed = in_hosts(&hosts, host);
    if !fixed.is_empty() {
        return ResolutionOutcome::Found(fixed);
    }
    let conf = Conf::parse(&conf);
    let mut last = ResolutionOutcome::TimedOut;
    for name in conf.candidates(host) {
        for server in &conf.servers {
            last = by_server(SocketAddr::new(*server, 53), &name, from, deadline / 2).await;
            match last {
                ResolutionOutcome::Found(_) => return last,
                ResolutionOutcome::NxDomain => break,
                _ => {}
            }
        }
    }
    last
}

/// Addresses of a name in the format of hosts(5).
fn in_hosts(text: &str, host: &str) -> Vec<IpAddr> {
    let line = |line: &str| {
        let mut words = line.split('#').next()?.split_whitespace();
        let ip = words.next()?.parse().ok()?;
        words.any(|name| name.eq_ignore_ascii_case(host)).then_some(ip)
    };
    distinct(text.lines().filter_map(line))
}

/// What is needed of resolv.conf(5).
#[derive(Debug, PartialEq, Eq)]
struct Conf {
    servers: Vec<IpAddr>,
    search: Vec<String>,
    dots: usize,
}

impl Conf {
    fn parse(text: &str) -> Self {
        let mut conf = Self { servers: Vec::new(), search: Vec::new(), dots: 1 };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") if conf.servers.len() < 3 => {
                    conf.servers.extend(words.next().and_then(|ip| ip.parse::<IpAddr>().ok()));
                }
                Some("search" | "domain") => {
                    conf.search = words.take(6).map(str::to_owned).collect();
                }
                Some("options") => {
                    let dots = words.find_map(|w| w.strip_prefix("ndots:")?.parse().ok());
                    conf.dots = dots.unwrap_or(conf.dots);
                }
                _ => {}
            }
        }
        conf
    }

    /// Names to try, in order.
    fn candidates(&self, host: &str) -> Vec<String> {
        let plain = host.to_owned();
        if host.ends_with('.') {
            return vec![plain];
        }
        let searched = self.search.iter().map(|domain| format!("{host}.{domain}"));
        if host.matches('.').count() >= self.dots {
            std::iter::once(plain).chain(searched).collect()
        } else {
            searched.chain([plain]).collect()
        }
    }
}

/// Asks one server for the IPv4 and IPv6 addresses of a name, once, over UDP. A closed port
/// counts as silence, as it does for nginx.
pub async fn by_server(
    server: SocketAddr,
    host: &str,
    from: From,
    deadline: Duration,
) -> ResolutionOutcome {
    let ask = |kind| async move {
        match timeout(deadline, exchange(server, host, kind, from)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidInput => {
                ResolutionOutcome::NxDomain
            }
            _ => ResolutionOutcome::TimedOut,
        }
    };
    let (v4, v6) = tokio::join!(ask(RecordType::A), ask(RecordType::AAAA));
    join(v4, v6)
}

/// One name, two questions: any address is an answer; else the worse of the two.
fn join(v4: ResolutionOutcome, v6: ResolutionOutcome) -> ResolutionOutcome {
    use ResolutionOutcome::{Found, NxDomain, ServerFailure, TimedOut};
    match (v4, v6) {
        (Found(mut all), Found(more)) if !all.is_empty() || !more.is_empty() => {
            all.extend(more);
            Found(distinct(all))
        }
        (Found(some), _) | (_, Found(some)) if !some.is_empty() => Found(distinct(some)),
        (ServerFailure(why), _) | (_, ServerFailure(why)) => ServerFailure(why),
        (TimedOut, _) | (_, TimedOut) => TimedOut,
        // A name without any address is no use to a gateway: nginx says "Host not found".
        (NxDomain | Found(_), NxDomain | Found(_)) => NxDomain,
    }
}

async fn exchange(
    server: SocketAddr,
    host: &str,
    kind: RecordType,
    from: From,
) -> io::Result<ResolutionOutcome> {
    let invalid = |_| io::Error::from(io::ErrorKind::InvalidInput);
    let mut name = Name::from_ascii(host).map_err(invalid)?;
    name.set_fqdn(true);
    let mut query = Message::query();
    query.metadata.recursion_desired = true;
    query.add_query(Query::query(name, kind));
    let bytes = query.to_vec().map_err(io::Error::other)?;
    let socket = udp(server, from).await?;
    socket.connect(server).await?;
    socket.send(&bytes).await?;
    let mut buffer = vec![0_u8; 4_096];
    loop {
        let size = socket.recv(&mut buffer).await?;
        let Ok(answer) = Message::from_vec(buffer.get(..size).unwrap_or_default()) else {
            continue;
        };
        if answer.metadata.id == query.metadata.id && answer.queries == query.queries {
            return Ok(read(&answer));
        }
    }
}

async fn udp(server: SocketAddr, from: From) -> io::Result<UdpSocket> {
    let family = if server.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let make = move || -> io::Result<OwnedFd> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        Ok(rustix::net::socket_with(family, SocketType::DGRAM, flags, None)?)
    };
    let socket = match from {
        From::Here => make()?,
        From::Inside { pid, netns } => {
            let thread = tokio::task::spawn_blocking(move || netns::inside(pid, netns, make));
            thread.await.map_err(io::Error::other)??
        }
    };
    UdpSocket::from_std(socket.into())
}

fn read(answer: &Message) -> ResolutionOutcome {
    let found = answer.answers.iter().filter_map(|record| match &record.data {
        RData::A(a) => Some(IpAddr::V4(a.0)),
        RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
        _ => None,
    });
    let found = distinct(found);
    let failed = |words: &str| ResolutionOutcome::ServerFailure(Text::new(words));
    match answer.metadata.response_code {
        ResponseCode::NoError if found.is_empty() && answer.metadata.truncation => {
            failed("the answer is cut short")
        }
        ResponseCode::NoError => ResolutionOutcome::Found(found),
        ResponseCode::NXDomain => ResolutionOutcome::NxDomain,
        ResponseCode::ServFail => failed("SERVFAIL"),
        ResponseCode::Refused => failed("REFUSED"),
        ResponseCode::FormErr => failed("FORMERR"),
        ResponseCode::NotImp => failed("NOTIMP"),
        other => failed(&format!("response code {}", u16::from(other))),
    }
}

/// getaddrinfo(3) tells its errors in words only (glibc's and musl's).
fn failure(error: &io::Error) -> ResolutionOutcome {
    const UNKNOWN: [&str; 4] = [
        "Name or service not known",
        "No address associated with hostname",
        "Name does not resolve",
        "Name has no usable address",
    ];
    let words = error.to_string();
    if UNKNOWN.iter().any(|unknown| words.contains(unknown)) {
        return ResolutionOutcome::NxDomain;
    }
    let words = words.strip_prefix("failed to lookup address information: ").unwrap_or(&words);
    ResolutionOutcome::ServerFailure(Text::new(words))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[tokio::test]
    async fn localhost_resolves_without_any_server() {
        let found = by_host("localhost", Duration::from_secs(5)).await;
        let ResolutionOutcome::Found(addresses) = found else { panic!("{found:?}") };
        assert!(addresses.iter().all(IpAddr::is_loopback) && !addresses.is_empty());
    }

    /// A server that answers every question with `reply`.
    async fn server(reply: fn(&mut Message, RecordType)) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0_u8; 512];
            while let Ok((size, peer)) = socket.recv_from(&mut buffer).await {
                let mut message = Message::from_vec(&buffer[..size]).unwrap();
                let kind = message.queries[0].query_type();
                assert!(message.metadata.recursion_desired);
                message = message.into_response();
                reply(&mut message, kind);
                socket.send_to(&message.to_vec().unwrap(), peer).await.unwrap();
            }
        });
        at
    }

    async fn ask(server: SocketAddr) -> ResolutionOutcome {
        by_server(server, "app.test", From::Here, Duration::from_secs(5)).await
    }

    #[tokio::test]
    async fn a_name_with_one_address_family_is_found() {
        let at = server(|message, kind| {
            if kind == RecordType::A {
                let name = message.queries[0].name().clone();
                let data = RData::A(std::net::Ipv4Addr::new(10, 0, 0, 7).into());
                message.add_answer(hickory_resolver::proto::rr::Record::from_rdata(name, 5, data));
            } else {
                message.metadata.response_code = ResponseCode::NXDomain;
            }
        })
        .await;
        let expected = vec![IpAddr::from([10, 0, 0, 7])];
        assert_eq!(ask(at).await, ResolutionOutcome::Found(expected));
    }

    #[tokio::test]
    async fn the_ways_in_which_a_server_fails_are_told_apart() {
        let failing = server(|m, _| m.metadata.response_code = ResponseCode::ServFail).await;
        assert_eq!(ask(failing).await, ResolutionOutcome::ServerFailure(Text::new("SERVFAIL")));
        let refusing = server(|m, _| m.metadata.response_code = ResponseCode::Refused).await;
        assert_eq!(ask(refusing).await, ResolutionOutcome::ServerFailure(Text::new("REFUSED")));
        let knowing = server(|m, _| m.metadata.response_code = ResponseCode::NXDomain).await;
        assert_eq!(ask(knowing).await, ResolutionOutcome::NxDomain);
        let empty = server(|_, _| {}).await;
        assert_eq!(ask(empty).await, ResolutionOutcome::NxDomain);
        let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(ask(closed).await, ResolutionOutcome::TimedOut);
    }

    #[tokio::test]
    async fn another_roots_hosts_file_comes_first() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("etc")).unwrap();
        std::fs::write(dir.path().join("etc/hosts"), "172.18.0.3 db App # x\n").unwrap();
        let found = by_root(Root::new(dir.path()), "app", From::Here, Duration::from_secs(5)).await;
        assert_eq!(found, ResolutionOutcome::Found(vec![IpAddr::from([172, 18, 0, 3])]));
    }

    #[test]
    fn a_short_name_is_searched_first_and_a_dotted_one_last() {
        let conf =
            Conf::parse("nameserver 127.0.0.11\nsearch a.lan b.lan\noptions edns0 ndots:2\n");
        assert_eq!(conf.servers, [IpAddr::from([127, 0, 0, 11])]);
        assert_eq!(conf.candidates("x.y"), ["x.y.a.lan", "x.y.b.lan", "x.y"]);
        assert_eq!(conf.candidates("x.y.z"), ["x.y.z", "x.y.z.a.lan", "x.y.z.b.lan"]);
    }

    proptest! {
        #[test]
        fn no_file_makes_a_reader_fail(text in ".{0,200}", host in ".{0,20}") {
            let _ = (in_hosts(&text, &host), Conf::parse(&text).candidates(&host));
        }
    }

    #[test]
    fn an_unknown_name_is_not_a_failing_server() {
        let of = |words: &str| failure(&io::Error::other(words));
        let prefix = "failed to lookup address information: ";
        assert_eq!(of(&format!("{prefix}Name or service not known")), ResolutionOutcome::NxDomain);
        assert_eq!(
            of(&format!("{prefix}Temporary failure in name resolution")),
            ResolutionOutcome::ServerFailure(Text::new("Temporary failure in name resolution"))
        );
    }
}
