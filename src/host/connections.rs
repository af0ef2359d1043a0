//! Connections under way on listening sockets, counted from `/proc/PID/net` (proc(5)).

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
};

use super::{
    files::FileError,
    nettables::{head, hex_ip, u16_hex},
};
use crate::observation::{Address, Stalled};

/// Counts the connections that clients hold to any of `addresses` in the network namespace of
/// `process` (a pid, or `self`). A table that is longer than what is read makes it a floor.
///
/// # Errors
/// When the IPv4 table cannot be read.
pub fn under_way(process: &str, addresses: &[Address]) -> Result<u64, FileError> {
    let mut count = 0;
    let (tcp, _) = head(&format!("/proc/{process}/net/tcp"))?;
    let tcp6 = head(&format!("/proc/{process}/net/tcp6")).map(|(text, _)| text);
    for row in tcp.lines().chain(tcp6.unwrap_or_default().lines()) {
        count += u64::from(established(row).is_some_and(|at| is_one_of(at, addresses)));
    }
    if let Ok((unix, _)) = head(&format!("/proc/{process}/net/unix")) {
        let paths: Vec<&str> = addresses.iter().filter_map(Address::path).collect();
        let held = |row: &&str| accepted(row).is_some_and(|path| paths.contains(&path));
        count += unix.lines().filter(held).count() as u64;
    }
    Ok(count)
}

/// Connections from the namespace of `process` to one of `to` whose bytes were sent at least twice
/// again and not acknowledged, at most 64.
///
/// # Errors
/// When the IPv4 table cannot be read.
pub fn stalled(process: &str, to: &BTreeSet<SocketAddr>) -> Result<Vec<Stalled>, FileError> {
    let (tcp, _) = head(&format!("/proc/{process}/net/tcp"))?;
    let tcp6 = head(&format!("/proc/{process}/net/tcp6")).map(|(text, _)| text);
    let tcp6 = tcp6.unwrap_or_default();
    let rows = tcp.lines().chain(tcp6.lines());
    let theirs = |row: &Stalled| to.contains(&row.to);
    Ok(rows.filter_map(unacknowledged).filter(theirs).take(64).collect())
}

/// A row of `tcp` or `tcp6` in ESTABLISHED with a send queue that is sent again: `sl local rem st
/// tx:rx tr:when retrnsmt`.
fn unacknowledged(row: &str) -> Option<Stalled> {
    let mut fields = row.split_ascii_whitespace().skip(2);
    let (ip, port) = fields.next()?.split_once(':')?;
    if fields.next()? != "01" {
        return None;
    }
    let (sent, _) = fields.next()?.split_once(':')?;
    let bytes = u32::from_str_radix(sent, 16).ok()?;
    let retransmits = u32::from_str_radix(fields.nth(1)?, 16).ok()?;
    let ip: IpAddr = hex_ip(ip, true)?;
    let to = SocketAddr::new(ip.to_canonical(), u16_hex(port)?);
    (bytes > 0 && retransmits >= 2).then_some(Stalled { to, bytes, retransmits })
}

fn is_one_of(at: SocketAddr, addresses: &[Address]) -> bool {
    addresses.iter().any(|address| match address {
        Address::Tcp(listens) if listens.port() == at.port() => {
            listens.ip().is_unspecified() || listens.ip() == at.ip()
        }
        _ => false,
    })
}

/// The local end of a row of `tcp` or `tcp6` whose state is `01`, ESTABLISHED.
fn established(row: &str) -> Option<SocketAddr> {
    let mut fields = row.split_ascii_whitespace().skip(1);
    let (ip, port) = fields.next()?.split_once(':')?;
    if fields.nth(1)? != "01" {
        return None;
    }
    let ip: IpAddr = hex_ip(ip, true)?;
    Some(SocketAddr::new(ip.to_canonical(), u16_hex(port)?))
}

/// The path of a row of `unix` that is connected and has a name: the end of the server. An end
/// that waits to be accepted is not in the table under its name.
fn accepted(row: &str) -> Option<&str> {
    let mut rest = row;
    let mut field = || {
        rest = rest.trim_start();
        let (first, tail) = rest.split_once(' ').unwrap_or((rest, ""));
        rest = tail;
        first
    };
    let (_num, _refs, _protocol, flags, _kind) = (field(), field(), field(), field(), field());
    let state = field();
    let _inode = field();
    // SS_CONNECTED of net.h, and no `__SO_ACCEPTCON`.
    (state == "03" && flags == "00000000" && !rest.is_empty()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use std::{
        net::{TcpListener, TcpStream},
        os::unix::net::{UnixListener, UnixStream},
    };

    use proptest::prelude::*;

    use super::*;
    use crate::observation::Text;

    #[test]
    fn connections_of_clients_are_counted_at_the_server_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a b.sock");
        let (tcp, unix) = (TcpListener::bind("127.0.0.1:0").unwrap(), UnixListener::bind(&path));
        let unix = unix.unwrap();
        let at = tcp.local_addr().unwrap();
        let addresses = [Address::Tcp(at), Address::Unix(Text::new(path.to_str().unwrap()))];
        assert_eq!(under_way("self", &addresses).unwrap(), 0);
        let _clients = (TcpStream::connect(at).unwrap(), TcpStream::connect(at).unwrap());
        let _servers = (tcp.accept().unwrap(), tcp.accept().unwrap());
        let _client = UnixStream::connect(&path).unwrap();
        let _server = unix.accept().unwrap();
        assert_eq!(under_way("self", &addresses).unwrap(), 3);
        let any = [Address::Tcp(SocketAddr::from(([0, 0, 0, 0], at.port())))];
        assert_eq!(under_way("self", &any).unwrap(), 2);
    }

    #[test]
    fn bytes_that_nobody_acknowledges_are_told_from_those_just_sent() {
        let row = |sent: &str, again: &str| {
            format!(
                "   3: 0500000A:D2F0 0600000A:1F90 01 {sent}:00000000 01:00000019 {again}    33        0 1 1 0 0 0 0 0 0"
            )
        };
        let stuck = unacknowledged(&row("00000B50", "00000006")).unwrap();
        assert_eq!(
            (stuck.to, stuck.bytes, stuck.retransmits),
            ("10.0.0.6:8080".parse().unwrap(), 2_896, 6)
        );
        assert_eq!(unacknowledged(&row("00000B50", "00000000")), None);
        assert_eq!(unacknowledged(&row("00000000", "00000006")), None);
    }

    proptest! {
        #[test]
        fn no_row_makes_a_reader_fail(row in ".{0,200}") {
            let _ = (established(&row), accepted(&row), unacknowledged(&row));
        }
    }
}
