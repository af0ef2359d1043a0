//! One GET to a URL that a person named, and the same to a gateway of this host: HTTP/1.1, a
//! connection of its own, no redirect followed, no proxy, cookie or credential, and a bound on
//! everything that comes back.

use std::{
    collections::hash_map::RandomState,
    error::Error,
    hash::{BuildHasher, Hasher},
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::Duration,
};

use reqwest::{
    Client, Url,
    header::{HOST, HeaderMap, HeaderValue, USER_AGENT},
    redirect::Policy,
};
use rustls::{ClientConfig, RootCertStore};
use tokio::time::{Instant, timeout_at};

use super::{clock, connect::From, http_get::AGENT_MARK, netns, resolve, tls};
use crate::observation::{Boot, Reply, ResolutionOutcome, Text, Visit, VisitFailure};

/// Longest time for one GET, name lookup and body included.
pub const LONGEST: Duration = Duration::from_secs(10);
/// Most bytes kept of a body.
pub const BODY_LIMIT: usize = 64 * 1024;
/// Most headers kept, and the longest value, in bytes.
const HEADERS: usize = 64;
const VALUE: usize = 1024;
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Files in which systems keep the roots they trust (Debian, Red Hat, SUSE, Alpine). The
/// environment is not asked: it may belong to somebody else.
const ROOTS: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// A URL that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    url: Url,
}

/// Why a URL cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It is none.
    #[error("this is no URL such as https://shop.example/path")]
    NoUrl,
    /// Neither http nor https.
    #[error("only http and https can be asked")]
    Scheme,
    /// It holds a user or a password.
    #[error("leave user and password out of the URL: they would be sent and written down")]
    Credentials,
}

impl Target {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`TargetError`].
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let url = Url::parse(text.trim()).map_err(|_| TargetError::NoUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(TargetError::Scheme);
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(TargetError::NoUrl);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::Credentials);
        }
        Ok(Self { url })
    }

    /// Its host, as it stands in the `Host` header without a port.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// Whether it is https.
    pub fn tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Its port, the scheme's own when it names none.
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(80)
    }

    /// Whether there is a query, which may hold what only the site is to know.
    pub fn has_query(&self) -> bool {
        self.url.query().is_some_and(|query| !query.is_empty())
    }

    /// The same without its query.
    #[must_use]
    pub fn without_query(&self) -> Self {
        let mut url = self.url.clone();
        url.set_query(None);
        Self { url }
    }

    /// The URL as it may be shown: secrets in its query are masked, its fragment left out.
    pub fn shown(&self) -> Text {
        let mut url = self.url.clone();
        url.set_fragment(None);
        Text::new(url)
    }

    /// The `Host` header.
    fn host_header(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}

/// A word by which a request is found in an access log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A new one.
    pub fn new() -> Self {
        // Every state of the hasher is keyed by the system's randomness.
        Self(format!("{:016x}", RandomState::new().build_hasher().finish()))
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Token {
    fn default() -> Self {
        Self::new()
    }
}

/// Where a request to this host goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    /// The listener.
    pub listen: SocketAddr,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// The network namespace in which it listens.
    pub from: From,
}

/// Asks as a visitor does: through the system's name lookup, and with a certificate that must be
/// trusted. Where it is not, that is told, and it is asked all the same to see who answers; only
/// that second connection carries a request. A query is never sent to whom nobody vouches for: then
/// it is not asked. `limit` is for everything together.
pub async fn public(target: &Target, token: &Token, limit: Duration) -> Visit {
    let end = Instant::now() + limit;
    let began = clock::now();
    let mut visit = Visit {
        at: began.wall,
        millis: 0,
        to: Vec::new(),
        outcome: Err(VisitFailure::Late(millis(limit))),
        untrusted: Text::default(),
    };
    visit.to = match addresses(target, end).await {
        Ok(found) => found,
        Err(failure) => {
            visit.outcome = Err(failure);
            return visit;
        }
    };
    let to = visit.to.clone();
    let ask = |config| Ask { target, token, to: to.clone(), tls: target.tls(), config, end, limit };
    visit.outcome = match trusting() {
        Some(config) => once(ask(config)).await,
        None => Err(VisitFailure::Tls(Text::new("no roots to trust"))),
    };
    if let Err(VisitFailure::Tls(why)) = &visit.outcome
        && why.raw().contains("certificate")
        && let Some(config) = tls::unverified()
    {
        let why = why.clone();
        if target.has_query() {
            let words = format!(
                "{why}; its query was not sent to whoever this is: leave the query out to see the answer"
            );
            visit.outcome = Err(VisitFailure::Tls(Text::new(words)));
            return finished(visit, began.boot);
        }
        let answer = once(ask(config)).await;
        if answer.is_ok() {
            (visit.outcome, visit.untrusted) = (answer, why);
        }
    }
    finished(visit, began.boot)
}

