//! Blocks in another language inside a configuration: skipped with that language's own rules for
//! strings and comments, so that a brace in a string ends nothing.

/// How much of the input a block takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Skipped {
    /// Bytes, the closing brace included.
    pub length: usize,
    /// Line feeds among them.
    pub lines: u32,
    /// Whether the closing brace was there.
    pub closed: bool,
}

/// Whether a directive of this name opens a Lua block (`content_by_lua_block` and its family,
/// <https://github.com/openresty/lua-nginx-module>).
pub(super) fn is_block(name: &[u8]) -> bool {
    name.ends_with(b"_by_lua_block")
}

/// Skips Lua up to the `}` that closes the block whose `{` stands just before `text`.
pub(super) fn skip_lua(text: &[u8]) -> Skipped {
    let mut at = 0;
    let mut depth = 1_usize;
    while let Some(&byte) = text.get(at) {
        let rest = text.get(at..).unwrap_or_default();
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return finish(text, at + 1, true);
                }
            }
            b'"' | b'\'' => {
                at += quoted(rest, byte);
                continue;
            }
            b'-' if rest.starts_with(b"--") => {
                at += 2 + comment(rest.get(2..).unwrap_or_default());
                continue;
            }
            b'[' => {
                at += long_bracket(rest).unwrap_or(1);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    finish(text, text.len(), false)
}

fn finish(text: &[u8], length: usize, closed: bool) -> Skipped {
    let taken = text.get(..length).unwrap_or_default();
    let lines = taken.split(|b| *b == b'\n').count() - 1;
    Skipped { length, lines: u32::try_from(lines).unwrap_or(u32::MAX), closed }
}

/// Length of a short string, which a line feed ends too (Lua refuses it, but a lost quote must
/// not swallow the file).
fn quoted(text: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\\' => at += 2,
            b'\n' => return at,
            _ if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// Length of a comment after its `--`.
fn comment(text: &[u8]) -> usize {
    long_bracket(text)
        .unwrap_or_else(|| text.iter().position(|b| *b == b'\n').unwrap_or(text.len()))
}

/// Length of `[==[ … ]==]`, `None` when `text` does not start with one.
fn long_bracket(text: &[u8]) -> Option<usize> {
    let inner = text.strip_prefix(b"[")?;
    let level = inner.iter().take_while(|b| **b == b'=').count();
    if inner.get(level) != Some(&b'[') {
        return None;
    }
    let body = 2 + level;
    let mut at = body;
    while let Some(found) = text.get(at..).and_then(|t| t.iter().position(|b| *b == b']')) {
        let close = at + found;
        let tail = text.get(close + 1..).unwrap_or_default();
        let signs = tail.iter().take_while(|b| **b == b'=').count();
        if signs == level && tail.get(level) == Some(&b']') {
            return Some(close + 2 + level);
        }
        at = close + 1;
    }
    Some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unclosed_string_or_bracket_ends_with_the_text() {
        for text in [&b"\"abc"[..], b"'", b"[[", b"[==[ ]=]", b"--[[ x", b"\"a\\", b"{"] {
            let skipped = skip_lua(text);
            assert!(!skipped.closed, "{}", text.escape_ascii());
            assert_eq!(skipped.length, text.len());
        }
    }

    #[test]
    fn an_index_is_not_a_long_bracket() {
        assert_eq!(skip_lua(b"a[b[1]] }x").length, 9);
        assert_eq!(skip_lua(b"a[=1] }").length, 7);
    }
}
