//! PM2's lists of programs: the one that its daemon gives, and the one that it saved.
//!
//! Both hold the environment of every program. It is skipped while it is read, but for the variables
//! whose values the caller asks for.

use std::fmt;

use serde::{
    Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

/// Programs of one daemon that are read.
const MOST: usize = 1_000;
/// Bytes of one text.
const TEXT: usize = 4_096;
/// Arguments of one program.
const ARGUMENTS: usize = 128;

/// One process of PM2's.
#[derive(Clone, Default, PartialEq)]
pub struct Pm2Entry {
    /// Its name.
    pub name: String,
    /// `pm_id`.
    pub number: Option<u32>,
    /// Pid, while it runs.
    pub pid: Option<u32>,
    /// PM2's word for its state.
    pub status: String,
    /// Restarts so far.
    pub restarts: u64,
    /// Status with which it last ended.
    pub exit: Option<i32>,
    /// When it was last started, milliseconds since the epoch.
    pub started_ms: Option<i64>,
    /// Its output goes there.
    pub out_log: String,
    /// Its errors go there.
    pub err_log: String,
    /// `max_memory_restart` in bytes.
    pub memory_limit: Option<u64>,
    /// Program that runs the script; `none` for none.
    pub interpreter: String,
    /// Script.
    pub script: String,
    /// Working directory.
    pub folder: String,
    /// Arguments.
    pub arguments: Vec<String>,
    /// Whether the daemon holds its sockets.
    pub cluster: bool,
    /// Whether it is started again when it ends.
    pub autorestart: Option<bool>,
    /// Exit statuses after which it is not.
    pub ends_for_good: Vec<i32>,
    /// `KEY=VALUE` of the variables that tell where it listens.
    pub listening: Vec<String>,
}

/// Reads what the daemon answered; `keep` says of which variables the values are needed.
pub(super) fn of_answer(json: &[u8], keep: Keep) -> Result<Vec<Pm2Entry>, String> {
    let mut source = serde_json::Deserializer::from_slice(json);
    let list = Answer(keep).deserialize(&mut source).map_err(|e| e.to_string())?;
    list.ok_or_else(|| "there is no list in it".to_owned())
}

/// Reads the list that PM2 saved; `keep` says of which variables the values are needed.
///
/// # Errors
/// Where it is no such list, in words.
pub fn pm2_saved(json: &[u8], keep: Keep) -> Result<Vec<Pm2Entry>, String> {
    let mut source = serde_json::Deserializer::from_slice(json);
    List(keep).deserialize(&mut source).map_err(|e| e.to_string())
}

/// Which variables are kept, by name.
type Keep = fn(&str) -> bool;

/// The answer to a call: its first argument is the list.
struct Answer(Keep);

impl<'de> DeserializeSeed<'de> for Answer {
    type Value = Option<Vec<Pm2Entry>>;
    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Self::Value, D::Error> {
        source.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Answer {
    type Value = Option<Vec<Pm2Entry>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == "args" && found.is_none() {
                found = map.next_value_seed(First(self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

struct First(Keep);

impl<'de> DeserializeSeed<'de> for First {
    type Value = Option<Vec<Pm2Entry>>;
    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Self::Value, D::Error> {
        source.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for First {
    type Value = Option<Vec<Pm2Entry>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("arguments")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Self::Value, A::Error> {
        let found = all.next_element_seed(List(self.0))?;
        while all.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }
}

struct List(Keep);

impl<'de> DeserializeSeed<'de> for List {
    type Value = Vec<Pm2Entry>;
    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Vec<Pm2Entry>, D::Error> {
        source.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List {
    type Value = Vec<Pm2Entry>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of programs")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Vec<Pm2Entry>, A::Error> {
        let mut list = Vec::new();
        while list.len() < MOST {
            let mut entry = Pm2Entry::default();
            if all.next_element_seed(Into(&mut entry, 0, self.0))?.is_none() {
                return Ok(list);
            }
            list.push(entry);
        }
        while all.next_element::<IgnoredAny>()?.is_some() {}
        Ok(list)
    }
}

/// Reads one object into an entry; `pm2_env` and `env` lie within each other and are flat alike.
struct Into<'e>(&'e mut Pm2Entry, u8, Keep);

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
        let Self(entry, depth, keep) = self;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "pm2_env" if depth == 0 => map.next_value_seed(Into(entry, 1, keep))?,
                "env" if depth < 2 => map.next_value_seed(Into(entry, 2, keep))?,
                name if keep(name) => {
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

fn take(entry: &mut Pm2Entry, name: &str, value: &Value) {
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

    fn port(name: &str) -> bool {
        name == "PORT"
    }

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
        let all = of_answer(ANSWER.as_bytes(), port).unwrap();
        assert_eq!(all.len(), 4, "what is no program says nothing");
        let shop = &all[0];
        assert_eq!((shop.name.as_str(), shop.number, shop.pid), ("shop", Some(0), Some(4242)));
        assert_eq!((shop.status.as_str(), shop.restarts, shop.exit), ("online", 3, Some(1)));
        assert_eq!(shop.arguments, ["--port", "3000"]);
        assert_eq!(shop.listening, ["PORT=3000"]);
        assert_eq!((all[1].number, all[1].pid, all[1].status.as_str()), (Some(1), None, "errored"));
        let kept = all.iter().flat_map(|e| {
            [&e.name, &e.status, &e.script, &e.folder]
                .into_iter()
                .chain(&e.arguments)
                .chain(&e.listening)
        });
        assert!(kept.into_iter().all(|text| !text.contains("CANARY")));
    }

    #[test]
    fn a_saved_list_is_flat() {
        let dump = r#"[{"name":"shop","pm_exec_path":"/srv/a.js","env":{"PORT":"3000"},"X":"y"}]"#;
        let all = pm2_saved(dump.as_bytes(), port).unwrap();
        assert_eq!((all[0].name.as_str(), all[0].listening.len()), ("shop", 1));
        assert!(pm2_saved(b"{\"half\": [", port).is_err() && of_answer(b"{}", port).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, at in 0..ANSWER.len(), with in "[\\[\\]{}\",:0-9a-z]{0,3}") {
            let _ = of_answer(&bytes, port);
            let text = format!("{}{with}{}", &ANSWER[..at], &ANSWER[at..]);
            let _ = of_answer(text.as_bytes(), port);
            let _ = pm2_saved(text.as_bytes(), port);
        }
    }
}
