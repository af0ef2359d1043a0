//! The kernel log as `/dev/kmsg` gives it: one record per read
//! (<https://docs.kernel.org/admin-guide/abi-testing.html>, `Documentation/ABI/testing/dev-kmsg`).

use std::{
    fs::File,
    io::{self, Read},
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags},
    time::{ClockId, clock_gettime},
};

use super::clock;

/// Largest record that the kernel hands out (`CONSOLE_EXT_LOG_MAX`); a smaller buffer makes it
/// answer EINVAL.
const RECORD_LIMIT: usize = 8 * 1024;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Syslog facility. 0 is the kernel itself; anything else was written by a process, which
    /// can say what it likes.
    pub facility: u64,
    /// Syslog level, 0 (emergency) to 7 (debug).
    pub level: u8,
    /// Sequence number; consecutive over all facilities.
    pub sequence: u64,
    /// Microseconds of the kernel's local clock since boot, suspend not counted.
    pub stamp: u64,
    /// The message, unescaped, without the dictionary that may follow it.
    pub message: Vec<u8>,
}

impl Record {
    /// Reads `priority,sequence,stamp,flags[,more];message\n[ KEY=value\n…]`. `None` when the
    /// bytes do not have that form.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let split = bytes.iter().position(|b| *b == b';')?;
        let (head, rest) = bytes.split_at_checked(split)?;
        let message = rest.get(1..)?.split(|b| *b == b'\n').next()?;
        let mut fields = std::str::from_utf8(head).ok()?.split(',');
        let mut number = || fields.next()?.parse::<u64>().ok();
        let (priority, sequence, stamp) = (number()?, number()?, number()?);
        Some(Self {
            facility: priority >> 3,
            level: u8::try_from(priority & 7).ok()?,
            sequence,
            stamp,
            message: unescape(message),
        })
    }
}

/// Undoes the kernel's escaping: `\xNN` for every byte outside printable ASCII and for the
/// backslash itself.
fn unescape(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        if let [b'\\', b'x', high, low, after @ ..] = rest
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            out.push(high << 4 | low);
            rest = after;
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

/// What one read gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// A record, and how many before it were overwritten unread.
    Record {
        /// The record.
        record: Record,
        /// Records lost since the previous one.
        lost: u64,
    },
    /// Something that does not look like a record.
    Garbage,
    /// Nothing new yet.
    Empty,
}

/// A reader that starts at the oldest record in the ring.
#[derive(Debug)]
pub struct Reader<R = File> {
    from: R,
    buffer: Vec<u8>,
    expected: Option<u64>,
}

impl Reader {
    /// Opens `/dev/kmsg` without blocking reads.
    ///
    /// # Errors
    /// EPERM without `CAP_SYSLOG` where `kernel.dmesg_restrict` is 1, ENOENT in most containers.
    pub fn open() -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let fd: OwnedFd = rustix::fs::open("/dev/kmsg", flags, Mode::empty())?;
        Ok(Self::new(File::from(fd)))
    }

    /// Waits until there is something to read; false when `limit` passed first.
    ///
    /// # Errors
    /// Whatever poll(2) says, interruption excepted.
    pub fn wait(&self, limit: Duration) -> io::Result<bool> {
        let limit = Timespec {
            tv_sec: i64::try_from(limit.as_secs()).unwrap_or(1),
            tv_nsec: i64::from(limit.subsec_nanos()),
        };
        let mut fds = [PollFd::from_borrowed_fd(self.from.as_fd(), PollFlags::IN)];
        match poll(&mut fds, Some(&limit)) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl<R: Read> Reader<R> {
    /// A reader over anything that gives one record per read.
    pub fn new(from: R) -> Self {
        Self { from, buffer: vec![0; RECORD_LIMIT], expected: None }
    }

    /// Reads the next record. After an overrun (EPIPE) the kernel has moved on to the oldest
    /// record left; what was lost in between follows from the sequence numbers.
    ///
    /// # Errors
    /// Any error but "nothing yet", "interrupted" and "overrun"; also the end of the stream,
    /// which the real device does not have.
    pub fn read_next(&mut self) -> io::Result<Next> {
        // Each EPIPE moves the kernel's position; a writer faster than this reader could keep it
        // here, so the number of attempts has a bound.
        for _ in 0..16 {
            match self.from.read(&mut self.buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => return Ok(self.take(length)),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(Next::Empty),
                    io::ErrorKind::BrokenPipe | io::ErrorKind::Interrupted => {}
                    _ => return Err(error),
                },
            }
        }
        Ok(Next::Empty)
    }

    fn take(&mut self, length: usize) -> Next {
        let Some(record) = self.buffer.get(..length).and_then(Record::parse) else {
            return Next::Garbage;
        };
        let lost = self.expected.map_or(0, |expected| record.sequence.saturating_sub(expected));
        self.expected = Some(record.sequence.saturating_add(1));
        Next::Record { record, lost }
    }
}

