//! What systemd says about one unit, as far as acting on it needs it.

use super::systemd::{Properties, Systemd, SystemdError, Value};
use crate::observation::{Text, UnitName};

/// Most names kept of one list.
const LIST: usize = 64;

/// A unit as it stands now. Words are systemd's own; numbers of which every bit is set mean
/// "infinity" or "not known" and are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitFacts {
    /// `LoadState`.
    pub load: String,
    /// Why it could not be loaded.
    pub load_error: String,
    /// `ActiveState`.
    pub active: String,
    /// `SubState`.
    pub sub: String,
    /// `Result`.
    pub result: String,
    /// `ExecMainCode`: 1 exited, 2 killed, 3 dumped (waitid(2)).
    pub exit_code: i32,
    /// `ExecMainStatus`: exit status or signal.
    pub exit_status: i32,
    /// `UnitFileState`.
    pub file_state: String,
    /// Number of the job that waits on it, 0 for none.
    pub job: u32,
    /// `CanStart`, `CanStop`, `CanReload`; true when systemd does not tell.
    pub can: Can,
    /// Main pid.
    pub main_pid: Option<u32>,
    /// Control group path.
    pub cgroup: String,
    /// Automatic restarts since the last manual start.
    pub restarts: u32,
    /// `StartLimitBurst`.
    pub burst: u32,
    /// `StartLimitIntervalUSec`.
    pub interval_us: u64,
    /// `ActiveEnterTimestamp`, microseconds since the epoch, 0 for never.
    pub active_enter: i64,
    /// `InactiveExitTimestamp`: when it was last begun to be started, microseconds since the epoch,
    /// 0 for never since systemd loaded it.
    pub inactive_exit: i64,
    /// Units that stop or restart along with it.
    pub followers: Vec<Text>,
    /// Units that start it (its socket).
    pub triggered_by: Vec<Text>,
    /// `Slice`.
    pub slice: String,
    /// `MemoryMax`, bytes.
    pub memory_max: Option<u64>,
    /// `MemoryLimit`, the older limit of cgroup v1, bytes.
    pub memory_limit: Option<u64>,
    /// `MemoryHigh`, bytes.
    pub memory_high: Option<u64>,
    /// `MemoryCurrent`, bytes.
    pub memory_current: Option<u64>,
    /// `TasksCurrent`.
    pub tasks_current: Option<u64>,
    /// `TasksMax`.
    pub tasks_max: Option<u64>,
    /// `LimitNOFILESoft`; `None` for infinity.
    pub limit_nofile: Option<u64>,
    /// `Restart`.
    pub restart: String,
    /// `RestartUSec`.
    pub restart_us: Option<u64>,
    /// Units that cannot run along with it (`Conflicts=` of either side), but for targets.
    pub conflicts: Vec<Text>,
    /// `DropInPaths`, in the order in which they apply.
    pub drop_ins: Vec<Text>,
}

/// What a unit lets itself be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Can {
    /// Start.
    pub start: bool,
    /// Stop.
    pub stop: bool,
    /// Reload.
    pub reload: bool,
}

impl Default for Can {
    fn default() -> Self {
        Self { start: true, stop: true, reload: true }
    }
}

impl UnitFacts {
    /// Asks about a unit, loaded or not.
    ///
    /// # Errors
    /// [`SystemdError`].
    pub async fn ask(systemd: &Systemd, unit: &UnitName) -> Result<Self, SystemdError> {
        Ok(Self::read(&systemd.properties_of_file(unit).await?))
    }

