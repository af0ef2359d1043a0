//! How often a unit was started and how often its processes ended, as the journal remembers it:
//! systemd marks such entries with catalog ids (systemd.journal-fields(7), `sd-messages.h`).

use std::time::Duration;

use serde_json::Value;

use super::run::{self, Limits};
use crate::observation::{UnitName, Wall};

/// `SD_MESSAGE_UNIT_STARTING`.
const STARTING: &str = "7d4958e842da4a758f6c1cdc7b36dcc5";
/// `SD_MESSAGE_UNIT_STARTED`.
const STARTED: &str = "39f53479d3a045ac8e11786248231fbf";
/// `SD_MESSAGE_UNIT_PROCESS_EXIT`, written when a main process ends badly.
const EXITED: &str = "98e322203f7a4ed290d09fe03c09fe15";
/// Most entries that are asked for.
const MOST: &str = "512";
const LIMITS: Limits = Limits { deadline: Duration::from_secs(2), max_output: 512 * 1024 };

/// What the journal remembers, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Starts, failed ones included.
    pub starts: Vec<Wall>,
    /// Bad ends of its main process.
    pub ends: Vec<Wall>,
}

/// Asks the journal about one unit since a time; `None` when it cannot be asked.
pub async fn history(unit: &UnitName, since: Wall) -> Option<History> {
    let journalctl = run::find("journalctl")?;
    let since = format!("--since=@{}", since.0.div_euclid(1_000_000));
    let unit = format!("UNIT={unit}");
    let ids = [STARTING, STARTED, EXITED].map(|id| format!("MESSAGE_ID={id}"));
    let [starting, started, exited] = ids.each_ref().map(String::as_str);
    let args = [
        "--quiet",
        "--no-pager",
        "--output=json",
        "--output-fields=MESSAGE_ID",
        "--lines",
        MOST,
        &since,
        &unit,
        "_PID=1",
        starting,
        started,
        exited,
    ];
    let output = run::run(&journalctl, &args, LIMITS).await.ok()?;
    output.status.success().then(|| read(&output.stdout))
}

fn read(lines: &[u8]) -> History {
    let (mut starting, mut started, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines.split(|b| *b == b'\n') {
        let Ok(entry) = serde_json::from_slice::<Value>(line) else { continue };
        let field = |name: &str| entry.get(name).and_then(Value::as_str);
        let at = field("__REALTIME_TIMESTAMP").and_then(|at| at.parse().ok()).map(Wall);
        let (Some(at), Some(id)) = (at, field("MESSAGE_ID")) else { continue };
        match id {
            STARTING => starting.push(at),
            STARTED => started.push(at),
            EXITED => ends.push(at),
            _ => {}
        }
    }
    // A simple service is only said to have started, one that fails only to be starting.
    let starts = if starting.len() > started.len() { starting } else { started };
    History { starts, ends }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_and_silent_starts_are_both_counted_once() {
        let line = |at: u32, id: &str| {
            format!("{{\"__REALTIME_TIMESTAMP\":\"{at}\",\"MESSAGE_ID\":\"{id}\"}}\n")
        };
        let both = line(1, STARTING) + &line(2, STARTED) + &line(3, EXITED) + &line(4, STARTING);
        let history = read((both + "{\"half").as_bytes());
        assert_eq!(history.starts, [Wall(1), Wall(4)]);
        assert_eq!(history.ends, [Wall(3)]);
        assert_eq!(read(line(5, STARTED).as_bytes()).starts, [Wall(5)]);
    }
}
