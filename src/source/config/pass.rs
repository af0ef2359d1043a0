//! What a pass directive names: a group, an address, or something decided at run time.

use crate::observation::{Address, ProblemKind};

use super::{
    groups::{self, BadAddress},
    scope::Family,
};

/// What stands behind `proxy_pass` and its relatives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// An `upstream` block, by its name in lower case.
    Group {
        /// The name.
        name: Vec<u8>,
        /// Whether TLS is spoken.
        tls: bool,
    },
    /// An address.
    Address {
        /// The address.
        address: Address,
        /// Whether TLS is spoken.
        tls: bool,
    },
    /// A variable decides.
    Open {
        /// Whether TLS is spoken, as far as that is known.
        tls: bool,
    },
    /// nginx would refuse it, or it is not understood.
    Bad(BadAddress),
}

/// Reads the target from the known text of an argument; `complete` says that nothing unknown
/// follows.
pub(super) fn target(
    text: &[u8],
    complete: bool,
    family: Family,
    is_group: impl Fn(&[u8]) -> bool,
) -> Target {
    let Some((tls, rest)) = scheme(text, family) else {
        if complete {
            let what = "invalid URL prefix";
            return Target::Bad(BadAddress { kind: ProblemKind::Syntax, what });
        }
        return Target::Open { tls: false };
    };
    let has_uri = matches!(family, Family::Proxy);
    let unix = rest.starts_with(b"unix:");
    let end = if unix {
        let path = rest.get(5..).unwrap_or_default();
        path.iter().position(|b| *b == b':' && has_uri).map(|n| n + 5)
    } else {
        rest.iter().position(|b| b"/?#".contains(b))
    };
    if end.is_none() && !complete {
        return Target::Open { tls };
    }
    let authority = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
    let name = authority.to_ascii_lowercase();
    if !unix && is_group(&name) {
        return Target::Group { name, tls };
    }
    match groups::address(authority, family.default_port(tls), !has_uri) {
        Ok(Address::Name { host, .. })
            if is_group(&host.raw().to_ascii_lowercase().into_bytes()) =>
        {
            let what = "an upstream group may not have a port here";
            Target::Bad(BadAddress { kind: ProblemKind::Syntax, what })
        }
        Ok(address) => Target::Address { address, tls },
        Err(bad) => Target::Bad(bad),
    }
}

/// Splits the scheme off; `None` when the family needs one and it is not there.
fn scheme(text: &[u8], family: Family) -> Option<(bool, &[u8])> {
    let known: &[(&[u8], bool)] = match family {
        Family::Proxy => &[(b"http://", false), (b"https://", true)],
        Family::Grpc => &[(b"grpc://", false), (b"grpcs://", true)],
        Family::Uwsgi => &[(b"uwsgi://", false), (b"suwsgi://", true)],
        Family::Scgi => &[(b"scgi://", false)],
        Family::Fastcgi | Family::Memcached | Family::Stream => &[],
    };
    let found = known.iter().find_map(|(scheme, tls)| {
        let (head, rest) = text.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some((*tls, rest))
    });
    found.or_else(|| (family != Family::Proxy).then_some((false, text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str, family: Family) -> String {
        let (text, complete) = text.strip_suffix('…').map_or((text, true), |t| (t, false));
        match target(text.as_bytes(), complete, family, |name| name == b"app") {
            Target::Group { name, tls } => format!("group {} {tls}", name.escape_ascii()),
            Target::Address { address, tls } => format!("{address} {tls}"),
            Target::Open { tls } => format!("open {tls}"),
            Target::Bad(bad) => bad.what.to_owned(),
        }
    }

    #[test]
    fn every_form_of_a_target_is_told_apart() {
        use Family::{Fastcgi, Grpc, Proxy, Scgi, Stream, Uwsgi};
        let table = [
            (Proxy, "http://app", "group app false"),
            (Proxy, "https://APP/x", "group app true"),
            (Proxy, "http://app:8080", "an upstream group may not have a port here"),
            (Proxy, "http://127.0.0.1", "127.0.0.1:80 false"),
            (Proxy, "HTTPS://web.local/a:b", "web.local:443 true"),
            (Proxy, "http://[::1]:81?x", "[::1]:81 false"),
            (Proxy, "http://unix:/run/a.sock:/uri/", "unix:/run/a.sock false"),
            (Proxy, "http://unix:/run/a.sock", "unix:/run/a.sock false"),
            (Proxy, "127.0.0.1:80", "invalid URL prefix"),
            (Proxy, "http://", "no host in upstream"),
            (Proxy, "http://x:99999", "invalid port in upstream"),
            (Proxy, "http://x:0", "invalid port in upstream"),
            (Proxy, "…", "open false"),
            (Proxy, "http://…", "open false"),
            (Proxy, "https://a.b…", "open true"),
            (Proxy, "http://a.b/…", "a.b:80 false"),
            (Proxy, "http://unix:/run/…", "open false"),
            (Fastcgi, "unix:/run/php/php8.2-fpm.sock", "unix:/run/php/php8.2-fpm.sock false"),
            (Fastcgi, "localhost:9000", "localhost:9000 false"),
            (Fastcgi, "localhost", "no port in upstream"),
            (Fastcgi, "app", "group app false"),
            (Uwsgi, "suwsgi://10.0.0.1:3031", "10.0.0.1:3031 true"),
            (Uwsgi, "unix:///tmp/u.sock", "unix:/tmp/u.sock false"),
            (Scgi, "scgi://10.0.0.1:4000", "10.0.0.1:4000 false"),
            (Grpc, "grpcs://api.local", "api.local:443 true"),
            (Grpc, "127.0.0.1:50051", "127.0.0.1:50051 false"),
            (Stream, "db.local:5432", "db.local:5432 false"),
            (Stream, "[::1]", "no port in upstream"),
        ];
        for (family, text, expected) in table {
            assert_eq!(show(text, family), expected, "{text}");
        }
    }
}
