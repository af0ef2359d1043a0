//! Certificates and document roots that a configuration names, whatever its language: by the word
//! before a path, or by the path's ending. Pure.

use std::collections::BTreeSet;

/// Most paths taken from one file.
const MOST: usize = 256;
/// Longest path that is believed, in bytes.
const LONGEST: usize = 1024;

/// What a file names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// Certificates, or folders of them.
    pub(super) certificates: BTreeSet<String>,
    /// Folders that something is served from.
    pub(super) roots: BTreeSet<String>,
}

/// Words before a certificate or a folder of them: nginx, Apache, `HAProxy`, Caddy, Traefik and
/// Envoy.
const CERTIFICATES: [&str; 13] = [
    "ssl_certificate",
    "ssl_client_certificate",
    "ssl_trusted_certificate",
    "proxy_ssl_certificate",
    "proxy_ssl_trusted_certificate",
    "grpc_ssl_certificate",
    "SSLCertificateFile",
    "SSLCertificateChainFile",
    "SSLCACertificateFile",
    "SSLProxyCACertificateFile",
    "SSLProxyMachineCertificateFile",
    "crt",
    "certFile:",
];
const ROOTS: [&str; 3] = ["root", "alias", "DocumentRoot"];
const ENDINGS: [&str; 4] = [".pem", ".crt", ".cer", ".cert"];

/// Looks through one file; `folder` is where paths without a leading `/` begin.
pub(super) fn named(text: &str, folder: &str) -> Named {
    let mut found = Named::default();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let mut before = "";
        for word in line.split(|c: char| c.is_ascii_whitespace() || "\"';,{}".contains(c)) {
            if word.is_empty() || word == "*" {
                continue;
            }
            let certificate = CERTIFICATES.contains(&before);
            let path = absolute(word, folder);
            if let Some(path) = path.filter(|_| word.starts_with('/') || certificate) {
                let ends = ENDINGS.iter().any(|end| path.ends_with(end));
                let set = if certificate || (ends && word.starts_with('/')) {
                    Some(&mut found.certificates)
                } else if ROOTS.contains(&before) {
                    Some(&mut found.roots)
                } else {
                    None
                };
                if let Some(set) = set.filter(|set| set.len() < MOST) {
                    set.insert(path);
                }
            }
            before = word;
        }
    }
    found
}

/// A path that names one thing: nothing that a variable decides, no pattern.
fn absolute(word: &str, folder: &str) -> Option<String> {
    let odd = |c: char| "$*?<>|`%:".contains(c) || c.is_control();
    if word.len() > LONGEST || word.contains(odd) || word.ends_with(".key") {
        return None;
    }
    let path = if word.starts_with('/') { word.to_owned() } else { format!("{folder}/{word}") };
    let path = path.trim_end_matches('/');
    (path.matches('/').count() >= 2).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_gateways_way_of_naming_a_certificate_is_known() {
        let text = "
            # ssl_certificate /etc/old.pem;
            ssl_certificate certs/shop.pem; ssl_certificate_key /etc/shop.key;
            SSLCertificateFile \"/etc/apache2/shop.crt\"
            bind :443 ssl crt /etc/haproxy/certs/ alpn h2
            tls /etc/caddy/shop.cert /etc/caddy/shop.key
            certFile: /etc/traefik/shop
            { \"filename\": \"/etc/envoy/shop.pem\" }
            ssl_certificate /etc/$host.pem;";
        let found = named(text, "/etc/nginx");
        let all: Vec<&str> = found.certificates.iter().map(String::as_str).collect();
        assert_eq!(
            all,
            [
                "/etc/apache2/shop.crt",
                "/etc/caddy/shop.cert",
                "/etc/envoy/shop.pem",
                "/etc/haproxy/certs",
                "/etc/nginx/certs/shop.pem",
                "/etc/traefik/shop",
            ]
        );
    }

    #[test]
    fn document_roots_are_known() {
        let text = "root /srv/shop/public;\nDocumentRoot \"/srv/blog\"\nroot * /srv/wiki\nroot /;";
        let found = named(text, "/etc");
        let all: Vec<&str> = found.roots.iter().map(String::as_str).collect();
        assert_eq!(all, ["/srv/blog", "/srv/shop/public", "/srv/wiki"]);
    }

    proptest! {
        #[test]
        fn any_text_is_looked_through_without_harm(text in "(\\PC{0,40}\n){0,8}", folder in ".{0,10}") {
            let found = named(&text, &folder);
            prop_assert!(found.certificates.len() <= MOST && found.roots.len() <= MOST);
        }
    }
}
