//! Where a status of 500 and above stands, found by the bytes before it.

use crate::evidence::access::LEAD;

/// Bytes that are looked at together.
const STEP: usize = 64;
/// Bytes of a needle: those before the status, and its first two digits.
const REACH: usize = LEAD + 3;

/// The bytes before every status of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needle {
    lead: [u8; LEAD],
    length: usize,
}

impl Needle {
    /// A needle for a status at `at` of a line, before which `lead` bytes are always the same.
    pub fn of(line: &[u8], at: usize, lead: usize) -> Self {
        let from = at.saturating_sub(lead.min(LEAD));
        let bytes = line.get(from..at).unwrap_or_default();
        let mut needle = Self { lead: [0; LEAD], length: bytes.len() };
        for (slot, byte) in needle.lead.iter_mut().zip(bytes) {
            *slot = *byte;
        }
        needle
    }

    /// Offset of the next status from `from` on: of its first digit. What is found may be another
    /// number; a status that is there is always found.
    pub fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        match self.length {
            0 => self.next::<0>(text, from),
            1 => self.next::<1>(text, from),
            2 => self.next::<2>(text, from),
            3 => self.next::<3>(text, from),
            _ => self.next::<4>(text, from),
        }
    }

    fn next<const N: usize>(&self, text: &[u8], from: usize) -> Option<usize> {
        let mut at = from.saturating_sub(N);
        while let Some(window) = text.get(at..).and_then(|rest| rest.first_chunk()) {
            if self.is_in::<N>(window)
                && let Some(found) = self.exact(text, at, at + STEP, from)
            {
                return Some(found);
            }
            at += STEP;
        }
        self.exact(text, at, text.len(), from)
    }

    /// Whether a window may hold a status: N bytes and a 5, at any of its places. Written so that
    /// it becomes a few vector instructions.
    #[expect(
        clippy::indexing_slicing,
        reason = "every index is below a constant bound that the compiler sees"
    )]
    fn is_in<const N: usize>(&self, window: &[u8; STEP + REACH]) -> bool {
        let mut any = 0_u8;
        for at in 0..STEP {
            let mut hit = u8::from(window[at + N] == b'5');
            hit &= u8::from(window[at + N + 1].wrapping_sub(b'0') < 10);
            for n in 0..N {
                hit &= u8::from(window[at + n] == self.lead[n]);
            }
            any |= hit;
        }
        any != 0
    }

    /// The first status whose needle begins at `begin..end` and that does not lie before `from`.
    fn exact(&self, text: &[u8], begin: usize, end: usize, from: usize) -> Option<usize> {
        let lead = self.lead.get(..self.length).unwrap_or_default();
        for at in begin..end.min(text.len()) {
            let status =
                text.get(at..)?.strip_prefix(lead).and_then(|rest| rest.first_chunk::<3>());
            if let Some([b'5', a, b]) = status
                && a.is_ascii_digit()
                && b.is_ascii_digit()
                && at + self.length >= from
            {
                return Some(at + self.length);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"\" 502 ".to_vec()),
            Just(b"\" 50".to_vec()),
            Just(b"\" 200 ".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..90),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn everything_is_found_that_a_slow_look_finds(text in text(), lead in 0_usize..5, from in 0_usize..200) {
            let line = b"1.1\" 502 ";
            let needle = Needle::of(line, 5, lead);
            let before = &line[5 - lead.min(4)..5];
            let slow = (from..text.len()).find(|at| {
                *at >= before.len()
                    && text[at - before.len()..*at] == *before
                    && text[*at] == b'5'
                    && text[*at..].len() >= 3
                    && text[at + 1].is_ascii_digit()
                    && text[at + 2].is_ascii_digit()
            });
            prop_assert_eq!(needle.find(&text, from), slow);
        }
    }
}
