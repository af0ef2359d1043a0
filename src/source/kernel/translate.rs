//! From kernel records to observations.

use crate::{
    host::kmsg::Record,
    observation::{LogLine, Origin, Program, Seen, Segfault, Text, Wall},
};

use super::{
    crash, line,
    oom::{Line, Oom},
};

/// Reads records in order. Only what the kernel itself wrote counts: root of any container may
/// write to `/dev/kmsg`, but not with facility 0.
#[derive(Debug, Default)]
pub(super) struct Translator {
    oom: Oom,
}

impl Translator {
    /// What one record shows, if it shows anything. `offset` is the wall clock minus the
    /// monotonic clock, in microseconds; `now` bounds the result, because the kernel's local
    /// clock drifts against it.
    pub(super) fn take(&mut self, record: &Record, offset: i64, now: Wall) -> Option<Seen> {
        if record.facility != 0 {
            return None;
        }
        let stamp = i64::try_from(record.stamp).unwrap_or(i64::MAX);
        let at = Wall(offset.saturating_add(stamp)).min(now);
        let text = String::from_utf8_lossy(&record.message);
        let text = text.trim_end();
        let line = Line { sequence: record.sequence, stamp: record.stamp, at, text };
        if let Some(kill) = self.oom.admit(line) {
            return Some(Seen::Kill(kill));
        }
        if let Some((pid, name)) = crash::parse(text) {
            let (sequence, name, text) = (record.sequence, Text::new(name), Text::new(text));
            return Some(Seen::Segfault(Segfault { at, sequence, pid, name, text }));
        }
        line::concerns(text).then(|| {
            Seen::Log(LogLine {
                program: Program::Kernel,
                origin: Origin::KernelLog,
                gateway: None,
                at: Some(at),
                text: Text::new(text),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KILL: &str = "Memory cgroup out of memory: Killed process 1 (nginx) total-vm:1kB, \
                        anon-rss:1kB, file-rss:0kB, shmem-rss:0kB";

    fn seen(record: &str) -> Option<Seen> {
        let record = Record::parse(record.as_bytes()).unwrap();
        Translator::default().take(&record, 1_000, Wall(5_000))
    }

    #[test]
    fn a_kill_that_a_process_wrote_to_the_log_is_not_kernel_evidence() {
        assert!(matches!(seen(&format!("3,1,1,-;{KILL}\n")), Some(Seen::Kill(_))));
        assert_eq!(seen(&format!("12,1,1,-;{KILL}\n")), None);
        assert_eq!(seen("12,1,1,-;nf_conntrack: table full, dropping packet\n"), None);
        assert_eq!(seen("12,1,1,-;x[1]: segfault at 0 ip 1\n"), None);
    }

    #[test]
    fn stamps_become_wall_times_and_never_lie_in_the_future() {
        let at = |stamp: u64| match seen(&format!("6,1,{stamp},-;x[1]: segfault at 0\n")) {
            Some(Seen::Segfault(crash)) => crash.at,
            other => panic!("{other:?}"),
        };
        assert_eq!(at(7), Wall(1_007));
        assert_eq!(at(9_000), Wall(5_000));
        assert_eq!(at(u64::MAX), Wall(5_000));
    }

    #[test]
    fn a_line_that_concerns_upstreams_is_published_as_the_kernels_own() {
        let line = seen("4,1,1,-;nf_conntrack: nf_conntrack: table full, dropping packet\n");
        let Some(Seen::Log(line)) = line else { panic!("{line:?}") };
        assert_eq!((line.program, line.origin), (Program::Kernel, Origin::KernelLog));
    }
}
