//! What does not belong on a wall: addresses of clients, and what stands behind a `?` of a URL.

use std::{collections::BTreeSet, net::IpAddr};

use crate::{observation::Address, session::Shown};

/// What stands in the place of an address.
const HIDDEN: &str = "[address]";

/// The addresses that may be shown: the host's own and those of upstreams and gateways.
#[derive(Clone, Debug, Default)]
pub struct Mask {
    own: BTreeSet<IpAddr>,
}

impl Mask {
    /// Knows the addresses of a host.
    pub fn new(shown: &Shown<'_>) -> Self {
        let mut own = BTreeSet::new();
        for table in shown.case.listeners.values() {
            own.extend(table.value.local_addresses.iter().map(IpAddr::to_canonical));
        }
        for row in &shown.diagnosis.upstreams {
            let all = row.resolved.iter().chain([&row.address]);
            own.extend(all.filter_map(|text| match Address::parse(text, 80) {
                Some(Address::Tcp(at)) => Some(at.ip().to_canonical()),
                _ => None,
            }));
        }
        for container in shown.case.containers.values() {
            own.extend(container.ips.iter().map(|(_, ip)| ip.to_canonical()));
        }
        Self { own }
    }

    /// The text with every other address hidden, and without the queries of URLs.
    pub fn text(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut word = String::new();
        let mut query = false;
        for c in text.chars() {
            if query {
                query = !(c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '<' | '>' | ')'));
                if query {
                    continue;
                }
            }
            if is_part(c) {
                word.push(c);
                continue;
            }
            self.close(&mut out, &mut word);
            out.push(c);
            if c == '?' {
                query = true;
                out.push('…');
            }
        }
        self.close(&mut out, &mut word);
        out
    }

    fn close(&self, out: &mut String, word: &mut String) {
        if word.is_empty() {
            return;
        }
        match foreign(word, &self.own) {
            Some((from, to)) => {
                out.push_str(word.get(..from).unwrap_or_default());
                out.push_str(HIDDEN);
                out.push_str(word.get(to..).unwrap_or_default());
            }
            None => out.push_str(word),
        }
        word.clear();
    }
}

/// What addresses are made of, and what sticks to them.
const fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | ':')
}

/// Where in a word an address stands that is nobody's here.
fn foreign(word: &str, own: &BTreeSet<IpAddr>) -> Option<(usize, usize)> {
    let trimmed = word.trim_end_matches(['.', ':']).trim_start_matches('.');
    let from = word.find(trimmed).unwrap_or(0);
    let to = from + trimmed.len();
    let port = trimmed.rfind(':').filter(|at| trimmed.matches(':').count() == 1 && *at > 0);
    let bare = port.map_or(trimmed, |at| trimmed.get(..at).unwrap_or_default());
    let whole: Option<IpAddr> = trimmed.parse().ok();
    let (ip, to) = match (whole, bare.parse::<IpAddr>().ok()) {
        (Some(ip), _) => (ip.to_canonical(), to),
        (None, Some(ip)) => (ip.to_canonical(), from + bare.len()),
        (None, None) => return None,
    };
    let known = own.contains(&ip) || ip.is_loopback() || ip.is_unspecified();
    (!known).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mask() -> Mask {
        Mask { own: BTreeSet::from(["10.0.0.5".parse().unwrap()]) }
    }

    #[test]
    fn a_clients_address_is_hidden_and_the_hosts_own_is_not() {
        let text = "connect() to 10.0.0.5:80 failed, client: 203.0.113.9, server: a.example";
        let shown = "connect() to 10.0.0.5:80 failed, client: [address], server: a.example";
        assert_eq!(mask().text(text), shown);
        assert_eq!(mask().text("from 203.0.113.9:4711."), "from [address]:4711.");
        assert_eq!(mask().text("[2001:db8::7]:443 and ::1"), "[[address]]:443 and ::1");
        assert_eq!(mask().text("::ffff:203.0.113.9"), "[address]");
        assert_eq!(mask().text("at 15:02:09 nginx 1.22.1 1.2.3"), "at 15:02:09 nginx 1.22.1 1.2.3");
    }

    #[test]
    fn the_query_of_a_url_is_left_out() {
        assert_eq!(mask().text("GET /cart?mail=a@b.example HTTP/1.1"), "GET /cart?… HTTP/1.1");
    }

    /// The address, or another one where it is that of the host.
    fn stranger(ip: IpAddr, other: &str) -> IpAddr {
        let canonical = ip.to_canonical();
        let known = mask().own.contains(&canonical)
            || canonical.is_loopback()
            || canonical.is_unspecified();
        if known { other.parse().unwrap() } else { ip }
    }

    proptest! {
        #[test]
        fn no_address_of_a_stranger_is_left(
            before in "([a-z ,=\"(]{0,5}[ ,=\"(])?", ip in any::<std::net::Ipv4Addr>(),
            six in any::<std::net::Ipv6Addr>(), after in "([ ,;\")][a-z ]{0,4})?",
        ) {
            let ips = [(IpAddr::V4(ip), "203.0.113.9"), (IpAddr::V6(six), "2001:db8::7")];
            for ip in ips.map(|(ip, other)| stranger(ip, other)) {
                let out = mask().text(&format!("{before}{ip}{after}"));
                prop_assert!(!out.contains(&ip.to_string()), "{out}");
            }
        }

        #[test]
        fn hiding_twice_hides_no_more(text in "\\PC{0,80}") {
            let once = mask().text(&text);
            prop_assert_eq!(mask().text(&once), once);
        }
    }
}
