//! What a proxy URL names: a balancer, an address, or something decided by each request
//! (`ap_proxy_define_worker` and `ap_proxy_get_worker` of `modules/proxy/proxy_util.c`).

use crate::observation::{Address, Protocol, Text};

/// What stands behind `ProxyPass` and its relatives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// `!`: this path is not passed on.
    None,
    /// `balancer://name`, in lower case.
    Balancer(String),
    /// An address.
    Address(Address, Protocol),
    /// The request decides where it goes.
    Open(Protocol),
    /// A scheme that no module of Apache knows.
    Unknown(String),
    /// Apache would refuse it.
    Bad(&'static str),
}

/// Schemes with what is spoken and the port that Apache assumes.
const SCHEMES: [(&str, Protocol, u16); 10] = [
    ("http", Protocol::Http, 80),
    ("https", Protocol::Https, 443),
    ("ws", Protocol::Http, 80),
    ("wss", Protocol::Https, 443),
    ("h2c", Protocol::Http, 80),
    ("h2", Protocol::Https, 443),
    ("fcgi", Protocol::Fastcgi, 8000),
    ("scgi", Protocol::Scgi, 4000),
    ("uwsgi", Protocol::Uwsgi, 3031),
    ("ajp", Protocol::Ajp, 8009),
];

/// Whether a word is a proxy URL.
pub(super) fn is_url(word: &str) -> bool {
    word == "!" || word.contains("://") || word.starts_with("unix:")
}

/// Reads a proxy URL.
pub(super) fn target(url: &str) -> Target {
    if url == "!" {
        return Target::None;
    }
    let (socket, rest) = match url.strip_prefix("unix:").map(|path| path.split_once('|')) {
        Some(Some((path, rest))) => (Some(path), rest),
        Some(None) => return Target::Bad("a unix socket takes \"unix:PATH|SCHEME://HOST\""),
        None => (None, url),
    };
    let Some((scheme, rest)) = rest.split_once(':') else {
        return if rest.contains('$') || rest.contains('%') {
            Target::Open(Protocol::Http)
        } else {
            Target::Bad("a proxy URL needs a scheme")
        };
    };
    let scheme = scheme.to_ascii_lowercase();
    let rest = rest.trim_start_matches('/');
    if scheme == "balancer" {
        let name = rest.split(['/', '?']).next().unwrap_or(rest);
        return match name {
            "" => Target::Bad("balancer:// needs a name"),
            name if name.contains('$') || name.contains('%') => Target::Open(Protocol::Http),
            name => Target::Balancer(name.to_ascii_lowercase()),
        };
    }
    let Some((_, protocol, port)) = SCHEMES.iter().find(|(own, ..)| *own == scheme) else {
        return if scheme.contains(['$', '%']) {
            Target::Open(Protocol::Http)
        } else {
            Target::Unknown(scheme)
        };
    };
    if let Some(path) = socket {
        return if path.contains(['$', '%']) {
            Target::Open(*protocol)
        } else {
            Target::Address(Address::unix(Text::new(path)), *protocol)
        };
    }
    authority(rest, *protocol, *port)
}

fn authority(rest: &str, protocol: Protocol, port: u16) -> Target {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    // `fcgi://127.0.0.1:9000$1`: what the request decides begins behind the port.
    let fixed = authority.split(['$', '%']).next().unwrap_or(authority);
    if fixed.len() < authority.len() {
        let bare = fixed.trim_end_matches(|c: char| c.is_ascii_digit());
        if !(bare.ends_with(':') && bare.len() < fixed.len()) {
            return Target::Open(protocol);
        }
    }
    if fixed.is_empty() {
        return Target::Bad("a proxy URL needs a host");
    }
    match Address::parse(fixed, port) {
        Some(address) => Target::Address(address, protocol),
        None => Target::Bad("the host or port of this proxy URL is invalid"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn show(url: &str) -> String {
        match target(url) {
            Target::None => "none".to_owned(),
            Target::Balancer(name) => format!("balancer {name}"),
            Target::Address(address, protocol) => format!("{address} {}", protocol.as_str()),
            Target::Open(protocol) => format!("open {}", protocol.as_str()),
            Target::Unknown(scheme) => format!("unknown {scheme}"),
            Target::Bad(_) => "bad".to_owned(),
        }
    }

    #[test]
    fn every_form_of_a_target_is_told_apart() {
        let table = [
            ("http://127.0.0.1:3000/", "127.0.0.1:3000 http"),
            ("http://app.local", "app.local:80 http"),
            ("https://[::1]:8443/x", "[::1]:8443 https"),
            ("HTTP://user:pass@10.0.0.1:81/", "10.0.0.1:81 http"),
            ("fcgi://127.0.0.1:9000/var/www/$1", "127.0.0.1:9000 fastcgi"),
            ("fcgi://127.0.0.1:9000$1", "127.0.0.1:9000 fastcgi"),
            (
                "unix:/run/php/php8.2-fpm.sock|fcgi://localhost",
                "unix:/run/php/php8.2-fpm.sock fastcgi",
            ),
            ("unix:/run/app.sock|http://localhost/", "unix:/run/app.sock http"),
            ("balancer://Shop/path", "balancer shop"),
            ("ajp://10.0.0.2", "10.0.0.2:8009 ajp"),
            ("uwsgi://127.0.0.1:3031/", "127.0.0.1:3031 uwsgi"),
            ("wss://rt.local/", "rt.local:443 https"),
            ("http://$1/", "open http"),
            ("http://%{HTTP_HOST}/", "open http"),
            ("htp://127.0.0.1:80/", "unknown htp"),
            ("unix:/run/app.sock", "bad"),
            ("http://", "bad"),
            ("http://a:99999/", "bad"),
            ("!", "none"),
        ];
        for (url, expected) in table {
            assert_eq!(show(url), expected, "{url}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(url in "\\PC{0,60}") {
            let _ = target(&url);
            let _ = target(&format!("unix:{url}"));
        }
    }
}
