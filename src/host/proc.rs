//! Processes as `/proc/PID` shows them (proc(5)). Every read is bounded, and a process may vanish
//! between two of them.

use std::{collections::BTreeMap, io::Read};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};

use super::files::{FileError, Root};
use crate::observation::{RunState, Text};

/// Clock ticks per second in what the kernel prints (`USER_HZ`): 100 on every Linux that Rust's
/// tier 1 and 2 cover.
pub const TICKS_PER_SECOND: u64 = 100;
/// Bytes kept of a command line.
pub const COMMAND_LIMIT: u64 = 4 * 1024;
/// Most processes that are listed.
const MOST_PIDS: usize = 65_536;

/// The fields of `/proc/PID/stat` that are used here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Short name, hostile.
    pub name: Text,
    /// State.
    pub state: RunState,
    /// Parent; 0 when it is in no namespace of ours.
    pub parent: u32,
    /// Process group; 0 for one of another pid namespace.
    pub group: i32,
    /// Session; 0 for one of another pid namespace.
    pub session: i32,
    /// Number of the controlling terminal as the kernel writes it, 0 for none.
    pub terminal: i32,
    /// Start in ticks since boot.
    pub start_ticks: u64,
}

/// Identity, capabilities and memory of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Effective uid.
    pub uid: u32,
    /// File-system gid and the supplementary groups.
    pub gids: Vec<u32>,
    /// Effective capabilities as a bit set (capabilities(7)).
    pub capabilities: u64,
    /// Resident memory in bytes, zero for a kernel thread.
    pub rss: u64,
}

/// Pids in `/proc`, ascending.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn pids() -> Result<Vec<u32>, FileError> {
    let (names, _) = Root::default().list("/proc", 2 * MOST_PIDS)?;
    let mut pids: Vec<u32> = names.iter().filter_map(|n| n.parse().ok()).collect();
    pids.sort_unstable();
    Ok(pids)
}

