//! From the text of a settings file to settings. A bad line is left out and said.

use std::{fmt::Display, ops::RangeInclusive};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::session::Key;

/// Flaws that are told of one file.
const FLAWS: usize = 16;
/// Names of all settings.
const NAMES: [&str; 12] = [
    "theme",
    "ascii",
    "colour",
    "utc",
    "mouse",
    "rotate",
    "record",
    "recordings_mb",
    "recordings_days",
    "history_days",
    "history_mb",
    "keys",
];

/// What a file sets; what it does not is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::cli) struct Settings {
    /// Name of a theme, or the path of a file with one.
    pub(in crate::cli) theme: Option<String>,
    /// Only ASCII.
    pub(in crate::cli) ascii: Option<bool>,
    /// Whether there are colours.
    pub(in crate::cli) colour: Option<bool>,
    /// Times in UTC.
    pub(in crate::cli) utc: Option<bool>,
    /// Whether the mouse is listened to.
    pub(in crate::cli) mouse: Option<bool>,
    /// Seconds that a page of the kiosk stands.
    pub(in crate::cli) rotate: Option<u64>,
    /// Whether sessions record themselves.
    pub(in crate::cli) record: Option<bool>,
    /// Megabytes that recordings may take.
    pub(in crate::cli) recordings_mb: Option<u64>,
    /// Days for which they are kept.
    pub(in crate::cli) recordings_days: Option<u64>,
    /// Days for which an incident is kept in the history.
    pub(in crate::cli) history_days: Option<u32>,
    /// Size of the history at most, in MiB.
    pub(in crate::cli) history_mb: Option<u32>,
    /// Commands with their keys, in order.
    pub(in crate::cli) keys: Vec<(String, Vec<Key>)>,
}

impl Settings {
    /// These, and what only `other` sets; keys of both, those of these last.
    pub(in crate::cli) fn over(self, other: Self) -> Self {
        let own = |name: &String| self.keys.iter().any(|(n, _)| n == name);
        let mut keys: Vec<_> = other.keys.into_iter().filter(|(name, _)| !own(name)).collect();
        keys.extend(self.keys);
        Self {
            theme: self.theme.or(other.theme),
            ascii: self.ascii.or(other.ascii),
            colour: self.colour.or(other.colour),
            utc: self.utc.or(other.utc),
            mouse: self.mouse.or(other.mouse),
            rotate: self.rotate.or(other.rotate),
            record: self.record.or(other.record),
            recordings_mb: self.recordings_mb.or(other.recordings_mb),
            recordings_days: self.recordings_days.or(other.recordings_days),
            history_days: self.history_days.or(other.history_days),
            history_mb: self.history_mb.or(other.history_mb),
            keys,
        }
    }
}

/// Reads settings, and says what is wrong with them: file, line, reason.
pub(in crate::cli) fn parse(file: &str, text: &str) -> (Settings, Vec<String>) {
    let mut reader = Reader { file, text, settings: Settings::default(), flaws: Vec::new() };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        reader.flaw(at, error.message());
    }
    // In the order of the file, so that flaws are told in it.
    let mut all: Vec<_> = table.get_ref().iter().collect();
    all.sort_by_key(|(name, _)| name.span().start);
    for (name, value) in all {
        reader.setting(name.get_ref(), name.span().start, value);
    }
    let excess = reader.flaws.len().saturating_sub(FLAWS);
    if excess > 0 {
        reader.flaws.truncate(FLAWS);
        reader.flaws.push(format!("{file}: {excess} more"));
    }
    (reader.settings, reader.flaws)
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    settings: Settings,
    flaws: Vec<String>,
}

impl Reader<'_> {
    fn flaw(&mut self, at: usize, why: impl Display) {
        let before = self.text.get(..at).unwrap_or_default();
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        self.flaws.push(format!("{}:{line}: {why}", self.file));
    }

    fn setting(&mut self, name: &str, at: usize, value: &Spanned<DeValue<'_>>) {
        let value = value.get_ref();
        let taken = match name {
            "theme" => text(value).map(|text| self.settings.theme = Some(text)),
            "ascii" => truth(value).map(|truth| self.settings.ascii = Some(truth)),
            "colour" => truth(value).map(|truth| self.settings.colour = Some(truth)),
            "utc" => truth(value).map(|truth| self.settings.utc = Some(truth)),
            "mouse" => truth(value).map(|truth| self.settings.mouse = Some(truth)),
            "rotate" => secs(value).map(|secs| self.settings.rotate = Some(secs)),
            "record" => truth(value).map(|truth| self.settings.record = Some(truth)),
            "recordings_mb" => {
                let number = number(value, 16..=100_000, "write megabytes from 16 to 100000");
                number.map(|number| self.settings.recordings_mb = Some(number))
            }
            "recordings_days" => {
                let number = number(value, 1..=3_650, "write days from 1 to 3650");
                number.map(|number| self.settings.recordings_days = Some(number))
            }
            "history_days" => whole(value, 1..=3_650)
                .map(|days| self.settings.history_days = Some(days))
                .ok_or("write days from 1 to 3650"),
            "history_mb" => whole(value, 1..=64)
                .map(|mb| self.settings.history_mb = Some(mb))
                .ok_or("write MiB from 1 to 64"),
            "keys" => match value {
                DeValue::Table(table) => {
                    self.keys(table);
                    Ok(())
                }
                _ => Err("keys is a table: write [keys]"),
            },
            _ => {
                let near = similar::get_close_matches(name, &NAMES, 1, 0.6);
                let near = near.first().map(|near| format!("; is it {near}?")).unwrap_or_default();
                let name: String = name.chars().take(32).collect();
                self.flaw(at, format!("there is no setting {name:?}{near}"));
                Ok(())
            }
        };
        if let Err(why) = taken {
            self.flaw(at, format!("{name}: {why}"));
        }
    }

    fn keys(&mut self, table: &DeTable<'_>) {
        let mut all: Vec<_> = table.iter().collect();
        all.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in all {
            match keys(value.get_ref()) {
                Ok(keys) => self.settings.keys.push((name.get_ref().to_string(), keys)),
                Err(why) => self.flaw(name.span().start, format!("{}: {why}", name.get_ref())),
            }
        }
    }
}

