//! The title under which a process is listed, written as nginx writes its own: over its arguments.

use std::{io, os::unix::fs::FileExt};

use crate::host::{files::Root, proc};

/// Bytes read of `/proc/self/stat`.
const STAT: u64 = 4_096;

/// Variable that makes room: a title may be longer than the arguments, and the kernel then reads on
/// into the environment, which lies behind them.
pub(super) const ROOM: (&str, &str) = (
    "GATEMEDIC_TITLE",
    "------------------------------------------------------------------------------------------------",
);

/// Writes `title` where the kernel reads the command line of this process (`arg_start` to `env_end`
/// of `proc_pid_stat(5)`); what is too long is cut. Whoever needs the arguments has read them before.
///
/// # Errors
/// When `/proc` does not show it.
pub(super) fn set(title: &str) -> io::Result<()> {
    let line = Root::default()
        .read_text("/proc/self/stat", STAT)
        .map_err(|error| io::Error::other(error.to_string()))?;
    let [start, end, more, last] =
        arguments(&line).ok_or_else(|| io::Error::other("no place of arguments"))?;
    let size = |from: u64, to: u64| usize::try_from(to.saturating_sub(from)).unwrap_or(0);
    let own = size(start, end);
    // Only what lies directly behind the arguments, and only the variable that makes room.
    let room =
        if more == end { own + size(more, last).min(ROOM.0.len() + ROOM.1.len()) } else { own };
    let mut bytes: Vec<u8> = title.bytes().take(room.saturating_sub(1)).collect();
    bytes.resize((bytes.len() + 1).max(own), 0);
    // The process's own memory, through its own file: no pointer is made of a number.
    let memory = std::fs::OpenOptions::new().write(true).open("/proc/self/mem")?;
    memory.write_all_at(&bytes, start)
}

/// Where the arguments begin and end, and the environment: fields 48 to 51.
fn arguments(line: &str) -> Option<[u64; 4]> {
    let (_, rest) = line.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(45).map(str::parse);
    let mut next = || fields.next()?.ok();
    let all: [u64; 4] = [next()?, next()?, next()?, next()?];
    let [start, end, ..] = all;
    (start > 0 && end > start).then_some(all)
}

/// Start of this process in ticks since boot, which tells it from another with its number.
pub(super) fn own_start() -> u64 {
    proc::stat(std::process::id()).map_or(0, |stat| stat.start_ticks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_the_arguments_is_found_behind_any_name() {
        let mut stat = "7 (a) b) S".to_owned();
        for field in 4..=52 {
            stat.push_str(&format!(" {}", field * 10));
        }
        assert_eq!(arguments(&stat), Some([480, 490, 500, 510]));
        assert_eq!(arguments("7 (x) S 1 2"), None);
        let own = std::fs::read_to_string("/proc/self/stat").unwrap();
        let [start, end, ..] = arguments(&own).unwrap();
        let length = std::fs::read("/proc/self/cmdline").unwrap().len() as u64;
        assert_eq!(end - start, length);
    }
}
