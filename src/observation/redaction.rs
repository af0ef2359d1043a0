//! Secrets are taken out when text is observed, so that recordings and reports can be mailed.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;

const MARK: &str = "[redacted]";

/// One linear pass over everything that looks like a credential: the value goes, the key stays.
static SECRETS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let keys = r"[a-z0-9_.-]*(?:passw(?:or)?d|authorization|cookie|passphrase|passwd|pwd|secret|token|api[_-]?key|apikey|access[_-]?key|private[_-]?key|auth[_-]?key|signature|credential|x-amz-security-token|x-amz-signature|session[_-]?id|jwt|db_pass|_pass)[a-z0-9_-]*";
    let pattern = [
        // Whole headers that carry credentials.
        r#"(?P<head>(?i:\b(?:proxy-)?authorization|\b(?:set-)?cookie|x-api-key|x-auth-token)["']?\s{0,4}:\s{0,4})(?:(?i:basic|bearer|digest)\s+)?[^\s"',][^\r\n"']*"#.to_owned(),
        // user:password@ in a URL or connection string; the last @ before the host counts.
        r"(?P<url>[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s/:@]*:)[^\s/]+@".to_owned(),
        // key=value, key: value, JSON and URL-encoded forms.
        format!(r#"(?P<key>(?i:{keys})["']?(?:\s{{0,3}}[:=]\s{{0,3}}|%3[dD]|\\?":\s{{0,3}}\\?"))(?:\\?["'][^"'\\]+|[^\s&;,"'\\)\]]+)"#),
        // Short query keys.
        r"(?P<query>[?&](?:sig|key|code|auth|pass)=)[^\s&;,\x22']+".to_owned(),
        // --password secret.
        r"(?P<flag>\s--?(?:password|passwd|token|secret)[ =])[^\s]+".to_owned(),
        // JSON Web Tokens, AWS keys, GitHub and Slack tokens, PEM bodies.
        r"(?P<shape>)(?:\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}|\bxox[abpr]-[A-Za-z0-9-]{10,}|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?)".to_owned(),
    ]
    .join("|");
    Regex::new(&pattern).ok()
});

/// Passwords that a command line gives to a client without naming them: `mysql -psecret`,
/// `sshpass -p secret`, `curl -u user:secret`. What stands before was redacted already.
static CLIENTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let database = r"(?:mysql|mariadb)[a-z-]{0,16}\s(?:[^\r\n]*?\s)?-p";
    let web = r"curl\s(?:[^\r\n]*?\s)?(?:-u\s*|--user[ =])[^\s:]+:";
    Regex::new(&format!(r"\b({database}|{web}|sshpass\s+-p\s*)[^\s]+")).ok()
});

/// Cheap test that keeps the regex away from the great majority of lines.
fn may_hold_secret(text: &str) -> bool {
    const HINTS: [&str; 23] = [
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
        "jwt",
        "sig=",
        "code=",
        "://",
        "eyj",
        "akia",
        "asia",
        "gh",
        "xox",
        "-----begin",
        "mysql",
        "mariadb",
        "curl",
    ];
    static ANY: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(&format!("(?i){}", HINTS.map(regex::escape).join("|"))).ok());
    ANY.as_ref().is_none_or(|any| any.is_match(text))
}

/// Replaces every recognised secret by a mark and leaves its key readable.
pub fn redact(text: &str) -> Cow<'_, str> {
    if !may_hold_secret(text) {
        return Cow::Borrowed(text);
    }
    let (Some(secrets), Some(clients)) = (SECRETS.as_ref(), CLIENTS.as_ref()) else {
        // Without its pattern the filter must fail closed.
        return Cow::Borrowed(MARK);
    };
    let named = secrets.replace_all(text, |found: &regex::Captures<'_>| {
        let kept = ["head", "url", "key", "query", "flag", "shape"]
            .iter()
            .find_map(|name| found.name(name))
            .map_or("", |m| m.as_str());
        let tail = if found.name("url").is_some() { "@" } else { "" };
        format!("{kept}{MARK}{tail}")
    });
    let replaced = clients.replace_all(&named, |found: &regex::Captures<'_>| {
        format!("{}{MARK}", found.get(1).map_or("", |m| m.as_str()))
    });
    match replaced {
        Cow::Owned(text) => Cow::Owned(text),
        Cow::Borrowed(_) => named,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canaries_do_not_survive() {
        let lines = [
            "Authorization: Bearer CANARY1.x.y",
            "GET /login?user=a&password=CANARY2&x=1 HTTP/1.1",
            "postgres://app:CANARY3@db:5432/x",
            "redis://:CAN@ARY@host",
            "DB_PASS=CANARY4",
            r#"{"api_key":"CANARY5","x":1}"#,
            "Cookie: sid=CANARY6; b=c",
            "https://x/?X-Amz-Signature=CANARY7&sig=CANARY8",
            "mysql --password CANARY9",
            "/usr/bin/mysqldump -uroot -pCANARY10 shop",
            "mysql --token=CANARY11 -h db -pCANARY12",
            "/usr/bin/curl -s -u admin:CANARY13 http://127.0.0.1/reload",
            "sshpass -p CANARY14 ssh web",
        ];
        for line in lines {
            let out = redact(line);
            assert!(!out.contains("CANARY") && !out.contains("ARY@"), "{out}");
        }
    }

    #[test]
    fn a_plain_line_is_untouched() {
        let line = "connect() failed (111: Connection refused) while connecting to upstream";
        assert!(matches!(redact(line), Cow::Borrowed(_)));
        let request = r#"request: "GET /passenger/list HTTP/1.1", upstream: "http://127.0.0.1:80/passenger/list""#;
        assert_eq!(redact(request), request);
        let plain = "mysqld -P 3306 ready, curl -p 80 --user-agent x:y";
        assert_eq!(redact(plain), plain);
    }

    #[test]
    fn a_query_named_like_a_header_does_not_swallow_the_request() {
        assert_eq!(
            redact(r#"request: "GET /?cookie=1 HTTP/1.1", upstream: "x""#),
            r#"request: "GET /?cookie=[redacted] HTTP/1.1", upstream: "x""#
        );
    }

    #[test]
    fn the_key_stays_readable() {
        assert_eq!(redact("a password=hunter2 b"), "a password=[redacted] b");
    }
}
