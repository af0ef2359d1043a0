//! Memory kills. One kill is a report of many records (`mm/oom_kill.c`, `mm/memcontrol.c`); what
//! counts is the `Killed process` record, which is always printed. The records before it say
//! which group and limit, and are rate-limited, so they may be missing.

use crate::observation::{KernelKill, KillScope, Owner, Text, Wall};

/// Limits at or above this many kB mean "none" (`PAGE_COUNTER_MAX`).
const NO_LIMIT_KB: u64 = i64::MAX as u64 / 1024 / 2;

/// Records of one report are printed within moments; older ones belong to another.
const REPORT_SPAN_US: u64 = 60_000_000;

/// The processes of a group that dies together are killed in one loop.
const TOGETHER_US: u64 = 2_000_000;

/// What the records before a kill have said.
#[derive(Debug, Default)]
struct Report {
    /// Stamp of its first record.
    began: u64,
    /// `limit …kB` of the group, in bytes.
    limit: Option<u64>,
    /// What follows `oom-kill:`; read when the victim's name is known.
    summary: Option<String>,
    /// `Task in A killed as a result of limit of B` (before Linux 5.0).
    task_in: Option<(String, String)>,
    /// `Tasks in G are going to be killed due to memory.oom.group set`, with its stamp.
    together: Option<(u64, String)>,
    /// Scope announced by `… out of memory: Kill process` (before Linux 5.1).
    announced: Option<bool>,
}

/// Turns records, in order, into kills.
#[derive(Debug, Default)]
pub(super) struct Oom {
    report: Report,
}

/// One record, as the parsers see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// Sequence number.
    pub(super) sequence: u64,
    /// Microseconds since boot.
    pub(super) stamp: u64,
    /// The same on the wall clock.
    pub(super) at: Wall,
    /// The message.
    pub(super) text: &'a str,
}

impl Oom {
    /// Takes one record; gives the kill that it completes. Records of other matters pass.
    pub(super) fn admit(&mut self, line: Line<'_>) -> Option<KernelKill> {
        if line.stamp.saturating_sub(self.report.began) > REPORT_SPAN_US {
            self.report = Report { began: line.stamp, ..Report::default() };
        }
        let text = line.text;
        if let Some(victim) = Victim::parse(text) {
            return Some(self.complete(line, &victim));
        }
        if text.contains(" invoked oom-killer: ") {
            self.report = Report { began: line.stamp, ..Report::default() };
        } else if let Some(rest) = text.strip_prefix("oom-kill:") {
            self.report.summary = Some(rest.to_owned());
        } else if let Some(rest) = text.strip_prefix("memory: usage ") {
            self.report.limit = limit(rest);
        } else if let Some(rest) = text.strip_prefix("Task in ") {
            self.report.task_in = rest
                .split_once(" killed as a result of limit of ")
                .map(|(task, group)| (task.to_owned(), group.to_owned()));
        } else if let Some(rest) = text.strip_prefix("Tasks in ") {
            self.report.together = rest
                .strip_suffix(" are going to be killed due to memory.oom.group set")
                .map(|group| (line.stamp, group.to_owned()));
        } else if text.starts_with("Memory cgroup out of memory: Kill process ") {
            self.report.announced = Some(true);
        } else if text.starts_with("Out of memory: Kill process ") {
            self.report.announced = Some(false);
        }
        None
    }

    fn complete(&mut self, line: Line<'_>, victim: &Victim<'_>) -> KernelKill {
        if self
            .report
            .together
            .as_ref()
            .is_some_and(|(at, _)| line.stamp.saturating_sub(*at) > TOGETHER_US)
        {
            self.report.together = None;
        }
        let report = &self.report;
        let summary = report.summary.as_deref().and_then(|s| Summary::parse(s, victim));
        // A summary about another process belongs to a victim that was already exiting; then the
        // rest of that report says nothing about this one either. Unless the group dies together.
        let foreign = report.summary.is_some() && summary.is_none() && report.together.is_none();
        let in_group = victim.in_group.or(report.announced).unwrap_or(report.task_in.is_some());
        let (group, task) = match (&summary, &report.task_in, &report.together) {
            (Some(s), _, _) => (s.group.clone(), s.task.clone()),
            (None, _, Some((_, together))) => (Some(together.clone()), Some(together.clone())),
            (None, Some((task, group)), None) if !foreign => {
                (Some(group.clone()), Some(task.clone()))
            }
            _ => (None, None),
        };
        let scope = if in_group {
            KillScope::Cgroup(Text::new(group.unwrap_or_default()))
        } else if summary.as_ref().is_some_and(|s| s.nodes) {
            KillScope::Nodes
        } else {
            KillScope::Host
        };
        let kill = KernelKill {
            at: line.at,
            sequence: line.sequence,
            pid: victim.pid,
            name: Text::new(victim.name),
            owner: task.as_deref().and_then(Owner::from_cgroup),
            cgroup: task.map(Text::new),
            rss: victim.rss,
            limit: if in_group && !foreign { report.limit } else { None },
            scope,
            text: Text::new(line.text),
        };
        // The others of a group that dies together follow, without a report of their own.
        if self.report.together.is_none() {
            self.report = Report { began: line.stamp, ..Report::default() };
        } else {
            self.report.summary = None;
        }
        kill
    }
}

