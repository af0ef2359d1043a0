//! The form of Supervisor's configuration files: sections of keys, continued lines, comments.

/// Lines of one file.
const LINES: usize = 20_000;
/// Bytes of one value.
const VALUE: usize = 8_192;

/// A section with its keys in their order, each with its line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) line: u32,
    keys: Vec<(String, String)>,
}

impl Section {
    /// The value of a key, as written; the last one counts.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.keys.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// The sections of a file. What is not understood is left out.
pub(super) fn sections(text: &str) -> Vec<Section> {
    let mut all: Vec<Section> = Vec::new();
    for (number, line) in (1_u32..).zip(text.lines().take(LINES)) {
        let whole = line.trim_end();
        let bare = whole.trim_start();
        if bare.is_empty() || bare.starts_with(['#', ';']) {
            continue;
        }
        let Some(section) = header(whole).map(str::to_owned) else {
            if let Some(current) = all.last_mut() {
                add(current, whole);
            }
            continue;
        };
        all.push(Section { name: section, line: number, keys: Vec::new() });
    }
    all
}

fn header(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.split_once(']').map(|(name, _)| name.trim())
}

fn add(section: &mut Section, line: &str) {
    let value = without_comment(line);
    // A line that begins with space goes on with the value before.
    if line.starts_with([' ', '\t']) {
        if let Some((_, last)) = section.keys.last_mut()
            && last.len() + value.len() < VALUE
        {
            last.push('\n');
            last.push_str(value.trim());
        }
        return;
    }
    if let Some((key, value)) = value.split_once(['=', ':'])
        && value.len() < VALUE
        && section.keys.len() < 256
    {
        section.keys.push((key.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
}

/// A semicolon behind a space begins a comment.
fn without_comment(line: &str) -> &str {
    let at = [" ;", "\t;"].iter().filter_map(|mark| line.find(mark)).min();
    at.and_then(|at| line.get(..at)).unwrap_or(line)
}

/// Splits `KEY="a,b",KEY2=c` into `KEY=a,b` and `KEY2=c`.
pub(super) fn variables(value: &str) -> Vec<String> {
    let mut all = Vec::new();
    let (mut one, mut quote) = (String::new(), None);
    for c in value.chars().take(VALUE).chain([',']) {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (',' | '\n', None) => {
                let done = std::mem::take(&mut one);
                if done.contains('=') {
                    all.push(done.trim().to_owned());
                }
            }
            (c, _) => one.push(c),
        }
    }
    all
}

/// Splits a command as a shell would, without expanding anything.
pub(super) fn words(command: &str) -> Vec<String> {
    let mut all = Vec::new();
    let (mut one, mut open, mut quote) = (String::new(), false, None);
    let mut chars = command.chars().take(VALUE);
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', None | Some('"')) => {
                one.extend(chars.next());
                open = true;
            }
            ('"' | '\'', None) => (quote, open) = (Some(c), true),
            (c, Some(q)) if c == q => quote = None,
            (c, None) if c.is_whitespace() => {
                if std::mem::take(&mut open) {
                    all.push(std::mem::take(&mut one));
                }
            }
            (c, _) => {
                one.push(c);
                open = true;
            }
        }
    }
    if open {
        all.push(one);
    }
    all
}

/// Fills in `%(name)s` and `%(process_num)02d`; what `value` does not know stays as written.
pub(super) fn expand(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let (done, taken) = one(from, &value);
        out.push_str(&done);
        rest = from.get(taken..).unwrap_or_default();
        if out.len() > VALUE {
            break;
        }
    }
    out.push_str(rest);
    out
}

/// What stands for the beginning of `from`, which is a percent sign, and how much of it that was.
fn one(from: &str, value: &impl Fn(&str) -> Option<String>) -> (String, usize) {
    if from.starts_with("%%") {
        return ("%".to_owned(), 2);
    }
    let as_written = || ("%".to_owned(), 1);
    let Some((name, after)) = from.strip_prefix("%(").and_then(|f| f.split_once(')')) else {
        return as_written();
    };
    let digits: String = after.chars().take_while(char::is_ascii_digit).take(3).collect();
    let Some(kind @ ('s' | 'd')) = after.get(digits.len()..).and_then(|a| a.chars().next()) else {
        return as_written();
    };
    let Some(mut found) = value(name) else { return as_written() };
    let width = digits.parse::<usize>().unwrap_or(0).min(20);
    while kind == 'd' && found.len() < width {
        found.insert(0, '0');
    }
    (found, 2 + name.len() + 1 + digits.len() + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sections_comments_and_continued_lines_are_read() {
        let text = "; x\n[program:shop] ; y\ncommand=/opt/shop --a=b ; port\nenvironment=A=1,\n  \
                    B=\"2,3\"\n#command=no\n\n[include]\nfiles = conf.d/*.conf\n";
        let all = sections(text);
        assert_eq!((all[0].name.as_str(), all[0].line), ("program:shop", 2));
        assert_eq!(all[0].get("command"), Some("/opt/shop --a=b"));
        assert_eq!(variables(all[0].get("environment").unwrap()), ["A=1", "B=2,3"]);
        assert_eq!(all[1].get("files"), Some("conf.d/*.conf"));
    }

    #[test]
    fn names_are_filled_in_and_commands_are_split() {
        let value = |name: &str| match name {
            "program_name" => Some("shop".to_owned()),
            "process_num" => Some("3".to_owned()),
            _ => None,
        };
        let text = "%(program_name)s_%(process_num)02d 100%% %(ENV_X)s %";
        assert_eq!(expand(text, value), "shop_03 100% %(ENV_X)s %");
        assert_eq!(
            words(r#"bash -c "exec node 'a b'" x\ y '' "#),
            ["bash", "-c", "exec node 'a b'", "x y", ""]
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(?s)[\\[\\]%()sd0-9a-z=;,:\"'\\\\ \n\té]{0,200}") {
            for section in sections(&text) {
                let _ = section.get("x");
            }
            let _ = (variables(&text), words(&text));
            let _ = expand(&text, |name| (name.len() == 1).then(|| "é".to_owned()));
        }
    }
}
