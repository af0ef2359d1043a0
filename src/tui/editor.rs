//! Typing: what a key does to a draft, by the text area of the terminal library. It keeps no state:
//! the draft goes in, a new one comes out.

use tui_textarea::{CursorMove, Input, Key as AreaKey, TextArea};

use crate::session::{Draft, Key, KeyCode, Typed};

/// Rows of a page.
const PAGE: usize = 16;

/// What was typed, done to a draft; for [`crate::session::Knowledge`].
pub fn edit(draft: &Draft, typed: &Typed) -> Draft {
    let mut area = TextArea::new(draft.lines.clone());
    // Undoing is the session's: an area lives for one key.
    area.set_max_histories(0);
    area.set_tab_length(4);
    area.move_cursor(jump(draft.row, draft.col));
    match typed {
        Typed::Key(Key { code: KeyCode::PageDown, .. }) => {
            area.move_cursor(jump(draft.row.saturating_add(PAGE), draft.col));
        }
        Typed::Key(Key { code: KeyCode::PageUp, .. }) => {
            area.move_cursor(jump(draft.row.saturating_sub(PAGE), draft.col));
        }
        Typed::Key(Key { code: KeyCode::Enter, control: false }) => {
            // A new line begins where the one before does.
            let line = draft.lines.get(draft.row).map(String::as_str).unwrap_or_default();
            let before: String = line.chars().take(draft.col).collect();
            let indent: String = before.chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
            area.insert_newline();
            area.insert_str(indent);
        }
        Typed::Key(key) => {
            if let Some(input) = input(*key) {
                area.input(input);
            }
        }
        Typed::Text(text) => {
            area.insert_str(text);
        }
    }
    let at = area.cursor();
    let (row, col) = (at.0, at.1);
    let mut next = draft.clone();
    (next.lines, next.row, next.col) = (area.into_lines(), row, col);
    next
}

fn jump(row: usize, col: usize) -> CursorMove {
    let short = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    CursorMove::Jump(short(row), short(col))
}

/// The keys that the area knows; those that would copy, cut or search there are left out.
const fn input(key: Key) -> Option<Input> {
    let code = match key.code {
        KeyCode::Char(c) => AreaKey::Char(c),
        KeyCode::Enter => AreaKey::Enter,
        KeyCode::Backspace => AreaKey::Backspace,
        KeyCode::Tab => AreaKey::Tab,
        KeyCode::Left => AreaKey::Left,
        KeyCode::Right => AreaKey::Right,
        KeyCode::Up => AreaKey::Up,
        KeyCode::Down => AreaKey::Down,
        KeyCode::Home => AreaKey::Home,
        KeyCode::End => AreaKey::End,
        _ => return None,
    };
    if key.control
        && !matches!(
            key.code,
            KeyCode::Char('a' | 'e' | 'k' | 'w' | 'd' | 'h' | 'f' | 'b' | 'n' | 'p')
        )
    {
        return None;
    }
    Some(Input { key: code, ctrl: key.control, alt: false, shift: false })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn draft(text: &str, row: usize, col: usize) -> Draft {
        let lines = text.split('\n').map(str::to_owned).collect();
        Draft { lines, row, col, ..Draft::default() }
    }

    fn key(code: KeyCode) -> Typed {
        Typed::Key(Key { code, control: false })
    }

    #[test]
    fn a_value_is_changed_where_the_cursor_stands() {
        let mut now = draft("a;\n  proxy_read_timeout 5s;\nb;", 1, 23);
        let keys = [KeyCode::Backspace, KeyCode::Backspace, KeyCode::Char('9'), KeyCode::Char('s')];
        for code in keys {
            now = edit(&now, &key(code));
        }
        assert_eq!(now.content(), "a;\n  proxy_read_timeout 9s;\nb;");
        assert_eq!((now.row, now.col), (1, 23));
    }

    #[test]
    fn lines_that_are_not_touched_keep_their_bytes() {
        let text = "a;\r\n\tb\t\"é\";\r\n\u{a0}c";
        let now = edit(&draft(text, 2, 0), &Typed::Text("x\ny".to_owned()));
        assert_eq!(now.content(), "a;\r\n\tb\t\"é\";\r\nx\ny\u{a0}c");
    }

    proptest! {
        #[test]
        fn no_key_and_no_place_makes_it_fail_hard(
            text in "[a-zé日\t\n]{0,60}", row in 0_usize..9, col in 0_usize..80, c in any::<char>(),
        ) {
            let from = draft(&text, row, col);
            for code in [KeyCode::Char(c), KeyCode::Enter, KeyCode::Backspace, KeyCode::PageDown,
                KeyCode::Up, KeyCode::End, KeyCode::Tab] {
                let now = edit(&from, &key(code));
                prop_assert!(now.row < now.lines.len().max(1));
            }
        }
    }
}
