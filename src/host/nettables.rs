//! The socket and address tables of a network namespace as `/proc/PID/net` prints them
//! (proc(5)); they need no rights over the process and nobody has to enter the namespace.

use std::{
    collections::BTreeSet,
    io::Read,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use super::files::{FileError, Root};
use crate::observation::{Address, Listener, PortUse, Text};

/// Bytes read of one table. Listening TCP sockets are printed first, so that connections beyond
/// the bound hide none of them.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// What the tables of one namespace hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// Listening sockets without owners; the limit of a queue is not in these tables.
    pub listeners: Vec<Listener>,
    /// Whether the table of unix sockets was read to its end.
    pub unix_complete: bool,
}

/// Reads the listening sockets of the namespace that `process` (a pid, or `self`) is in.
///
/// # Errors
/// When its IPv4 table cannot be read; a kernel without IPv6 has no second one.
pub fn listening(process: &str) -> Result<Tables, FileError> {
    let mut tables = Tables::default();
    let (tcp, _) = head(&format!("/proc/{process}/net/tcp"))?;
    tables.listeners.extend(tcp.lines().filter_map(tcp_row));
    if let Ok((tcp6, _)) = head(&format!("/proc/{process}/net/tcp6")) {
        tables.listeners.extend(tcp6.lines().filter_map(tcp_row));
    }
    if let Ok((unix, whole)) = head(&format!("/proc/{process}/net/unix")) {
        tables.listeners.extend(unix.lines().filter_map(unix_row));
        tables.unix_complete = whole;
    }
    Ok(tables)
}

/// Cumulative `ListenOverflows` of the namespace.
pub fn listen_overflows(process: &str) -> Option<u64> {
    overflows(&head(&format!("/proc/{process}/net/netstat")).ok()?.0)
}

/// How the local ports of our own namespace are used: the range from `/proc/sys`, the sockets from
/// `/proc/net/sockstat` (proc(5)). `None` where the kernel tells neither.
pub fn port_use(netns: crate::observation::NetNs) -> Option<PortUse> {
    let (range, _) = head("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let (first, last) = port_range(&range)?;
    let (text, _) = head("/proc/self/net/sockstat").ok()?;
    let (in_use, time_wait) = tcp_sockets(&text)?;
    let in_use_v6 = head("/proc/self/net/sockstat6")
        .ok()
        .and_then(|(text, _)| text.lines().find_map(|l| after(l.strip_prefix("TCP6:")?, "inuse")));
    Some(PortUse {
        netns,
        first,
        last,
        in_use: in_use.saturating_add(in_use_v6.unwrap_or_default()),
        time_wait,
        syn_drops: head("/proc/self/net/netstat")
            .ok()
            .and_then(|(t, _)| counter(&t, "TCPReqQFullDrop")),
    })
}

fn port_range(text: &str) -> Option<(u16, u16)> {
    let mut words = text.split_whitespace();
    let (first, last) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    (first <= last).then_some((first, last))
}

/// `TCP: inuse 35 orphan 0 tw 12 alloc 60 mem 5`.
fn tcp_sockets(text: &str) -> Option<(u32, u32)> {
    let line = text.lines().find_map(|l| l.strip_prefix("TCP:"))?;
    Some((after(line, "inuse")?, after(line, "tw")?))
}

/// The number behind a word.
fn after(line: &str, word: &str) -> Option<u32> {
    let mut words = line.split_whitespace().skip_while(|w| *w != word).skip(1);
    words.next()?.parse().ok()
}

/// Addresses of the interfaces in the namespace, sorted, each once.
pub fn local_addresses(process: &str) -> Vec<IpAddr> {
    let mut found = BTreeSet::new();
    if let Ok((trie, _)) = head(&format!("/proc/{process}/net/fib_trie")) {
        found.extend(local_v4(&trie).into_iter().map(IpAddr::V4));
    }
    if let Ok((table, _)) = head(&format!("/proc/{process}/net/if_inet6")) {
        let address = |row: &str| row.split_whitespace().next().and_then(|hex| hex_ip(hex, false));
        found.extend(table.lines().filter_map(address));
    }
    found.into_iter().collect()
}

/// The first bytes of a table up to its last whole line, and whether that is all of it.
pub(super) fn head(path: &str) -> Result<(String, bool), FileError> {
    let mut bytes = Vec::new();
    Root::default().open(path)?.take(MOST_BYTES).read_to_end(&mut bytes)?;
    let whole = (bytes.len() as u64) < MOST_BYTES;
    if !whole {
        let end = bytes.iter().rposition(|&b| b == b'\n').unwrap_or(0);
        bytes.truncate(end);
    }
    // Paths of unix sockets are bytes: keep what is not UTF-8 as `Text` would write it.
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let lines = error.as_bytes().split(|&b| b == b'\n');
            lines.map(|l| Text::from_bytes(l).raw().to_owned() + "\n").collect()
        }
    };
    Ok((text, whole))
}

