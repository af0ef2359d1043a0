//! What this process denies itself before it reads anything of the host: what it holds in memory goes
//! into no core dump, and no other process of the same user may read or steer it.

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getegid, geteuid, getgid, getuid, set_dumpable_behavior,
    setrlimit,
};

/// Forbids core dumps and tracing by the same user (setrlimit(2), `PR_SET_DUMPABLE`). Programs that it
/// starts inherit the limit. What the kernel refuses stays as it is.
pub fn keep_memory_private() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none);
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Whether this process has more rights than whoever started it: a setuid or setgid file, or one with
/// capabilities.
pub fn is_raised() -> bool {
    if geteuid() != getuid() || getegid() != getgid() {
        return true;
    }
    // root has them all, and capabilities(7) says what others have without the file's help: what
    // is ambient.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    !geteuid().is_root() && has_more_than_ambient(&status)
}

/// Whether `/proc/PID/status` tells of capabilities that did not come from the parent.
fn has_more_than_ambient(status: &str) -> bool {
    let set = |name: &str| {
        let word = status.lines().find_map(|line| line.strip_prefix(name))?;
        u64::from_str_radix(word.trim(), 16).ok()
    };
    let (permitted, ambient) = (set("CapPrm:"), set("CapAmb:"));
    permitted.is_some_and(|permitted| permitted & !ambient.unwrap_or(0) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_of_the_file_are_told_from_those_of_the_parent() {
        let status = |permitted: &str, ambient: &str| {
            format!(
                "Name:\tx\nCapInh:\t0000000000000000\nCapPrm:\t{permitted}\nCapAmb:\t{ambient}\n"
            )
        };
        let (none, some) = ("0000000000000000", "0000000000080002");
        assert!(!has_more_than_ambient(&status(none, none)));
        assert!(!has_more_than_ambient(&status(some, some)));
        assert!(has_more_than_ambient(&status(some, none)));
        assert!(!has_more_than_ambient(""));
    }
}
