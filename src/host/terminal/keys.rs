//! From the bytes of a terminal to keys and the mouse.
//!
//! What a terminal sends is not trusted: answers to questions that nobody asked and unknown
//! sequences are swallowed whole and never become keys (ECMA-48 section 5.4 for their shape,
//! xterm's control sequences for the keys and, mode 1006, for the mouse).

use std::{collections::VecDeque, mem, time::Duration};

use super::Input;
use crate::session::{Key, KeyCode, Mouse, MouseKind};

/// Most bytes of a paste; the rest is dropped.
pub(super) const PASTE: usize = 64 * 1_024;
/// Longest sequence that is understood.
const SEQUENCE: usize = 32;
/// How long the rest of a key may take on a slow line.
const REST: Duration = Duration::from_millis(50);
/// How long the rest of a paste may take.
const PASTE_REST: Duration = Duration::from_secs(1);
/// What ends a paste.
const PASTE_END: &[u8] = b"\x1b[201~";

/// Takes bytes in and gives keys.
#[derive(Clone, Debug, Default)]
pub struct Parser {
    state: State,
}

#[derive(Clone, Debug, Default)]
enum State {
    #[default]
    Ground,
    /// After ESC.
    Escape,
    /// After `ESC [`.
    Control(Vec<u8>),
    /// After `ESC O`: one letter.
    Single,
    /// After `ESC [ [`: one letter, on the console of Linux.
    Console,
    /// After `ESC [ M`: bytes of an old mouse report to come.
    Mouse(u8),
    /// Inside a string that a terminal answers with; whether ESC came last.
    Answer(bool),
    /// Inside a character of several bytes.
    Wide(Vec<u8>),
    /// Inside a paste.
    Paste(Pasted),
    /// After a paste: what follows at once is still somebody else's text.
    Hush,
}

#[derive(Clone, Debug, Default)]
struct Pasted {
    text: Vec<u8>,
    /// How many bytes of [`PASTE_END`] have been seen.
    end: usize,
}

impl Parser {
    /// How long to wait for more bytes before [`Parser::idle`]; `None` when nothing is pending.
    pub const fn patience(&self) -> Option<Duration> {
        match self.state {
            State::Ground => None,
            State::Paste(_) => Some(PASTE_REST),
            _ => Some(REST),
        }
    }

    /// Takes bytes in.
    pub fn feed(&mut self, bytes: &[u8], out: &mut VecDeque<Input>) {
        for byte in bytes {
            out.extend(self.byte(*byte));
        }
    }

    /// Nothing came for [`Parser::patience`]: what is pending is complete or worthless.
    pub fn idle(&mut self) -> Option<Input> {
        match mem::take(&mut self.state) {
            State::Escape => Some(key(KeyCode::Esc)),
            State::Paste(pasted) => Some(pasted.finish()),
            _ => None,
        }
    }

    fn byte(&mut self, byte: u8) -> Option<Input> {
        match mem::take(&mut self.state) {
            State::Ground => self.ground(byte),
            State::Escape => self.escape(byte),
            State::Control(held) => self.control(held, byte),
            State::Single => plain(byte).map(key),
            State::Console => {
                (b'A'..=b'E').contains(&byte).then(|| key(KeyCode::F(byte - b'A' + 1)))
            }
            State::Mouse(rest) => {
                if rest > 1 {
                    self.state = State::Mouse(rest - 1);
                }
                None
            }
            State::Answer(escaped) => {
                let ended = byte == 0x07 || byte == 0x18 || (escaped && byte == b'\\');
                if !ended {
                    self.state = State::Answer(byte == 0x1b);
                }
                None
            }
            State::Wide(held) => self.wide(held, byte),
            State::Paste(pasted) => self.paste(pasted, byte),
            State::Hush => {
                self.state = State::Hush;
                None
            }
        }
    }

    fn ground(&mut self, byte: u8) -> Option<Input> {
        match byte {
            0x1b => {
                self.state = State::Escape;
                None
            }
            b'\r' => Some(key(KeyCode::Enter)),
            b'\t' => Some(key(KeyCode::Tab)),
            0x7f | 0x08 => Some(key(KeyCode::Backspace)),
            0x00 => Some(with_control(' ')),
            0x01..=0x1a => Some(with_control(char::from(byte - 1 + b'a'))),
            0x1c..=0x1f => Some(with_control(char::from(byte + 0x40))),
            0x20..=0x7e => Some(key(KeyCode::Char(char::from(byte)))),
            0xc2..=0xf4 => {
                self.state = State::Wide(vec![byte]);
                None
            }
            _ => None,
        }
    }

    fn escape(&mut self, byte: u8) -> Option<Input> {
        match byte {
            b'[' => self.state = State::Control(Vec::new()),
            b'O' => self.state = State::Single,
            b']' | b'P' | b'X' | b'^' | b'_' => self.state = State::Answer(false),
            0x1b => {
                self.state = State::Escape;
                return Some(key(KeyCode::Esc));
            }
            // Alt and a key, which mean nothing here.
            _ => {}
        }
        None
    }