/// A row of `tcp` or `tcp6`, when it listens (state `0A`); its receive queue is the accept queue.
fn tcp_row(row: &str) -> Option<Listener> {
    let mut fields = row.split_ascii_whitespace().skip(1);
    let (ip, port) = fields.next()?.split_once(':')?;
    let (_remote, state) = (fields.next()?, fields.next()?);
    if state != "0A" {
        return None;
    }
    let (_send, receive) = fields.next()?.split_once(':')?;
    let inode = fields.nth(4)?.parse().ok()?;
    let ip = hex_ip(ip, true)?;
    Some(Listener {
        address: Address::Tcp(SocketAddr::new(ip.to_canonical(), u16_hex(port)?)),
        v6_only: None,
        inode,
        queue: u32::from_str_radix(receive, 16).ok(),
        backlog: None,
        stream: true,
        pids: Vec::new(),
    })
}

pub(super) fn u16_hex(text: &str) -> Option<u16> {
    u16::from_str_radix(text, 16).ok()
}

/// An address as hex digits: words in the host's byte order in the socket tables, plain in the
/// address table.
pub(super) fn hex_ip(hex: &str, words: bool) -> Option<IpAddr> {
    if !hex.is_ascii() || !matches!(hex.len(), 8 | 32) {
        return None;
    }
    let mut bytes = Vec::with_capacity(16);
    for at in (0..hex.len()).step_by(8) {
        let word = u32::from_str_radix(hex.get(at..at + 8)?, 16).ok()?;
        bytes.extend_from_slice(&if words { word.to_ne_bytes() } else { word.to_be_bytes() });
    }
    match <[u8; 4]>::try_from(bytes.as_slice()) {
        Ok(v4) => Some(IpAddr::V4(Ipv4Addr::from(v4))),
        Err(_) => Some(IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes.as_slice()).ok()?))),
    }
}

/// A row of `unix`, when it listens (flag `__SO_ACCEPTCON`) and has a name.
fn unix_row(row: &str) -> Option<Listener> {
    const ACCEPTS: u32 = 0x1_0000;
    let mut rest = row;
    let mut field = || {
        rest = rest.trim_start();
        let (first, tail) = rest.split_once(' ').unwrap_or((rest, ""));
        rest = tail;
        first
    };
    let (_num, _refs, _protocol) = (field(), field(), field());
    let flags = u32::from_str_radix(field(), 16).ok()?;
    let (kind, _state) = (field(), field());
    let inode = field().parse().ok()?;
    // One space stands before the name; more belong to it.
    if flags & ACCEPTS == 0 || rest.is_empty() {
        return None;
    }
    Some(Listener {
        address: Address::unix(Text::new(rest)),
        v6_only: None,
        inode,
        queue: None,
        backlog: None,
        stream: kind == "0001",
        pids: Vec::new(),
    })
}

fn overflows(text: &str) -> Option<u64> {
    counter(text, "ListenOverflows")
}

/// `netstat` prints a line of names and then a line of values for each group.
fn counter(text: &str, wanted: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|l| l.strip_prefix("TcpExt:"));
    let (names, values) = (lines.next()?, lines.next()?);
    let mut pairs = names.split_whitespace().zip(values.split_whitespace());
    pairs.find(|(name, _)| *name == wanted)?.1.parse().ok()
}