fn finished(visit: Visit, began: Boot) -> Visit {
    Visit { millis: clock::now().boot.0.saturating_sub(began.0) / 1_000, ..visit }
}

/// Asks a gateway of this host the same but for the query: its certificate is not judged, and any
/// user's process may listen there.
pub async fn local(target: &Target, token: &Token, local: Local) -> Visit {
    let began = clock::now();
    let (url, mark) = (target.without_query(), token.clone());
    let work = move || {
        // Sockets belong to the namespace of the thread that makes them: one thread does it all.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else {
            return Err(VisitFailure::Connect(Text::new("no runtime could be started")));
        };
        let Some(config) = tls::unverified() else {
            return Err(VisitFailure::Tls(Text::new("no TLS")));
        };
        runtime.block_on(async {
            let (end, limit) = (Instant::now() + LONGEST, LONGEST);
            let to = vec![local.listen];
            once(Ask { target: &url, token: &mark, to, tls: local.tls, config, end, limit }).await
        })
    };
    let done = match local.from {
        From::Here => tokio::task::spawn_blocking(work).await,
        From::Inside { pid, netns } => {
            let inside = move || {
                netns::inside(pid, netns, move || Ok(work())).unwrap_or_else(|error| {
                    let why = format!("the network namespace: {error}");
                    Err(VisitFailure::Connect(Text::new(why)))
                })
            };
            tokio::task::spawn_blocking(inside).await
        }
    };
    let outcome = done.unwrap_or_else(|_| {
        Err(VisitFailure::Connect(Text::new("the thread that asked it failed")))
    });
    Visit {
        at: began.wall,
        millis: clock::now().boot.0.saturating_sub(began.boot.0) / 1_000,
        to: vec![local.listen],
        outcome,
        untrusted: Text::default(),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

async fn addresses(target: &Target, end: Instant) -> Result<Vec<SocketAddr>, VisitFailure> {
    let port = target.port();
    if let Ok(ip) = target.host().parse() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let left = end.saturating_duration_since(Instant::now()).min(Duration::from_secs(5));
    let failure = |words: &str| Err(VisitFailure::Name(Text::new(words)));
    match resolve::by_host(target.host(), left).await {
        ResolutionOutcome::Found(all) if !all.is_empty() => {
            Ok(all.into_iter().take(8).map(|ip| SocketAddr::new(ip, port)).collect())
        }
        ResolutionOutcome::Found(_) | ResolutionOutcome::NxDomain => failure("no such name"),
        ResolutionOutcome::TimedOut => failure("no answer from the name servers"),
        other => failure(&format!("{other:?}")),
    }
}

/// A configuration that trusts what this system trusts, and Mozilla's roots besides.
fn trusting() -> Option<ClientConfig> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = ROOTS.iter().map(Path::new).find(|path| path.exists()) {
        let found = rustls_native_certs::load_certs_from_paths(Some(file), None);
        roots.add_parsable_certificates(found.certs);
    }
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(config)
}

struct Ask<'a> {
    target: &'a Target,
    token: &'a Token,
    to: Vec<SocketAddr>,
    tls: bool,
    config: ClientConfig,
    end: Instant,
    limit: Duration,
}