    fn control(&mut self, mut held: Vec<u8>, byte: u8) -> Option<Input> {
        match byte {
            0x1b => self.state = State::Escape,
            0x18 | 0x1a => {}
            b'[' if held.is_empty() => self.state = State::Console,
            b'M' if held.is_empty() => self.state = State::Mouse(3),
            0x40..=0x7e if held == b"200" && byte == b'~' => {
                self.state = State::Paste(Pasted::default());
            }
            b'M' | b'm' if held.first() == Some(&b'<') => return mouse(&held, byte),
            0x40..=0x7e => return sequence(&held, byte),
            _ => {
                if held.len() < SEQUENCE {
                    held.push(byte);
                }
                self.state = State::Control(held);
            }
        }
        None
    }

    fn wide(&mut self, mut held: Vec<u8>, byte: u8) -> Option<Input> {
        if byte & 0xc0 != 0x80 {
            return self.ground(byte);
        }
        held.push(byte);
        match std::str::from_utf8(&held) {
            Ok(text) => text.chars().next().map(|c| key(KeyCode::Char(c))),
            Err(error) if error.error_len().is_none() => {
                self.state = State::Wide(held);
                None
            }
            Err(_) => None,
        }
    }

    fn paste(&mut self, mut pasted: Pasted, byte: u8) -> Option<Input> {
        if PASTE_END.get(pasted.end) == Some(&byte) {
            pasted.end += 1;
            if pasted.end == PASTE_END.len() {
                self.state = State::Hush;
                return Some(pasted.finish());
            }
        } else {
            pasted.keep_start_of_end();
            if byte == 0x1b {
                pasted.end = 1;
            } else {
                pasted.push(byte);
            }
        }
        self.state = State::Paste(pasted);
        None
    }
}

impl Pasted {
    fn push(&mut self, byte: u8) {
        if self.text.len() < PASTE {
            self.text.push(byte);
        }
    }

    /// What looked like the end was text.
    fn keep_start_of_end(&mut self) {
        for byte in PASTE_END.iter().take(mem::take(&mut self.end)) {
            self.push(*byte);
        }
    }

    fn finish(self) -> Input {
        Input::Paste(String::from_utf8_lossy(&self.text).into_owned())
    }
}

const fn key(code: KeyCode) -> Input {
    Input::Key(Key { code, control: false })
}

const fn with_control(character: char) -> Input {
    Input::Key(Key { code: KeyCode::Char(character), control: true })
}

/// Keys whose sequence ends in a letter of their own.
const fn plain(byte: u8) -> Option<KeyCode> {
    Some(match byte {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        b'M' => KeyCode::Enter,
        b'Z' => KeyCode::BackTab,
        b'P'..=b'S' => KeyCode::F(byte - b'P' + 1),
        _ => return None,
    })
}

/// The key of `ESC [ held last`.
fn sequence(held: &[u8], last: u8) -> Option<Input> {
    let text = std::str::from_utf8(held).ok()?;
    let mut numbers = text.split(';').map(|n| if n.is_empty() { Ok(1) } else { n.parse::<u8>() });
    let first = numbers.next()?.ok()?;
    let modifiers = numbers.next().map_or(Ok(1), |n| n).ok()?;
    if numbers.next().is_some() {
        return None;
    }
    let code = match last {
        b'~' => tilde(first)?,
        // `ESC [ M` is a mouse, and a cursor position report ends in R.
        b'M' | b'R' => return None,
        _ if first == 1 => plain(last)?,
        _ => return None,
    };
    let control = modifiers.checked_sub(1).is_some_and(|bits| bits & 4 != 0);
    Some(Input::Key(Key { code, control }))
}

/// The mouse of `ESC [ < button ; column ; row last`. Other buttons, drags and releases mean
/// nothing here, nor do the keys that were held.
fn mouse(held: &[u8], last: u8) -> Option<Input> {
    const HELD_KEYS: u16 = 4 | 8 | 16;
    let text = std::str::from_utf8(held).ok()?.strip_prefix('<')?;
    let mut numbers =
        text.split(';').map(|n| n.parse::<u16>().ok().filter(|_| !n.starts_with('+')));
    let mut number = || numbers.next()?;
    let (button, column, row) = (number()?, number()?, number()?);
    let kind = match (button & !HELD_KEYS, last) {
        (0, b'M') => MouseKind::Press,
        (64, b'M') => MouseKind::ScrollUp,
        (65, b'M') => MouseKind::ScrollDown,
        _ => return None,
    };
    let (column, row) = (column.checked_sub(1)?, row.checked_sub(1)?);
    numbers.next().is_none().then_some(Input::Mouse(Mouse { kind, column, row }))
}

const fn tilde(number: u8) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number - 10),
        17..=21 => KeyCode::F(number - 11),
        23 | 24 => KeyCode::F(number - 12),
        _ => return None,
    })
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
