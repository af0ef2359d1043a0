//! What only the engine can tell of a container whose processes are not visible here: its
//! resources, and the command lines of its processes. Pure.

use serde_json::Value;

use super::{addresses, json::at};
use crate::observation::{Address, CgroupSample, Container, Owner, Text};

/// Most processes of one container that are looked at.
const MOST: usize = 256;

/// Reads `GET /containers/{id}/stats`; `None` when the engine could not tell either.
pub(super) fn sample(container: &Container, answer: &Value) -> Option<CgroupSample> {
    let number = |pointer: &str| at(answer, pointer).as_u64();
    let memory = number("/memory_stats/usage");
    let pids = number("/pids_stats/current");
    if memory.is_none() && pids.is_none() {
        return None;
    }
    // Without a limit of its own the engine tells the host's memory as the limit.
    let limit = number("/memory_stats/limit").filter(|_| container.memory_limit.is_some());
    let throttled = |field: &str| number(&format!("/cpu_stats/throttling_data/{field}"));
    Some(CgroupSample {
        owner: Owner::Container(container.id.clone()),
        path: Text::default(),
        memory,
        memory_max: limit.or(container.memory_limit),
        oom_kills: None,
        pids,
        // No limit is told as 0, or as the largest number.
        pids_max: number("/pids_stats/limit").filter(|most| (1..u64::MAX).contains(most)),
        throttled_periods: throttled("throttled_periods"),
        throttled_us: throttled("throttled_time").map(|nanos| nanos / 1_000),
        cpu_periods: throttled("periods"),
    })
}

/// Reads `GET /containers/{id}/top`: the addresses that the running processes' command lines name.
pub(super) fn served(answer: &Value) -> Vec<Address> {
    let titles = at(answer, "/Titles").as_array().into_iter().flatten();
    let mut titles = titles.filter_map(Value::as_str);
    let Some(column) = titles.position(|title| matches!(title, "CMD" | "COMMAND" | "ARGS")) else {
        return Vec::new();
    };
    let rows = at(answer, "/Processes").as_array().into_iter().flatten().take(MOST);
    let mut found: Vec<Address> = rows
        .filter_map(|row| row.get(column)?.as_str())
        .flat_map(|command| addresses::of_command(&command.split_whitespace().collect::<Vec<_>>()))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::source::docker::inspect;

    fn container(memory: u64) -> Container {
        let answer = json!({"Id": "e".repeat(64), "HostConfig": {"Memory": memory}});
        inspect::inspected(&answer).unwrap()
    }

    #[test]
    fn a_sample_tells_use_and_only_limits_that_are_its_own() {
        let answer = json!({"memory_stats": {"usage": 6_537_216, "limit": 67_108_864},
            "pids_stats": {"current": 3, "limit": 18_446_744_073_709_551_615_u64},
            "cpu_stats": {"throttling_data": {"periods": 9, "throttled_periods": 4, "throttled_time": 7_000_000}}});
        let limited = sample(&container(67_108_864), &answer).unwrap();
        assert_eq!((limited.memory, limited.memory_max), (Some(6_537_216), Some(67_108_864)));
        assert_eq!((limited.pids, limited.pids_max), (Some(3), None));
        assert_eq!((limited.throttled_periods, limited.throttled_us), (Some(4), Some(7_000)));
        assert_eq!(sample(&container(0), &answer).and_then(|s| s.memory_max), None);
        // What Docker 20.10 says where it cannot read the groups.
        let nothing = json!({"memory_stats": {}, "pids_stats": {}, "cpu_stats": {}});
        assert_eq!(sample(&container(0), &nothing), None);
    }

    #[test]
    fn the_process_list_names_what_is_served() {
        let answer = json!({"Processes": [["root", "5777", "5756", "0", "02:12", "?", "00:00:00",
            "httpd -f -p 127.0.0.1:3000"]],
            "Titles": ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]});
        let shown: Vec<String> = served(&answer).iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["127.0.0.1:3000"]);
        assert!(served(&json!({"Processes": [[]], "Titles": ["CMD"]})).is_empty());
    }
}
