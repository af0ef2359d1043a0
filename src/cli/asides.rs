//! What the terminal is told beside its frames: the mouse, the clipboard, the bell.
//!
//! It goes out in front of the next frame, through the same writer, so that no sequence stands in
//! the middle of another. The clipboard (OSC 52) is not wrapped for tmux or screen: tmux
//! understands it where its `set-clipboard` is on, and lets a wrapped one through only where
//! `allow-passthrough` is on, which is no more likely; screen cuts what is wrapped at a few hundred
//! bytes.

use crossterm::{Command, clipboard::CopyToClipboard};

use crate::session::Clip;

/// Buttons and wheel, with cells beyond column 223 (xterm's modes 1000 and 1006).
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";
const BELL: char = '\x07';

/// What is to be told next: never more than one of each.
#[derive(Debug, Default)]
pub(super) struct Asides {
    clip: Option<Clip>,
    bell: bool,
    /// Whether the terminal tells of the mouse, when that is known.
    mouse: Option<bool>,
}

impl Asides {
    /// Puts a text into the clipboard.
    pub(super) fn copy(&mut self, clip: Clip) {
        self.clip = Some(clip);
    }

    /// Rings.
    pub(super) const fn ring(&mut self) {
        self.bell = true;
    }

    /// Nothing is known any more of the terminal's modes.
    pub(super) const fn forget(&mut self) {
        self.mouse = None;
    }

    /// The bytes in front of a frame for which the mouse is wanted or not.
    pub(super) fn take(&mut self, mouse: bool) -> Vec<u8> {
        let mut out = String::new();
        // A terminal that was just taken has it off.
        if self.mouse.replace(mouse).unwrap_or_default() != mouse {
            out.push_str(if mouse { MOUSE_ON } else { MOUSE_OFF });
        }
        if let Some(clip) = self.clip.take() {
            // A string takes everything.
            let _ = CopyToClipboard::to_clipboard_from(clip.text()).write_ansi(&mut out);
        }
        if std::mem::take(&mut self.bell) {
            out.push(BELL);
        }
        out.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(asides: &mut Asides, mouse: bool) -> String {
        String::from_utf8(asides.take(mouse)).unwrap_or_default()
    }

    #[test]
    fn the_mouse_is_switched_only_when_it_changes_and_again_after_a_stop() {
        let mut asides = Asides::default();
        assert_eq!(told(&mut asides, false), "");
        assert_eq!(told(&mut asides, true), MOUSE_ON);
        assert_eq!(told(&mut asides, true), "");
        asides.forget();
        assert_eq!(told(&mut asides, true), MOUSE_ON);
        assert_eq!(told(&mut asides, false), MOUSE_OFF);
    }

    #[test]
    fn the_last_copy_counts_and_the_bell_rings_once() {
        let mut asides = Asides::default();
        asides.copy(Clip::new(["first"]));
        asides.copy(Clip::new(["last"]));
        asides.ring();
        asides.ring();
        assert_eq!(told(&mut asides, false), "\x1b]52;c;bGFzdAo=\x1b\\\x07");
        assert_eq!(told(&mut asides, false), "");
    }

    #[test]
    fn the_largest_copy_is_one_that_terminals_take() {
        let mut asides = Asides::default();
        asides.copy(Clip::new(["x".repeat(100_000)]));
        let told = told(&mut asides, false);
        let payload = told.len() - "\x1b]52;c;\x1b\\".len();
        assert!(payload <= 74_994, "{payload}");
    }
}
