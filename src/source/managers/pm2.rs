//! PM2's lists of programs: the one that its daemon gives, and the one that it saved.
//!
//! Both hold the environment of every program. It is skipped while it is read, but for the variables
//! that tell where a program listens.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

use crate::source::claims::is_listening_variable;

/// Programs of one daemon that are read.
const MOST: usize = 1_000;
/// Bytes of one text.
const TEXT: usize = 4_096;
/// Arguments of one program.
const ARGUMENTS: usize = 128;

/// One process of PM2's.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) number: Option<u32>,
    pub(super) pid: Option<u32>,
    pub(super) status: String,
    pub(super) restarts: u64,
    pub(super) exit: Option<i32>,
    /// Milliseconds since the epoch.
    pub(super) started_ms: Option<i64>,
    pub(super) out_log: String,
    pub(super) err_log: String,
    pub(super) memory_limit: Option<u64>,
    pub(super) interpreter: String,
    pub(super) script: String,
    pub(super) folder: String,
    pub(super) arguments: Vec<String>,
    pub(super) cluster: bool,
    pub(super) autorestart: Option<bool>,
    pub(super) ends_for_good: Vec<i32>,
    /// `KEY=VALUE` of the variables that tell where it listens.
    pub(super) listening: Vec<String>,
}

/// Reads what the daemon answered.
pub(super) fn of_answer(json: &[u8]) -> Result<Vec<Entry>, String> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        args: Vec<List>,
    }
    let answer: Answer = serde_json::from_slice(json).map_err(|e| e.to_string())?;
    let first = answer.args.into_iter().next();
    first.map(|list| list.0).ok_or_else(|| "there is no list in it".to_owned())
}

/// Reads a saved list.
pub(super) fn of_dump(json: &[u8]) -> Result<Vec<Entry>, String> {
    serde_json::from_slice::<List>(json).map(|list| list.0).map_err(|e| e.to_string())
}

struct List(Vec<Entry>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct Seen;
        impl<'de> Visitor<'de> for Seen {
            type Value = Vec<Entry>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of programs")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Vec<Entry>, A::Error> {
                let mut list = Vec::new();
                while list.len() < MOST {
                    let mut entry = Entry::default();
                    if all.next_element_seed(Into(&mut entry, 0))?.is_none() {
                        return Ok(list);
                    }
                    list.push(entry);
                }
                while all.next_element::<IgnoredAny>()?.is_some() {}
                Ok(list)
            }
        }
        source.deserialize_seq(Seen).map(List)
    }
}

/// Reads one object into an entry; `pm2_env` and `env` lie within each other and are flat alike.
struct Into<'e>(&'e mut Entry, u8);

