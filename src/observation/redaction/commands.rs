//! Passwords that a command line gives to a client without naming them.

use super::{
    bytes::{at, from, skip},
    mark,
};

/// How a client takes a secret.
struct Client {
    /// How its name begins.
    names: &'static [&'static str],
    /// A word that must have come before, or none.
    after: &'static str,
    /// Options whose value is the secret, or holds it behind the part.
    options: &'static [&'static str],
    /// What stands before the secret in the value: `user:`.
    part: u8,
    /// Whether the value may be joined to the option: `-psecret`.
    joined: bool,
    /// Whether it may also be the next word.
    apart: bool,
}

const fn plain(names: &'static [&'static str], options: &'static [&'static str]) -> Client {
    Client { names, after: "", options, part: 0, joined: true, apart: true }
}

const CLIENTS: [Client; 14] = [
    Client { apart: false, ..plain(&["mysql", "mariadb"], &["-p"]) },
    Client { part: b':', ..plain(&["curl"], &["-u", "-U", "--user", "--proxy-user"]) },
    Client { part: b':', ..plain(&["ab"], &["-A", "-P"]) },
    plain(&["sshpass", "mongo", "cqlsh", "rabbitmqadmin"], &["-p"]),
    plain(&["redis-cli"], &["-a"]),
    plain(&["ldap"], &["-w"]),
    Client { part: b'%', ..plain(&["smbclient"], &["-U"]) },
    Client { after: "login", ..plain(&["docker", "podman", "skopeo", "helm"], &["-p"]) },
    plain(&["sqlcmd", "ipmitool", "mosquitto_"], &["-P"]),
    Client { joined: false, ..plain(&SNMP, &["-A", "-X", "-c"]) },
    Client { joined: false, ..plain(&["openssl"], &["-passin", "-passout", "-pass", "-k", "-K"]) },
    Client { part: b',', ..plain(&["lftp"], &["-u"]) },
    Client { joined: false, ..plain(&["zip", "unzip"], &["-P"]) },
    Client { apart: false, ..plain(&["7z", "7za"], &["-p"]) },
];

const SNMP: [&str; 6] = ["snmpwalk", "snmpget", "snmpset", "snmpbulk", "snmpstatus", "snmptable"];

/// Commands whose last words are a name and its password.
const POSITIONAL: [(&str, &str); 4] = [
    ("rabbitmqctl", "add_user"),
    ("rabbitmqctl", "change_password"),
    ("rabbitmqctl", "authenticate_user"),
    ("htpasswd", "-b"),
];

/// Finds them, each with its place.
pub(super) fn secrets(text: &str, found: &mut dyn FnMut(usize, usize)) {
    let bytes = text.as_bytes();
    let mut client: Option<&Client> = None;
    let mut ready = false;
    let mut wanted: Option<u8> = None;
    let mut positional = Positional::default();
    let mut place = 0;
    while let Some((start, end, next)) = word(bytes, place, wanted.is_some()) {
        place = next;
        let word = text.get(start..end).unwrap_or_default();
        positional.feed(word, start, end, found);
        if let Some(part) = wanted.take()
            && (!word.starts_with('-') || part == 0 && word.len() > 2)
        {
            give(word, start, end, part, found);
            continue;
        }
        let base = word.rsplit(['/', '=']).next().unwrap_or_default();
        let named = |client: &&Client| client.names.iter().any(|name| is_client(base, name));
        if let Some(known) = CLIENTS.iter().find(named) {
            client = Some(known);
            ready = known.after.is_empty();
            continue;
        }
        if matches!(word, "|" | ";" | "&&" | "||") {
            client = None;
        }
        let Some(known) = client else { continue };
        ready |= word == known.after;
        if !ready || !word.starts_with('-') {
            continue;
        }
        if known.apart && known.options.contains(&word) {
            wanted = Some(known.part);
        } else if let Some(option) = known.options.iter().find(|option| word.starts_with(**option))
        {
            let rest = word.get(option.len()..).unwrap_or_default();
            let value = rest.strip_prefix('=').unwrap_or(rest);
            let short = option.len() == 2 && known.joined || rest.starts_with('=');
            let from = end - value.len();
            if short && let Some((start, end, next)) = joined(bytes, from, end) {
                place = place.max(next);
                let value = text.get(start..end).unwrap_or_default();
                give(value, start, end, known.part, found);
            }
        }
    }
}