async fn once(ask: Ask<'_>) -> Result<Reply, VisitFailure> {
    let limit = millis(ask.limit);
    let end = ask.end;
    let unaskable =
        |error: &dyn std::fmt::Display| VisitFailure::Connect(Text::new(error.to_string()));
    let target = ask.target;
    let client = Client::builder()
        .tls_backend_preconfigured(ask.config.clone())
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        .http1_only()
        .pool_max_idle_per_host(0)
        .resolve_to_addrs(target.host(), &ask.to)
        .build()
        .map_err(|error| unaskable(&error))?;
    let mut url = target.url.clone();
    url.set_fragment(None);
    // The port of the listener, which the connection goes to, may be another than the URL's.
    let port = ask.to.first().map(SocketAddr::port);
    let moved = url.set_scheme(if ask.tls { "https" } else { "http" }).is_ok()
        && url.set_port(port).is_ok();
    if !moved || (url.domain().is_none() && ask.to.first().is_some_and(|to| !is_at(&url, *to))) {
        // A URL that names an address cannot be sent elsewhere by a lookup.
        let to = ask.to.first().copied();
        let set = to.is_some_and(|to| url.set_ip_host(to.ip()).is_ok());
        if !set {
            return Err(unaskable(&"the URL cannot be asked at this address"));
        }
    }
    let headers = headers(&ask).ok_or_else(|| unaskable(&"no valid host name"))?;
    let sent = timeout_at(end, client.get(url).headers(headers).send()).await;
    let mut response =
        sent.map_err(|_| VisitFailure::Late(limit))?.map_err(|error| failure(&error))?;
    let mut reply = Reply { status: response.status().as_u16(), ..Reply::default() };
    for (name, value) in response.headers().iter().take(HEADERS) {
        let value = value.as_bytes();
        let value = Text::from_bytes(value.get(..VALUE).unwrap_or(value));
        reply.headers.push((name.as_str().to_owned(), value));
    }
    let mut body = Vec::new();
    while body.len() < BODY_LIMIT {
        match timeout_at(end, response.chunk()).await {
            Err(_) => {
                reply.cut = Text::new(format!("its body is not whole after {limit} ms"));
                break;
            }
            Ok(Err(error)) => {
                reply.cut = Text::new(format!("its body breaks off: {}", innermost(&error)));
                break;
            }
            Ok(Ok(None)) => break,
            Ok(Ok(Some(chunk))) => {
                let room = (BODY_LIMIT - body.len()).min(chunk.len());
                body.extend_from_slice(chunk.get(..room).unwrap_or_default());
            }
        }
    }
    reply.body = String::from_utf8_lossy(&body).into_owned();
    Ok(reply)
}

fn is_at(url: &Url, to: SocketAddr) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host.parse() == Ok(to.ip())
}

fn headers(ask: &Ask<'_>) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_str(&ask.target.host_header()).ok()?);
    let agent = format!("{AGENT_MARK}{VERSION} (502-probe {})", ask.token.as_str());
    headers.insert(USER_AGENT, HeaderValue::from_str(&agent).ok()?);
    headers.insert("X-502-Probe", HeaderValue::from_str(ask.token.as_str()).ok()?);
    headers.insert("Accept", HeaderValue::from_static("*/*"));
    if ask.target.tls() && !ask.tls {
        // A balancer that ends TLS says so; without it most sites only redirect.
        headers.insert("X-Forwarded-Proto", HeaderValue::from_static("https"));
    }
    Some(headers)
}

/// What failed, by the innermost error.
fn failure(error: &reqwest::Error) -> VisitFailure {
    let mut all = Vec::new();
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(inner) = next {
        all.push(inner);
        next = behind(inner);
    }
    let words = Text::new(all.last().map_or_else(String::new, ToString::to_string));
    if all.iter().any(|inner| inner.is::<rustls::Error>()) {
        VisitFailure::Tls(words)
    } else if error.is_connect() {
        VisitFailure::Connect(words)
    } else {
        VisitFailure::Broken(words)
    }
}

/// What an error is made of. An error of I/O that wraps another one passes over it in `source`.
fn behind<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    match wrapped {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(inner) = behind(last) {
        last = inner;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_url_or_holds_a_password_is_refused() {
        for (text, error) in [
            ("shop.example", TargetError::NoUrl),
            ("", TargetError::NoUrl),
            ("ftp://shop.example/", TargetError::Scheme),
            ("file:///etc/passwd", TargetError::Scheme),
            ("https://alice:secret@shop.example/", TargetError::Credentials),
            ("https://alice@shop.example/", TargetError::Credentials),
        ] {
            assert_eq!(Target::parse(text), Err(error), "{text}");
        }
        let target = Target::parse("https://Shop.example:8443/a?token=abc#x").unwrap();
        assert_eq!((target.host(), target.port(), target.tls()), ("shop.example", 8443, true));
        assert!(!target.shown().to_string().contains('#'));
        assert_eq!(Target::parse("http://[::1]/").unwrap().host(), "::1");
    }

    #[test]
    fn two_words_are_never_the_same() {
        assert_ne!(Token::new(), Token::new());
    }
}