fn head(path: &str, limit: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    Root::default().open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Variables of a process. They may hold secrets: a dump shows their names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Reads `NAME=VALUE` pieces that zero bytes end, as `/proc/PID/environ` has them.
    pub fn from_block(bytes: &[u8]) -> Self {
        let pair = |piece: &[u8]| {
            let text = String::from_utf8_lossy(piece);
            let (name, value) = text.split_once('=')?;
            (!name.is_empty()).then(|| (name.to_owned(), value.to_owned()))
        };
        Self(bytes.split(|b| *b == 0).filter_map(pair).collect())
    }

    /// One value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pairs: T) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Reads `/proc/PID/stat`.
///
/// # Errors
/// [`FileError::Missing`] when the process is gone.
pub fn stat(pid: u32) -> Result<Stat, FileError> {
    let bytes = head(&format!("/proc/{pid}/stat"), 4_096)?;
    parse_stat(&bytes).ok_or(FileError::Missing)
}

/// The name stands in parentheses and may hold any byte, parentheses and newlines included: the
/// fields start after the last one.
fn parse_stat(bytes: &[u8]) -> Option<Stat> {
    let open = bytes.iter().position(|&b| b == b'(')?;
    let close = bytes.iter().rposition(|&b| b == b')')?;
    let name = bytes.get(open + 1..close)?;
    let mut fields = std::str::from_utf8(bytes.get(close + 1..)?).ok()?.split_ascii_whitespace();
    let state = match fields.next()? {
        "D" => RunState::Uninterruptible,
        "T" | "t" => RunState::Stopped,
        "Z" | "X" | "x" => RunState::Dead,
        _ => RunState::Normal,
    };
    let parent = fields.next()?.parse().ok()?;
    let (group, session) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let terminal = fields.next()?.parse().ok()?;
    let start_ticks = fields.nth(14)?.parse().ok()?;
    Some(Stat {
        name: Text::from_bytes(name),
        state,
        parent,
        group,
        session,
        terminal,
        start_ticks,
    })
}

/// Reads `/proc/PID/status`.
///
/// # Errors
/// [`FileError::Missing`] when the process is gone.
pub fn status(pid: u32) -> Result<Status, FileError> {
    let bytes = head(&format!("/proc/{pid}/status"), 64 * 1024)?;
    parse_status(&String::from_utf8_lossy(&bytes)).ok_or(FileError::Missing)
}

fn parse_status(text: &str) -> Option<Status> {
    // Uid: and Gid: list the real, effective, saved and file-system id.
    let rows: BTreeMap<&str, &str> = text.lines().filter_map(|l| l.split_once(':')).collect();
    let numbers = |key: &str| rows.get(key).map(|v| v.split_whitespace().map(str::parse::<u32>));
    let uid = numbers("Uid")?.nth(1)?.ok()?;
    let mut gids: Vec<u32> = numbers("Gid")?.nth(3)?.into_iter().collect();
    gids.extend(numbers("Groups").into_iter().flatten().flatten());
    gids.dedup();
    let capabilities =
        rows.get("CapEff").and_then(|v| u64::from_str_radix(v.trim(), 16).ok()).unwrap_or(0);
    let kilobytes = rows.get("VmRSS").and_then(|v| v.split_whitespace().next()?.parse().ok());
    let rss = kilobytes.unwrap_or(0_u64).saturating_mul(1024);
    Some(Status { uid, gids, capabilities, rss })
}

/// Its pid in the innermost pid namespace that it is in (`NSpid`, proc(5)).
pub fn inner_pid(pid: u32) -> Option<u32> {
    let bytes = head(&format!("/proc/{pid}/status"), 64 * 1024).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let row = text.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    row.split_whitespace().next_back()?.parse().ok()
}

/// The variables that a process was started with, at most 256 KiB of them, as text; empty when
/// they may not be read. They may hold secrets.
pub fn environment(pid: u32) -> Environment {
    let bytes = head(&format!("/proc/{pid}/environ"), 256 * 1024).unwrap_or_default();
    Environment::from_block(&bytes)
}

/// The command line with spaces between its words, cut at [`COMMAND_LIMIT`]; empty for a kernel
/// thread or a dead process.
///
/// # Errors
/// [`FileError::Missing`] when the process is gone.
pub fn command(pid: u32) -> Result<Text, FileError> {
    let mut bytes = head(&format!("/proc/{pid}/cmdline"), COMMAND_LIMIT)?;
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    for byte in &mut bytes {
        if *byte == 0 {
            *byte = b' ';
        }
    }
    Ok(Text::from_bytes(&bytes))
}

/// The program file, `None` when it may not be read.
pub fn exe(pid: u32) -> Option<Text> {
    let link = rustix::fs::readlink(format!("/proc/{pid}/exe"), Vec::new()).ok()?;
    Some(Text::from_bytes(link.as_bytes()))
}

/// Which boot this is (random(4), `boot_id`); empty when that cannot be told.
pub fn boot_id() -> Text {
    let bytes = head("/proc/sys/kernel/random/boot_id", 64).unwrap_or_default();
    Text::new(String::from_utf8_lossy(&bytes).trim())
}

/// As whom a person logged in, whatever came after (`/proc/self/loginuid`, proc(5)); `None` for a
/// process that no login led to.
pub fn login_uid() -> Option<u32> {
    let bytes = head("/proc/self/loginuid", 32).ok()?;
    let uid = std::str::from_utf8(&bytes).ok()?.trim().parse().ok()?;
    (uid != u32::MAX).then_some(uid)
}

/// The control group path: of version 2 where that one is used, else of systemd's own hierarchy,
/// else of memory's.
///
/// # Errors
/// [`FileError::Missing`] when the process is gone.
pub fn cgroup(pid: u32) -> Result<Text, FileError> {
    let bytes = head(&format!("/proc/{pid}/cgroup"), 64 * 1024)?;
    Ok(Text::new(cgroup_path(&String::from_utf8_lossy(&bytes))))
}

/// `hierarchy:controllers:path` lines (cgroups(7)). In the hybrid layout the version 2 line may
/// stay at the root while systemd's hierarchy knows the unit.
fn cgroup_path(text: &str) -> &str {
    let of = |wanted: &str| {
        text.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':');
            let (_id, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
            controllers.split(',').any(|c| c == wanted).then_some(path)
        })
    };
    let named = ["", "name=systemd", "memory", "pids"].into_iter().filter_map(of);
    let mut paths = named.collect::<Vec<_>>().into_iter();
    let first = paths.next().unwrap_or_default();
    if first.len() > 1 { first } else { paths.find(|p| p.len() > 1).unwrap_or(first) }
}

/// The soft limit of open files, `u64::MAX` for none.
///
/// # Errors
/// [`FileError`] when it may not be read.
pub fn open_files_limit(pid: u32) -> Result<u64, FileError> {
    let bytes = head(&format!("/proc/{pid}/limits"), 16 * 1024)?;
    parse_limits(&String::from_utf8_lossy(&bytes)).ok_or(FileError::Missing)
}

