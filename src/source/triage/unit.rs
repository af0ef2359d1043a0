//! One part of one file, read to its end.

use std::io::{self, Read as _};

use crate::{
    evidence::triage::{Blocks, ErrorTally, Holds, LogScan, Scanned, Tally, Terms},
    host::{log_file::LogFile, packed},
};

/// Bytes read to find the end of a line.
const STEP: usize = 64 * 1024;
/// Places of a file that are sampled, bytes of each, and the size from which on that is done.
const PLACES: u64 = 16;
const PIECE: usize = 4 * 1024;
const SAMPLED: u64 = 256 * 1024;

/// What one part amounts to.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) holds: Option<Holds>,
    pub(super) scanned: Scanned,
    /// Lines that were cut.
    pub(super) cut: u64,
    /// Why it could not be read to its end.
    pub(super) trouble: Option<String>,
}

/// Where counts go, and when to stop.
pub(super) struct Ground<'a> {
    pub(super) terms: &'a Terms,
    pub(super) tally: &'a mut Tally,
    pub(super) errors: &'a mut ErrorTally,
    /// Asked before each block.
    pub(super) stop: &'a dyn Fn() -> bool,
}

/// Reads a part of a plain file.
pub(super) fn plain(
    file: &LogFile,
    (holds, sample): (&Holds, &[u8]),
    (begin, end): (u64, u64),
    ground: &mut Ground<'_>,
) -> Part {
    let mut part = Part::default();
    let mut scan = LogScan::new(holds, ground.terms.clone());
    scan.prime(sample);
    if let Err(error) = lines_of(file, (begin, end), &mut scan, &mut part, ground) {
        part.trouble = Some(error.to_string());
    }
    part.holds = Some(scan.holds());
    part.scanned = scan.scanned;
    part
}

fn lines_of(
    file: &LogFile,
    (begin, end): (u64, u64),
    scan: &mut LogScan,
    part: &mut Part,
    ground: &mut Ground<'_>,
) -> io::Result<()> {
    let mut before = [b'\n'];
    if begin > 0 {
        file.read_at(&mut before, begin - 1)?;
    }
    let mut blocks = Blocks::new(before != *b"\n");
    let mut at = begin;
    while at < end && !(ground.stop)() {
        let space = blocks.space();
        let room = usize::try_from(end - at).unwrap_or(usize::MAX).min(space.len());
        let Some(space) = space.get_mut(..room) else { break };
        let count = file.read_at(space, at)?;
        if count == 0 {
            break;
        }
        at += count as u64;
        blocks.filled(count, &mut |text| scan.block(text, ground.tally, ground.errors));
    }
    // The last line that begins here ends behind.
    while blocks.is_under_way() && at >= end {
        let space = blocks.space();
        let room = space.len().min(STEP);
        let Some(space) = space.get_mut(..room) else { break };
        let count = file.read_at(space, at)?;
        let line = space.get(..count).and_then(|text| memchr::memchr(b'\n', text));
        let taken = line.map_or(count, |end| end + 1);
        at += taken as u64;
        blocks.filled(taken, &mut |text| scan.block(text, ground.tally, ground.errors));
        if line.is_some() || count == 0 {
            break;
        }
    }
    blocks.finish(&mut |text| scan.block(text, ground.tally, ground.errors));
    part.cut = blocks.cut;
    Ok(())
}

/// Reads a packed file from its beginning.
pub(super) fn packed(file: LogFile, told: Option<&Holds>, ground: &mut Ground<'_>) -> Part {
    stream(&mut packed::unpacked(file), told, ground)
}

/// Reads from a stream; what it holds is told, or recognised by its first lines.
pub(super) fn stream(
    reader: &mut dyn io::Read,
    told: Option<&Holds>,
    ground: &mut Ground<'_>,
) -> Part {
    let mut part = Part::default();
    let mut blocks = Blocks::new(false);
    let mut scan = told.map(|holds| LogScan::new(holds, ground.terms.clone()));
    let mut binary = false;
    let Ground { terms, tally, errors, stop } = ground;
    let mut take = |text: &[u8]| {
        if scan.is_none() && !binary {
            let holds = Holds::recognise(text, &terms.zone);
            binary = holds.is_none();
            scan = holds.map(|holds| LogScan::new(&holds, terms.clone()));
        }
        if let Some(scan) = &mut scan {
            scan.block(text, tally, errors);
        }
    };
    while !stop() {
        match fill(reader, blocks.space()) {
            Ok(0) => break,
            Ok(count) => blocks.filled(count, &mut take),
            Err((count, error)) => {
                blocks.filled(count, &mut take);
                part.trouble = Some(words(&error));
                break;
            }
        }
    }
    blocks.finish(&mut take);
    part.cut = blocks.cut;
    part.holds = scan.as_ref().map(LogScan::holds);
    if binary {
        part.trouble = Some("it is not text".into());
    }
    part.scanned = scan.map(|scan| scan.scanned).unwrap_or_default();
    part
}

/// Reads until the buffer is full or the stream ends: pipes give little at a time.
fn fill(reader: &mut dyn io::Read, buffer: &mut [u8]) -> Result<usize, (usize, io::Error)> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err((done, error)),
        }
    }
    Ok(done)
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the gzip ends early; what stands before is counted".into(),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            format!("the gzip is broken from here on ({error}); what stands before is counted")
        }
        _ => error.to_string(),
    }
}

/// The first bytes of a plain file.
pub(super) fn head(file: &LogFile) -> io::Result<Vec<u8>> {
    let mut head = vec![0; STEP];
    let count = file.read_at(&mut head, 0)?;
    head.truncate(count);
    Ok(head)
}

/// A few whole lines of each of several places of a file, so that its formats are known before it
/// is read.
pub(super) fn sample(file: &LogFile, size: u64) -> Vec<u8> {
    let mut all = Vec::new();
    if size < SAMPLED {
        return all;
    }
    let mut piece = vec![0; PIECE];
    for n in 0..PLACES {
        let Ok(count) = file.read_at(&mut piece, size / PLACES * n) else { break };
        let text = piece.get(..count).unwrap_or_default();
        let begin = memchr::memchr(b'\n', text).map_or(count, |at| at + 1);
        let end = memchr::memrchr(b'\n', text).map_or(0, |at| at + 1);
        all.extend_from_slice(text.get(begin..end).unwrap_or_default());
    }
    all
}

/// The first bytes of a packed file.
pub(super) fn packed_head(file: LogFile) -> Vec<u8> {
    let mut head = Vec::new();
    // What is broken further on is told by those who read it.
    let _ = packed::unpacked(file).take(STEP as u64).read_to_end(&mut head);
    head
}
