//! Bytes of a log in blocks of whole lines.

/// Bytes of a block.
const BLOCK: usize = 256 * 1024;
/// Most that is kept of one line.
pub const LONGEST_LINE: usize = 64 * 1024;

/// Makes blocks of whole lines of bytes that come in any portions; its memory never grows.
#[derive(Debug)]
pub struct Blocks {
    buffer: Vec<u8>,
    filled: usize,
    /// What comes up to the next newline belongs to a line that was cut, or that another reads.
    skipping: bool,
    /// Lines that were longer than [`LONGEST_LINE`].
    pub cut: u64,
}

impl Blocks {
    /// An empty one. With `inside`, the reading begins in a line that another reads.
    pub fn new(inside: bool) -> Self {
        Self { buffer: vec![0; BLOCK], filled: 0, skipping: inside, cut: 0 }
    }

    /// Where the next bytes go; never empty.
    pub fn space(&mut self) -> &mut [u8] {
        self.buffer.get_mut(self.filled..).unwrap_or_default()
    }

    /// Takes the first `count` bytes of [`Blocks::space`] in.
    pub fn filled(&mut self, count: usize, sink: &mut dyn FnMut(&[u8])) {
        let fresh = self.filled;
        self.filled = (self.filled + count).min(self.buffer.len());
        let mut begin = 0;
        if self.skipping {
            let text = self.buffer.get(fresh..self.filled).unwrap_or_default();
            let Some(end) = memchr::memchr(b'\n', text) else {
                self.filled = fresh;
                return;
            };
            self.skipping = false;
            begin = fresh + end + 1;
        }
        let text = self.buffer.get(begin..self.filled).unwrap_or_default();
        let Some(end) = memchr::memrchr(b'\n', text) else {
            if text.len() >= BLOCK || (begin == 0 && self.filled == self.buffer.len()) {
                sink(text.get(..LONGEST_LINE).unwrap_or(text));
                self.cut += 1;
                self.filled = 0;
                self.skipping = true;
            } else {
                self.keep(begin);
            }
            return;
        };
        sink(text.get(..=end).unwrap_or(text));
        self.keep(begin + end + 1);
    }

    /// Moves what is left to the front.
    fn keep(&mut self, from: usize) {
        self.buffer.copy_within(from..self.filled, 0);
        self.filled -= from;
    }

    /// The log is over: its last line may lack a newline.
    pub fn finish(&mut self, sink: &mut dyn FnMut(&[u8])) {
        let text = self.buffer.get(..self.filled).unwrap_or_default();
        if !text.is_empty() && !self.skipping {
            sink(text);
        }
        self.filled = 0;
    }

    /// Whether a line has begun that did not end yet, and is not one that is stepped over.
    pub const fn is_under_way(&self) -> bool {
        self.filled > 0 && !self.skipping
    }
}
