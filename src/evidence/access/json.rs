//! Access logs of one JSON object a line, with keys that nobody told.

use crate::{evidence::StampReader, observation::Wall};

use super::{
    fields::AccessFields,
    keys::{Gatherer, Pair, time},
    parser::Reading,
};

/// Objects and lists inside of each other that are looked into.
const DEPTH: u32 = 12;

/// Reads a line. What a program writes before the object (Caddy's console, a supervisor's name) is
/// stepped over.
pub(super) fn read<'a>(line: &'a [u8], stamps: &mut StampReader, now: Wall) -> Reading<'a> {
    let start = match line.first() {
        Some(b'{') => 0,
        _ => match memchr::memmem::find(line, b"{\"") {
            Some(at) => at,
            None => return Reading::Unfit,
        },
    };
    let mut gatherer = Gatherer::new(stamps, now);
    let mut scanner = Scanner { line, at: start, found: 0 };
    let whole = scanner.object(b"", 0, &mut |pair| gatherer.pair(pair)).is_some();
    let found = scanner.found;
    match gatherer.finish() {
        Some(fields) => Reading::Request(AccessFields {
            escaped: true,
            at: fields.at.or_else(|| {
                let head = line.get(..start).filter(|head| !head.is_empty())?;
                time(head, stamps, now)
            }),
            ..fields
        }),
        None if whole || found > 0 => Reading::Other,
        None => Reading::Unfit,
    }
}

struct Scanner<'a> {
    line: &'a [u8],
    at: usize,
    /// Values met.
    found: u32,
}

impl<'a> Scanner<'a> {
    fn object(
        &mut self,
        parent: &'a [u8],
        depth: u32,
        sink: &mut impl FnMut(Pair<'a>),
    ) -> Option<()> {
        self.byte(b'{')?;
        if self.next()? == b'}' {
            return self.byte(b'}');
        }
        loop {
            self.next()?;
            let key_at = self.at;
            let name = self.string()?;
            self.next()?;
            self.byte(b':')?;
            self.value((parent, name, key_at), depth, sink)?;
            match self.next()? {
                b',' => self.at += 1,
                _ => return self.byte(b'}'),
            }
        }
    }

    fn value(
        &mut self,
        (parent, name, key_at): (&'a [u8], &'a [u8], usize),
        depth: u32,
        sink: &mut impl FnMut(Pair<'a>),
    ) -> Option<()> {
        if depth >= DEPTH {
            return None;
        }
        let (value, place) = match self.next()? {
            b'{' => return self.object(name, depth + 1, sink),
            b'[' => {
                self.at += 1;
                if self.next()? == b']' {
                    return self.byte(b']');
                }
                loop {
                    // What stands before a value of a list is another in every line.
                    self.next()?;
                    self.value((parent, name, self.at), depth + 1, sink)?;
                    match self.next()? {
                        b',' => self.at += 1,
                        _ => return self.byte(b']'),
                    }
                }
            }
            b'"' => {
                let place = self.at + 1;
                (self.string()?, place)
            }
            _ => {
                let place = self.at;
                let rest = self.line.get(place..)?;
                let end = rest.iter().position(|byte| b",}] \t".contains(byte))?;
                self.at += end;
                (rest.get(..end).filter(|value| !value.is_empty())?, place)
            }
        };
        self.found = self.found.saturating_add(1);
        sink(Pair { parent, name, value, place: (key_at, place) });
        Some(())
    }

    /// The inside of a string, escapes and all.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.byte(b'"')?;
        let from = self.at;
        loop {
            let rest = self.line.get(self.at..)?;
            let end = memchr::memchr2(b'"', b'\\', rest)?;
            self.at += end + 1;
            if rest.get(end) == Some(&b'"') {
                return self.line.get(from..self.at - 1);
            }
            self.at += 1;
        }
    }

    /// Steps over blanks; the byte that follows.
    fn next(&mut self) -> Option<u8> {
        loop {
            match *self.line.get(self.at)? {
                b' ' | b'\t' => self.at += 1,
                other => return Some(other),
            }
        }
    }

    fn byte(&mut self, wanted: u8) -> Option<()> {
        (*self.line.get(self.at)? == wanted).then(|| self.at += 1)
    }
}