/// Wall clock minus the monotonic clock now, in microseconds. A record's stamp counts, as the
/// monotonic clock does, no suspended time; stamps from before a suspend therefore come out too
/// late by its length, as they do in dmesg(1).
pub fn offset() -> i64 {
    clock::now().wall.0.saturating_sub(monotonic())
}

/// The monotonic clock (suspend not counted), in microseconds.
pub fn monotonic() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1_000)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    /// Gives one scripted answer per read.
    struct Script(VecDeque<Result<&'static [u8], rustix::io::Errno>>);

    impl Read for Script {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.pop_front() {
                None => Err(rustix::io::Errno::AGAIN.into()),
                Some(Err(errno)) => Err(errno.into()),
                Some(Ok(bytes)) if bytes.len() > buffer.len() => {
                    Err(rustix::io::Errno::INVAL.into())
                }
                Some(Ok(bytes)) => {
                    buffer[..bytes.len()].copy_from_slice(bytes);
                    Ok(bytes.len())
                }
            }
        }
    }

    #[test]
    fn a_record_is_read_with_its_escapes_and_without_its_dictionary() {
        let record = Record::parse(
            b"6,339,5140900,-,caller=T1;a\\x0ab\\x5cx41 \\xzz;c\n SUBSYSTEM=acpi\n DEVICE=+x\n",
        )
        .unwrap();
        assert_eq!((record.facility, record.level, record.sequence), (0, 6, 339));
        assert_eq!(record.stamp, 5_140_900);
        assert_eq!(record.message, b"a\nb\\x41 \\xzz;c");
    }

    #[test]
    fn what_a_process_wrote_shows_another_facility() {
        let record = Record::parse(b"12,7,1,-;Out of memory: Killed process 1 (nginx)\n").unwrap();
        assert_eq!((record.facility, record.level), (1, 4));
    }

    #[test]
    fn an_overrun_is_counted_from_the_sequence_numbers_and_reading_goes_on() {
        let mut reader = Reader::new(Script(VecDeque::from([
            Ok(b"6,10,1,-;a\n".as_slice()),
            Err(rustix::io::Errno::PIPE),
            Err(rustix::io::Errno::INTR),
            Ok(b"6,15,2,-;b\n".as_slice()),
            Ok(b"6,16,2,-;c\n".as_slice()),
            Ok(b"not a record".as_slice()),
        ])));
        let mut lost = Vec::new();
        loop {
            match reader.read_next().unwrap() {
                Next::Record { lost: n, .. } => lost.push(n),
                Next::Garbage => {}
                Next::Empty => break,
            }
        }
        assert_eq!(lost, [0, 4, 0]);
    }

    #[test]
    fn the_ring_of_this_machine_is_read_where_it_may_be() {
        let Ok(mut reader) = Reader::open() else { return };
        let mut last = None;
        for _ in 0..1_000_000 {
            match reader.read_next().unwrap() {
                Next::Record { record, .. } => {
                    assert!(last.is_none_or(|last| record.sequence > last));
                    last = Some(record.sequence);
                }
                Next::Garbage => panic!("a record was not understood"),
                Next::Empty => break,
            }
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Record::parse(&bytes);
            let _ = unescape(&bytes);
        }

        #[test]
        fn what_the_kernel_escapes_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut escaped = Vec::new();
            for byte in &bytes {
                if (32..127).contains(byte) && *byte != b'\\' {
                    escaped.push(*byte);
                } else {
                    escaped.extend(format!("\\x{byte:02x}").bytes());
                }
            }
            prop_assert_eq!(unescape(&escaped), bytes);
        }
    }
}
