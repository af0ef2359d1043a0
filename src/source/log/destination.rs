//! Where a configured log really goes, before anything is opened.

use std::path::Path;

use crate::{host::files::Root, observation::TO_STREAM};

use super::rotation::homes;

/// Where a log goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// To a file, as far as can be told from its name.
    File,
    /// To the writer's standard output or error stream.
    Stream,
    /// To `/dev/null`.
    Nowhere,
    /// To a syslog server, the host's own or another.
    Syslog,
    /// To a program that the gateway starts.
    Program,
    /// To a ring in the gateway's memory.
    Memory,
    /// To a file whose name is made from a variable of each request.
    PerRequest,
}

/// Tells it by the name and its links.
pub(super) fn destination(root: &Root, path: &str) -> Destination {
    if path == "stderr" {
        return Destination::Stream;
    }
    if path.starts_with('|') {
        return Destination::Program;
    }
    if path == "syslog" || path.starts_with("syslog:") {
        return Destination::Syslog;
    }
    if path.starts_with("memory:") {
        return Destination::Memory;
    }
    if path.contains('$') {
        return Destination::PerRequest;
    }
    for home in homes(root, Path::new(path)) {
        let name = home.to_string_lossy();
        let of_process = name.starts_with("/proc/") && name.contains("/fd/");
        if name == "/dev/null" {
            return Destination::Nowhere;
        }
        if name == "/dev/stdout"
            || name == "/dev/stderr"
            || name.starts_with("/dev/fd/")
            || of_process
        {
            return Destination::Stream;
        }
    }
    Destination::File
}

impl Destination {
    /// Why nothing can be read there, and what would help; `None` for a file.
    pub(super) const fn blindness(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::File => None,
            Self::Stream => {
                Some((TO_STREAM, "read the container's log or the journal of the unit"))
            }
            Self::Nowhere => Some((
                "goes to /dev/null: the gateway discards it",
                "configure a log file in the gateway and reload it",
            )),
            Self::Syslog => Some((
                "this gateway logs to syslog, not to a file",
                "read the journal (journalctl -t with the gateway's name) or the files of the syslog server, or add a second log \
                 line with a file",
            )),
            Self::Program => Some((
                "this gateway pipes it to a program, which keeps it where it likes",
                "add a second log line with a file, for the time of the incident",
            )),
            Self::Memory => Some((
                "stays in the gateway's memory, where only a debugger reads it",
                "add a second log line with a file",
            )),
            Self::PerRequest => Some((
                "the file name holds a variable",
                "add a second log line with a fixed file name",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_a_stream_or_to_nowhere_is_not_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let link = |name: &str, to: &str| {
            std::os::unix::fs::symlink(to, dir.path().join(name)).unwrap();
            destination(&Root::new(dir.path()), &format!("/{name}"))
        };
        assert_eq!(link("out.log", "/dev/stdout"), Destination::Stream);
        assert_eq!(link("err.log", "/proc/self/fd/2"), Destination::Stream);
        assert_eq!(link("null.log", "/dev/null"), Destination::Nowhere);
        assert_eq!(link("chain.log", "null.log"), Destination::Nowhere);
        assert_eq!(link("loop.log", "loop.log"), Destination::File);
        assert_eq!(destination(&Root::default(), "/var/log/$host.log"), Destination::PerRequest);
    }

    #[test]
    fn a_log_that_goes_to_syslog_is_a_blind_spot_that_says_where_to_read() {
        for path in ["syslog:server=unix:/dev/log", "syslog:server=10.0.0.1:514,tag=web"] {
            let found = destination(&Root::default(), path);
            let (why, grant) = found.blindness().expect("blind");
            assert!(why.contains("syslog") && grant.contains("journalctl"), "{why} {grant}");
        }
        assert_eq!(destination(&Root::default(), "memory:32m"), Destination::Memory);
        assert_eq!(destination(&Root::default(), "syslog"), Destination::Syslog);
        let piped = "|/usr/bin/rotatelogs /var/log/a.%Y 86400";
        assert_eq!(destination(&Root::default(), piped), Destination::Program);
        assert_eq!(destination(&Root::default(), "stderr"), Destination::Stream);
    }
}