/// Whether a word is the name of a program of this family.
fn is_client(base: &str, name: &str) -> bool {
    // Short names are whole ones.
    let more = if name.len() < 4 { 0 } else { 16 };
    base.strip_prefix(name).is_some_and(|rest| rest.len() <= more)
}

fn give(word: &str, start: usize, end: usize, part: u8, found: &mut dyn FnMut(usize, usize)) {
    if part == 0 {
        // `pass:secret` of openssl; `env:` and `file:` name where it is.
        let from = word.find("pass:").map_or(0, |at| at + 5);
        if !word.starts_with("env:") && !word.starts_with("file:") && !word.starts_with("stdin") {
            found(start + from, end);
        }
        return;
    }
    if let Some(at) = word.bytes().position(|b| b == part) {
        found(start + at + 1, end);
    }
}

/// A word: without its quotes, and where the next one may begin. What is wanted `whole` is all that
/// its quotes hold; otherwise the words in them count.
fn word(text: &[u8], place: usize, whole: bool) -> Option<(usize, usize, usize)> {
    let fits = |b: u8| {
        let quote = !whole && matches!(b, b'"' | b'\'' | b'\\');
        b <= b' ' || quote || matches!(b, b',' | b'[' | b']' | b'(' | b')')
    };
    let start = skip(text, place, fits);
    let mark = start.checked_sub(1).filter(|mark| *mark >= place && is_marked(text, *mark));
    let start = mark.unwrap_or(start);
    if start >= text.len() {
        return None;
    }
    let quote = at(text, start);
    if quote == b'"' || quote == b'\'' {
        let end = skip(text, start + 1, |b| b != quote && b != b'\n');
        return Some((start + 1, end, (end + 1).min(text.len())));
    }
    let mut end = start;
    while at(text, end) > b' ' && !closes(text, end) {
        end += 1;
    }
    Some((start, end, end))
}

/// The value that is joined to its option: `-p'two words'` is one.
fn joined(text: &[u8], start: usize, end: usize) -> Option<(usize, usize, usize)> {
    let quoted = matches!(at(text, start), b'"' | b'\'');
    let all = if quoted { word(text, start, true) } else { None };
    all.or((end > start).then_some((start, end, end)))
}

/// Whether a quote here ends a word: nothing follows it, or what parts words in a list.
fn closes(text: &[u8], place: usize) -> bool {
    let quote = skip(text, place, |b| b == b'\\').min(place + 3);
    let behind = at(text, quote + 1);
    matches!(at(text, quote), b'"' | b'\'')
        && (behind <= b' ' || matches!(behind, b',' | b']' | b')' | b'}' | b'"' | b'\\'))
}

fn is_marked(text: &[u8], place: usize) -> bool {
    mark::length(from(text, place)).is_some()
}

/// Follows commands whose secret is a word in its place.
#[derive(Default)]
struct Positional {
    command: Option<&'static str>,
    /// Words since the verb; none before it.
    since: Option<usize>,
}

impl Positional {
    fn feed(&mut self, word: &str, start: usize, end: usize, found: &mut dyn FnMut(usize, usize)) {
        let base = word.rsplit(['/', '=']).next().unwrap_or_default();
        if let Some((command, _)) = POSITIONAL.iter().find(|(command, _)| *command == base) {
            *self = Self { command: Some(command), since: None };
            return;
        }
        let Some(command) = self.command else { return };
        let Some(since) = self.since else {
            let verb = word.trim_start_matches('-');
            let is_verb = POSITIONAL.iter().any(|(own, of)| {
                *own == command
                    && (*of == word
                        || command == "htpasswd" && word.starts_with('-') && verb.contains('b'))
            });
            if is_verb {
                self.since = Some(0);
            }
            return;
        };
        let last = if command == "htpasswd" { 2 } else { 1 };
        if since == last {
            found(start, end);
            *self = Self::default();
        } else {
            self.since = Some(since + 1);
        }
    }
}
