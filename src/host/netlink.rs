//! Listening sockets and interface addresses by netlink: `NETLINK_SOCK_DIAG` (`sock_diag(7)`) tells
//! the accept queue and its limit, for unix sockets too, which no file in `/proc` does.

use std::{
    ffi::OsStr,
    io,
    net::{IpAddr, SocketAddr},
    os::{fd::AsFd, unix::ffi::OsStrExt},
};

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_sock_diag::{
    SockDiagMessage,
    constants::{AF_INET, AF_INET6, IPPROTO_TCP},
    inet::{self, nlas::Nla as InetNla},
    unix::{
        self,
        nlas::{Nla as UnixNla, UnixDiagName},
    },
};
use netlink_sys::{
    Socket, SocketAddr as NetlinkAddr,
    protocols::{NETLINK_ROUTE, NETLINK_SOCK_DIAG},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::RecvFlags,
};

use crate::observation::{Address, Listener, RouteOutcome, Text};

/// Longest wait for one answer of the kernel, milliseconds; it answers within the call.
const ANSWER_MS: i64 = 500;
/// Most answers read of one dump (32 KiB each).
const MOST_ANSWERS: usize = 4_096;
/// Most sockets kept of one dump.
pub const MOST_LISTENERS: usize = 16_384;
/// `SOCK_STREAM`.
const STREAM: u8 = 1;

/// Every listening TCP and unix socket of the calling thread's network namespace, without owners.
///
/// # Errors
/// What socket(2), sendto(2) or recv(2) say (a seccomp filter may refuse netlink), or the error
/// that the kernel sent, such as `ENOENT` when it was built without socket monitoring.
pub fn listening() -> io::Result<Vec<Listener>> {
    let mut found = Vec::new();
    for family in [AF_INET, AF_INET6] {
        let id =
            if family == AF_INET { inet::SocketId::new_v4() } else { inet::SocketId::new_v6() };
        let request = inet::InetRequest {
            family,
            protocol: IPPROTO_TCP,
            extensions: inet::ExtensionFlags::empty(),
            states: inet::StateFlags::LISTEN,
            socket_id: id,
        };
        sock_diag(SockDiagMessage::InetRequest(request), &mut found)?;
    }
    let request = unix::UnixRequest {
        state_flags: unix::StateFlags::LISTEN,
        inode: 0,
        show_flags: unix::ShowFlags::NAME | unix::ShowFlags::RQLEN,
        cookie: [0xff; 8],
    };
    sock_diag(SockDiagMessage::UnixRequest(request), &mut found)?;
    Ok(found)
}

/// The sockets that listen on a TCP port of the calling thread's network namespace: address and inode.
/// The kernel looks for the port itself (`idiag_sport`).
///
/// # Errors
/// As [`listening`].
pub(super) fn listening_on(port: u16) -> io::Result<Vec<(IpAddr, u64)>> {
    let mut found = Vec::new();
    for family in [AF_INET, AF_INET6] {
        let v4 = family == AF_INET;
        let id = if v4 { inet::SocketId::new_v4() } else { inet::SocketId::new_v6() };
        let request = inet::InetRequest {
            family,
            protocol: IPPROTO_TCP,
            extensions: inet::ExtensionFlags::empty(),
            states: inet::StateFlags::LISTEN,
            socket_id: inet::SocketId { source_port: port, ..id },
        };
        answers(SockDiagMessage::InetRequest(request), |answer| {
            if let SockDiagMessage::InetResponse(answer) = answer
                && answer.header.socket_id.source_port == port
                && found.len() < MOST_LISTENERS
            {
                let ip = answer.header.socket_id.source_address.to_canonical();
                found.push((ip, u64::from(answer.header.inode)));
            }
        })?;
    }
    Ok(found)
}

/// Inodes of the listening unix sockets that were bound to this file: its inode and its device, as the
/// kernel numbers it (`UNIX_DIAG_VFS`).
///
/// # Errors
/// As [`listening`].
pub(super) fn listening_at(inode: u32, device: u32) -> io::Result<Vec<u64>> {
    let file = [inode.to_ne_bytes(), device.to_ne_bytes()].concat();
    let file = unix::nlas::Vfs::parse(&file).map_err(io::Error::other)?;
    let request = unix::UnixRequest {
        state_flags: unix::StateFlags::LISTEN,
        inode: 0,
        show_flags: unix::ShowFlags::VFS,
        cookie: [0xff; 8],
    };
    let mut found = Vec::new();
    answers(SockDiagMessage::UnixRequest(request), |answer| {
        if let SockDiagMessage::UnixResponse(answer) = answer
            && answer.nlas.iter().any(|nla| matches!(nla, UnixNla::Vfs(vfs) if *vfs == file))
            && found.len() < MOST_LISTENERS
        {
            found.push(u64::from(answer.header.inode));
        }
    })?;
    Ok(found)
}

