//! What one line of an access log says.

use std::borrow::Cow;

use crate::observation::{AccessEntry, GatewayId, Text, Wall};

/// What one line says. Values are as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccessFields<'a> {
    /// Status; 0 when the line says that the client got none.
    pub status: u16,
    /// When, if the format has a stamp.
    pub at: Option<Wall>,
    /// `$upstream_status`.
    pub upstream_status: Option<&'a [u8]>,
    /// `$upstream_addr`, or the server's name.
    pub upstream_addr: Option<&'a [u8]>,
    /// `$request_time` in milliseconds.
    pub request_ms: Option<u64>,
    /// The last value of `$upstream_response_time` in milliseconds.
    pub upstream_ms: Option<u64>,
    /// `$request`.
    pub request: Option<&'a [u8]>,
    /// `$request_method`.
    pub method: Option<&'a [u8]>,
    /// `$uri` or `$request_uri`.
    pub uri: Option<&'a [u8]>,
    /// `$host`, `$http_host` or `$server_name`, the first that has a value.
    pub host: Option<&'a [u8]>,
    /// `$http_user_agent`.
    pub agent: Option<&'a [u8]>,
    /// HAProxy's termination state, Envoy's response flags.
    pub flags: Option<&'a [u8]>,
    /// HAProxy's backend, Envoy's cluster, Traefik's service.
    pub backend: Option<&'a [u8]>,
    /// Times that it was tried again.
    pub retries: Option<u32>,
    /// Whether the values are inside of JSON strings.
    pub escaped: bool,
    /// Bytes before the status that are the same on every line, at most [`LEAD`], and its place.
    pub(crate) marker: Marker,
}

/// Most bytes before a status by which it is found.
pub(crate) const LEAD: usize = 4;

/// Where the status stands in its line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marker {
    /// Offset of the status in the line.
    pub(crate) at: usize,
    /// Bytes before it that every line of the format has.
    pub(crate) lead: usize,
}

impl AccessFields<'_> {
    /// Method and URI without the query. A request line that is no request (a TLS greeting, a probe
    /// of a scanner) stays as it was written.
    pub fn words(&self) -> Vec<u8> {
        let line = match (self.request, self.uri) {
            (Some(request), _) => {
                let request = self.plain(request);
                let mut words = request.split(|byte| *byte == b' ');
                let last = request.rsplit(|byte| *byte == b' ').next();
                let is_request = last.is_some_and(|word| word.starts_with(b"HTTP/"));
                match (words.next(), words.next()) {
                    (Some(method), Some(uri)) if is_request => [method, b" ", uri].concat(),
                    _ => request.into_owned(),
                }
            }
            (None, Some(uri)) => match self.method {
                Some(method) => [&*self.plain(method), b" ", &self.plain(uri)].concat(),
                None => self.plain(uri).into_owned(),
            },
            (None, None) => self.plain(self.method.unwrap_or_default()).into_owned(),
        };
        let end = memchr::memchr(b'?', &line).unwrap_or(line.len());
        line.get(..end).unwrap_or_default().to_vec()
    }

    /// As a request of a gateway's log, at a time.
    pub fn entry(&self, gateway: GatewayId, log: Text, at: Wall) -> AccessEntry {
        let text = |value: Option<&[u8]>| value.map(|value| Text::from_bytes(&self.plain(value)));
        AccessEntry {
            gateway,
            log,
            at,
            status: self.status,
            upstream_status: text(self.upstream_status),
            upstream_addr: text(self.upstream_addr),
            request: Text::from_bytes(&self.words()),
            host: text(self.host),
            request_ms: self.request_ms,
            upstream_ms: self.upstream_ms,
            flags: text(self.flags),
            backend: text(self.backend),
            retries: self.retries,
        }
    }

    /// A value without the escapes of JSON.
    pub fn plain<'v>(&self, value: &'v [u8]) -> Cow<'v, [u8]> {
        if self.escaped && memchr::memchr(b'\\', value).is_some() {
            Cow::Owned(unescaped(value))
        } else {
            Cow::Borrowed(value)
        }
    }
}

/// Resolves the escapes of a JSON string; what is none stays as it is.
fn unescaped(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (before, tail) = rest.split_at(at);
        out.extend_from_slice(before);
        let taken = match tail.get(1) {
            Some(b'n') => push(&mut out, b"\n"),
            Some(b'r') => push(&mut out, b"\r"),
            Some(b't') => push(&mut out, b"\t"),
            Some(c @ (b'"' | b'\\' | b'/')) => push(&mut out, &[*c]),
            Some(b'u') => match unicode(tail.get(2..6)) {
                Some(c) => {
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    6
                }
                None => push(&mut out, b"\\u"),
            },
            Some(_) | None => {
                out.push(b'\\');
                1
            }
        };
        rest = tail.get(taken..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

/// Takes the two bytes of an escape.
fn push(out: &mut Vec<u8>, meant: &[u8]) -> usize {
    out.extend_from_slice(meant);
    2
}

/// A character of the basic plane from its four digits; halves of others become U+FFFD.
fn unicode(digits: Option<&[u8]>) -> Option<char> {
    let text = std::str::from_utf8(digits?)
        .ok()
        .filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let code = u32::from_str_radix(text, 16).ok()?;
    Some(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_request_in_json_is_told_without_its_escapes_and_its_query() {
        let fields = AccessFields {
            method: Some(b"GET"),
            uri: Some(br"\/caf\u00e9\u003fid=1"),
            escaped: true,
            ..AccessFields::default()
        };
        assert_eq!(String::from_utf8(fields.words()).unwrap(), "GET /café");
    }

    proptest! {
        #[test]
        fn no_escape_breaks_it_and_none_makes_a_value_longer_than_twice(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\\'), Just(b'u'), any::<u8>()], 0..60),
        ) {
            prop_assert!(unescaped(&bytes).len() <= 2 * bytes.len());
        }
    }
}
