//! Which lines of an nginx error log nginx wrote itself.

use super::nginx_line;

/// Longest message of nginx, in bytes, with whatever line breaks stand in it
/// (`NGX_MAX_ERROR_STR`).
const LONGEST: usize = 2048;

/// Follows one log. nginx escapes nothing, so a path with `%0A` or an application's message of
/// several lines puts whole lines of foreign text into the log, and these may look like nginx's
/// own. Such a message begins with a line whose quote does not close; everything within one
/// longest message behind its beginning may belong to it. Feed it every line, in order.
///
/// A text that imitates a whole line with its fields, and goes on in a second one, is not told
/// here: compare the line's process id with the gateway's workers, which a client cannot see.
#[derive(Clone, Debug, Default)]
pub struct OwnLines {
    doubt: usize,
}

impl OwnLines {
    /// Whether this line is nginx's own. A line that is not proves nothing.
    pub fn is_own(&mut self, line: &str) -> bool {
        let own = self.doubt == 0;
        let written = written(line).saturating_add(1);
        self.doubt = self.doubt.saturating_sub(written);
        if own && nginx_line::is_unfinished(line) {
            self.doubt = LONGEST.saturating_sub(written).max(1);
        }
        own
    }
}

/// Bytes in the log at least: `\xNN` stands for one byte that is not UTF-8.
fn written(line: &str) -> usize {
    line.len().saturating_sub(line.matches("\\x").count().saturating_mul(3))
}
