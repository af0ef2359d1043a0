//! Apache's `LogFormat` (<https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats>).

use super::{
    field::{Field, Unit},
    template::Template,
};

const COMMON: &str = r#"%h %l %u %t "%r" %>s %b"#;
const COMBINED: &str = r#"%h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i""#;
const VHOST_COMMON: &str = r#"%v %h %l %u %t "%r" %>s %b"#;
const VHOST_COMBINED: &str = r#"%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i""#;

/// Reads a format. Without a pattern the name decides.
pub(super) fn template(name: &str, pattern: &str) -> Template {
    let known = match name {
        "combined" => COMBINED,
        "vhost_common" => VHOST_COMMON,
        "vhost_combined" => VHOST_COMBINED,
        _ => COMMON,
    };
    let pattern = if pattern.trim().is_empty() { known } else { pattern };
    let mut out = Template::default();
    let mut pieces = pieces(pattern).into_iter().peekable();
    // The status that was sent stands beside the one before internal redirects.
    let last = |piece: &Piece<'_>| matches!(piece, Piece::Value(v) if v.name == "s" && v.last);
    let has_last = self::pieces(pattern).iter().any(last);
    while let Some(piece) = pieces.next() {
        match piece {
            Piece::Text(text) => out.text(&text),
            Piece::Value(value) if value.name == "t" && value.argument.is_some() => {
                let mut format = time_part(value.argument.unwrap_or_default());
                // One time is often put together from several.
                while let Some(more) = joined(&mut pieces) {
                    format.push_str(&more);
                }
                time(&mut out, &format);
            }
            Piece::Value(value) if value.name == "t" => {
                out.text("[");
                out.value(Field::TimeLocal);
                out.text("]");
            }
            Piece::Value(value) if value.name == "s" && has_last && !value.last => {
                out.value(Field::Other);
            }
            Piece::Value(value) => out.value(field(&value)),
        }
    }
    out
}

#[derive(Clone, Debug)]
enum Piece<'a> {
    Text(String),
    Value(Value<'a>),
}

#[derive(Clone, Copy, Debug)]
struct Value<'a> {
    name: &'a str,
    argument: Option<&'a str>,
    /// `%>s`.
    last: bool,
}

fn pieces(pattern: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '\\' => {
                let Some(next) = rest.chars().next() else { break };
                rest = rest.get(next.len_utf8()..).unwrap_or_default();
                match next {
                    't' => text.push('\t'),
                    'n' => text.push('\n'),
                    'r' => text.push('\r'),
                    '"' | '\\' => text.push(next),
                    other => text.extend(['\\', other]),
                }
            }
            '%' if rest.starts_with('%') => {
                text.push('%');
                rest = rest.get(1..).unwrap_or_default();
            }
            '%' => {
                let Some((value, after)) = value(rest) else { continue };
                if !text.is_empty() {
                    out.push(Piece::Text(std::mem::take(&mut text)));
                }
                out.push(Piece::Value(value));
                rest = after;
            }
            other => text.push(other),
        }
    }
    if !text.is_empty() {
        out.push(Piece::Text(text));
    }
    out
}

/// What follows a percent sign: conditions, `<` or `>`, an argument, a letter.
fn value(text: &str) -> Option<(Value<'_>, &str)> {
    let modifier = |c: char| matches!(c, '!' | ',' | '<' | '>') || c.is_ascii_digit();
    let end = text.find(|c| !modifier(c)).unwrap_or(text.len());
    let (modifiers, rest) = text.split_at_checked(end)?;
    let (argument, rest) = match rest.strip_prefix('{') {
        Some(inner) => {
            let (argument, rest) = inner.split_once('}')?;
            (Some(argument), rest)
        }
        None => (None, rest),
    };
    let length = if rest.starts_with('^') { 3 } else { rest.chars().next()?.len_utf8() };
    let (name, rest) = rest.split_at_checked(length)?;
    Some((Value { name, argument, last: modifiers.contains('>') }, rest))
}

fn field(value: &Value<'_>) -> Field {
    let argument = value.argument.unwrap_or_default();
    match value.name {
        "s" => Field::LooseStatus,
        "r" => Field::Request,
        "m" => Field::Method,
        "U" => Field::Uri,
        "v" | "V" => Field::Host,
        "D" => Field::RequestTime(Unit::Micros),
        "T" => match argument {
            "ms" => Field::RequestTime(Unit::Millis),
            "us" => Field::RequestTime(Unit::Micros),
            _ => Field::RequestTime(Unit::Seconds),
        },
        "i" if argument.eq_ignore_ascii_case("user-agent") => Field::Agent,
        "i" if argument.eq_ignore_ascii_case("host") => Field::Host,
        "e" if argument == "BALANCER_WORKER_NAME" => Field::UpstreamAddr,
        "e" if argument == "BALANCER_NAME" => Field::Backend,
        "e" if argument == "REQUEST_URI" => Field::Uri,
        _ => Field::Other,
    }
}

/// What an argument of `%{…}t` is in a `strftime` format.
fn time_part(argument: &str) -> String {
    let format = argument.strip_prefix("begin:").or_else(|| argument.strip_prefix("end:"));
    match format.unwrap_or(argument) {
        "sec" => "%s".into(),
        "msec_frac" | "usec_frac" => "%f".into(),
        other => other.to_owned(),
    }
}

/// The text and the time that follow a time directly.
fn joined<'a>(
    pieces: &mut std::iter::Peekable<impl Iterator<Item = Piece<'a>> + Clone>,
) -> Option<String> {
    let mut ahead = pieces.clone();
    let text = match ahead.peek()? {
        Piece::Text(text) if text.len() <= 2 => text.replace('%', "%%"),
        Piece::Text(_) => return None,
        Piece::Value(_) => String::new(),
    };
    let mut taken = usize::from(!text.is_empty());
    if taken == 1 {
        ahead.next();
    }
    let Some(Piece::Value(Value { name: "t", argument: Some(argument), .. })) = ahead.next() else {
        return None;
    };
    taken += 1;
    for _ in 0..taken {
        pieces.next();
    }
    Some(text + &time_part(argument))
}

fn time(out: &mut Template, format: &str) {
    match format {
        "msec" => out.value(Field::Epoch(Unit::Millis)),
        "usec" => out.value(Field::Epoch(Unit::Micros)),
        "%s" => out.value(Field::Epoch(Unit::Seconds)),
        other => out.time(other, false),
    }
}
