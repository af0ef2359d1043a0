//! HAProxy's `log-format`
//! (<https://docs.haproxy.org/3.0/configuration.html#8.2.6>).

use memchr::memmem;

use super::{
    field::{Field, Unit},
    template::Template,
};

const HTTP: &str = "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc \
                    %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r";
const HTTPS: &str = "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc \
                     %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r %[fc_err]/%[ssl_fc_err]/\
                     %[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed] %[ssl_fc_sni]/%sslv/%sslc";
const CLF: &str = "%ci - - [%trg] %{+Q}r %ST %B \"\" \"\" %cp %ms %{+Q}ft %{+Q}b %{+Q}s %TR %Tw \
                   %Tc %Tr %Ta %tsc %ac %fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl";

/// Longest head that syslog puts before a line, in bytes.
const HEAD: usize = 192;

/// Reads a format. Without a pattern the name decides.
pub(super) fn template(name: &str, pattern: &str) -> Template {
    let known = match name {
        "httpslog" => HTTPS,
        "clf" => CLF,
        _ => HTTP,
    };
    let pattern = if pattern.trim().is_empty() { known } else { pattern };
    let mut out = Template { cut: true, ..Template::default() };
    let mut quoted = false;
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '\\' => {
                let Some(next) = rest.chars().next() else { break };
                rest = rest.get(next.len_utf8()..).unwrap_or_default();
                out.text(next.encode_utf8(&mut [0; 4]));
            }
            '%' if rest.starts_with('%') => {
                out.text("%");
                rest = rest.get(1..).unwrap_or_default();
            }
            '%' => {
                let Some((flags, name, after)) = variable(rest) else { continue };
                rest = after;
                let own = if flags.contains("+Q") {
                    true
                } else if flags.contains("-Q") {
                    false
                } else {
                    quoted
                };
                if name == "o" {
                    quoted = own;
                    rest = rest.trim_start_matches("\\ ").trim_start_matches(' ');
                } else if let Some(after) = captures(&mut out, name, rest) {
                    rest = after;
                } else {
                    add(&mut out, name, own);
                }
            }
            other => out.text(other.encode_utf8(&mut [0; 4])),
        }
    }
    // At the end nothing may be left of them, not even the blank.
    while out.values.last().is_some_and(|(field, _)| *field == Field::Captures) {
        out.values.pop();
        if let Some((_, after)) = out.values.last_mut() {
            after.truncate(after.trim_end().len());
        }
    }
    out
}

/// Captured headers leave nothing when there are none, and then the blank after them is gone too.
fn captures<'a>(out: &mut Template, name: &str, after: &'a str) -> Option<&'a str> {
    if !matches!(name, "hr" | "hs" | "hrl" | "hsl") {
        return None;
    }
    let again = out
        .values
        .last()
        .is_some_and(|(field, after)| *field == Field::Captures && after.is_empty());
    if !again {
        out.value(Field::Captures);
    }
    Some(after.strip_prefix(' ').unwrap_or(after))
}

fn add(out: &mut Template, name: &str, quoted: bool) {
    let field = field(name);
    // Only texts are put in quotes, no numbers, times and flags.
    let text = name.starts_with('[')
        || matches!(
            name,
            "b" | "s" | "f" | "ft" | "r" | "HM" | "HU" | "HP" | "HPO" | "HQ" | "HV" | "H" | "ID"
        );
    let quoted = quoted && text;
    if quoted {
        out.text("\"");
    }
    out.value(field);
    if quoted {
        out.text("\"");
    }
}

/// What follows a percent sign: `{+Q}`, then a name, `[an expression]` or `(name)type`.
fn variable(text: &str) -> Option<(&str, &str, &str)> {
    let (flags, mut rest) = match text.strip_prefix('{') {
        Some(inner) => inner.split_once('}')?,
        None => ("", text),
    };
    if let Some(inner) = rest.strip_prefix('(') {
        rest = inner.split_once(')')?.1;
    }
    if rest.starts_with('[') {
        let mut depth = 0_u32;
        for (at, c) in rest.char_indices() {
            match c {
                '[' => depth += 1,
                ']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                let (expression, after) = rest.split_at_checked(at + 1)?;
                return Some((flags, expression, after));
            }
        }
        return None;
    }
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let (name, after) = rest.split_at_checked(end)?;
    Some((flags, name, after))
}

fn field(name: &str) -> Field {
    match name {
        "ST" | "[status]" | "[txn.status]" => Field::LooseStatus,
        "t" | "tr" | "T" | "Tl" | "trg" | "trl" => Field::TimeCommon,
        "Ts" => Field::Epoch(Unit::Seconds),
        "b" => Field::Backend,
        "s" => Field::UpstreamAddr,
        "ts" | "tsc" => Field::Flags,
        "rc" => Field::Retries,
        "Ta" | "Tt" => Field::RequestTime(Unit::Millis),
        "Tr" => Field::UpstreamTime(Unit::Millis),
        "r" => Field::Request,
        "HM" | "[method]" => Field::Method,
        "HU" | "HP" | "HPO" | "[path]" | "[pathq]" | "[url]" => Field::Uri,
        "[req.hdr(host)]" | "[hdr(host)]" | "[req.hdr(Host)]" | "[hdr(Host)]" => Field::Host,
        _ => Field::Other,
    }
}

/// A line without the head that syslog put before it.
pub(super) fn without_head(line: &[u8]) -> Option<&[u8]> {
    let head = line.get(..HEAD).unwrap_or(line);
    let end = memmem::find(head, b"]: ").map(|at| at + 3);
    let end = end.or_else(|| memmem::find(head, b"haproxy: ").map(|at| at + 9))?;
    line.get(end..)
}
