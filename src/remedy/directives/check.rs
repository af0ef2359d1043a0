//! Values that the gateway would refuse, that do nothing, or that would hurt.

use super::{
    statements::{Statement, Statements, statements},
    table::{FAMILIES, Kind, known},
    values::{size, time},
};

/// A memory page, which buffers have by default.
const PAGE: u64 = 4_096;

/// What the host has: memory that is available, and how many connections the gateway may hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// `MemAvailable` in bytes; 0 when it is not known.
    pub available: u64,
    /// Workers of the gateway.
    pub workers: u64,
}

/// Something about a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Row, from 0.
    pub row: usize,
    /// In a sentence fragment.
    pub what: String,
    /// Whether it is not saved so.
    pub grave: bool,
}

/// Everything that is wrong in a file, in the order of its lines.
pub fn problems(lines: &[String], host: Host) -> Vec<Problem> {
    let read = statements(lines);
    let mut all = Vec::new();
    if let Some(row) = read.unbalanced {
        let what = "a brace here has no counterpart".to_owned();
        all.push(Problem { row, what, grave: true });
    }
    for row in &read.unended {
        let what = "a semicolon is missing at its end".to_owned();
        all.push(Problem { row: *row, what, grave: true });
    }
    for statement in &read.all {
        // Where one is missing in the middle, the next directive became a value of this one.
        let swallowed = statement.words.iter().skip(1).find(|word| known(word).is_some());
        if let Some(next) = swallowed.filter(|_| statement.end > statement.row) {
            let what = format!("a semicolon is missing before {next}");
            all.push(Problem { row: statement.row, what, grave: true });
            continue;
        }
        if let Some(what) = value(statement) {
            all.push(Problem { row: statement.row, what, grave: true });
        }
        if let Some(what) = idle(&read, statement) {
            all.push(Problem { row: statement.row, what, grave: false });
        }
    }
    let blocks = read.all.iter().enumerate().filter(|(_, s)| s.opens).map(|(at, _)| Some(at));
    for block in blocks.chain([None]) {
        for family in FAMILIES {
            all.extend(buffers(&read, block, family, host));
        }
    }
    all.sort_by_key(|problem| (problem.row, !problem.grave));
    all.dedup();
    all
}

/// A value that is none.
fn value(statement: &Statement) -> Option<String> {
    let (directive, _) = known(statement.name())?;
    let first = statement.words.get(1).map(String::as_str).unwrap_or_default();
    if first.contains('$') {
        return None;
    }
    match directive.kind {
        Kind::Limit => {
            // 0 is a way to switch keep-alive towards clients off.
            let off = directive.name == "keepalive_timeout" && first == "0";
            time(first).err().filter(|_| !off)
        }
        Kind::First | Kind::Busy => match size(first) {
            Ok(0) => Some("0 leaves no room".to_owned()),
            read => read.err(),
        },
        Kind::Buffers => match (first.parse::<u64>(), statement.words.get(2).map(|s| size(s))) {
            (Ok(n), Some(Ok(each))) if n >= 2 && each > 0 => None,
            (Ok(0 | 1), _) => Some("at least 2 buffers are needed".to_owned()),
            _ => Some("number and size are needed: 8 4k".to_owned()),
        },
        Kind::Body => size(first).err(),
        Kind::Count => match first.parse::<u64>() {
            Ok(n) if n > 0 => None,
            _ => Some(format!("{first} is no number from 1")),
        },
        Kind::Pass => None,
    }
}

/// A directive of a family that nothing here is passed on with.
fn idle(read: &Statements, statement: &Statement) -> Option<String> {
    let (directive, family) = known(statement.name())?;
    let family = family.filter(|_| directive.kind != Kind::Pass)?;
    let used = |family: &str| {
        let pass = format!("{family}_pass");
        read.within(statement.parent).any(|s| s.name() == pass)
    };
    if used(family) {
        return None;
    }
    let other = FAMILIES.iter().find(|other| used(other))?;
    Some(format!(
        "it has no effect here: requests are passed with {other}_pass, so {other}_{} counts",
        directive.name
    ))
}

/// Sizes of a family in force in a block.
struct Sizes {
    first: u64,
    number: u64,
    each: u64,
    busy: u64,
}

fn sizes(read: &Statements, block: Option<usize>, family: &str) -> Option<Sizes> {
    let word = |name: &str, at: usize| {
        let found = read.effective(block, &format!("{family}_{name}"))?;
        found.words.get(at).cloned()
    };
    let or = |text: Option<String>, default: u64| match text {
        Some(text) => size(&text).ok(),
        None => Some(default),
    };
    let first = or(word("buffer_size", 1), PAGE)?;
    let number = word("buffers", 1).map_or(Some(8), |text| text.parse().ok())?;
    let each = or(word("buffers", 2), PAGE)?;
    let busy = or(word("busy_buffers_size", 1), first.max(each).saturating_mul(2))?;
    Some(Sizes { first, number, each, busy })
}

