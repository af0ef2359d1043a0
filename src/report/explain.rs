//! What a cause, a signature or a pasted log line means: plain text, 80 columns, offline.
//!
//! The words come from `assets/`; whatever is repeated from the pasted line is sanitised.

use std::cmp::Reverse;

use crate::{
    diagnosis::words::CauseText,
    evidence::{
        Match, SignatureInfo, Signatures,
        nginx_line::{self, NginxLine},
    },
    observation::Text,
};

use super::{advice, page::Page};

/// Longest part of a pasted line that is looked at, in bytes.
const LINE_LIMIT: usize = 8 * 1024;
/// How many close ids are named.
const CLOSE: usize = 6;
/// How many related causes are named.
const RELATED: usize = 10;
/// Columns of an id in the list of causes.
const ID_COLUMNS: usize = 32;

/// What is known about something that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The page.
    pub text: String,
    /// Whether the id or the line is known; otherwise the page says what was understood.
    pub known: bool,
}

/// Answers the id of a cause or signature, or a pasted log line.
pub fn answer(asked: &str) -> Answer {
    match explain_cause(asked).or_else(|| advice::page(asked)) {
        Some(text) => Answer { text, known: true },
        None => line_answer(asked),
    }
}

/// Every cause by id with its title, those first that this program looks for by itself.
pub fn list_causes() -> String {
    let mut page = Page::default();
    for (heading, rule) in
        [("gatemedic looks for these by itself", true), ("gatemedic explains these only", false)]
    {
        page.heading(heading);
        for cause in CauseText::all().iter().filter(|cause| cause.rule == rule) {
            page.row(&cause.id, ID_COLUMNS, &cause.title);
        }
    }
    page.heading("What guides advise, and what is true of it");
    page.row("advice", ID_COLUMNS, "gatemedic explain advice");
    page.finish()
}

/// Everything known about a cause or signature id; `None` when there is no such id.
pub fn explain_cause(id: &str) -> Option<String> {
    let id = id.trim();
    let mut page = Page::default();
    let cause = CauseText::get(id);
    if let Some(cause) = cause {
        tell_cause(&mut page, cause);
    }
    let lines: Vec<&SignatureInfo> =
        Signatures::embedded().all().filter(|info| info.id == id).collect();
    if cause.is_none() && lines.is_empty() {
        return None;
    }
    if cause.is_none() {
        page.title(id);
    }
    if !lines.is_empty() {
        page.heading("Log lines that speak for it");
    }
    for info in lines {
        page.blank();
        page.entry("Program", &format!("{} ({})", info.program, info.level));
        page.entry("Example", &Text::from(info.sample.as_str()).to_string());
        tell_signature(&mut page, info);
    }
    if cause.is_none() {
        related(&mut page, id);
    }
    Some(page.finish())
}

/// What a pasted log line says, as far as it is known.
pub fn explain_line(line: &str) -> String {
    line_answer(line).text
}

fn line_answer(line: &str) -> Answer {
    let line = first_line(line);
    let mut page = Page::default();
    if line.is_empty() {
        page.text("Nothing to explain: give the id of a cause, or paste a whole log line.");
        return Answer { text: page.finish(), known: false };
    }
    if !line.contains(' ') {
        return Answer { text: no_such_id(line), known: false };
    }
    let bare = without_syslog_head(line);
    let nginx = nginx_line::parse(bare);
    let found = if nginx.is_some() { None } else { recognise(line, false) };
    let found = found.or_else(|| recognise(bare, nginx.is_some()));
    match &found {
        Some((program, found)) => tell_match(&mut page, program, found),
        None => tell_unknown(&mut page, bare, nginx.as_ref()),
    }
    if let Some(nginx) = &nginx {
        tell_nginx(&mut page, nginx);
    }
    Answer { text: page.finish(), known: found.is_some() }
}

