//! How the lines of a frame are packed: with zstd and a dictionary that is built in, so that a frame
//! is small although it leans on no other.

use zstd::bulk::{Compressor, Decompressor};

/// Plain lines.
pub(super) const PLAIN: u8 = 0;
/// zstd with the first dictionary. A new dictionary gets a new number; the old ones stay.
pub(super) const FIRST: u8 = 1;

/// What observations and their keys look like: `zstd --train` over recorded lines.
static DICTIONARY_1: &[u8] = include_bytes!("../../../assets/recording/dictionary-1");

/// Processor time against bytes: higher levels gain next to nothing on lines that are short.
const LEVEL: i32 = 3;
/// Most bytes of the lines of one frame.
pub(super) const UNPACKED_LIMIT: usize = 16 << 20;
/// A payload may become so many times as long; what a recording holds becomes 100 at most.
const RATIO: usize = 300;
/// Short payloads may have any ratio below this, in bytes.
const SHORT: usize = 256 << 10;

/// Packs payloads.
pub(super) struct Packer(Option<Compressor<'static>>);

impl Packer {
    pub(super) fn new() -> Self {
        Self(Compressor::with_dictionary(LEVEL, DICTIONARY_1).ok())
    }

    /// The packed lines and how they are packed; `None` where they fit into no frame.
    pub(super) fn pack(&mut self, lines: &[u8], limit: usize) -> Option<(u8, Vec<u8>)> {
        if lines.len() > UNPACKED_LIMIT {
            return None;
        }
        let packed = self.0.as_mut().and_then(|packer| packer.compress(lines).ok());
        let fits = |packed: &Vec<u8>| {
            packed.len() < lines.len()
                && packed.len() <= limit
                && is_sane(packed.len(), lines.len())
        };
        match packed.filter(fits) {
            Some(packed) => Some((FIRST, packed)),
            None => (lines.len() <= limit).then(|| (PLAIN, lines.to_vec())),
        }
    }
}

/// Whether so few bytes may become so many.
const fn is_sane(packed: usize, unpacked: usize) -> bool {
    unpacked <= UNPACKED_LIMIT && (unpacked <= SHORT || unpacked <= packed.saturating_mul(RATIO))
}

/// Unpacks payloads. What it needs for that is made for the first one.
#[derive(Default)]
pub(super) struct Unpacker(Option<Decompressor<'static>>);

/// Every payload stands for itself: another unpacker does as well.
impl Clone for Unpacker {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Unpacker {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The lines; `None` where this is no packing, or not what it says of itself. At most
    /// `unpacked` bytes are made room for, after that number was found sane.
    pub(super) fn unpack(
        &mut self,
        packing: u8,
        packed: &[u8],
        unpacked: usize,
    ) -> Option<Vec<u8>> {
        match packing {
            PLAIN => (packed.len() == unpacked).then(|| packed.to_vec()),
            FIRST if is_sane(packed.len(), unpacked) => {
                if self.0.is_none() {
                    self.0 = Decompressor::with_dictionary(DICTIONARY_1).ok();
                }
                let mut lines = Vec::with_capacity(unpacked);
                self.0.as_mut()?.decompress_to_buffer(packed, &mut lines).ok()?;
                (lines.len() == unpacked).then_some(lines)
            }
            _ => None,
        }
    }
}