impl<'de> DeserializeSeed<'de> for Into<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Into<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a program")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(entry, depth) = self;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "pm2_env" if depth == 0 => map.next_value_seed(Into(entry, 1))?,
                "env" if depth < 2 => map.next_value_seed(Into(entry, 2))?,
                name if is_listening_variable(name) => {
                    let word = words(&map.next_value::<Value>()?);
                    if let Some(word) = word.filter(|_| entry.listening.len() < 16) {
                        let line = format!("{name}={word}");
                        if !entry.listening.contains(&line) {
                            entry.listening.push(line);
                        }
                    }
                }
                // Inside the environment nothing else is ours.
                name if depth < 2 && is_field(name) => {
                    let value = map.next_value::<Value>()?;
                    take(entry, name, &value);
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    // What should be an object and is not says nothing.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<(), A::Error> {
        while all.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

fn is_field(name: &str) -> bool {
    matches!(
        name,
        "name"
            | "pm_id"
            | "pid"
            | "status"
            | "restart_time"
            | "exit_code"
            | "pm_uptime"
            | "pm_out_log_path"
            | "pm_err_log_path"
            | "max_memory_restart"
            | "exec_interpreter"
            | "pm_exec_path"
            | "pm_cwd"
            | "args"
            | "exec_mode"
            | "autorestart"
            | "stop_exit_codes"
    )
}

fn take(entry: &mut Entry, name: &str, value: &Value) {
    let text = || words(value).unwrap_or_default();
    match name {
        "name" => entry.name = text(),
        "pm_id" => entry.number = number(value),
        "pid" => entry.pid = number(value).filter(|pid| *pid > 0),
        "status" => entry.status = text(),
        "restart_time" => entry.restarts = number(value).unwrap_or_default(),
        "exit_code" => entry.exit = number(value),
        "pm_uptime" => entry.started_ms = number(value),
        "pm_out_log_path" => entry.out_log = text(),
        "pm_err_log_path" => entry.err_log = text(),
        "max_memory_restart" => entry.memory_limit = number(value).filter(|bytes| *bytes > 0),
        "exec_interpreter" => entry.interpreter = text(),
        "pm_exec_path" => entry.script = text(),
        "pm_cwd" => entry.folder = text(),
        "exec_mode" => entry.cluster = text() == "cluster_mode",
        "autorestart" => {
            entry.autorestart = match value {
                Value::Bool(flag) => Some(*flag),
                Value::String(word) => Some(word != "false"),
                _ => None,
            };
        }
        "args" => {
            entry.arguments = match value {
                Value::Array(all) => all.iter().filter_map(words).take(ARGUMENTS).collect(),
                Value::String(line) => {
                    line.split_whitespace().map(str::to_owned).take(ARGUMENTS).collect()
                }
                _ => Vec::new(),
            };
        }
        "stop_exit_codes" => {
            entry.ends_for_good = match value {
                Value::Array(all) => all.iter().filter_map(number).take(16).collect(),
                other => number(other).into_iter().collect(),
            };
        }
        _ => {}
    }
}

fn words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.chars().take(TEXT).collect()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A number, also one that is written as text.
fn number<T: TryFrom<i64>>(value: &Value) -> Option<T> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok()?,
        other => other.as_i64()?,
    };
    T::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANSWER: &str = r#"{"args":[[{"pid":4242,"name":"shop","pm_id":0,"monit":{"memory":1},
        "pm2_env":{"name":"shop","SECRET":"CANARY","PORT":"3000","status":"online","restart_time":3,
        "exit_code":1,"pm_uptime":1795183200000,"pm_out_log_path":"/root/.pm2/logs/shop-out.log",
        "pm_err_log_path":"/root/.pm2/logs/shop-error.log","max_memory_restart":314572800,
        "exec_interpreter":"node","pm_exec_path":"/srv/shop/app.js","pm_cwd":"/srv/shop",
        "args":["--port","3000"],"exec_mode":"fork_mode","autorestart":true,
        "env":{"PORT":3000,"name":"not the name","DATABASE_URL":"CANARY","args":"CANARY"}}},
        {"pid":0,"name":"bad","pm_id":"1","pm2_env":{"status":"errored","env":null}}, 7, null]]}"#;

    #[test]
    fn a_program_is_read_and_its_environment_is_not() {
        let all = of_answer(ANSWER.as_bytes()).unwrap();
        assert_eq!(all.len(), 4, "what is no program says nothing");
        let shop = &all[0];
        assert_eq!((shop.name.as_str(), shop.number, shop.pid), ("shop", Some(0), Some(4242)));
        assert_eq!((shop.status.as_str(), shop.restarts, shop.exit), ("online", 3, Some(1)));
        assert_eq!(shop.arguments, ["--port", "3000"]);
        assert_eq!(shop.listening, ["PORT=3000"]);
        assert_eq!((all[1].number, all[1].pid, all[1].status.as_str()), (Some(1), None, "errored"));
        let kept = all.iter().flat_map(|e| {
            [&e.name, &e.status, &e.script, &e.folder].into_iter().chain(&e.arguments).chain(&e.listening)
        });
        assert!(kept.into_iter().all(|text| !text.contains("CANARY")));
    }

    #[test]
    fn a_saved_list_is_flat() {
        let dump = r#"[{"name":"shop","pm_exec_path":"/srv/a.js","env":{"PORT":"3000"},"X":"y"}]"#;
        let all = of_dump(dump.as_bytes()).unwrap();
        assert_eq!((all[0].name.as_str(), all[0].listening.len()), ("shop", 1));
        assert!(of_dump(b"{\"half\": [").is_err() && of_answer(b"{}").is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, at in 0..ANSWER.len(), with in "[\\[\\]{}\",:0-9a-z]{0,3}") {
            let _ = of_answer(&bytes);
            let text = format!("{}{with}{}", &ANSWER[..at], &ANSWER[at..]);
            let _ = of_answer(text.as_bytes());
            let _ = of_dump(text.as_bytes());
        }
    }
}