/// Ids that are close to a mistyped one, the closest first.
pub fn close_ids(id: &str) -> Vec<&'static str> {
    let causes = CauseText::all().iter().map(|cause| cause.id.as_str());
    let mut known: Vec<&str> =
        causes.chain(Signatures::embedded().all().map(|info| info.id.as_str())).collect();
    known.sort_unstable();
    known.dedup();
    let allowed = 2.max(id.chars().count() / 3);
    let mut close: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|known| {
            let contained = id.len() >= 3 && known.contains(id);
            let far = if contained { 0 } else { distance(id, known) };
            (far <= allowed).then_some((far, known))
        })
        .collect();
    close.sort_unstable();
    close.into_iter().map(|(_, known)| known).take(CLOSE).collect()
}

fn no_such_id(id: &str) -> String {
    let mut page = Page::default();
    let shown = Text::from(id);
    page.text(&format!("There is no cause or signature with the id \"{shown}\"."));
    let close = close_ids(id);
    if close.is_empty() {
        page.text("A log line must be given whole, in quotes.");
    } else {
        page.heading("Did you mean");
        for id in &close {
            page.item(id);
        }
    }
    page.finish()
}

fn tell_cause(page: &mut Page, cause: &CauseText) {
    page.title(&format!("{}: {}", cause.id, cause.title));
    page.text(&cause.what);
    page.section("How it becomes what the client sees", &cause.why_502);
    page.section("What looks alike", &cause.tell_apart);
    page.section("Check next", &cause.next_check);
    page.section("What cures it", &cause.fix);
    page.section("What does not help", &cause.do_not);
    if let Some(why) = &cause.no_remedy {
        page.section("No repair at one key", why);
    } else {
        page.section("Repairs that gatemedic knows", &cause.remedies.join(", "));
    }
    if !cause.explains.is_empty() {
        page.section("It explains, on the same subject", &cause.explains.join(", "));
    }
    advice::add_to_cause(page, &cause.id);
    if !cause.rule {
        page.section(
            "Note",
            "gatemedic explains this cause; it does not yet look for it by itself.",
        );
    }
}

fn tell_signature(page: &mut Page, info: &SignatureInfo) {
    page.entry("It means", &info.meaning);
    page.entry("Usually", &info.usually);
    page.entry("Look at", &info.look);
    if let Some(sees) = &info.client_sees {
        page.entry("Client sees", sees);
    }
}

fn tell_match(page: &mut Page, program: &str, found: &Match) {
    let Some(info) = found.id.info() else { return };
    page.title(&format!("{}, from {program}", info.id));
    tell_signature(page, info);
    let parts: Vec<String> =
        found.captures.iter().map(|(name, part)| format!("{name} = {part}")).collect();
    if !parts.is_empty() {
        page.entry("Parts", &parts.join(", "));
    }
    if info.symptom {
        page.blank();
        page.text("This line proves where the request failed, not why.");
    }
    related(page, &info.id);
}

/// Causes of which a line with this id can be the sign.
fn related(page: &mut Page, id: &str) {
    let own = CauseText::get(id);
    let rest = CauseText::all().iter().filter(|cause| cause.explains(id));
    let mut causes: Vec<&CauseText> = own.into_iter().chain(rest).collect();
    if causes.is_empty() {
        return;
    }
    // What is the case now is looked up faster than why.
    causes.sort_by_key(|cause| (cause.id != id, !cause.rule, Reverse(cause.kind)));
    page.heading("Causes to think of (gatemedic explain ID)");
    for cause in causes.iter().take(RELATED) {
        page.item(&format!("{}: {}", cause.id, cause.title));
    }
    let more = causes.len().saturating_sub(RELATED);
    if more > 0 {
        page.item(&format!("and {more} more"));
    }
}

fn tell_unknown(page: &mut Page, line: &str, nginx: Option<&NginxLine>) {
    page.title("This line is not known");
    page.text(
        "None of the known log lines matches it, so its meaning is not guessed here. That does \
         not make it harmless.",
    );
    if nginx.is_some() {
        page.text("It has the form of nginx's error log, and this much can be read from it:");
        return;
    }
    let words: Vec<&str> = ["error", "fail", "fatal", "refused", "timed out", "denied", "killed"]
        .into_iter()
        .filter(|word| line.to_ascii_lowercase().contains(word))
        .collect();
    if !words.is_empty() {
        page.text(&format!("It contains the word \"{}\".", words.join("\" and the word \"")));
    }
    page.text("What it was compared with: the lines of");
    page.text(&format!("{}.", Signatures::embedded().files().collect::<Vec<_>>().join(", ")));
}

