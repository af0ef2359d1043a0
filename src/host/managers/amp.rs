//! The framing that PM2's daemon speaks (AMP): a byte with the version and the number of parts, then
//! each part behind its length (32 bits, big-endian). A part begins with `s:` when it is text and
//! with `j:` when it is JSON.

use super::TalkError;

const VERSION: u8 = 1;
/// Parts that one byte can count.
const MOST_PARTS: usize = 15;

/// Writes a message; parts beyond the fifteenth do not fit and are left out.
pub(super) fn encode(parts: &[&[u8]]) -> Vec<u8> {
    let parts = parts.get(..MOST_PARTS).unwrap_or(parts);
    let count = u8::try_from(parts.len()).unwrap_or_default();
    let mut bytes = vec![(VERSION << 4) | count];
    for part in parts {
        bytes.extend(u32::try_from(part.len()).unwrap_or_default().to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// The parts of the first message of `bytes`; `None` while some of it is still to come.
///
/// # Errors
/// When it is none of ours, or would be longer than `cap` bytes.
pub(super) fn decode(bytes: &[u8], cap: usize) -> Result<Option<Vec<&[u8]>>, TalkError> {
    let Some((head, mut rest)) = bytes.split_first() else { return Ok(None) };
    if head >> 4 != VERSION {
        return Err(TalkError::Garbled("it speaks another protocol".to_owned()));
    }
    let mut parts = Vec::new();
    for _ in 0..head & 15 {
        let Some((length, body)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length > cap {
            return Err(TalkError::TooLong(cap));
        }
        let Some((part, after)) = body.split_at_checked(length) else { return Ok(None) };
        parts.push(part);
        rest = after;
    }
    Ok(Some(parts))
}

/// The JSON of a part, if it is that.
pub(super) fn json(part: &[u8]) -> Option<&[u8]> {
    part.strip_prefix(b"j:")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_is_whole_only_with_its_last_byte() {
        let message = encode(&[b"j:{}", b"s:gatemedic:0"]);
        assert_eq!(message.first(), Some(&0x12));
        for end in 0..message.len() {
            assert_eq!(decode(&message[..end], 100).unwrap(), None, "{end}");
        }
        let parts = decode(&message, 100).unwrap().unwrap();
        assert_eq!(parts, [&b"j:{}"[..], b"s:gatemedic:0"]);
        assert_eq!(json(parts[0]), Some(&b"{}"[..]));
        assert_eq!(json(parts[1]), None);
    }

    #[test]
    fn a_part_that_claims_to_be_endless_is_refused_before_it_comes() {
        let bytes = [0x11, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(decode(&bytes, 1 << 20), Err(TalkError::TooLong(1 << 20)));
        assert!(decode(b"HTTP/1.1 400", 100).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_what_is_read_lies_within_them(bytes: Vec<u8>) {
            if let Ok(Some(parts)) = decode(&bytes, 1 << 16) {
                let sum: usize = parts.iter().map(|part| part.len() + 4).sum();
                prop_assert!(sum < bytes.len() + 1);
            }
        }

        #[test]
        fn what_is_written_is_read_back(parts in prop::collection::vec(any::<Vec<u8>>(), 0..15)) {
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            let bytes = encode(&parts);
            prop_assert_eq!(decode(&bytes, 1 << 20).unwrap().unwrap(), parts);
        }
    }
}
