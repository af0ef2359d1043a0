//! What systemd knows of a unit and forgets with the next start, and its last journal lines.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    action::Tools,
    host::{
        run::{self, Limits},
        systemd::{Properties, Systemd, Value},
    },
    observation::{Text, UnitName},
};

/// For the journal of one unit.
const LIMITS: Limits = Limits { deadline: Duration::from_millis(1_500), max_output: 256 * 1024 };
/// Journal lines.
const LINES: &str = "200";

pub(super) async fn read(units: &BTreeSet<UnitName>, tools: &Tools) -> Vec<(String, Vec<u8>)> {
    let all = units.iter().map(|unit| async move {
        let (properties, journal) = tokio::join!(properties(unit, tools), journal(unit));
        let name = |kind: &str| format!("unit-{unit}.{kind}.txt");
        let parts =
            [properties.map(|t| (name("properties"), t)), journal.map(|t| (name("journal"), t))];
        parts.into_iter().flatten().collect::<Vec<_>>()
    });
    futures_util::future::join_all(all).await.into_iter().flatten().collect()
}

async fn properties(unit: &UnitName, tools: &Tools) -> Option<Vec<u8>> {
    let systemd = Systemd::connect(&tools.bus).await.ok()?;
    let all = systemd.properties_of_file(unit).await.ok()?;
    Some(sheet(&all).into_bytes())
}

/// One property a line, sorted; of the environment only the names.
fn sheet(all: &Properties) -> String {
    let mut lines: Vec<String> = all
        .iter()
        .map(|(key, value)| {
            let shown = if key == "Environment" { names(value) } else { word(value) };
            Text::new(format!("{key}={shown}")).raw().to_owned()
        })
        .collect();
    lines.sort_unstable();
    lines.join("\n") + "\n"
}

fn word(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Number(n) => n.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(word).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Other => "?".to_owned(),
    }
}

fn names(value: &Value) -> String {
    let Value::List(items) = value else { return String::new() };
    let name = |item: &Value| match item {
        Value::Text(text) => text.split('=').next().unwrap_or_default().to_owned(),
        _ => String::new(),
    };
    items.iter().map(name).collect::<Vec<_>>().join(" ")
}

async fn journal(unit: &UnitName) -> Option<Vec<u8>> {
    let journalctl = run::find("journalctl")?;
    let args = [
        "--quiet",
        "--no-pager",
        "--output=short-iso-precise",
        "--lines",
        LINES,
        "--unit",
        unit.as_str(),
    ];
    let output = run::run(&journalctl, &args, LIMITS).await.ok()?;
    Some(super::containers::lines(&output.stdout))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_of_a_unit_is_saved_by_name_only() {
        let text = |t: &str| Value::Text(t.to_owned());
        let environment = Value::List(vec![text("COLOUR=CANARY"), text("B=CANARY")]);
        let exec = Value::List(vec![text("/bin/app"), text("--token=CANARY")]);
        let all = Properties::from([
            ("Environment".to_owned(), environment),
            ("ExecStart".to_owned(), Value::List(vec![exec])),
            ("NRestarts".to_owned(), Value::Number(7)),
        ]);
        let sheet = sheet(&all);
        assert!(sheet.starts_with("Environment=COLOUR B\n") && sheet.ends_with("NRestarts=7\n"));
        assert!(!sheet.contains("CANARY"), "{sheet}");
    }
}