fn tell_nginx(page: &mut Page, line: &NginxLine) {
    page.heading("What nginx wrote");
    let mut entry = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            page.entry(name, &value);
        }
    };
    let shown = |text: &Option<Text>| text.as_ref().map(ToString::to_string);
    entry("When", shown(&line.at).map(|at| format!("{at} (local time of the host)")));
    entry("Level", Some(line.level.to_string()));
    entry("Message", Some(line.message.to_string()));
    entry("While", line.phase.map(|phase| phase.as_str().to_owned()));
    entry("System error", line.errno.map(errno_words));
    entry("Upstream", line.upstream_address.as_ref().map(ToString::to_string));
    entry("Upstream group", shown(&line.upstream_group));
    entry("Request", shown(&line.request));
    entry("Virtual host", shown(&line.server));
    entry("Host header", shown(&line.host));
    entry("Client", shown(&line.client));
    if line.doubtful {
        page.blank();
        page.text(
            "Parts of this line come from the client and could pose as others, or the line was \
             cut; what could be forged was left out.",
        );
    }
}

/// The number with its meaning for a connection (errno(3)).
fn errno_words(number: i32) -> String {
    let words = match number {
        2 => "no such file: the socket does not exist",
        5 => "input/output error",
        9 => "bad file descriptor",
        11 => "try again: the queue of the socket is full",
        12 => "out of memory",
        13 => "permission denied",
        22 => "invalid argument: a blackhole route, for example",
        24 => "too many open files in this process",
        28 => "no space left on the device",
        32 => "broken pipe: the other side had closed",
        91 => "wrong type of socket",
        97 => "address family not supported",
        98 => "address already in use",
        99 => "address not available, or no local port left",
        101 => "network unreachable: no route",
        104 => "connection reset by the other side",
        110 => "timed out",
        111 => "connection refused: nobody listens, or a filter rejects",
        113 => "no route to the host",
        _ => "see errno(3)",
    };
    format!("{number}, {words}")
}

/// The first file of signatures that knows the line. A line in nginx's form is only nginx's.
fn recognise(line: &str, nginx: bool) -> Option<(&'static str, Match)> {
    let signatures = Signatures::embedded();
    let files = signatures.files().filter(|file| !nginx || *file == "nginx");
    files.into_iter().find_map(|file| Some((file, signatures.classify_as(file, line)?)))
}

fn first_line(text: &str) -> &str {
    let line = text.trim().lines().next().unwrap_or_default().trim_end();
    let mut end = line.len().min(LINE_LIMIT);
    while !line.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    line.get(..end).unwrap_or_default()
}

/// Takes `Nov 20 18:40:00 web1 systemd[1]: ` or `2026-11-20T18:40:00+0000 web1 nginx[7]: ` off,
/// as syslog and journalctl write it. `HAProxy`'s own form keeps its head.
fn without_syslog_head(line: &str) -> &str {
    let mut words = line.splitn(6, ' ').filter(|word| !word.is_empty());
    let Some(first) = words.next() else { return line };
    let stamp_words = if first.len() >= 19 && first.contains('T') && first.contains(':') {
        1
    } else if first.len() == 3 && first.bytes().all(|b| b.is_ascii_alphabetic()) {
        3
    } else {
        return line;
    };
    let Some((head, rest)) = line.split_once(": ") else { return line };
    let parts: Vec<&str> = head.split_ascii_whitespace().collect();
    let named = parts.last().is_some_and(|name| {
        let name = name.split('[').next().unwrap_or_default();
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.@/".contains(&b))
    });
    if parts.len() == stamp_words + 2 && named { rest } else { line }
}