fn text(value: &DeValue<'_>) -> Result<String, &'static str> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        _ => Err("write it in quotes"),
    }
}

const fn truth(value: &DeValue<'_>) -> Result<bool, &'static str> {
    match value {
        DeValue::Boolean(truth) => Ok(*truth),
        _ => Err("write true or false"),
    }
}

fn secs(value: &DeValue<'_>) -> Result<u64, &'static str> {
    number(value, 3..=3_600, "write seconds from 3 to 3600")
}

fn number(
    value: &DeValue<'_>,
    range: RangeInclusive<u64>,
    why: &'static str,
) -> Result<u64, &'static str> {
    let number = match value {
        DeValue::Integer(number) => number.as_str().parse().ok(),
        _ => None,
    };
    number.filter(|number| range.contains(number)).ok_or(why)
}

fn whole(value: &DeValue<'_>, range: RangeInclusive<u32>) -> Option<u32> {
    match value {
        DeValue::Integer(number) => number.as_str().parse().ok().filter(|n| range.contains(n)),
        _ => None,
    }
}

/// One key, or several in brackets; none at all takes the key away.
fn keys(value: &DeValue<'_>) -> Result<Vec<Key>, String> {
    let one = |value: &DeValue<'_>| match value {
        DeValue::String(text) => text.parse::<Key>().map_err(|error| error.to_string()),
        _ => Err("write keys in quotes".to_owned()),
    };
    match value {
        DeValue::Array(all) => all.iter().map(|value| one(value.get_ref())).collect(),
        other => Ok(vec![one(other)?]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bad_line_is_said_and_the_others_hold() {
        let text = "theme = \"dark\"\ncolr = true\nutc = yes\nmouse = false\nascii = 1\n\
                    rotate = 20\nhistory_days = 0\nhistory_mb = 2\n[keys]\nactions = [\"F5\", \"Ctrl-k\"]\nsearch = \"Alt-x\"\nhelp = 3\n";
        let (settings, flaws) = parse("config.toml", text);
        assert_eq!(settings.theme.as_deref(), Some("dark"));
        assert_eq!((settings.mouse, settings.utc), (Some(false), None));
        assert_eq!((settings.ascii, settings.rotate), (None, Some(20)));
        assert_eq!((settings.history_days, settings.history_mb), (None, Some(2)));
        let keys = ["F5", "Ctrl-k"].map(|key| key.parse().unwrap()).to_vec();
        assert_eq!(settings.keys, [("actions".to_owned(), keys)]);
        let said = flaws.join("\n");
        for part in [
            "config.toml:2: there is no setting \"colr\"; is it colour?",
            "config.toml:3: ",
            "config.toml:5: ascii: write true or false",
            "config.toml:7: history_days: write days from 1 to 3650",
            "config.toml:11: search: no key is called \"Alt-x\"",
            "config.toml:12: help: write keys in quotes",
        ] {
            assert!(said.contains(part), "{part} in\n{said}");
        }
    }

    #[test]
    fn the_persons_own_settings_stand_over_those_of_the_host() {
        let host =
            parse("host", "theme = \"dark\"\nutc = true\nkeys.help = \"F1\"\nkeys.zoom = \"x\"").0;
        let own = parse("own", "theme = \"light\"\nkeys.zoom = \"v\"").0;
        let both = own.over(host);
        assert_eq!((both.theme.as_deref(), both.utc), (Some("light"), Some(true)));
        let names: Vec<String> =
            both.keys.iter().map(|(name, keys)| format!("{name} {}", keys[0])).collect();
        assert_eq!(names, ["help F1", "zoom v"]);
    }

    proptest! {
        #[test]
        fn no_file_is_worse_than_a_few_sentences(
            text in "([a-z]{0,8}( = )?[\\[\\]\"a-z0-9{}=.#,\u{1b}\n-]{0,12}\n?){0,20}",
        ) {
            let (_, flaws) = parse("x", &text);
            prop_assert!(flaws.len() <= FLAWS + 1);
        }
    }
}