fn sock_diag(request: SockDiagMessage, found: &mut Vec<Listener>) -> io::Result<()> {
    answers(request, |answer| {
        let listener = match answer {
            SockDiagMessage::InetResponse(answer) => Some(from_inet(&answer)),
            SockDiagMessage::UnixResponse(answer) => from_unix(&answer),
            _ => None,
        };
        if let Some(listener) = listener.filter(|_| found.len() < MOST_LISTENERS) {
            found.push(listener);
        }
    })
}

fn answers(request: SockDiagMessage, mut take: impl FnMut(SockDiagMessage)) -> io::Result<()> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let mut packet = NetlinkMessage::new(header, NetlinkPayload::from(request));
    packet.finalize();
    let mut bytes = vec![0; packet.buffer_len()];
    packet.serialize(&mut bytes);
    dump(NETLINK_SOCK_DIAG, &bytes, |message| {
        let Ok(message) = NetlinkMessage::<SockDiagMessage>::deserialize(message) else { return };
        if let NetlinkPayload::InnerMessage(answer) = message.payload {
            take(answer);
        }
    })
}

/// An IPv6 socket that listens on a mapped IPv4 address is shown as what it answers: IPv4.
fn from_inet(answer: &inet::InetResponse) -> Listener {
    let id = &answer.header.socket_id;
    let v6_only = answer.nlas.iter().find_map(|nla| match nla {
        InetNla::SkV6Only(only) => Some(*only),
        _ => None,
    });
    let ip = id.source_address.to_canonical();
    Listener {
        address: Address::Tcp(SocketAddr::new(ip, id.source_port)),
        v6_only: v6_only.filter(|_| ip.is_ipv6()),
        inode: u64::from(answer.header.inode),
        queue: Some(answer.header.recv_queue),
        backlog: Some(answer.header.send_queue),
        stream: true,
        pids: Vec::new(),
    }
}

/// A unix socket without a name cannot be reached by anyone and is left out.
fn from_unix(answer: &unix::UnixResponse) -> Option<Listener> {
    let address = match answer.name()? {
        UnixDiagName::Pathname(path) => Address::unix(path_text(path)),
        UnixDiagName::Abstract(name) => {
            let mut shown = b"@".to_vec();
            shown.extend_from_slice(name);
            Address::Unix(Text::from_bytes(&shown))
        }
    };
    Some(Listener {
        address,
        v6_only: None,
        inode: u64::from(answer.header.inode),
        queue: answer.number_of_pending_connection(),
        backlog: answer.max_number_of_pending_connection(),
        stream: answer.header.kind == STREAM,
        pids: Vec::new(),
    })
}

fn path_text(path: &OsStr) -> Text {
    Text::from_bytes(path.as_bytes())
}

