//! What a daemon's test says, in one sentence and with the line that it means.

use crate::observation::{Place, Text};

/// Lines of a test's output that are looked at.
const LINES: usize = 200;
/// Warnings that are kept.
const WARNINGS: usize = 5;

/// What a test said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// The line that says why it refuses, without date and program.
    pub(super) refusal: Option<Text>,
    /// The line of the configuration that it means.
    pub(super) place: Option<Place>,
    /// Warnings.
    pub(super) warnings: Vec<Text>,
}

/// Reads the error output of nginx, php-fpm, Apache or `HAProxy`.
pub(super) fn read(output: &[u8]) -> Said {
    let text = Text::from_bytes(output);
    let mut said = Said::default();
    let mut lines = text.raw().lines().take(LINES).peekable();
    while let Some(line) = lines.next() {
        let line = line.trim();
        if let Some(rest) = level(line, &["[warn]", "WARNING:", "[WARNING]"]) {
            if said.warnings.len() < WARNINGS {
                said.warnings.push(Text::new(without_pid(rest)));
            }
            continue;
        }
        let Some(rest) = complaint(line) else { continue };
        let place = place(rest);
        // Apache names the place on one line and the reason on the next.
        let next = if line.starts_with("AH00526") { lines.peek() } else { None };
        // The first complaint that names a line is the cause of those that follow it.
        if said.refusal.is_none() || (said.place.is_none() && place.is_some()) {
            let words = next.map_or_else(|| rest.to_owned(), |next| format!("{rest} {next}"));
            said.refusal = Some(Text::new(words));
            said.place = place;
        }
    }
    said
}

/// What stands behind one of these words.
fn level<'a>(line: &'a str, words: &[&str]) -> Option<&'a str> {
    words.iter().find_map(|word| line.split_once(word).map(|(_, rest)| rest.trim()))
}

fn complaint(line: &str) -> Option<&str> {
    let grave = ["[emerg]", "[alert]", "[crit]", "[error]", "ERROR:", "ALERT:", "[ALERT]"];
    if let Some(rest) = level(line, &grave) {
        return Some(without_pid(rest));
    }
    line.starts_with("AH").then_some(line)
}

/// Takes the process off that speaks: `12#12: what` (nginx, once its log is open),
/// `(12) : config : what` (haproxy).
fn without_pid(text: &str) -> &str {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if let Some((who, what)) = text.split_once(": ")
        && who.split_once('#').is_some_and(|(pid, thread)| number(pid) && number(thread))
    {
        return what;
    }
    let Some((pid, what)) = text.strip_prefix('(').and_then(|rest| rest.split_once(") : ")) else {
        return text;
    };
    if number(pid) { what.strip_prefix("config : ").unwrap_or(what) } else { text }
}

/// `in FILE:LINE` (nginx), `[FILE:LINE]` (php-fpm, haproxy), `on line LINE of FILE` (Apache).
fn place(line: &str) -> Option<Place> {
    let pair = |text: &str| {
        let (file, number) = text.rsplit_once(':')?;
        let number: u32 = number.parse().ok()?;
        file.starts_with('/').then(|| Place { file: Text::new(file), line: number })
    };
    if let Some((_, rest)) = line.split_once("on line ") {
        let (number, rest) = rest.split_once(" of ")?;
        return pair(&format!("{}:{number}", rest.trim_end_matches(':')));
    }
    if let Some((_, rest)) = line.rsplit_once(" in /")
        && let Some(found) = pair(&format!("/{rest}"))
    {
        return Some(found);
    }
    let (_, rest) = line.split_once("[/")?;
    pair(&format!("/{}", rest.split_once(']')?.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(output: &str) -> (String, String) {
        let said = read(output.as_bytes());
        let place = said.place.map(|place| place.to_string()).unwrap_or_default();
        (said.refusal.map(|text| text.to_string()).unwrap_or_default(), place)
    }

    #[test]
    fn the_line_that_each_daemon_means_is_found() {
        let nginx = "nginx: [warn] conflicting server name \"a\" on 0.0.0.0:80, ignored\n\
                     nginx: [emerg] unknown directive \"proxi_pass\" in /etc/nginx/sites/a b:12\n\
                     nginx: configuration file /etc/nginx/nginx.conf test failed\n";
        assert_eq!(told(nginx).0, "unknown directive \"proxi_pass\" in /etc/nginx/sites/a b:12");
        assert_eq!(told(nginx).1, "/etc/nginx/sites/a b:12");
        assert_eq!(read(nginx.as_bytes()).warnings.len(), 1);
        let nginx = "nginx: [emerg] host not found in upstream \"x\" in /etc/nginx/nginx.conf:7\n";
        assert_eq!(told(nginx).1, "/etc/nginx/nginx.conf:7");
        let late =
            "2026/11/25 21:51:00 [emerg] 303#303: unexpected \";\" in /etc/nginx/nginx.conf:1\n";
        assert_eq!(told(late).0, "unexpected \";\" in /etc/nginx/nginx.conf:1");
        let fpm = "[25-Nov-2026 20:00:00] ERROR: [/etc/php/8.2/fpm/pool.d/www.conf:3] unknown \
                   entry 'garbage'\n[25-Nov-2026 20:00:00] ERROR: Unable to include \
                   /etc/php/8.2/fpm/pool.d/*.conf from /etc/php/8.2/fpm/php-fpm.conf at line 145\n";
        assert_eq!(told(fpm).1, "/etc/php/8.2/fpm/pool.d/www.conf:3");
        let apache = "AH00526: Syntax error on line 5 of /etc/apache2/sites-enabled/x.conf:\n\
                      Invalid command 'ProxiPass'\n";
        let (words, place) = told(apache);
        assert_eq!(place, "/etc/apache2/sites-enabled/x.conf:5");
        assert!(words.ends_with("Invalid command 'ProxiPass'"), "{words}");
        let haproxy = "[ALERT]    (123) : config : parsing [/etc/haproxy/haproxy.cfg:12] : unknown \
                       keyword 'foo' in 'global' section\n";
        let (words, place) = told(haproxy);
        assert_eq!(place, "/etc/haproxy/haproxy.cfg:12");
        assert!(words.starts_with("parsing ["), "{words}");
    }

    proptest! {
        #[test]
        fn no_output_makes_the_reader_fail(
            output in proptest::collection::vec(any::<u8>(), 0..300),
            words in "(\\[emerg\\]|ERROR:|AH00526| in /|\\[/|:1|on line 5 of |]|\n| ){0,20}",
        ) {
            let _ = read(&output);
            let said = read(words.as_bytes());
            prop_assert!(said.place.is_none() || said.refusal.is_some());
        }
    }
}