fn parse_limits(text: &str) -> Option<u64> {
    let row = text.lines().find_map(|l| l.strip_prefix("Max open files"))?;
    match row.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

/// How many descriptors a process has open. Linux 6.2 tells it as the size of the directory;
/// before, the entries are counted, up to `limit`.
///
/// # Errors
/// [`FileError::Denied`] for another user's process.
pub fn open_files(pid: u32, limit: usize) -> Result<u64, FileError> {
    let path = format!("/proc/{pid}/fd");
    // Reading the directory needs the rights; the size alone would tell anyone.
    let size = rustix::fs::statat(CWD, &path, AtFlags::empty())?.st_size;
    if size > 0 {
        rustix::fs::open(
            &path,
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        return Ok(u64::try_from(size).unwrap_or(0));
    }
    Root::default().list(&path, limit).map(|(names, _)| names.len() as u64)
}

/// The sockets that a process holds, as descriptor and inode, among at most `limit` descriptors;
/// the count says how many descriptors were looked at.
///
/// # Errors
/// [`FileError::Denied`] for another user's process, [`FileError::Missing`] when it is gone.
pub fn sockets(pid: u32, limit: usize) -> Result<(Vec<(u32, u64)>, usize), FileError> {
    let path = format!("/proc/{pid}/fd");
    let dir = rustix::fs::open(
        &path,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let mut found = Vec::new();
    let mut link = Vec::with_capacity(64);
    let mut count = 0;
    for entry in rustix::fs::Dir::read_from(&dir)?.take(limit) {
        let entry = entry?;
        let number = entry.file_name().to_str().ok().and_then(|n| n.parse().ok());
        let Some(number) = number else { continue };
        count += 1;
        if let Ok(target) = rustix::fs::readlinkat(&dir, entry.file_name(), link) {
            found.extend(socket_inode(target.as_bytes()).map(|inode| (number, inode)));
            link = target.into_bytes();
        } else {
            link = Vec::with_capacity(64);
        }
    }
    Ok((found, count))
}

/// Whether a descriptor of a process is still this socket.
pub fn holds(pid: u32, descriptor: u32, inode: u64) -> bool {
    rustix::fs::readlink(format!("/proc/{pid}/fd/{descriptor}"), Vec::new())
        .is_ok_and(|link| socket_inode(link.as_bytes()) == Some(inode))
}

/// Reads `socket:[4242]`.
fn socket_inode(link: &[u8]) -> Option<u64> {
    std::str::from_utf8(link).ok()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_with_parentheses_and_newlines_does_not_move_the_fields() {
        let mut line = b"77 (a) R 1\n\x1b[31m) S 12".to_vec();
        line.extend((0..17).flat_map(|_| b" 0".iter().copied()));
        line.extend_from_slice(b" 998877 123 10 0\n");
        let stat = parse_stat(&line).unwrap();
        assert_eq!((stat.parent, stat.start_ticks), (12, 998_877));
        assert_eq!(stat.name.raw(), "a) R 1\n\x1b[31m");
    }

    #[test]
    fn our_own_process_is_read_in_every_part() {
        let pid = std::process::id();
        let seen = stat(pid).unwrap();
        assert!(seen.start_ticks > 0 && seen.state == RunState::Normal);
        let status = status(pid).unwrap();
        assert_eq!(status.uid, rustix::process::geteuid().as_raw());
        assert!(status.rss > 0);
        assert!(!command(pid).unwrap().is_empty() && exe(pid).is_some());
        assert!(open_files_limit(pid).unwrap() > 3 && open_files(pid, 10_000).unwrap() > 2);
        assert!(pids().unwrap().contains(&pid));
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(!sockets(pid, 10_000).unwrap().0.is_empty());
        drop(socket);
    }

    #[test]
    fn the_control_group_is_found_in_every_layout() {
        assert_eq!(cgroup_path("0::/system.slice/app.service\n"), "/system.slice/app.service");
        let v1 = "5:cpu,cpuacct:/a\n4:memory:/docker/x\n1:name=systemd:/system.slice/b.service\n";
        assert_eq!(cgroup_path(v1), "/system.slice/b.service");
        assert_eq!(cgroup_path("4:memory:/docker/x\n1:name=systemd:/\n0::/\n"), "/docker/x");
        assert_eq!(cgroup_path("0::/\n"), "/");
    }

    #[test]
    fn an_unlimited_process_has_no_limit() {
        let row = "Limit Soft Hard\nMax open files            unlimited            8 files\n";
        assert_eq!(parse_limits(row), Some(u64::MAX));
        assert_eq!(parse_limits("Max open files  1024  4096  files\n"), Some(1024));
    }

    proptest! {
        #[test]
        fn nothing_in_proc_makes_a_parser_fail(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let text = String::from_utf8_lossy(&bytes);
            let _ = (parse_stat(&bytes), parse_status(&text), parse_limits(&text));
            let _ = (cgroup_path(&text), socket_inode(&bytes));
        }
    }
}