/// The limit in bytes of `24576kB, limit 24576kB, failcnt 97`.
fn limit(rest: &str) -> Option<u64> {
    let (_, rest) = rest.split_once(" limit ")?;
    let kb: u64 = rest.split_once("kB")?.0.parse().ok()?;
    (kb < NO_LIMIT_KB).then(|| kb.saturating_mul(1024))
}

/// What a `Killed process` record says.
#[derive(Debug, PartialEq, Eq)]
struct Victim<'a> {
    pid: u32,
    name: &'a str,
    rss: u64,
    /// Whether a group's memory ran out; `None` where the record does not say (before 5.1).
    in_group: Option<bool>,
}

impl<'a> Victim<'a> {
    /// Reads `[…out of memory…: ]Killed process PID (NAME) total-vm:…` and the older
    /// `Killed process PID (NAME), UID 0, total-vm:…`. A name may hold `)` and the words that
    /// follow it, so it ends at the last of them.
    fn parse(text: &'a str) -> Option<Self> {
        let (in_group, rest) =
            if let Some(rest) = text.strip_prefix("Memory cgroup out of memory: ") {
                (Some(true), rest)
            } else if let Some(rest) = text
                .strip_prefix("Out of memory: ")
                .or_else(|| text.strip_prefix("Out of memory (oom_kill_allocating_task): "))
            {
                (Some(false), rest)
            } else {
                (None, text)
            };
        let rest = rest.strip_prefix("Killed process ")?;
        let (pid, rest) = rest.split_once(" (")?;
        let end = rest.rfind(") total-vm:").max(rest.rfind("), UID "))?;
        let (name, numbers) = (rest.get(..end)?, rest.get(end..)?);
        let kb = |key: &str| -> u64 {
            numbers
                .split_once(key)
                .and_then(|(_, after)| after.split_once("kB")?.0.parse().ok())
                .unwrap_or(0)
        };
        let rss = kb("anon-rss:").saturating_add(kb("file-rss:")).saturating_add(kb("shmem-rss:"));
        Some(Self { pid: pid.parse().ok()?, name, rss: rss.saturating_mul(1024), in_group })
    }
}

/// What an `oom-kill:` record says about one victim.
#[derive(Debug, PartialEq, Eq)]
struct Summary {
    /// The group whose limit was hit.
    group: Option<String>,
    /// The victim's group.
    task: Option<String>,
    /// Whether a CPU set or memory policy was the limit.
    nodes: bool,
}

impl Summary {
    /// Reads `constraint=C,nodemask=…,cpuset=…,mems_allowed=…{,oom_memcg=/A|,global_oom},`
    /// `task_memcg=/B,task=NAME,pid=N,uid=N`; `None` when it is about another process.
    ///
    /// Group and process names may hold commas and imitate the fields. The end is taken off with
    /// the known name and pid. A group name holds no `/`, and the victim's group lies in the
    /// group whose limit was hit: only one reading fits both.
    fn parse(text: &str, victim: &Victim<'_>) -> Option<Self> {
        let (front, uid) = text.rsplit_once(",uid=")?;
        uid.parse::<u64>().ok()?;
        let front = front.strip_suffix(&format!(",task={},pid={}", victim.name, victim.pid))?;
        let nodes = front.starts_with("constraint=CONSTRAINT_CPUSET,")
            || front.starts_with("constraint=CONSTRAINT_MEMORY_POLICY,");
        let (group, task) = if let Some((_, paths)) = front.split_once(",oom_memcg=/") {
            let (group, task) = Self::paths(paths)?;
            (Some(group), Some(task))
        } else {
            let task = front.split_once(",task_memcg=/").map(|(_, task)| format!("/{task}"));
            (None, task)
        };
        Some(Self { group, task, nodes })
    }

    /// Splits `A,task_memcg=/B` where `/B` lies in `/A`.
    fn paths(text: &str) -> Option<(String, String)> {
        let mark = ",task_memcg=/";
        text.match_indices(mark).find_map(|(at, _)| {
            let (group, task) = (text.get(..at)?, text.get(at + mark.len()..)?);
            let inside = task.strip_prefix(group)?;
            let inside = group.is_empty() || inside.is_empty() || inside.starts_with('/');
            inside.then(|| (format!("/{group}"), format!("/{task}")))
        })
    }
}

#[cfg(test)]
#[path = "oom_tests.rs"]
mod tests;
