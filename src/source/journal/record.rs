//! One record of `journalctl -o json` (systemd.journal-fields(7)).

use serde_json::{Map, Value};

use crate::observation::{LogLine, Origin, Program, Text, UnitName, Wall};

/// journald's own note that it dropped messages of a unit.
pub(super) const SUPPRESSED: &str = "a596d6fe7bfa4994828e72309e95d61e";

/// Longest cursor that is believed, in bytes.
const CURSOR: usize = 512;

/// What one record amounts to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Record {
    /// A line of a unit, or of systemd about it.
    Line(LogLine),
    /// Messages of a unit that journald threw away.
    Suppressed {
        /// Whose, in journald's words.
        unit: Text,
        /// How many.
        lines: u64,
    },
}

/// A record with its place in the journal.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// Opaque place, for reading on after it.
    pub cursor: String,
    /// When it was written.
    pub at: Wall,
    /// What it says.
    pub record: Record,
}

/// Reads one line of JSON; `None` for what is no record of a unit. `serde_json` gives up on
/// nesting deeper than 128 levels by itself.
pub(super) fn parse(line: &[u8]) -> Option<Entry> {
    let Value::Object(fields) = serde_json::from_slice(line).ok()? else { return None };
    let cursor = text(&fields, "__CURSOR")?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"=;-_".contains(&b);
    if cursor.is_empty() || cursor.len() > CURSOR || !cursor.bytes().all(plain) {
        return None;
    }
    let at = Wall(text(&fields, "__REALTIME_TIMESTAMP")?.parse().ok()?);
    let message = bytes(fields.get("MESSAGE")?)?;
    let record = if text(&fields, "MESSAGE_ID") == Some(SUPPRESSED) {
        let words = String::from_utf8_lossy(&message);
        let unit = Text::new(words.rsplit(' ').next().unwrap_or_default());
        let count = words.split(' ').find_map(|word| word.parse().ok());
        Record::Suppressed { unit, lines: count.unwrap_or(1) }
    } else {
        Record::Line(line_of(&fields, &message, at)?)
    };
    Some(Entry { cursor: cursor.to_owned(), at, record })
}

fn line_of(fields: &Map<String, Value>, message: &[u8], at: Wall) -> Option<LogLine> {
    // Anybody may write the field UNIT; only process 1 is believed. Its children write it too,
    // between fork and exec, but those are already in the unit's own group.
    let about = text(fields, "UNIT").filter(|_| text(fields, "_PID") == Some("1"));
    let own = text(fields, "_SYSTEMD_UNIT");
    let unit = UnitName::new(about.or(own)?).ok()?;
    let starting = text(fields, "_COMM").is_some_and(|comm| comm.starts_with('('));
    let program = match text(fields, "SYSLOG_IDENTIFIER").unwrap_or_default() {
        _ if about.is_some() || starting => Program::Systemd,
        "nginx" => Program::Nginx,
        "apache2" | "httpd" | "apachectl" | "apache2ctl" => Program::Apache,
        "haproxy" => Program::Haproxy,
        "caddy" => Program::Caddy,
        "traefik" => Program::Traefik,
        "envoy" => Program::Envoy,
        name if name.starts_with("php-fpm") => Program::PhpFpm,
        _ => Program::Application,
    };
    Some(LogLine {
        program,
        origin: Origin::Journal(unit),
        gateway: None,
        at: Some(at),
        text: Text::from_bytes(message.strip_suffix(b"\n").unwrap_or(message)),
    })
}

/// A field as text; the first value of a field that was given twice.
fn text<'a>(fields: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    match fields.get(key)? {
        Value::String(text) => Some(text),
        Value::Array(values) => values.first()?.as_str(),
        _ => None,
    }
}

/// A message: a string, the bytes of one that is not UTF-8, or several of them.
fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Array(values) if values.first().is_some_and(Value::is_number) => {
            let byte = |v: &Value| v.as_u64().and_then(|n| u8::try_from(n).ok());
            values.iter().map(byte).collect()
        }
        Value::Array(values) => {
            values.first().and_then(|v| v.as_str()).map(|s| s.as_bytes().to_vec())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(json: &str) -> Option<Entry> {
        let head = r#"{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1795228465146718","#;
        parse(format!("{head}{json}}}").as_bytes())
    }

    fn line(json: &str) -> LogLine {
        match read(json).unwrap().record {
            Record::Line(line) => line,
            other @ Record::Suppressed { .. } => panic!("{other:?}"),
        }
    }

    #[test]
    fn systemd_speaks_about_a_unit_and_the_unit_for_itself() {
        let about = line(
            r#""_PID":"1","_SYSTEMD_UNIT":"init.scope","UNIT":"app.service","_COMM":"systemd","MESSAGE":"app.service: Main process exited, code=killed, status=9/KILL""#,
        );
        assert_eq!(about.program, Program::Systemd);
        assert_eq!(about.origin, Origin::Journal(UnitName::new("app.service").unwrap()));
        assert_eq!(about.at, Some(Wall(1_795_228_465_146_718)));
        let fpm = line(
            r#""_PID":"9","_SYSTEMD_UNIT":"php8.2-fpm.service","SYSLOG_IDENTIFIER":"php-fpm8.2","MESSAGE":"NOTICE: ready""#,
        );
        assert_eq!(fpm.program, Program::PhpFpm);
        let app = line(
            r#""_PID":"9","_SYSTEMD_UNIT":"app.service","SYSLOG_IDENTIFIER":"node","MESSAGE":"x""#,
        );
        assert_eq!(app.program, Program::Application);
    }

    #[test]
    fn a_program_cannot_speak_for_systemd() {
        let forged = line(
            r#""_PID":"9","_SYSTEMD_UNIT":"evil.service","UNIT":"app.service","SYSLOG_IDENTIFIER":"systemd","MESSAGE":"killed""#,
        );
        assert_eq!(forged.program, Program::Application);
        assert_eq!(forged.origin, Origin::Journal(UnitName::new("evil.service").unwrap()));
    }

    #[test]
    fn a_message_of_bytes_is_kept_and_made_visible() {
        let line = line(r#""_SYSTEMD_UNIT":"a.service","MESSAGE":[255,27,65]"#);
        assert_eq!(line.text.to_string(), "\\xff␛A");
        assert_eq!(read(r#""_SYSTEMD_UNIT":"a.service","MESSAGE":[256]"#), None);
        assert_eq!(read(r#""_SYSTEMD_UNIT":"a.service","MESSAGE":null"#), None);
    }

    #[test]
    fn suppressed_messages_are_counted() {
        let entry = read(&format!(
            r#""MESSAGE_ID":"{SUPPRESSED}","MESSAGE":"Suppressed 1234 messages from app.service""#
        ));
        let expected = Record::Suppressed { unit: Text::new("app.service"), lines: 1234 };
        assert_eq!(entry.unwrap().record, expected);
    }

    #[test]
    fn deep_nesting_is_refused() {
        let deep = format!(r#""_SYSTEMD_UNIT":"a.service","MESSAGE":{}1"#, "[".repeat(100_000));
        assert_eq!(read(&deep), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn any_fields_are_read_without_harm(message in ".{0,40}", unit in ".{0,20}", pid in "[01]?") {
            let json = serde_json::json!({
                "__CURSOR": "s=1", "__REALTIME_TIMESTAMP": "5", "MESSAGE": message,
                "_SYSTEMD_UNIT": unit, "UNIT": unit, "_PID": pid, "MESSAGE_ID": SUPPRESSED,
            });
            let _ = parse(json.to_string().as_bytes());
        }
    }
}