/// Whether the three sizes fit together (`ngx_http_proxy_merge_loc_conf`), and into memory. It is
/// said where one of them is set.
fn buffers(read: &Statements, block: Option<usize>, family: &str, host: Host) -> Option<Problem> {
    let names = ["buffer_size", "buffers", "busy_buffers_size"].map(|n| format!("{family}_{n}"));
    let own = read.within(block).filter(|s| names.iter().any(|name| s.name() == name));
    let row = own.last()?.row;
    let Sizes { first, number, each, busy } = sizes(read, block, family)?;
    let grave = |what: String| Some(Problem { row, what, grave: true });
    let least = first.max(each);
    let most = number.saturating_sub(1).saturating_mul(each);
    let kib = |n: u64| format!("{}k", n.div_ceil(1_024));
    if busy < least {
        let need = kib(least);
        return grave(format!("{family}_busy_buffers_size must be at least {need}"));
    }
    if busy > most {
        // As many of the larger size that twice the largest buffer fits into all but one.
        let number = busy.div_ceil(least.max(1)) + 1;
        return grave(format!(
            "{family}_busy_buffers_size ({}) must be at most all buffers but one ({}): add \
             {family}_buffers {} {}",
            kib(busy),
            kib(most),
            number.max(8),
            kib(least)
        ));
    }
    let connections = read.all.iter().find(|s| s.name() == "worker_connections");
    let connections = connections.and_then(|s| s.words.get(1)?.parse().ok()).unwrap_or(512_u64);
    let all = first.saturating_add(number.saturating_mul(each));
    let total = all.saturating_mul(connections).saturating_mul(host.workers.max(1));
    if host.available == 0 || total <= host.available / 2 {
        return None;
    }
    let what = format!(
        "{} for each connection, {} for {} connections: {} are available",
        kib(all),
        mib(total),
        connections.saturating_mul(host.workers.max(1)),
        mib(host.available)
    );
    Some(Problem { row, what, grave: total > host.available })
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOMY: Host = Host { available: 4 << 30, workers: 2 };

    fn said(text: &str, host: Host) -> Vec<(usize, bool, String)> {
        let lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
        problems(&lines, host).into_iter().map(|p| (p.row, p.grave, p.what)).collect()
    }

    #[test]
    fn one_of_three_buffer_directives_alone_would_not_pass_the_gateways_test() {
        let found = said("location / {\n proxy_pass http://a;\n proxy_buffer_size 128k;\n}", ROOMY);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].1 && found[0].2.contains("add proxy_buffers 8 128k"), "{found:?}");
        let all = "proxy_buffer_size 128k;\nproxy_buffers 8 128k;\nproxy_busy_buffers_size 256k;";
        assert_eq!(said(all, ROOMY), []);
        let small = "proxy_buffer_size 128k;\nproxy_buffers 8 128k;\nproxy_busy_buffers_size 64k;";
        assert!(said(small, ROOMY)[0].2.contains("at least 128k"));
    }

    #[test]
    fn buffers_are_held_against_the_memory_of_the_host() {
        let text = "worker_connections 4096;\nproxy_buffer_size 1m;\nproxy_buffers 8 1m;";
        let found = said(text, Host { available: 4 << 30, workers: 4 });
        assert!(found[0].1 && found[0].2.contains("16384 connections"), "{found:?}");
        assert_eq!(said(text, Host { available: 1 << 40, workers: 4 }), []);
        assert_eq!(said(text, Host::default()), [], "what is not known refuses nothing");
    }

    #[test]
    fn values_that_the_editor_refuses() {
        for wrong in [
            "proxy_read_timeout 0;",
            "proxy_read_timeout -1;",
            "fastcgi_read_timeout 1y;",
            "client_max_body_size lots;",
            "proxy_buffers 1 4k;",
            "proxy_buffers 8;",
            "worker_connections 0;",
            "proxy_buffer_size 0;",
        ] {
            assert!(said(wrong, ROOMY).iter().any(|(_, grave, _)| *grave), "{wrong}");
        }
        for right in [
            "proxy_read_timeout 60;",
            "proxy_read_timeout $wait;",
            "client_max_body_size 0;",
            "keepalive_timeout 0;",
            "proxy_pass http://a;",
        ] {
            assert_eq!(said(right, ROOMY), [], "{right}");
        }
    }

    #[test]
    fn a_missing_semicolon_is_found_where_it_is_missing() {
        let text = "a {\n proxy_buffer_size 8k\n proxy_buffers 8 8k;\n}";
        assert!(said(text, ROOMY)[0].2.contains("before proxy_buffers"));
        assert_eq!(said("a {\n b 1\n}", ROOMY)[0].0, 1);
        assert_eq!(said("a;\nb 1", ROOMY)[0].0, 1);
        assert_eq!(said("log_format x 'a'\n 'b';", ROOMY), []);
    }

    #[test]
    fn a_directive_of_the_wrong_family_is_told_to_do_nothing() {
        let text = "location ~ \\.php$ {\n fastcgi_pass unix:/x;\n proxy_read_timeout 300s;\n}";
        let found = said(text, ROOMY);
        assert!(!found[0].1 && found[0].2.contains("fastcgi_read_timeout counts"), "{found:?}");
    }
}
