//! Where HAProxy's log goes: it sends lines to a syslog server or to a stream, never to a file.

use std::path::Path;

use crate::{
    observation::{AccessFormat, AccessSyntax, LogKind, Text},
    source::config::reading::Reading,
};

use super::sections::{Line, Section, Sections};

/// Files of rsyslog that are looked at.
const FILES: usize = 64;
/// Bytes of one of them.
const BYTES: u64 = 256 * 1024;
/// Where the packages of the distributions let rsyslog write.
const USUAL: [&str; 2] = ["/var/log/haproxy.log", "/var/log/haproxy/haproxy.log"];

/// The format of the lines that a section makes, `None` when it makes none about requests.
fn format(section: &Section) -> Option<AccessFormat> {
    let format = |name: &str, pattern: &str| AccessFormat {
        name: Text::new(name),
        pattern: Text::new(pattern),
        syntax: AccessSyntax::Haproxy,
    };
    let own = section.all().filter(|line| match line.word(0) {
        "log-format" => true,
        "option" => matches!(line.word(1), "httplog" | "httpslog" | "tcplog"),
        _ => false,
    });
    let newest = { own }.next_back()?;
    Some(match (newest.word(0), newest.word(1)) {
        ("log-format", pattern) => format("log-format", pattern),
        (_, "httplog") if newest.word(2) == "clf" => format("clf", ""),
        (_, name) => format(name, ""),
    })
}

/// Keeps the logs of all sections that serve clients.
pub(super) fn collect(sections: &Sections, reading: &mut Reading<'_>) {
    let global: Vec<&Line> =
        sections.of("global").flat_map(|s| &s.lines).filter(|l| is_target(l)).collect();
    let mut files = None;
    for section in &sections.list {
        if !matches!(section.kind.as_str(), "frontend" | "listen") {
            continue;
        }
        let mut targets: Vec<&Line> = Vec::new();
        for line in section.all().filter(|line| line.word(0) == "log" || line.word(0) == "no") {
            match (line.word(0), line.word(1)) {
                ("no", "log") => targets.clear(),
                ("log", "global") => targets.extend(&global),
                ("log", _) => targets.push(line),
                _ => {}
            }
        }
        let format = format(section);
        for target in targets {
            for path in paths(target, reading, &mut files) {
                reading.log(&path, LogKind::Error, &target.place);
                if let Some(format) = &format {
                    reading.log(&path, LogKind::Access(format.clone()), &target.place);
                }
            }
        }
    }
    // What the process says of itself goes to the targets of `global`.
    for target in global {
        for path in paths(target, reading, &mut files) {
            reading.log(&path, LogKind::Error, &target.place);
        }
    }
}

fn is_target(line: &Line) -> bool {
    line.word(0) == "log" && !line.word(1).is_empty()
}

/// Where the lines of a `log` line can be read.
fn paths(line: &Line, reading: &mut Reading<'_>, files: &mut Option<Vec<String>>) -> Vec<String> {
    let target = line.word(1);
    let address = target.split_once('@').map_or(target, |(_, rest)| rest);
    if matches!(target, "stdout" | "stderr") || target.starts_with("fd@") {
        return vec!["stderr".to_owned()];
    }
    if target.starts_with("ring@") {
        return vec![format!("memory:{address}")];
    }
    let host = address.split(':').next().unwrap_or_default();
    let here = address.starts_with('/') || matches!(host, "127.0.0.1" | "localhost" | "");
    if !here {
        return vec![format!("syslog:server={address}")];
    }
    let facility = line.from(2).iter().find(|word| word.starts_with("local")).cloned();
    let facility = facility.unwrap_or_else(|| {
        let known = ["daemon", "user", "syslog", "auth", "news", "mail", "kern"];
        let word = line.from(2).iter().find(|word| known.contains(&word.as_str()));
        word.cloned().unwrap_or_default()
    });
    let found = files.get_or_insert_with(|| written(reading, &facility));
    if !found.is_empty() {
        return found.clone();
    }
    vec![format!("syslog:server={address}")]
}

/// Files into which rsyslog writes what HAProxy sends, those that exist.
fn written(reading: &mut Reading<'_>, facility: &str) -> Vec<String> {
    let root = reading.root();
    let mut rules: Vec<_> = vec![Path::new("/etc/rsyslog.conf").to_owned()];
    let folder = Path::new("/etc/rsyslog.d");
    if let Ok((names, _)) = root.list(folder, FILES) {
        rules.extend(names.iter().filter(|n| n.ends_with(".conf")).map(|n| folder.join(n)));
    }
    let mut found = Vec::new();
    for path in rules {
        let Ok(text) = root.read_text(&path, BYTES) else { continue };
        for file in targets(&text, facility) {
            if !found.contains(&file) {
                found.push(file);
            }
        }
    }
    let usual = USUAL.iter().map(|path| (*path).to_owned());
    for path in usual {
        if !found.contains(&path) {
            found.push(path);
        }
    }
    found.retain(|path| root.stat(path, true).is_ok());
    for path in &found {
        reading.watch(Path::new(path).parent().unwrap_or(Path::new("/")));
    }
    found
}

/// The files in rules about HAProxy or its facility
/// (<https://www.rsyslog.com/doc/configuration/sysklogd_format.html>).
fn targets(text: &str, facility: &str) -> Vec<String> {
    let mut found = Vec::new();
    // Whether the block that is open is about HAProxy.
    let mut ours = false;
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let names_us = line.contains("haproxy")
            && (line.contains("programname") || line.contains("syslogtag"));
        let selects = !facility.is_empty()
            && line.split_whitespace().next().is_some_and(|selector| {
                selector.split(';').any(|part| {
                    let facilities = part.split('.').next().unwrap_or_default();
                    facilities.split(',').any(|one| one == facility) && !part.ends_with(".none")
                })
            });
        ours |= names_us;
        if (ours || selects)
            && let Some(path) = file_in(line)
        {
            found.push(path.to_owned());
        }
        let closes = line.contains('}') || line == "stop" || line == "& stop" || line.is_empty();
        if closes || (names_us && !line.contains('{') && file_in(line).is_some()) {
            ours = false;
        }
    }
    found
}

/// The path of an action: the last word `/path` or `-/path`, or `file="/path"`.
fn file_in(line: &str) -> Option<&str> {
    if let Some((_, rest)) = line.split_once("file=\"") {
        return rest.split('"').next().filter(|path| path.starts_with('/'));
    }
    let word = line.split_whitespace().next_back()?.trim_start_matches('-');
    (word.starts_with('/') && !word.starts_with("/dev/")).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::targets;

    #[test]
    fn the_file_that_rsyslog_writes_is_found_in_every_form_of_rule() {
        let debian = "$AddUnixListenSocket /var/lib/haproxy/dev/log\n\n:programname, startswith, \
                      \"haproxy\" {\n  /var/log/haproxy.log\n  stop\n}\n";
        assert_eq!(targets(debian, "local0"), ["/var/log/haproxy.log"]);
        let facility = "local2.*;auth.none    -/srv/log/lb.log\nmail.*  /var/log/mail.log\n";
        assert_eq!(targets(facility, "local2"), ["/srv/log/lb.log"]);
        assert!(targets(facility, "local0").is_empty());
        let rainer = "if $programname == 'haproxy' then {\n action(type=\"omfile\" file=\"/x/h.log\")\n}\n\
             *.* /var/log/all.log";
        assert_eq!(targets(rainer, ""), ["/x/h.log"]);
        assert!(targets("# local0.* /var/log/x.log\n", "local0").is_empty());
    }
}