/// Addresses of the interfaces of the calling thread's network namespace (`RTM_GETADDR`,
/// rtnetlink(7)), sorted, each once.
///
/// # Errors
/// As [`listening`].
pub fn local_addresses() -> io::Result<Vec<IpAddr>> {
    const RTM_GETADDR: u16 = 22;
    let mut request = Vec::with_capacity(24);
    request.extend_from_slice(&24_u32.to_ne_bytes());
    request.extend_from_slice(&RTM_GETADDR.to_ne_bytes());
    request.extend_from_slice(&(NLM_F_REQUEST | NLM_F_DUMP).to_ne_bytes());
    request.extend_from_slice(&[0; 16]);
    let mut found = Vec::new();
    dump(NETLINK_ROUTE, &request, |message| {
        if found.len() < MOST_LISTENERS {
            found.extend(address_of(message));
        }
    })?;
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The address in one `RTM_NEWADDR` message: `IFA_LOCAL` where there is one, else `IFA_ADDRESS`.
fn address_of(message: &[u8]) -> Option<IpAddr> {
    const RTM_NEWADDR: u16 = 20;
    const IFA_ADDRESS: u16 = 1;
    const IFA_LOCAL: u16 = 2;
    if u16_at(message, 4)? != RTM_NEWADDR {
        return None;
    }
    let (mut at, mut best) = (24, None);
    while let (Some(len), Some(kind)) = (u16_at(message, at), u16_at(message, at + 2)) {
        let len = usize::from(len);
        let value = message.get(at + 4..at.checked_add(len)?)?;
        let ip = if let Ok(v4) = <[u8; 4]>::try_from(value) {
            Some(IpAddr::from(v4))
        } else {
            <[u8; 16]>::try_from(value).ok().map(IpAddr::from)
        };
        match kind {
            IFA_LOCAL if ip.is_some() => return ip,
            IFA_ADDRESS => best = ip,
            _ => {}
        }
        at += len.next_multiple_of(4);
    }
    best
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_ne_bytes(two.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_ne_bytes(four.try_into().ok()?))
}

/// Where the kernel would send a packet to `to` from the calling thread's network namespace
/// (`RTM_GETROUTE`, rtnetlink(7)).
///
/// # Errors
/// As [`listening`], as far as it is no answer about the route.
pub fn route(to: IpAddr) -> io::Result<RouteOutcome> {
    const RTM_GETROUTE: u16 = 26;
    const RTA_DST: u16 = 1;
    let bytes = match to {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let family = if to.is_ipv4() { AF_INET } else { AF_INET6 };
    let bits = u8::try_from(bytes.len() * 8).unwrap_or_default();
    // `struct nlmsghdr`, `struct rtmsg`, one attribute.
    let attribute = u16::try_from(4 + bytes.len()).unwrap_or_default();
    let mut request = Vec::with_capacity(64);
    request.extend_from_slice(&(28 + u32::from(attribute)).to_ne_bytes());
    request.extend_from_slice(&RTM_GETROUTE.to_ne_bytes());
    request.extend_from_slice(&NLM_F_REQUEST.to_ne_bytes());
    request.extend_from_slice(&[0; 8]);
    request.extend_from_slice(&[family, bits, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    request.extend_from_slice(&attribute.to_ne_bytes());
    request.extend_from_slice(&RTA_DST.to_ne_bytes());
    request.extend_from_slice(&bytes);
    let mut found = None;
    match converse(NETLINK_ROUTE, &request, 1, |message| found = found.or(kind_of_route(message))) {
        Ok(()) => found.ok_or_else(|| io::ErrorKind::InvalidData.into()),
        Err(error) => route_error(&error).ok_or(error),
    }
}

/// An IPv4 route that leads nowhere is an error of the question.
fn route_error(error: &io::Error) -> Option<RouteOutcome> {
    use rustix::io::Errno;
    match Errno::from_io_error(error)? {
        Errno::NETUNREACH => Some(RouteOutcome::None),
        Errno::HOSTUNREACH => Some(RouteOutcome::Unreachable),
        Errno::ACCESS => Some(RouteOutcome::Prohibited),
        Errno::INVAL => Some(RouteOutcome::Blackhole),
        _ => None,
    }
}

/// The type of the route in one `RTM_NEWROUTE` message (`rtm_type`); of IPv6 such a route is told.
fn kind_of_route(message: &[u8]) -> Option<RouteOutcome> {
    const RTM_NEWROUTE: u16 = 24;
    if u16_at(message, 4)? != RTM_NEWROUTE {
        return None;
    }
    Some(match message.get(23)? {
        6 => RouteOutcome::Blackhole,
        7 => RouteOutcome::Unreachable,
        8 => RouteOutcome::Prohibited,
        _ => RouteOutcome::Found,
    })
}

/// Sends one dump request and hands every message of the answer to `each`.
fn dump(protocol: isize, request: &[u8], each: impl FnMut(&[u8])) -> io::Result<()> {
    converse(protocol, request, MOST_ANSWERS, each)
}

/// Sends one request and hands every message of at most so many answers to `each`.
fn converse(
    protocol: isize,
    request: &[u8],
    most: usize,
    mut each: impl FnMut(&[u8]),
) -> io::Result<()> {
    let mut socket = Socket::new(protocol)?;
    socket.bind_auto()?;
    socket.connect(&NetlinkAddr::new(0, 0))?;
    socket.send(request, 0)?;
    let mut buffer = vec![0_u8; 32 * 1024];
    for _ in 0..most {
        let wait = Timespec { tv_sec: 0, tv_nsec: ANSWER_MS * 1_000_000 };
        let mut ready = [PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::IN)];
        if poll(&mut ready, Some(&wait))? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let (size, _) = rustix::net::recv(&socket, &mut buffer[..], RecvFlags::DONTWAIT)?;
        let received = buffer.get(..size).unwrap_or_default();
        if split(received, &mut each)? {
            return Ok(());
        }
    }
    Ok(())
}

/// Splits a datagram into its messages; true when the dump is complete. Messages follow each
/// other, aligned to four bytes (netlink(7)).
fn split(mut rest: &[u8], each: &mut impl FnMut(&[u8])) -> io::Result<bool> {
    const NLMSG_ERROR: u16 = 2;
    const NLMSG_DONE: u16 = 3;
    while let (Some(len), Some(kind)) = (u32_at(rest, 0), u16_at(rest, 4)) {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let Some(message) = rest.get(..len).filter(|_| len >= 16) else { break };
        match kind {
            NLMSG_DONE => return Ok(true),
            NLMSG_ERROR => {
                let errno = u32_at(message, 16).unwrap_or_default().cast_signed();
                if errno == 0 {
                    return Ok(true);
                }
                return Err(io::Error::from_raw_os_error(errno.saturating_neg()));
            }
            _ => each(message),
        }
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::{
        net::{Ipv4Addr, TcpListener, TcpStream},
        os::unix::net::{UnixListener, UnixStream},
    };

    use proptest::prelude::*;

    use super::*;

    fn find(address: &Address) -> Option<Listener> {
        listening().unwrap().into_iter().find(|l| l.address == *address)
    }

    #[test]
    fn a_listener_is_seen_with_its_queue() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let _waiting = TcpStream::connect(at).unwrap();
        let seen = find(&Address::Tcp(at)).unwrap();
        assert_eq!(seen.queue, Some(1));
        assert!(seen.backlog.unwrap() > 0 && seen.inode > 0);
        drop(listener);
        assert_eq!(find(&Address::Tcp(at)), None);
    }

    #[test]
    fn the_queue_of_a_unix_socket_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.sock");
        let _listener = UnixListener::bind(&path).unwrap();
        let _first = UnixStream::connect(&path).unwrap();
        let _second = UnixStream::connect(&path).unwrap();
        let seen = find(&Address::Unix(path_text(path.as_os_str()))).unwrap();
        assert_eq!(seen.queue, Some(2));
        assert!(seen.backlog.unwrap() >= 128 && seen.stream);
    }

    #[test]
    fn a_full_queue_stands_above_its_limit() {
        use rustix::net::{AddressFamily, SocketType};
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&socket, &any).unwrap();
        rustix::net::listen(&socket, 0).unwrap();
        let at = TcpListener::from(socket.try_clone().unwrap()).local_addr().unwrap();
        let _fills = TcpStream::connect(at).unwrap();
        let seen = find(&Address::Tcp(at)).unwrap();
        assert_eq!((seen.queue, seen.backlog), (Some(1), Some(0)));
    }

    #[test]
    fn a_socket_that_refuses_ipv4_is_told_from_one_that_takes_both() {
        use rustix::net::{AddressFamily, SocketType, sockopt};
        for only in [false, true] {
            let any = SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, 0));
            let socket =
                rustix::net::socket(AddressFamily::INET6, SocketType::STREAM, None).unwrap();
            sockopt::set_ipv6_v6only(&socket, only).unwrap();
            rustix::net::bind(&socket, &any).unwrap();
            rustix::net::listen(&socket, 5).unwrap();
            let at = TcpListener::from(socket.try_clone().unwrap()).local_addr().unwrap();
            assert_eq!(find(&Address::Tcp(at)).unwrap().v6_only, Some(only));
        }
    }

    #[test]
    fn loopback_is_a_local_address() {
        assert!(local_addresses().unwrap().contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)));
    }

    #[test]
    fn there_is_a_way_to_oneself_and_none_to_what_is_no_address() {
        assert_eq!(route(IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap(), RouteOutcome::Found);
        let reserved = route(IpAddr::V4(Ipv4Addr::new(0, 0, 0, 1)));
        assert!(!matches!(reserved, Ok(RouteOutcome::Prohibited)));
    }

    #[test]
    fn a_route_that_leads_nowhere_is_told_by_its_error_or_its_type() {
        let error = io::Error::from_raw_os_error;
        assert_eq!(route_error(&error(101)), Some(RouteOutcome::None));
        assert_eq!(route_error(&error(113)), Some(RouteOutcome::Unreachable));
        assert_eq!(route_error(&error(13)), Some(RouteOutcome::Prohibited));
        assert_eq!(route_error(&error(22)), Some(RouteOutcome::Blackhole));
        assert_eq!(route_error(&error(1)), None);
        let mut message = vec![0_u8; 28];
        message[4..6].copy_from_slice(&24_u16.to_ne_bytes());
        for (kind, outcome) in [(1, RouteOutcome::Found), (8, RouteOutcome::Prohibited)] {
            message[23] = kind;
            assert_eq!(kind_of_route(&message), Some(outcome));
        }
        assert_eq!(kind_of_route(&message[..20]), None);
    }

    proptest! {
        #[test]
        fn no_datagram_makes_the_splitter_fail(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = split(&bytes, &mut |message| {
                let _ = (address_of(message), kind_of_route(message));
            });
            let _ = address_of(&bytes);
        }
    }
}
