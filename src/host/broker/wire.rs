//! Records on a stream: four bytes of length, most significant first, and so many bytes. In the
//! other direction one byte is one ask.

use std::{io, os::fd::OwnedFd};

use rustix::{
    io::Errno,
    net::{SendFlags, send},
};

/// Longest record, in bytes.
pub const RECORD: usize = 8 << 20;

/// The reading side of one end.
#[derive(Debug)]
pub struct Receiver {
    socket: OwnedFd,
}

/// The writing side of one end.
#[derive(Debug)]
pub struct Sender {
    socket: OwnedFd,
}

impl Receiver {
    pub(super) const fn new(socket: OwnedFd) -> Self {
        Self { socket }
    }

    /// Waits for one record; `None` when the other process is gone.
    ///
    /// # Errors
    /// When a record is longer than [`RECORD`] or is cut off, or the socket fails.
    pub fn record(&self) -> io::Result<Option<Vec<u8>>> {
        let mut length = [0_u8; 4];
        match self.fill(&mut length)? {
            0 => return Ok(None),
            4 => {}
            _ => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > RECORD {
            return Err(io::Error::other("a record is too long"));
        }
        let mut record = vec![0; length];
        if self.fill(&mut record)? != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some(record))
    }

    /// Waits for one ask; `None` when the other process is gone.
    ///
    /// # Errors
    /// When the socket fails.
    pub fn ask(&self) -> io::Result<Option<u8>> {
        let mut byte = [0_u8; 1];
        Ok((self.fill(&mut byte)? == 1).then_some(byte[0]))
    }

    /// Fills a buffer; less only at the end.
    fn fill(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match rustix::io::read(&self.socket, rest) {
                Err(Errno::INTR) => {}
                // The other process ended, perhaps with something unread.
                Ok(0) | Err(Errno::CONNRESET) => break,
                Ok(count) => filled += count,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(filled)
    }
}

impl Sender {
    pub(super) const fn new(socket: OwnedFd) -> Self {
        Self { socket }
    }

    /// Sends one record, waiting for room as long as it takes.
    ///
    /// # Errors
    /// When the record is longer than [`RECORD`], or the other process is gone.
    pub fn record(&self, record: &[u8]) -> io::Result<()> {
        let length = u32::try_from(record.len()).ok().filter(|_| record.len() <= RECORD);
        let length = length.ok_or_else(|| io::Error::other("a record is too long"))?;
        self.all(&length.to_be_bytes())?;
        self.all(record)
    }

    /// Sends one ask, when there is room for it: whoever asks has a screen to look after.
    pub fn ask(&self, ask: u8) {
        let _ = send(&self.socket, &[ask], SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
    }

    fn all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match rustix::io::write(&self.socket, bytes) {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{os::unix::net::UnixStream, thread};

    use proptest::prelude::*;

    use super::*;

    fn pair() -> (Sender, Receiver) {
        let (one, other) = UnixStream::pair().unwrap();
        (Sender::new(one.into()), Receiver::new(other.into()))
    }

    #[test]
    fn records_come_as_they_were_sent_and_then_the_end() {
        let (sender, receiver) = pair();
        let long = vec![7; RECORD];
        let sent = thread::spawn(move || {
            for record in [&b"one"[..], b"", &long] {
                sender.record(record).unwrap();
            }
            sender.record(&vec![0; RECORD + 1]).unwrap_err();
        });
        assert_eq!(receiver.record().unwrap().unwrap(), b"one");
        assert_eq!(receiver.record().unwrap().unwrap(), b"");
        assert_eq!(receiver.record().unwrap().unwrap().len(), RECORD);
        assert!(receiver.record().unwrap().is_none());
        sent.join().unwrap();
    }

    #[test]
    fn a_length_beyond_the_bound_is_refused_before_memory_is_taken() {
        let (sender, receiver) = pair();
        sender.all(&u32::MAX.to_be_bytes()).unwrap();
        assert!(receiver.record().is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_fail_otherwise_than_by_an_error(bytes: Vec<u8>) {
            let (sender, receiver) = pair();
            sender.all(&bytes).unwrap();
            drop(sender);
            let mut taken = 0;
            while let Ok(Some(record)) = receiver.record() {
                taken += 4 + record.len();
            }
            prop_assert!(taken <= bytes.len());
        }
    }
}
