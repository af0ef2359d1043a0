//! One GET, over HTTP/1.1 and a connection of its own: no redirect is followed, no proxy, cookie or
//! credential used, and the answer is read with a bound.

use std::{net::SocketAddr, time::Duration};

use reqwest::{
    Client, Url,
    header::{HOST, HeaderMap, HeaderValue, SERVER, USER_AGENT},
    redirect::Policy,
};
use tokio::time::timeout;

use super::{connect::From, netns, tls};
use crate::observation::Text;

/// How the requests of this program name themselves to access logs; a version follows.
pub const AGENT_MARK: &str = "gatemedic/";
const AGENT: &str = concat!("gatemedic/", env!("CARGO_PKG_VERSION"));
/// Marks the request for people who read a dump of it.
const MARK: &str = "X-502-Probe";
/// Most bytes read of a body.
pub const BODY_LIMIT: usize = 64 * 1024;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Get {
    /// Where.
    pub listen: SocketAddr,
    /// Whether over TLS; certificates are not judged.
    pub tls: bool,
    /// `Host` header, and with TLS the server name.
    pub host: String,
    /// Path.
    pub path: String,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// `Server` header.
    pub server: Text,
    /// The first bytes of the body.
    pub body: Vec<u8>,
}

/// Why nothing came back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GetError {
    /// It cannot be asked so.
    #[error("it cannot be asked: {0}")]
    Unaskable(String),
    /// Nobody listens there, or it cannot be reached.
    #[error("no connection: {0}")]
    Connect(String),
    /// The answer is no HTTP, or was cut off.
    #[error("no answer: {0}")]
    Broken(String),
    /// No whole answer in time.
    #[error("no answer within {} ms", .0.as_millis())]
    Late(Duration),
}

/// Asks once, from the network namespace that `from` names.
///
/// # Errors
/// [`GetError`].
pub async fn get(ask: Get, from: From, limit: Duration) -> Result<Answer, GetError> {
    match from {
        From::Here => timeout(limit, once(&ask)).await.map_err(|_| GetError::Late(limit))?,
        From::Inside { pid, netns } => {
            let work = move || netns::inside(pid, netns, move || Ok(alone(&ask, limit)));
            let done = tokio::task::spawn_blocking(work).await;
            done.map_err(|_| GetError::Connect("the thread failed".to_owned()))?
                .map_err(|error| GetError::Connect(format!("the network namespace: {error}")))?
        }
    }
}

/// On this thread alone: sockets belong to the namespace of the thread that makes them, so that the
/// client may have no other thread.
fn alone(ask: &Get, limit: Duration) -> Result<Answer, GetError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| GetError::Unaskable(error.to_string()))?;
    let done = runtime.block_on(async { timeout(limit, once(ask)).await });
    done.map_err(|_| GetError::Late(limit))?
}

async fn once(ask: &Get) -> Result<Answer, GetError> {
    let unaskable = |error: &dyn std::fmt::Display| GetError::Unaskable(error.to_string());
    let config = tls::unverified().ok_or_else(|| unaskable(&"no TLS"))?;
    let client = Client::builder()
        .tls_backend_preconfigured(config)
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        .http1_only()
        .pool_max_idle_per_host(0)
        .resolve(&ask.host, ask.listen)
        .build()
        .map_err(|error| unaskable(&reasons(&error)))?;
    let mut headers = HeaderMap::new();
    let host = HeaderValue::from_str(&ask.host).map_err(|error| unaskable(&error))?;
    headers.insert(HOST, host);
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(MARK, HeaderValue::from_static("1"));
    let url = ask.url().ok_or_else(|| unaskable(&"no valid URL"))?;
    let sent = client.get(url).headers(headers).send().await;
    let mut response = sent.map_err(|error| {
        let words = reasons(&error);
        if error.is_connect() { GetError::Connect(words) } else { GetError::Broken(words) }
    })?;
    let status = response.status().as_u16();
    let server = response.headers().get(SERVER).map(|value| Text::from_bytes(value.as_bytes()));
    let mut body = Vec::new();
    while body.len() < BODY_LIMIT {
        // A body that breaks off is a failure also where its status was good.
        let chunk = response.chunk().await.map_err(|error| GetError::Broken(reasons(&error)))?;
        let Some(chunk) = chunk else { break };
        let room = (BODY_LIMIT - body.len()).min(chunk.len());
        body.extend_from_slice(chunk.get(..room).unwrap_or_default());
    }
    Ok(Answer { status, server: server.unwrap_or_default(), body })
}

impl Get {
    /// The URL names the host where that is a name, so that TLS sends it; the connection goes to
    /// `listen` in any case.
    fn url(&self) -> Option<Url> {
        let scheme = if self.tls { "https" } else { "http" };
        let (host, path, listen) = (&self.host, &self.path, self.listen);
        let named = format!("{scheme}://{host}:{}{path}", listen.port());
        let named = Url::parse(&named).ok().filter(|url| url.domain() == Some(host.as_str()));
        named.or_else(|| Url::parse(&format!("{scheme}://{listen}{path}")).ok())
    }
}

/// An error with what is behind it: the outermost words alone say nothing.
fn reasons(error: &reqwest::Error) -> String {
    let mut words = String::new();
    let mut next: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = next {
        words = error.to_string();
        next = error.source();
    }
    if words.is_empty() { error.to_string() } else { words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_connection_goes_where_the_gateway_listens_whatever_the_host_is() {
        let url = |host: &str, tls| {
            let listen = SocketAddr::from(([127, 0, 0, 1], 8080));
            let ask = Get { listen, tls, host: host.to_owned(), path: "/a%20b".to_owned() };
            ask.url().unwrap().to_string()
        };
        assert_eq!(url("shop.lan", false), "http://shop.lan:8080/a%20b");
        assert_eq!(url("shop.lan", true), "https://shop.lan:8080/a%20b");
        // An address as a name would be connected to, and so would what looks like one.
        for host in ["192.0.2.1", "1.2", "Shop.LAN", "a b"] {
            assert_eq!(url(host, false), "http://127.0.0.1:8080/a%20b", "{host}");
        }
    }
}
