//! `FastCGI` as much as a small gateway and a small program need of it: one request a connection
//! (<https://fastcgi-archives.github.io/FastCGI_Specification.html>).

/// The only version.
pub(super) const VERSION: u8 = 1;
/// Longest content of one record.
const CONTENT: usize = 65_535;
/// Parameters of a request that are kept.
const PARAMETERS: usize = 64;

/// Types of records that matter here.
pub(super) mod kind {
    pub(in crate::practice) const BEGIN: u8 = 1;
    pub(in crate::practice) const END: u8 = 3;
    pub(in crate::practice) const PARAMS: u8 = 4;
    pub(in crate::practice) const STDIN: u8 = 5;
    pub(in crate::practice) const STDOUT: u8 = 6;
}

/// One record, as it lies in what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'b> {
    /// Its type.
    pub(super) kind: u8,
    /// What it holds.
    pub(super) content: &'b [u8],
}

/// What the beginning of some bytes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next<'b> {
    /// A record, and how many bytes it takes.
    Record(Record<'b>, usize),
    /// More must be read first.
    More,
    /// Another protocol, by its first byte.
    Foreign(u8),
}

/// Reads the first record.
pub(super) fn next(bytes: &[u8]) -> Next<'_> {
    match bytes.first() {
        None => return Next::More,
        Some(&version) if version != VERSION => return Next::Foreign(version),
        Some(_) => {}
    }
    let Some(&[_, kind, _, _, high, low, padding, _]) = bytes.first_chunk::<8>() else {
        return Next::More;
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    match bytes.get(8..8 + length) {
        Some(content) if bytes.len() >= 8 + length + usize::from(padding) => {
            Next::Record(Record { kind, content }, 8 + length + usize::from(padding))
        }
        _ => Next::More,
    }
}

/// Adds one record; content that is too long for one becomes several.
pub(super) fn put(out: &mut Vec<u8>, kind: u8, content: &[u8]) {
    let mut rest = content;
    loop {
        let (part, more) = rest.split_at_checked(CONTENT).unwrap_or((rest, &[]));
        let length = u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes();
        let [high, low] = length;
        out.extend([VERSION, kind, 0, 1, high, low, 0, 0]);
        out.extend_from_slice(part);
        rest = more;
        if rest.is_empty() {
            return;
        }
    }
}

/// A whole request: role responder, parameters, body.
pub(super) fn request(parameters: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, kind::BEGIN, &[0, 1, 0, 0, 0, 0, 0, 0]);
    let mut pairs = Vec::new();
    for (name, value) in parameters {
        for text in [name, value] {
            let length = u32::try_from(text.len()).unwrap_or(0);
            match u8::try_from(length).ok().filter(|short| *short < 128) {
                Some(short) => pairs.push(short),
                None => pairs.extend((length | 0x8000_0000).to_be_bytes()),
            }
        }
        pairs.extend_from_slice(name.as_bytes());
        pairs.extend_from_slice(value.as_bytes());
    }
    put(&mut out, kind::PARAMS, &pairs);
    put(&mut out, kind::PARAMS, &[]);
    if !body.is_empty() {
        put(&mut out, kind::STDIN, body);
    }
    put(&mut out, kind::STDIN, &[]);
    out
}

/// A whole answer.
pub(super) fn answer(document: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, kind::STDOUT, document);
    put(&mut out, kind::STDOUT, &[]);
    put(&mut out, kind::END, &[0; 8]);
    out
}

/// One parameter of a request, from the content of its records.
pub(super) fn parameter(pairs: &[u8], wanted: &str) -> Option<String> {
    let mut rest = pairs;
    for _ in 0..PARAMETERS {
        let (name, after) = length(rest)?;
        let (value, after) = length(after)?;
        let (name, after) = after.split_at_checked(name)?;
        let (value, after) = after.split_at_checked(value)?;
        if name == wanted.as_bytes() {
            return Some(String::from_utf8_lossy(value).into_owned());
        }
        rest = after;
    }
    None
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 128 {
        return Some((usize::from(first), rest));
    }
    let (long, rest) = bytes.split_first_chunk::<4>()?;
    let long = u32::from_be_bytes(*long) & 0x7fff_ffff;
    Some((usize::try_from(long).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn contents(mut bytes: &[u8], wanted: u8) -> Vec<u8> {
        let mut all = Vec::new();
        while let Next::Record(record, used) = next(bytes) {
            if record.kind == wanted {
                all.extend_from_slice(record.content);
            }
            bytes = &bytes[used..];
        }
        assert!(bytes.is_empty());
        all
    }

    #[test]
    fn what_is_no_record_is_told_at_its_first_byte() {
        assert_eq!(next(b"HTTP/1.1 400"), Next::Foreign(b'H'));
        assert_eq!(next(b""), Next::More);
        assert_eq!(
            next(&[1, 6, 0, 1, 0, 2, 1, 0, b'o', b'k']),
            Next::More,
            "its padding is missing"
        );
    }

    proptest! {
        #[test]
        fn a_request_is_read_as_it_was_written(
            pairs in proptest::collection::vec(("[A-Z_]{1,12}", ".{0,300}"), 0..8),
            body in proptest::collection::vec(any::<u8>(), 0..70_000),
        ) {
            let borrowed: Vec<(&str, &str)> =
                pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let bytes = request(&borrowed, &body);
            prop_assert_eq!(contents(&bytes, kind::STDIN), body.clone());
            let all = contents(&bytes, kind::PARAMS);
            for (name, _) in &pairs {
                let first = pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
                prop_assert_eq!(parameter(&all, name), first);
            }
            prop_assert_eq!(contents(&answer(&body), kind::STDOUT), body);
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, name in "[A-Z]{0,3}") {
            if let Next::Record(_, used) = next(&bytes) {
                prop_assert!(used <= bytes.len());
            }
            let mut ours = vec![VERSION];
            ours.extend(&bytes);
            let _ = next(&ours);
            let _ = parameter(&bytes, &name);
        }
    }
}
