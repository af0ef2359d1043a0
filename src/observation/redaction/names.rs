//! Which names say that their value is a secret.

use std::sync::LazyLock;

use regex::Regex;

/// What a name asks of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One value.
    Value,
    /// A password, also said without a separator: `password 'x'`.
    Password,
    /// A header: everything up to the end of the line.
    Header,
    /// A key: the path of its file is none.
    Key,
    /// A secret only in a query: `?key=`.
    Query,
}

/// Parts of names without their separators. The keys among them are often given as the path of a file.
static PARTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let pattern = "passw|pwd|(?:private|encrypt|encryption|crypt|ssl|tls)key|\
        secret|credential|authorization|cookie|(?:api|access|auth|signing|sign|master|account|shared|\
        license|licence|app|session|storage)key|keymaterial|sessionid|sessid|signature|jwt|token|\
        passphrase|masterauth|requirepass|connectsid";
    Regex::new(&format!("(?-u:{pattern})")).ok()
});
const HEADERS: [&str; 6] =
    ["authorization", "cookie", "setcookie", "xapikey", "xauthtoken", "xcsrftoken"];
/// Last words of names that speak about a secret and do not hold it.
const ABOUT: [&str; 48] = [
    "file",
    "files",
    "path",
    "dir",
    "directory",
    "host",
    "port",
    "name",
    "names",
    "length",
    "len",
    "size",
    "count",
    "type",
    "ttl",
    "expiry",
    "expires",
    "expired",
    "expiration",
    "lifetime",
    "timeout",
    "age",
    "policy",
    "min",
    "max",
    "enabled",
    "required",
    "version",
    "prefix",
    "attempts",
    "retries",
    "limit",
    "format",
    "algorithm",
    "alg",
    "encoding",
    "realm",
    "method",
    "mode",
    "provider",
    "tokens",
    "samesite",
    "httponly",
    "url",
    "tokenizer",
    "tokenize",
    "domain",
    "flags",
];
/// Endings of files, which are often called after what they are about: `token.rb:12`.
const FILES: [&str; 28] = [
    "rb", "py", "js", "mjs", "cjs", "ts", "tsx", "jsx", "go", "php", "java", "kt", "cs", "rs",
    "ex", "exs", "lua", "sh", "conf", "json", "yml", "yaml", "log", "sock", "service", "html",
    "pem", "crt",
];
/// Words that end in "pass" and are no password, and what stands before "pass" in directives.
const PASSING: [&str; 6] = ["bypass", "compass", "trespass", "surpass", "encompass", "proxypass"];
const GATES: [&str; 7] = ["proxy", "fastcgi", "uwsgi", "scgi", "grpc", "memcached", "first"];

/// What the value of a name is; `None` for a name like any other.
pub(super) fn judge(name: &str, query: bool) -> Option<Kind> {
    let name = name.trim_matches(['-', '.', '_']);
    let small = name.to_ascii_lowercase();
    let squashed: String = small.chars().filter(char::is_ascii_alphanumeric).collect();
    if query && ["key", "sig", "code", "auth", "pass", "sid", "session"].contains(&&*squashed) {
        return Some(Kind::Query);
    }
    let kind = match PARTS.as_ref()?.find(&squashed).map(|found| found.as_str()) {
        _ if is_pass(name) => Kind::Password,
        None => return None,
        Some("passw" | "pwd") => Kind::Password,
        Some(_) if HEADERS.iter().any(|header| squashed.ends_with(header)) => Kind::Header,
        Some("privatekey" | "encryptkey" | "encryptionkey" | "cryptkey" | "sslkey" | "tlskey") => {
            Kind::Key
        }
        Some(_) => Kind::Value,
    };
    let last = last_word(name).to_ascii_lowercase();
    let ending = small.rsplit_once('.').map_or("", |(_, ending)| ending);
    (!ABOUT.contains(&&*last) && !FILES.contains(&ending)).then_some(kind)
}

/// The last word of a name: words are parted by `_`, `-`, `.`, and by a capital after a small letter.
fn last_word(name: &str) -> &str {
    let mut after = b'_';
    let start = name.bytes().rposition(|byte| {
        let begins = byte.is_ascii_lowercase() && after.is_ascii_uppercase();
        after = byte;
        begins || matches!(byte, b'_' | b'-' | b'.')
    });
    start.and_then(|start| name.get(start + 1..)).unwrap_or(name)
}

/// `pass`, `db_pass`, `SMTPPASS`, but neither `proxy_pass` nor `bypass`.
fn is_pass(name: &str) -> bool {
    let last = last_word(name);
    let ends = last.len() >= 4
        && last.get(last.len() - 4..).is_some_and(|end| end.eq_ignore_ascii_case("pass"));
    if !ends || PASSING.iter().any(|word| last.eq_ignore_ascii_case(word)) {
        return false;
    }
    let head = name.get(..name.len() - last.len()).unwrap_or_default();
    let gate = last_word(head.trim_end_matches(['_', '-', '.']));
    !GATES.iter().any(|own| gate.eq_ignore_ascii_case(own))
}

/// What stands where a secret would, and says that there is none, or what is wrong with it.
const HARMLESS: [&str; 30] = [
    "true",
    "false",
    "yes",
    "no",
    "on",
    "off",
    "null",
    "none",
    "nil",
    "undefined",
    "missing",
    "invalid",
    "expired",
    "malformed",
    "required",
    "optional",
    "empty",
    "unset",
    "set",
    "disabled",
    "enabled",
    "rejected",
    "denied",
    "failed",
    "mismatch",
    "***",
    "****",
    "******",
    "********",
    "<redacted>",
];

/// How variables of nginx begin.
const VARIABLES: [&str; 10] = [
    "http_",
    "cookie_",
    "arg_",
    "upstream_",
    "ssl_",
    "sent_http_",
    "remote_",
    "proxy_",
    "request_",
    "auth_",
];

/// Whether a value is a word about a secret, or a variable that stands for one.
pub(super) fn is_harmless(value: &str) -> bool {
    if HARMLESS.iter().any(|word| value.eq_ignore_ascii_case(word)) {
        return true;
    }
    if let Some(inner) = value.strip_prefix("${") {
        let inner = inner.strip_suffix('}').unwrap_or(inner);
        return inner.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    }
    value.strip_prefix('$').is_some_and(|name| {
        VARIABLES.iter().any(|own| name.starts_with(own))
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    })
}

/// Whether the value of a key is the path of its file.
pub(super) fn is_path(value: &str) -> bool {
    value.starts_with('/')
        && value.matches('/').count() > 1
        && [".key", ".pem", ".crt", ".der", ".p12", ".pfx"].iter().any(|end| value.ends_with(end))
}
