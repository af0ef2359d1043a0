//! Logs as they lie on disk: plain, or packed with gzip. Other packings are named.

use std::{
    io::{self, BufReader, Read},
    path::Path,
};

use flate2::read::MultiGzDecoder;

use super::{
    files::{FileError, Root},
    log_file::{FileLook, LogFile},
};

/// Bytes that are read of a packed file at a time.
const PACKED: usize = 64 * 1024;

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// gzip, one or several members.
    Gzip,
    /// Something that this program cannot unpack, with the program that can.
    Foreign(&'static str, &'static str),
}

impl Packing {
    /// Tells it by the first bytes.
    pub fn of(head: &[u8]) -> Self {
        const FOREIGN: [(&[u8], &str, &str); 6] = [
            (b"\x28\xb5\x2f\xfd", "zstd", "zstdcat"),
            (b"\xfd7zXZ", "xz", "xzcat"),
            (b"BZh", "bzip2", "bzcat"),
            (b"\x04\x22\x4d\x18", "lz4", "lz4cat"),
            (b"PK\x03\x04", "zip", "unzip -p"),
            (b"LPKSHHRH", "the journal", "journalctl --file"),
        ];
        if head.starts_with(b"\x1f\x8b") {
            return Self::Gzip;
        }
        let foreign = FOREIGN.iter().find(|(magic, ..)| head.starts_with(magic));
        foreign.map_or(Self::Plain, |(_, name, tool)| Self::Foreign(name, tool))
    }
}

/// A regular file with what is known of it.
#[derive(Debug)]
pub struct Opened {
    /// The file.
    pub file: LogFile,
    /// Its size and age.
    pub look: FileLook,
    /// How it is packed.
    pub packing: Packing,
}

/// Opens a log.
///
/// # Errors
/// [`FileError`].
pub fn open(root: &Root, path: &Path) -> Result<Opened, FileError> {
    let (file, look) = LogFile::open(root, path)?;
    let mut head = [0; 8];
    let read = file.read_at(&mut head, 0)?;
    let packing = Packing::of(head.get(..read).unwrap_or_default());
    Ok(Opened { file, look, packing })
}

/// Reads a packed file from its beginning. A file that ends early fails with
/// [`io::ErrorKind::UnexpectedEof`] after everything before was given.
pub fn unpacked(file: LogFile) -> impl Read + std::fmt::Debug {
    MultiGzDecoder::new(BufReader::with_capacity(PACKED, Positioned { file, offset: 0 }))
}

/// Reads what somebody gives, unpacked if it is packed.
///
/// # Errors
/// Whatever reading its first bytes says.
pub fn of_stream(mut stream: impl Read + 'static) -> io::Result<(Packing, Box<dyn Read>)> {
    let mut head = Vec::new();
    stream.by_ref().take(8).read_to_end(&mut head)?;
    let packing = Packing::of(&head);
    let whole = io::Cursor::new(head).chain(stream);
    let reader: Box<dyn Read> = match packing {
        Packing::Gzip => Box::new(MultiGzDecoder::new(BufReader::with_capacity(PACKED, whole))),
        Packing::Plain | Packing::Foreign(..) => Box::new(whole),
    };
    Ok((packing, reader))
}

#[derive(Debug)]
struct Positioned {
    file: LogFile,
    offset: u64,
}

impl Read for Positioned {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset = self.offset.saturating_add(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn several_members_are_one_text_and_an_early_end_keeps_what_stood_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gz");
        let both = [packed(b"one\n"), packed(&b"two\n".repeat(100_000))].concat();
        std::fs::write(&path, &both).unwrap();
        let opened = open(&Root::default(), &path).unwrap();
        assert_eq!(opened.packing, Packing::Gzip);
        let mut text = Vec::new();
        unpacked(opened.file).read_to_end(&mut text).unwrap();
        assert_eq!(text.len(), 4 + 400_000);
        std::fs::write(&path, &both[..both.len() - 300]).unwrap();
        let mut text = Vec::new();
        let error = unpacked(open(&Root::default(), &path).unwrap().file).read_to_end(&mut text);
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(text.starts_with(b"one\ntwo\n"));
    }

    #[test]
    fn other_packings_are_named() {
        assert_eq!(Packing::of(b"\x28\xb5\x2f\xfd...."), Packing::Foreign("zstd", "zstdcat"));
        assert_eq!(Packing::of(b"10.0.0.1"), Packing::Plain);
        assert_eq!(Packing::of(b""), Packing::Plain);
    }
}
