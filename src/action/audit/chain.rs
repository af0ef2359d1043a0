//! Lines that hold each other: each has the hash of the one before, and its own over all of it.

use std::fmt::Write as _;

use crate::remedy::Digest;

use super::{Body, Record};

/// Before the first record.
pub(super) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What stands before the hash at the end of a line.
const HASH: &str = ",\"hash\":\"";
const END: &str = "\"}";

fn hash(body: &str) -> Digest {
    Digest::of_parts(&[b"gatemedic audit", body.as_bytes()])
}

/// Writes everything but printable ASCII as an escape: JSON has such characters in strings only, and
/// whoever prints a line prints nothing that a terminal would act on.
fn plain(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if (' '..='~').contains(&c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

/// A whole line, without its newline: the body, sealed with its hash.
pub(super) fn seal(body: &Body) -> Result<(String, Digest), serde_json::Error> {
    let body = plain(&serde_json::to_string(body)?);
    let hash = hash(&body);
    let open = body.strip_suffix('}').unwrap_or(&body);
    Ok((format!("{open}{HASH}{hash}{END}"), hash))
}

/// Reads a line, and makes sure that its hash is that of its body.
pub(super) fn open(line: &str) -> Result<Record, &'static str> {
    let broken = "it is not a whole record";
    let rest = line.strip_suffix(END).ok_or(broken)?;
    let at = rest.len().checked_sub(64).ok_or(broken)?;
    let (body, own) = rest.split_at_checked(at).ok_or(broken)?;
    let body = format!("{}}}", body.strip_suffix(HASH).ok_or(broken)?);
    if hash(&body).to_string() != own {
        return Err("it was changed after it was written");
    }
    let body = serde_json::from_str(&body).map_err(|_| broken)?;
    Ok(Record { body, hash: own.to_owned(), line: line.to_owned() })
}
