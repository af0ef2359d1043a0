//! What stands where a secret stood.

use std::{
    hash::{BuildHasher, RandomState},
    sync::OnceLock,
};

/// How every mark begins.
const HEAD: &str = "[redacted";
/// Hexadecimal digits of a tag: 32 bits.
const TAG: usize = 8;

/// The key of this process: random, never written anywhere, gone when the process ends. Without one,
/// as in tests and when a recording is read, marks have no tag.
static KEY: OnceLock<RandomState> = OnceLock::new();

/// From now on the same secret has the same tag, `[redacted:5c01f2a9]`, as long as this process lives,
/// so that it can be followed without being read. Whoever sees tags cannot try out secrets: they
/// lack the key. A session that reads a recording leaves this out, and gives the same bytes each time.
pub fn tag_secrets() {
    KEY.get_or_init(RandomState::new);
}

/// The mark for a secret.
pub(super) fn mark(secret: &str) -> String {
    tagged(KEY.get(), secret)
}

pub(super) fn tagged(key: Option<&RandomState>, secret: &str) -> String {
    key.map_or_else(
        || format!("{HEAD}]"),
        |key| format!("{HEAD}:{:08x}]", key.hash_one(secret) & u64::from(u32::MAX)),
    )
}

/// Whether something was redacted in this text.
pub fn has_mark(text: &str) -> bool {
    text.contains(HEAD)
}

/// Whether a text ends with a mark.
pub(super) fn ends(text: &[u8]) -> bool {
    let longest = text.len().saturating_sub(HEAD.len() + 1 + TAG + 1);
    (longest..text.len()).any(|place| {
        let rest = text.get(place..).unwrap_or_default();
        length(rest) == Some(rest.len())
    })
}

/// The length of the mark that a text begins with.
pub(super) fn length(text: &[u8]) -> Option<usize> {
    let rest = text.strip_prefix(HEAD.as_bytes())?;
    if rest.first() == Some(&b']') {
        return Some(HEAD.len() + 1);
    }
    let tag = rest.strip_prefix(b":")?;
    let whole = tag.get(..TAG)?.iter().all(u8::is_ascii_hexdigit) && tag.get(TAG) == Some(&b']');
    whole.then_some(HEAD.len() + 1 + TAG + 1)
}
