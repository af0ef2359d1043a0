//! Access logs of named values: `status=502 method=GET path="/"`, or LTSV with tabs and colons.

use crate::{evidence::StampReader, observation::Wall};

use super::{
    keys::{Gatherer, Pair},
    parser::Reading,
};

/// Pairs that a line must have.
const LEAST: usize = 3;
/// Pairs of one line that are looked at.
const MOST: usize = 128;

/// Reads a line.
pub(super) fn read<'a>(line: &'a [u8], stamps: &mut StampReader, now: Wall) -> Reading<'a> {
    let mut gatherer = Gatherer::new(stamps, now);
    let mut count = 0;
    let tabs = line.contains(&b'\t') && !line.contains(&b'=');
    walk(line, tabs, &mut |pair| {
        count += 1;
        gatherer.pair(pair);
    });
    if count < LEAST {
        return Reading::Unfit;
    }
    match gatherer.finish() {
        Some(fields) => Reading::Request(fields),
        None => Reading::Other,
    }
}

/// Goes through the pairs. A value in quotes ends at the next quote that no backslash stands
/// before; another one at the next separator.
pub(super) fn walk<'a>(line: &'a [u8], tabs: bool, sink: &mut impl FnMut(Pair<'a>)) {
    let (between, after_name) = if tabs { (b'\t', b':') } else { (b' ', b'=') };
    let mut at = 0;
    for _ in 0..MOST {
        let Some(rest) = line.get(at..).filter(|rest| !rest.is_empty()) else { return };
        let name_end = memchr::memchr2(after_name, between, rest).unwrap_or(rest.len());
        if rest.get(name_end) != Some(&after_name) {
            at += name_end + 1;
            continue;
        }
        let name = rest.get(..name_end).unwrap_or_default();
        let begin = at + name_end + 1;
        let value = line.get(begin..).unwrap_or_default();
        let (value, value_at, next) = if value.first() == Some(&b'"') {
            let inner = value.get(1..).unwrap_or_default();
            let end = quote_end(inner);
            (inner.get(..end).unwrap_or(inner), begin + 1, begin + end + 2)
        } else {
            let end = memchr::memchr(between, value).unwrap_or(value.len());
            (value.get(..end).unwrap_or(value), begin, begin + end)
        };
        sink(Pair { parent: b"", name, value, place: (at, value_at) });
        at = next + 1;
    }
}

/// Where a quoted text ends.
pub(super) fn quote_end(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) =
        text.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)).map(|n| at + n)
    {
        if text.get(found) == Some(&b'"') {
            return found;
        }
        at = found + 2;
    }
    text.len()
}
