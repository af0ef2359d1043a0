//! Text on its way into the clipboard of the person's terminal.

use crate::observation::Clean;

/// Most bytes of it: a multiple of three, so that it is 74,992 characters in base64. xterm takes
/// no more than 74,994 of a clipboard, and others have taken over its limit.
const MOST: usize = 56_244;

/// Lines that are safe to paste anywhere: nothing in them but their ends is a control character.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clip {
    text: String,
    lines: usize,
    cut: bool,
}

impl Clip {
    /// Takes lines: makes each of them visible as on the screen, and drops what is too much.
    pub fn new<L: AsRef<str>>(lines: impl IntoIterator<Item = L>) -> Self {
        let mut clip = Self::default();
        for line in lines {
            let line = Clean::new(line.as_ref());
            let mut end = line.as_str().len();
            let room = MOST.saturating_sub(clip.text.len().saturating_add(1));
            if end > room {
                clip.cut = true;
                // Half a line is better than nothing of it, and worse than the lines before it.
                if clip.lines > 0 {
                    break;
                }
                end = line.as_str().floor_char_boundary(room);
            }
            clip.text.push_str(line.as_str().get(..end).unwrap_or_default());
            clip.text.push('\n');
            clip.lines = clip.lines.saturating_add(1);
        }
        clip
    }

    /// The text, each line with its end.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many lines are in it.
    pub const fn lines(&self) -> usize {
        self.lines
    }

    /// Whether something was dropped, which is to be said.
    pub const fn is_cut(&self) -> bool {
        self.cut
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_escape_is_copied_as_it_is_shown() {
        let clip = Clip::new(["a\u{1b}]52;c;x\u{7}", "b\nc"]);
        assert_eq!(clip.text(), "a␛]52;c;x␇\nb␊c\n");
        assert_eq!((clip.lines(), clip.is_cut()), (2, false));
    }

    #[test]
    fn too_much_is_cut_at_a_line_and_says_so() {
        let line = "é".repeat(1_000);
        let clip = Clip::new(std::iter::repeat_n(&line, 100));
        assert!(clip.is_cut() && clip.text().len() <= MOST);
        assert_eq!(clip.lines(), clip.text().lines().filter(|l| *l == line).count());
        let one = Clip::new(["é".repeat(MOST)]);
        assert!(one.is_cut() && one.lines() == 1 && one.text().len() <= MOST);
    }

    proptest! {
        #[test]
        fn only_ends_of_lines_are_control_characters(lines: Vec<String>) {
            let clip = Clip::new(&lines);
            prop_assert_eq!(clip.lines(), lines.len());
            prop_assert!(!clip.text().chars().any(|c| c.is_control() && c != '\n'));
        }
    }
}
