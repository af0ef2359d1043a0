//! What PM2's daemon can be asked: the list of its programs.
//!
//! The `pm2` program itself starts a daemon where there is none and prints the environment of every
//! application; its remote call `getMonitorData` does neither.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Door, Pm2Entry, TalkError, amp, pm2_list::of_answer, talk};

/// Most bytes of an answer: the environment of every program is in it.
const CAP: usize = 16 << 20;

/// The programs that a PM2 has, read from its daemon. Of their environments only the variables are
/// kept whose names `keep` says yes to.
///
/// # Errors
/// [`TalkError`].
pub async fn pm2_programs(
    door: &Door,
    keep: fn(&str) -> bool,
    limit: Duration,
) -> Result<Vec<Pm2Entry>, TalkError> {
    let json = call(door, "getMonitorData", &json!({}), limit).await?;
    of_answer(&json, keep).map_err(TalkError::Garbled)
}

/// The part of an answer that says why there is none.
#[derive(serde::Deserialize)]
struct Answer {
    error: Option<Value>,
}

/// Calls one method with one argument, and gives the JSON of the answer.
pub(super) async fn call(
    door: &Door,
    method: &str,
    argument: &Value,
    limit: Duration,
) -> Result<Vec<u8>, TalkError> {
    let question = json!({ "type": "call", "method": method, "args": [argument] });
    let question = amp::encode(&[format!("j:{question}").as_bytes(), b"s:gatemedic:0"]);
    let whole = |bytes: &[u8]| amp::decode(bytes, CAP).map(|parts| parts.is_some());
    let answer = talk::ask(door, &question, CAP, limit, whole).await?;
    let cut = || TalkError::Garbled("it ends in the middle".to_owned());
    let parts = amp::decode(&answer, CAP)?.ok_or_else(cut)?;
    let body = parts.iter().find_map(|part| amp::json(part));
    let body = body.ok_or_else(|| TalkError::Garbled("there is no JSON in it".to_owned()))?;
    let answer: Answer =
        serde_json::from_slice(body).map_err(|error| TalkError::Garbled(error.to_string()))?;
    match answer.error {
        None | Some(Value::Null) => Ok(body.to_vec()),
        Some(Value::String(words)) => Err(TalkError::Said(head(&words))),
        Some(other) => {
            let words = other.get("message").and_then(Value::as_str).unwrap_or("it failed");
            Err(TalkError::Said(head(words)))
        }
    }
}

/// The beginning of what somebody said.
pub(super) fn head(words: &str) -> String {
    words.chars().take(200).collect()
}
