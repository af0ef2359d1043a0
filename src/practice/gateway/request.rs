//! The head of a request, and what a client sends with it.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::timeout,
};

/// Bytes of a head.
const HEAD: usize = 16 << 10;
/// Bytes of a body.
const BODY: usize = 1 << 20;
/// How long a client may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(15);

/// The head of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::practice) struct Head {
    /// Method.
    pub(in crate::practice) method: String,
    /// Path with its query.
    pub(in crate::practice) uri: String,
    /// The whole first line.
    pub(in crate::practice) line: String,
    /// Names in small letters, and values.
    pub(in crate::practice) fields: Vec<(String, String)>,
}

impl Head {
    /// Reads one; `None` for what is none.
    pub(in crate::practice) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.split("\r\n");
        let line = lines.next()?.to_owned();
        let mut words = line.split(' ');
        let (method, uri, version) = (words.next()?, words.next()?, words.next()?);
        let plain = method.bytes().all(|b| b.is_ascii_uppercase()) && !method.is_empty();
        if !plain || !uri.starts_with('/') || !version.starts_with("HTTP/1.") {
            return None;
        }
        let (method, uri) = (method.to_owned(), uri.to_owned());
        let fields = lines
            .take_while(|line| !line.is_empty())
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Some(Self { method, uri, line, fields })
    }

    /// The value of a field.
    pub(in crate::practice) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The path without its query.
    pub(in crate::practice) fn path(&self) -> &str {
        self.uri.split('?').next().unwrap_or_default()
    }
}

/// Why there is no request.
#[derive(Debug)]
pub(in crate::practice) enum NoRequest {
    /// The client said nothing, or went away.
    Silent,
    /// It is no request.
    Bad,
    /// Its body is too long.
    TooLong,
}

/// Reads a request with its body.
pub(in crate::practice) async fn receive(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<(Head, Vec<u8>), NoRequest> {
    match timeout(PATIENCE, read(stream)).await {
        Ok(Ok(request)) => request,
        _ => Err(NoRequest::Silent),
    }
}

async fn read(
    stream: &mut (impl AsyncRead + Unpin),
) -> io::Result<Result<(Head, Vec<u8>), NoRequest>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = memchr::memmem::find(&bytes, b"\r\n\r\n") {
            break at;
        }
        // Another protocol is told at its first byte.
        let foreign = bytes.first().is_some_and(|first| !first.is_ascii_uppercase());
        if bytes.len() > HEAD || foreign {
            return Ok(Err(NoRequest::Bad));
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(Err(if bytes.is_empty() { NoRequest::Silent } else { NoRequest::Bad }));
        }
    };
    let Some(head) = Head::parse(bytes.get(..end).unwrap_or_default()) else {
        return Ok(Err(NoRequest::Bad));
    };
    let mut body = bytes.split_off((end + 4).min(bytes.len()));
    let length = head.field("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    if length > BODY {
        return Ok(Err(NoRequest::TooLong));
    }
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Ok(Err(NoRequest::Silent));
        }
    }
    body.truncate(length);
    Ok(Ok((head, body)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_request_is_read_and_what_is_none_is_not() {
        let head = Head::parse(b"GET /a?b=1 HTTP/1.1\r\nHost: shop.test\r\nX: 1:2\r\n").unwrap();
        assert_eq!(
            (head.path(), head.field("host"), head.field("x")),
            ("/a", Some("shop.test"), Some("1:2"))
        );
        for bad in [
            &b""[..],
            b"GET",
            b"GET / FTP/1",
            b"\x16\x03\x01",
            b"get / HTTP/1.1",
            b"GET x HTTP/1.1",
        ] {
            assert_eq!(Head::parse(bad), None);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, text in "(GET|POST) /[a-z ]{0,9} HTTP/1.1\r\n[a-z:\r\n ]{0,40}") {
            let _ = Head::parse(&bytes);
            let _ = Head::parse(text.as_bytes());
        }
    }
}
