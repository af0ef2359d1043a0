//! Lines out of the frames of a container's log. Pure.

use std::fmt::Write as _;

use bollard::container::LogOutput;
use jiff::Timestamp;

use crate::observation::{Continuation, TEXT_LIMIT, Text, Wall};

/// One line of a container's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The engine's stamp, nanoseconds since the epoch.
    pub(super) nanos: Option<i64>,
    pub(super) text: Text,
}

impl Line {
    /// The stamp as wall time.
    pub(super) fn at(&self) -> Option<Wall> {
        self.nanos.map(|nanos| Wall(nanos / 1_000))
    }
}

/// A line that is not complete yet.
#[derive(Debug, Default)]
struct Open {
    nanos: Option<i64>,
    bytes: Vec<u8>,
    /// Bytes of it that were seen, kept or not.
    seen: usize,
}

/// Joins frames to lines, standard output and standard error apart. The engine cuts a long line
/// into frames, each with a stamp of its own, and ends the last one with a newline.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    output: Open,
    error: Open,
    /// What the lines of either leave open of secrets.
    after_output: Continuation,
    after_error: Continuation,
}

impl Splitter {
    /// Takes a frame and gives the lines that it completes.
    pub(super) fn feed(&mut self, frame: &LogOutput) -> Vec<Line> {
        let (open, after) = match frame {
            LogOutput::StdErr { .. } => (&mut self.error, &mut self.after_error),
            _ => (&mut self.output, &mut self.after_output),
        };
        let (nanos, payload) = stamped(frame.as_ref());
        let mut lines = Vec::new();
        for piece in payload.split_inclusive(|byte| *byte == b'\n') {
            if open.seen == 0 {
                open.nanos = nanos;
            }
            open.seen += piece.len();
            let room = TEXT_LIMIT.saturating_sub(open.bytes.len()).min(piece.len());
            open.bytes.extend_from_slice(piece.get(..room).unwrap_or(piece));
            if piece.ends_with(b"\n") {
                lines.push(std::mem::take(open).close(after));
            }
        }
        lines
    }

    /// Gives the lines whose ends never came.
    pub(super) fn finish(mut self) -> Vec<Line> {
        [(self.output, &mut self.after_output), (self.error, &mut self.after_error)]
            .into_iter()
            .filter(|(open, _)| open.seen > 0)
            .map(|(open, after)| open.close(after))
            .collect()
    }
}

impl Open {
    fn close(self, after: &mut Continuation) -> Line {
        let end = self.bytes.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r'));
        let kept = self.bytes.get(..end.map_or(0, |last| last + 1)).unwrap_or_default();
        let text = if self.seen > TEXT_LIMIT + 1 {
            let mut cut = String::from_utf8_lossy(kept.get(..TEXT_LIMIT - 64).unwrap_or(kept));
            let _ = write!(cut.to_mut(), "… [cut at {TEXT_LIMIT} of {} bytes]", self.seen);
            Text::new(cut)
        } else {
            Text::from_bytes(kept)
        };
        Line { nanos: self.nanos, text: after.take(text) }
    }
}

/// Takes the engine's stamp (RFC 3339) off a frame.
fn stamped(frame: &[u8]) -> (Option<i64>, &[u8]) {
    let head = frame.get(..40).unwrap_or(frame);
    let parsed = head.iter().position(|byte| *byte == b' ').and_then(|end| {
        let stamp: Timestamp = std::str::from_utf8(frame.get(..end)?).ok()?.parse().ok()?;
        Some((i64::try_from(stamp.as_nanosecond()).ok()?, frame.get(end + 1..)?))
    });
    parsed.map_or((None, frame), |(nanos, rest)| (Some(nanos), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn out(bytes: &[u8]) -> LogOutput {
        LogOutput::StdOut { message: bytes.to_vec().into() }
    }

    #[test]
    fn a_long_line_in_several_frames_is_one_line_and_streams_do_not_mix() {
        let mut splitter = Splitter::default();
        assert!(splitter.feed(&out(b"2026-11-21T02:13:01.403287965Z one ")).is_empty());
        let other = b"2026-11-21T02:13:02Z oops\n".to_vec().into();
        let error = splitter.feed(&LogOutput::StdErr { message: other });
        assert_eq!(error.first().map(|line| line.text.raw()), Some("oops"));
        let done = splitter.feed(&out(b"2026-11-21T02:13:03Z line\r\n"));
        assert_eq!(done.first().map(|line| line.text.raw()), Some("one line"));
        assert_eq!(done.first().and_then(|line| line.nanos), Some(1_795_227_181_403_287_965));
    }

    #[test]
    fn a_line_without_end_is_cut_and_says_so() {
        let mut splitter = Splitter::default();
        for _ in 0..200 {
            assert!(splitter.feed(&out(&[b'a'; 16_384])).is_empty());
        }
        let lines = splitter.finish();
        let text = lines.first().map(|line| line.text.raw().to_owned()).unwrap();
        assert!(text.len() < TEXT_LIMIT + 64 && text.ends_with("of 3276800 bytes]"));
    }

    #[test]
    fn a_line_without_stamp_is_kept_whole() {
        let lines =
            Splitter::default().feed(&LogOutput::Console { message: "héllo wörld\n".into() });
        assert_eq!(lines, [Line { nanos: None, text: Text::new("héllo wörld") }]);
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..10)) {
            let mut splitter = Splitter::default();
            for frame in &frames {
                let _ = splitter.feed(&out(frame));
            }
            let _ = splitter.finish();
        }
    }
}