/// Addresses whose leaf in the trie says `/32 host LOCAL`.
fn local_v4(trie: &str) -> BTreeSet<Ipv4Addr> {
    let mut found = BTreeSet::new();
    let mut leaf: Option<Ipv4Addr> = None;
    for line in trie.lines() {
        let line = line.trim_start();
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.trim().parse().ok();
        } else if line.starts_with("/32 host LOCAL") {
            found.extend(leaf);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use proptest::prelude::*;

    use super::*;

    const TCP: &str = "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000  1000        0 4242 1 0000000000000000 100 0 0 10 0";

    #[test]
    fn a_listening_row_is_read_and_a_connection_is_not() {
        let listener = tcp_row(TCP).unwrap();
        assert_eq!(listener.address.to_string(), "127.0.0.1:8080");
        assert_eq!((listener.queue, listener.inode), (Some(3), 4242));
        assert_eq!(tcp_row(&TCP.replace(" 0A ", " 01 ")), None);
        let v6 = "   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 7 1 0 100 0 0 10 0";
        assert_eq!(tcp_row(v6).unwrap().address.to_string(), "[::1]:80");
    }

    #[test]
    fn a_unix_name_keeps_its_spaces_and_a_connected_socket_is_left_out() {
        let row = "0000000000000000: 00000002 00000000 00010000 0001 01 777 /run/my app.sock";
        let listener = unix_row(row).unwrap();
        assert_eq!(listener.address.to_string(), "unix:/run/my app.sock");
        assert!(listener.stream && listener.inode == 777);
        assert_eq!(unix_row(&row.replace("00010000", "00000000")), None);
    }

    #[test]
    fn the_tables_agree_with_netlink_about_our_own_namespace() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.sock");
        let _unix = UnixListener::bind(&path).unwrap();
        let tcp = std::net::TcpListener::bind("[::1]:0").unwrap();
        let tables = listening("self").unwrap();
        let netlink = super::super::netlink::listening().unwrap();
        let at = Address::Tcp(tcp.local_addr().unwrap());
        let same = |list: &[Listener], address: &Address| {
            list.iter().find(|l| l.address == *address).map(|l| (l.inode, l.stream))
        };
        assert!(same(&tables.listeners, &at).is_some());
        assert_eq!(same(&tables.listeners, &at), same(&netlink, &at));
        let at = Address::unix(Text::new(path.to_str().unwrap()));
        assert_eq!(same(&tables.listeners, &at), same(&netlink, &at));
        assert_eq!(local_addresses("self"), super::super::netlink::local_addresses().unwrap());
        assert!(tables.unix_complete && listen_overflows("self").is_some());
    }

    #[test]
    fn the_use_of_local_ports_is_read_by_its_words() {
        let text =
            "sockets: used 290\nTCP: inuse 35 orphan 0 tw 27999 alloc 60 mem 5\nUDP: inuse 3\n";
        assert_eq!(tcp_sockets(text), Some((35, 27_999)));
        assert_eq!(port_range("32768\t60999\n"), Some((32_768, 60_999)));
        assert_eq!(port_range("9 8"), None);
        assert_eq!(tcp_sockets("TCP: inuse x tw 3"), None);
        let own = port_use(crate::observation::NetNs(1)).unwrap();
        assert!(own.room() > 1 && own.first < own.last);
    }

    #[test]
    fn overflows_are_found_by_name() {
        let text = "TcpExt: SyncookiesSent ListenOverflows X\nTcpExt: 1 27 3\nIpExt: A\nIpExt: 1\n";
        assert_eq!(overflows(text), Some(27));
    }

    proptest! {
        #[test]
        fn no_table_makes_a_reader_fail(text in ".{0,200}") {
            let _ = (tcp_row(&text), unix_row(&text), overflows(&text), local_v4(&text));
            let _ = (tcp_sockets(&text), port_range(&text));
            let _ = tcp_row(&format!(" 0: {text}"));
            let _ = hex_ip(&text, true);
        }
    }
}
