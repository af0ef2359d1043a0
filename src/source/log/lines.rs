//! Bytes to lines, with a bound on what is kept of one.

use crate::observation::TEXT_LIMIT;

/// Longest part of one line that is kept, in bytes. The marker that says what was cut still fits
/// below [`TEXT_LIMIT`].
pub const LINE_LIMIT: usize = TEXT_LIMIT - 128;

/// What comes out of the bytes of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A line without its newline.
    Line {
        /// Its first [`LINE_LIMIT`] bytes.
        bytes: &'a [u8],
        /// Bytes that were cut from its end.
        cut: u64,
        /// Whether its newline was seen; a last line that never got one is not whole.
        whole: bool,
    },
    /// That many zero bytes stood where a line should begin.
    Hole(u64),
}

/// Splits one file's bytes, fed in any portions. Keeps at most [`LINE_LIMIT`] bytes.
#[derive(Debug, Default)]
pub struct LineSplitter {
    pending: Vec<u8>,
    cut: u64,
    zeros: u64,
    resync: bool,
}

impl LineSplitter {
    /// Drops what comes up to the next newline: the reading starts inside a line.
    pub fn resync(&mut self) {
        self.pending = Vec::new();
        self.cut = 0;
        self.zeros = 0;
        self.resync = true;
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, mut bytes: &[u8], sink: &mut dyn FnMut(Piece<'_>)) {
        while !bytes.is_empty() {
            if self.resync {
                let Some(end) = memchr::memchr(b'\n', bytes) else { return };
                self.resync = false;
                bytes = bytes.get(end + 1..).unwrap_or_default();
                continue;
            }
            if self.pending.is_empty() && self.cut == 0 && bytes.first() == Some(&0) {
                let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                self.zeros = self.zeros.saturating_add(zeros as u64);
                bytes = bytes.get(zeros..).unwrap_or_default();
                continue;
            }
            self.tell_hole(sink);
            let Some(end) = memchr::memchr(b'\n', bytes) else {
                self.keep(bytes);
                return;
            };
            let (line, rest) = bytes.split_at(end);
            bytes = rest.get(1..).unwrap_or_default();
            if self.pending.is_empty() && self.cut == 0 && line.len() <= LINE_LIMIT {
                sink(Piece::Line { bytes: trimmed(line), cut: 0, whole: true });
            } else {
                self.keep(line);
                self.release(true, sink);
            }
        }
    }

    /// Says that `bytes` zero bytes were stepped over.
    pub fn hole(&mut self, bytes: u64, sink: &mut dyn FnMut(Piece<'_>)) {
        self.release(false, sink);
        self.resync = false;
        self.zeros = self.zeros.saturating_add(bytes);
    }

    /// The file is over: what waits for its newline is given as it is.
    pub fn finish(&mut self, sink: &mut dyn FnMut(Piece<'_>)) {
        self.tell_hole(sink);
        self.release(false, sink);
        self.resync = false;
    }

    fn tell_hole(&mut self, sink: &mut dyn FnMut(Piece<'_>)) {
        if self.zeros > 0 {
            sink(Piece::Hole(std::mem::take(&mut self.zeros)));
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LINE_LIMIT.saturating_sub(self.pending.len());
        let kept = bytes.get(..room).unwrap_or(bytes);
        self.pending.extend_from_slice(kept);
        self.cut = self.cut.saturating_add((bytes.len() - kept.len()) as u64);
    }

    fn release(&mut self, whole: bool, sink: &mut dyn FnMut(Piece<'_>)) {
        if self.pending.is_empty() && self.cut == 0 && !whole {
            return;
        }
        let line = std::mem::take(&mut self.pending);
        let cut = std::mem::take(&mut self.cut);
        sink(Piece::Line { bytes: trimmed(&line), cut, whole });
        // A usual buffer is used again; one that a long line blew up is given back.
        if line.capacity() <= 4096 {
            self.pending = line;
            self.pending.clear();
        }
    }
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(portions: &[&[u8]]) -> Vec<String> {
        let mut splitter = LineSplitter::default();
        let mut out = Vec::new();
        let mut sink = |piece: Piece<'_>| {
            out.push(match piece {
                Piece::Line { bytes, cut, whole } => {
                    format!("{}/{cut}/{whole}", String::from_utf8_lossy(bytes))
                }
                Piece::Hole(bytes) => format!("hole {bytes}"),
            });
        };
        for portion in portions {
            splitter.feed(portion, &mut sink);
        }
        splitter.finish(&mut sink);
        out
    }

    #[test]
    fn a_line_written_in_halves_is_one_line() {
        assert_eq!(split(&[b"ab", b"c\r\nd"]), ["abc/0/true", "d/0/false"]);
    }

    #[test]
    fn zero_bytes_before_a_line_are_one_marker() {
        assert_eq!(split(&[b"a\n\0\0", b"\0b\n"]), ["a/0/true", "hole 3", "b/0/true"]);
    }

    #[test]
    fn an_endless_line_is_counted_and_not_kept() {
        let mut splitter = LineSplitter::default();
        let chunk = vec![b'a'; 64 * 1024];
        let mut lines = Vec::new();
        for _ in 0..1600 {
            splitter.feed(&chunk, &mut |_| panic!("no line yet"));
            assert!(splitter.pending.capacity() <= 2 * LINE_LIMIT);
        }
        splitter.feed(b"\n", &mut |piece| {
            if let Piece::Line { bytes, cut, whole } = piece {
                lines.push((bytes.len() as u64, cut, whole));
            }
        });
        let all = 1600 * 64 * 1024;
        assert_eq!(lines, [(LINE_LIMIT as u64, all - LINE_LIMIT as u64, true)]);
    }

    proptest! {
        #[test]
        fn portions_do_not_change_the_lines(
            text in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(0), any::<u8>()], 0..200),
            cuts in proptest::collection::vec(0_usize..200, 0..6),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let portions: Vec<&[u8]> = cuts.windows(2).map(|w| &text[w[0]..w[1]]).collect();
            prop_assert_eq!(split(&portions), split(&[&text]));
        }
    }
}