/// How many characters must be changed, added or taken away (Levenshtein), for short ids.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (n, a) in one.chars().take(64).enumerate() {
        let mut diagonal = n;
        let mut left = n.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, b) in row.iter_mut().skip(1).zip(&other) {
            let changed = diagonal.saturating_add(usize::from(a != *b));
            diagonal = *cell;
            left = changed.min(left.saturating_add(1)).min(cell.saturating_add(1));
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_mistyped_id_is_answered_with_close_ones() {
        assert_eq!(close_ids("app-unit-stoped").first(), Some(&"app-unit-stopped"));
        assert!(close_ids("zzzzzzzz").is_empty());
        assert!(explain_cause("app-unit-stoped").is_none());
        assert!(explain_line("app-unit-stoped").contains("  app-unit-stopped\n"));
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn a_cause_is_told_with_all_its_words() {
        let text = explain_cause("oom-cgroup-unit").unwrap();
        for words in ["What looks alike", "What cures it", "What does not help", "MemoryMax"] {
            assert!(text.contains(words), "{text}");
        }
        assert!(explain_cause("sym-tcp-refused").unwrap().contains("app-unit-stopped"));
    }

    #[test]
    fn a_pasted_nginx_line_is_taken_apart() {
        let text = explain_line(
            r#"2026/11/20 18:17:42 [error] 7#7: *3 connect() failed (111: Connection refused) while connecting to upstream, client: 10.0.0.1, server: shop, request: "GET /a HTTP/1.1", upstream: "http://127.0.0.1:9001/a", host: "h""#,
        );
        for words in ["sym-tcp-refused, from nginx", "127.0.0.1:9001", "111, connection refused"] {
            assert!(text.contains(words), "{text}");
        }
    }

    #[test]
    fn a_line_as_journalctl_shows_it_is_recognised() {
        let line =
            "Nov 20 18:40:00 web1 systemd[1]: app.service: Start request repeated too quickly.";
        assert!(explain_line(line).starts_with("app-start-limit-hit, from systemd\n"));
        let line = "Nov 20 18:40:00 web1 kernel: Out of memory: Killed process 1177 (node) total-vm:43072kB, anon-rss:40192kB, file-rss:0kB";
        assert!(explain_line(line).starts_with("oom-global, from kernel\n"));
        let line = "2026-11-20T18:40:00+00:00 web1 app[77]: Error: listen EADDRINUSE: address already in use :::3000";
        assert!(explain_line(line).starts_with("app-port-in-use, from node\n"));
    }

    #[test]
    fn an_answer_says_whether_it_knows() {
        assert!(answer("app-unit-stopped").known);
        assert!(answer("Out of memory: Killed process 1177 (node) total-vm:43072kB, anon-rss:40192kB, file-rss:0kB").known);
        assert!(!answer("app-unit-stoped").known);
        assert!(!answer("the frobnicator failed to engage").known);
        let list = list_causes();
        assert!(CauseText::all().iter().all(|cause| list.contains(&cause.id)));
    }

    #[test]
    fn an_unknown_line_is_not_guessed_at() {
        let text = explain_line("the frobnicator failed to engage");
        assert!(text.contains("is not known") && text.contains("\"fail\""), "{text}");
        let text = explain_line("2026/11/20 18:17:42 [error] 7#7: *3 something new, client: ::1");
        assert!(text.contains("something new") && text.contains("is not known"), "{text}");
    }

    #[test]
    fn every_sample_and_id_is_explained_in_80_columns() {
        let wide =
            |text: &str| text.lines().any(|line| unicode_width::UnicodeWidthStr::width(line) > 80);
        for info in Signatures::embedded().all() {
            let text = explain_line(&info.sample);
            assert!(!text.contains("is not known"), "{}: {}", info.program, info.sample);
            assert!(!wide(&text), "{text}");
            assert!(!wide(&explain_cause(&info.id).unwrap()));
        }
        for cause in CauseText::all() {
            let text = explain_cause(&cause.id).unwrap();
            assert!(!wide(&text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived_and_made_safe(text in any::<String>()) {
            for line in [text.clone(), format!("2026/11/20 18:17:42 [error] 7#7: *3 {text}")] {
                let told = explain_line(&line);
                prop_assert!(told.chars().all(|c| c == '\n' || !c.is_control()));
            }
            let _ = explain_cause(&text);
        }
    }
}
