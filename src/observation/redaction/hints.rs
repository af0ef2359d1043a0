//! The words and shapes that a secret stands beside: the great majority of lines has none of them.

use std::sync::LazyLock;

use regex::Regex;

/// What a hint leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hint {
    /// A part of the name of something secret.
    Name,
    /// `://`, also percent-encoded.
    Url,
    /// `@` with `user:password` before it.
    At,
    /// The beginning of something with a shape of its own.
    Shape,
    /// `Basic `, `Bearer `: a credential follows.
    Scheme,
    /// The head of a PEM block.
    Pem,
    /// A program that is given passwords on its command line.
    Client,
    /// `IDENTIFIED BY`.
    Sql,
}

const GROUPS: [(Hint, &str); 8] = [
    (
        Hint::Name,
        "pass|pwd|secret|token|key|auth|cookie|signature|credential|session|sessid|jwt|[?&]sig=|[?&]code=|[?&]sid=",
    ),
    (Hint::Url, "://|%3a%2f%2f"),
    (Hint::At, "@"),
    (
        Hint::Shape,
        r"eyj|akia|asia|gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|[sr]k_(?:live|test)_|sk-|whsec_|aiza|ya29\.|npm_|pypi-|sg\.|hvs\.|dop_v1_|hf_|age-secret-|jdj|mii|b3blbnnzac1rzxk|hooks\.slack\.com/services/|\{s?s(?:sha|ha)|\{crypt\}|\$(?:[1567yph]|gy|2[abxy]|apr1|argon2[a-z]{1,2}|pbkdf2[a-z0-9-]{0,12}|scrypt)\$",
    ),
    (Hint::Scheme, r"\b(?:basic|bearer|digest|negotiate)(?:[ +]|%20)"),
    (Hint::Pem, "-----begin "),
    (
        Hint::Client,
        r"\b(?:mysql|mariadb|curl|sshpass|redis-cli|mongo|ldap|smbclient|docker|podman|skopeo|helm|sqlcmd|ipmitool|mosquitto_|snmp|cqlsh|rabbitmq|htpasswd|openssl|lftp|unzip|zip|7za?|ab)[a-z_-]{0,16}[\s\x22',\\]",
    ),
    (Hint::Sql, r"identified\s{1,3}by"),
];

static HINTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let all = GROUPS.map(|(_, pattern)| pattern.to_owned()).join("|");
    Regex::new(&format!("(?i-u:{all})")).ok()
});

/// All hints of a text, in order; `None` when they cannot be looked for.
pub(super) fn of(text: &str) -> Option<impl Iterator<Item = (usize, usize, Hint)> + '_> {
    let hints = HINTS.as_ref()?;
    Some(hints.find_iter(text).map(|found| (found.start(), found.end(), kind(found.as_str()))))
}

fn kind(found: &str) -> Hint {
    let bytes = found.as_bytes();
    let starts = |with: &str| {
        bytes.get(..with.len()).is_some_and(|own| own.eq_ignore_ascii_case(with.as_bytes()))
    };
    let ends = bytes.last().is_some_and(|b| b.is_ascii_whitespace() || b"\"',\\".contains(b));
    match bytes.first().map(u8::to_ascii_lowercase) {
        Some(b'@') => Hint::At,
        Some(b':' | b'%') => Hint::Url,
        Some(b'?' | b'&') => Hint::Name,
        Some(b'$' | b'{') => Hint::Shape,
        Some(b'-') => Hint::Pem,
        _ if starts("identified") => Hint::Sql,
        _ if ["basic", "bearer", "digest", "negotiate"].into_iter().any(starts) => Hint::Scheme,
        _ if NAMES.into_iter().any(|name| found.eq_ignore_ascii_case(name)) => Hint::Name,
        _ if ends => Hint::Client,
        _ => Hint::Shape,
    }
}

const NAMES: [&str; 12] = [
    "pass",
    "pwd",
    "secret",
    "token",
    "key",
    "auth",
    "cookie",
    "signature",
    "credential",
    "session",
    "sessid",
    "jwt",
];