    /// Reads the properties of all interfaces.
    pub fn read(all: &Properties) -> Self {
        let word = |key: &str| match all.get(key) {
            Some(Value::Text(text)) => Text::new(text).to_string(),
            _ => String::new(),
        };
        let flag = |key: &str| !matches!(all.get(key), Some(Value::Flag(false)));
        let mut followers: Vec<Text> = Vec::new();
        // `Requires=` and `BindsTo=` towards it, `PartOf=` towards it, and `PropagatesStopTo=`.
        for key in ["RequiredBy", "BoundBy", "ConsistsOf", "PropagatesStopTo"] {
            for name in names(all, key) {
                // Every service is required by nobody but through targets, which run nothing.
                if !name.raw().ends_with(".target") && !followers.contains(&name) {
                    followers.push(name);
                }
            }
        }
        Self {
            load: word("LoadState"),
            load_error: second(all, "LoadError"),
            active: word("ActiveState"),
            sub: word("SubState"),
            result: word("Result"),
            exit_code: number(all, "ExecMainCode").unwrap_or_default(),
            exit_status: number(all, "ExecMainStatus").unwrap_or_default(),
            file_state: word("UnitFileState"),
            job: first(all, "Job"),
            can: Can { start: flag("CanStart"), stop: flag("CanStop"), reload: flag("CanReload") },
            main_pid: number(all, "MainPID").filter(|pid| *pid != 0),
            cgroup: word("ControlGroup"),
            restarts: number(all, "NRestarts").unwrap_or_default(),
            burst: number(all, "StartLimitBurst").unwrap_or_default(),
            interval_us: number(all, "StartLimitIntervalUSec").unwrap_or_default(),
            active_enter: number(all, "ActiveEnterTimestamp").unwrap_or_default(),
            inactive_exit: number(all, "InactiveExitTimestamp").unwrap_or_default(),
            followers,
            triggered_by: names(all, "TriggeredBy").collect(),
            slice: word("Slice"),
            memory_max: finite(all, "MemoryMax"),
            memory_limit: finite(all, "MemoryLimit"),
            memory_high: finite(all, "MemoryHigh"),
            memory_current: finite(all, "MemoryCurrent"),
            tasks_current: finite(all, "TasksCurrent"),
            tasks_max: finite(all, "TasksMax"),
            limit_nofile: finite(all, "LimitNOFILESoft"),
            restart: word("Restart"),
            restart_us: finite(all, "RestartUSec"),
            conflicts: names(all, "Conflicts")
                .chain(names(all, "ConflictedBy"))
                .filter(|name| !name.raw().ends_with(".target"))
                .collect(),
            drop_ins: names(all, "DropInPaths").collect(),
        }
    }

    /// Whether it runs.
    pub fn is_active(&self) -> bool {
        matches!(self.active.as_str(), "active" | "reloading" | "refreshing")
    }

    /// How its main process ended last, in words.
    pub fn end(&self) -> String {
        match self.exit_code {
            1 => format!("exit status {}", self.exit_status),
            2 => format!("signal {}", self.exit_status),
            3 => format!("signal {} with a core dump", self.exit_status),
            _ if self.result.is_empty() => "unknown".to_owned(),
            _ => self.result.clone(),
        }
    }
}

fn number<T: TryFrom<i128>>(all: &Properties, key: &str) -> Option<T> {
    match all.get(key) {
        Some(Value::Number(n)) => T::try_from(*n).ok(),
        _ => None,
    }
}

fn finite(all: &Properties, key: &str) -> Option<u64> {
    number::<u64>(all, key).filter(|n| *n != u64::MAX)
}

fn names<'a>(all: &'a Properties, key: &str) -> impl Iterator<Item = Text> + use<'a> {
    let items = match all.get(key) {
        Some(Value::List(items)) => items.as_slice(),
        _ => &[],
    };
    items.iter().take(LIST).filter_map(|item| match item {
        Value::Text(text) => Some(Text::new(text)),
        _ => None,
    })
}

/// The number of a `(uo)` structure.
fn first(all: &Properties, key: &str) -> u32 {
    match all.get(key) {
        Some(Value::List(parts)) => match parts.first() {
            Some(Value::Number(n)) => u32::try_from(*n).unwrap_or_default(),
            _ => 0,
        },
        _ => 0,
    }
}

/// The words of an `(ss)` structure of an error's name and its message.
fn second(all: &Properties, key: &str) -> String {
    match all.get(key) {
        Some(Value::List(parts)) => match parts.get(1) {
            Some(Value::Text(text)) => Text::new(text).to_string(),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_restarts_along_is_gathered_once_and_without_targets() {
        let list = |names: &[&str]| {
            Value::List(names.iter().map(|n| Value::Text((*n).to_owned())).collect())
        };
        let all = Properties::from([
            ("RequiredBy".to_owned(), list(&["multi-user.target", "web.service"])),
            ("ConsistsOf".to_owned(), list(&["web.service", "worker.service"])),
            ("Job".to_owned(), Value::List(vec![Value::Number(7), Value::Text("/x".to_owned())])),
            ("MemoryMax".to_owned(), Value::Number(u64::MAX.into())),
            ("CanReload".to_owned(), Value::Flag(false)),
            ("Conflicts".to_owned(), list(&["shutdown.target", "web-old.service"])),
            ("ConflictedBy".to_owned(), list(&["web-new.service"])),
            ("ExecMainCode".to_owned(), Value::Number(2)),
            ("ExecMainStatus".to_owned(), Value::Number(9)),
        ]);
        let facts = UnitFacts::read(&all);
        let followers: Vec<&str> = facts.followers.iter().map(Text::raw).collect();
        assert_eq!(followers, ["web.service", "worker.service"]);
        assert_eq!((facts.job, facts.memory_max, facts.end().as_str()), (7, None, "signal 9"));
        assert!(facts.can.start && !facts.can.reload);
        let conflicts: Vec<&str> = facts.conflicts.iter().map(Text::raw).collect();
        assert_eq!(conflicts, ["web-old.service", "web-new.service"]);
    }
}
