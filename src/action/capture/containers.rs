//! What an engine knows of a container and what the container wrote: both change with a restart.

use std::{collections::BTreeSet, time::Duration};

use bollard::query_parameters::LogsOptions;
use futures_util::StreamExt;
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    action::Tools,
    host::docker::Engine,
    observation::{ContainerId, Text},
};

/// Lines of the log.
const TAIL: &str = "500";
/// Most bytes of the log.
const LOG_LIMIT: usize = 256 * 1024;
/// For the log of one container; what has come by then is saved.
const WITHIN: Duration = Duration::from_millis(1_200);

pub(super) async fn read(
    containers: &BTreeSet<ContainerId>,
    tools: &Tools,
) -> Vec<(String, Vec<u8>)> {
    let Some(socket) = tools.docker.as_deref().filter(|_| !containers.is_empty()) else {
        return Vec::new();
    };
    let Ok(engine) = Engine::connect(socket).await else { return Vec::new() };
    let all = containers.iter().map(|id| {
        let engine = &engine;
        async move {
            let (inspect, log) = tokio::join!(inspect(engine, id), log(engine, id));
            let mut files = vec![(format!("container-{id}.log.txt"), log)];
            files.extend(inspect.map(|json| (format!("container-{id}.inspect.json"), json)));
            files
        }
    });
    futures_util::future::join_all(all).await.into_iter().flatten().collect()
}

async fn inspect(engine: &Engine, id: &ContainerId) -> Option<Vec<u8>> {
    let mut seen = engine.get(&format!("/containers/{}/json", id.as_str())).await.ok()?;
    redact(&mut seen, "");
    serde_json::to_vec_pretty(&seen).ok()
}

/// Every string without its secrets; of the environment only the names.
fn redact(value: &mut Value, key: &str) {
    match value {
        Value::String(text) if key == "Env" => {
            text.truncate(text.find('=').unwrap_or(text.len()));
        }
        Value::String(text) => {
            // A label's or option's own name may be what says that it is a secret.
            let shown = Text::new(format!("{key}={text}"));
            let shown = shown.raw().strip_prefix(key).and_then(|rest| rest.strip_prefix('='));
            shown.unwrap_or("[redacted]").clone_into(text);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redact(item, key)),
        Value::Object(fields) => fields.iter_mut().for_each(|(key, value)| redact(value, key)),
        _ => {}
    }
}

async fn log(engine: &Engine, id: &ContainerId) -> Vec<u8> {
    let options = LogsOptions {
        stdout: true,
        stderr: true,
        timestamps: true,
        tail: TAIL.to_owned(),
        ..LogsOptions::default()
    };
    let mut text = Vec::new();
    let Ok(frames) = engine.logs(id.as_str(), options) else { return text };
    let take = async {
        let mut frames = std::pin::pin!(frames);
        while let Some(Ok(frame)) = frames.next().await {
            text.extend_from_slice(&frame.into_bytes());
            if text.len() >= LOG_LIMIT {
                break;
            }
        }
    };
    let _ = timeout(WITHIN, take).await;
    lines(&text)
}

/// Lines without their secrets, and without what a terminal would obey.
pub(super) fn lines(bytes: &[u8]) -> Vec<u8> {
    let mut text = String::new();
    for line in bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        text.push_str(Text::from_bytes(line).clean().as_str());
        text.push('\n');
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_saved_of_a_container_holds_no_secret_and_keeps_the_flags() {
        let mut seen = json!({
            "State": {"OOMKilled": true, "ExitCode": 137},
            "Config": {
                "Env": ["PATH=/bin", "COLOUR=CANARY"],
                "Cmd": ["app", "--password=CANARY"],
                "Labels": {"api_token": "CANARY", "app": "web"}
            }
        });
        redact(&mut seen, "");
        let text = seen.to_string();
        assert!(!text.contains("CANARY"), "{text}");
        assert!(text.contains("\"OOMKilled\":true") && text.contains("COLOUR"));
        assert!(text.contains("\"app\":\"web\""));
    }

    #[test]
    fn a_saved_log_does_not_move_the_cursor_of_whoever_reads_it() {
        let saved = lines(b"a \x1b[2J b\npassword=CANARY\n");
        let text = String::from_utf8(saved).unwrap();
        assert!(!text.contains('\x1b') && !text.contains("CANARY") && text.lines().count() == 2);
    }
}
