//! One frame, which is one record: a magic, what stands in it, how long it is, two checksums, and
//! the packed lines.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | [`MAGIC`]; its first byte is in no UTF-8 text |
//! | 1 | version of the format |
//! | 1 | packing of the payload |
//! | 2 | lines in it |
//! | 4 | number of the record in this file, from 0 |
//! | 4 | number of its first line in this file, from 0 |
//! | 4 | bytes of the payload |
//! | 4 | bytes of the payload when unpacked |
//! | 4 | CRC32C of the payload |
//! | 4 | CRC32C of the 24 bytes before, without the magic |
//!
//! All numbers are little-endian. Later versions keep this head.

/// How every frame begins.
pub const MAGIC: [u8; 4] = [0xf7, b'g', b'm', b'r'];
/// The newest version that this program writes and reads.
pub const VERSION: u8 = 1;
/// Longest payload of a frame as it is stored, in bytes.
pub const FRAME_LIMIT: usize = 1 << 20;
/// Bytes before the payload.
pub(super) const HEAD: usize = 32;

/// The head of a frame whose checksum held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Version of the format.
    pub(super) version: u8,
    /// How the payload is packed.
    pub(super) packing: u8,
    /// Lines in it.
    pub(super) count: u16,
    /// Number of the record.
    pub(super) record: u32,
    /// Number of the first line.
    pub(super) first: u32,
    /// Bytes of the payload when unpacked.
    pub(super) unpacked: usize,
}

/// What stands at the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look<'a> {
    /// A whole frame.
    Frame(Head, &'a [u8]),
    /// A frame of so many bytes whose payload is not what was written.
    Damaged(usize),
    /// Perhaps the beginning of one: more bytes decide.
    Torn,
    /// No frame.
    Nothing,
}

/// Writes a frame around a payload of at most [`FRAME_LIMIT`] bytes.
pub(super) fn write(out: &mut Vec<u8>, head: Head, payload: &[u8]) {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    out.extend(MAGIC);
    let start = out.len();
    out.extend([head.version, head.packing]);
    out.extend(head.count.to_le_bytes());
    out.extend(head.record.to_le_bytes());
    out.extend(head.first.to_le_bytes());
    out.extend(number(payload.len()));
    out.extend(number(head.unpacked));
    out.extend(crc32c::crc32c(payload).to_le_bytes());
    let sum = crc32c::crc32c(out.get(start..).unwrap_or_default());
    out.extend(sum.to_le_bytes());
    out.extend(payload);
}

/// Looks at what begins here. A length is believed only after the checksum over it held, and never
/// above [`FRAME_LIMIT`].
pub(super) fn look(bytes: &[u8]) -> Look<'_> {
    let begun = MAGIC.len().min(bytes.len());
    if bytes.get(..begun) != MAGIC.get(..begun) {
        return Look::Nothing;
    }
    let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else { return Look::Torn };
    let number = |at: usize| {
        let four = head.get(at..).and_then(|rest| rest.first_chunk::<4>());
        u32::from_le_bytes(four.copied().unwrap_or_default())
    };
    let summed = head.get(MAGIC.len()..HEAD - 4).unwrap_or_default();
    let packed = number(16) as usize;
    if crc32c::crc32c(summed) != number(28) || packed > FRAME_LIMIT {
        return Look::Nothing;
    }
    let Some(payload) = rest.get(..packed) else { return Look::Torn };
    if crc32c::crc32c(payload) != number(24) {
        return Look::Damaged(HEAD + packed);
    }
    let [_, _, _, _, version, packing, low, high, ..] = *head;
    let head = Head {
        version,
        packing,
        count: u16::from_le_bytes([low, high]),
        record: number(8),
        first: number(12),
        unpacked: number(20) as usize,
    };
    Look::Frame(head, payload)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(payload: &[u8]) -> Vec<u8> {
        let unpacked = payload.len();
        let head = Head { version: 1, packing: 0, count: 1, record: 3, first: 7, unpacked };
        let mut out = Vec::new();
        write(&mut out, head, payload);
        out
    }

    #[test]
    fn every_flipped_bit_of_a_frame_is_noticed() {
        let whole = frame(b"{\"end\":{}}\n");
        assert!(matches!(look(&whole), Look::Frame(head, b"{\"end\":{}}\n") if head.first == 7));
        for at in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            let expected = if at / 8 < HEAD { Look::Nothing } else { Look::Damaged(whole.len()) };
            assert_eq!(look(&flipped), expected, "bit {at}");
        }
    }

    #[test]
    fn a_frame_that_breaks_off_waits_for_the_rest_and_a_length_of_4_gb_does_not() {
        let whole = frame(b"x");
        for at in 0..whole.len() {
            assert_eq!(look(&whole[..at]), Look::Torn, "{at}");
        }
        let mut long = whole;
        long[16..20].fill(0xff);
        let sum = crc32c::crc32c(&long[4..28]).to_le_bytes();
        long[28..32].copy_from_slice(&sum);
        assert_eq!(look(&long), Look::Nothing);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail(bytes: Vec<u8>) {
            let _ = look(&bytes);
            let _ = look(&[&MAGIC, bytes.as_slice()].concat());
        }
    }
}
