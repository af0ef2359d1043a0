//! What an edit changes, as people read it.

use similar::TextDiff;

use crate::observation::{Text, redact_configuration};

/// Lines of a shown difference; the rest is counted.
const LINES: usize = 400;
/// Lines around a change.
const CONTEXT: usize = 3;

/// In a configuration the value of a secret stands behind a blank as well, as in
/// `fastcgi_param DB_PASSWORD x;` and `env[TOKEN] = x`.
fn line(text: &str) -> Text {
    Text::new(redact_configuration(text))
}

/// A unified diff, line by line; secrets are redacted in each.
pub(super) fn unified(file: &Text, old: &[u8], new: &[u8]) -> Vec<Text> {
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let diff = TextDiff::from_lines(old.as_ref(), new.as_ref());
    let text = diff
        .unified_diff()
        .context_radius(CONTEXT)
        .header(&format!("{file}"), &format!("{file}"))
        .to_string();
    let count = text.lines().count();
    let mut lines: Vec<Text> = text.lines().take(LINES).map(line).collect();
    if count > LINES {
        lines.push(Text::new(format!("… {} more lines", count - LINES)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_beside_the_change_is_not_shown_and_an_escape_is_made_visible() {
        let file = Text::new("/etc/x.conf");
        let old = b"env[DB_PASSWORD] = hunter2\nfastcgi_param DB_PASSWORD hunter2;\nb 1;\n";
        let new = b"server_tokens off;\nproxy_set_header Authorization \"Basic hunter2\";\n\
                    b \x1b[31m2;\n";
        let lines = unified(&file, old, new);
        let shown: Vec<String> = lines.iter().map(ToString::to_string).collect();
        assert!(shown.iter().any(|line| line == "-b 1;"), "{shown:?}");
        assert!(shown.iter().any(|line| line == "+b ␛[31m2;"), "{shown:?}");
        assert!(shown.iter().any(|line| line == "+server_tokens off;"), "{shown:?}");
        assert!(!shown.concat().contains("hunter2"), "{shown:?}");
    }

    #[test]
    fn a_long_difference_is_cut_and_says_so() {
        let new = "x;\n".repeat(1_000);
        let lines = unified(&Text::new("/f"), b"", new.as_bytes());
        assert_eq!(lines.len(), LINES + 1);
        assert!(lines.last().unwrap().raw().ends_with("more lines"));
    }
}
