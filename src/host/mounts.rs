//! What is mounted, from `/proc/self/mountinfo` (proc(5)), and how full it is.

use std::path::Path;

use super::files::{FileError, Root};

/// Longest list of mounts that is read, in bytes.
const LIST_BYTES: u64 = 4 << 20;

/// One mount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mount {
    /// `major:minor` of the file system; bind mounts of one file system share it.
    pub device: String,
    /// The part of the file system that is mounted; `/` for all of it.
    pub root: String,
    /// Where it is mounted.
    pub point: String,
    /// Type, such as `ext4` or `nfs4`.
    pub kind: String,
    /// What is mounted: a device, a server.
    pub source: String,
    /// Whether the mount or the file system is read-only.
    pub read_only: bool,
    /// Options of the file system.
    pub super_options: String,
}

impl Mount {
    /// Reads one line.
    pub fn parse(line: &str) -> Option<Self> {
        let (front, back) = line.split_once(" - ")?;
        let mut front = front.split(' ').skip(2);
        let (device, root, point) = (front.next()?, front.next()?, front.next()?);
        let options = front.next()?;
        let mut back = back.split(' ');
        let (kind, source, super_options) = (back.next()?, back.next()?, back.next()?);
        let read_only = |options: &str| options.split(',').any(|option| option == "ro");
        Some(Self {
            device: device.to_owned(),
            root: unescape(root),
            point: unescape(point),
            kind: kind.to_owned(),
            source: unescape(source),
            read_only: read_only(options) || read_only(super_options),
            super_options: super_options.to_owned(),
        })
    }
}

/// Undoes the kernel's octal escapes (space, tab, newline, backslash, `#`).
fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if let [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] = rest {
            out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
            rest = after;
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// All mounts of our mount namespace, in the kernel's order, and how many lines were not
/// understood.
///
/// # Errors
/// [`FileError`] when the list cannot be read.
pub fn list(root: &Root) -> Result<(Vec<Mount>, usize), FileError> {
    let text = root.read_text("/proc/self/mountinfo", LIST_BYTES)?;
    let all: Vec<Option<Mount>> = text.lines().map(Mount::parse).collect();
    let bad = all.iter().filter(|mount| mount.is_none()).count();
    Ok((all.into_iter().flatten().collect(), bad))
}

/// How full a file system is, in bytes and inodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Size.
    pub total: u64,
    /// Free for an ordinary user.
    pub available: u64,
    /// Inodes in all, 0 where there is no fixed number.
    pub inodes: u64,
    /// Inodes free.
    pub inodes_free: u64,
}

/// Asks a file system how full it is (statvfs(3)). A dead network server keeps the caller for
/// ever: call it from a thread that may be left behind.
///
/// # Errors
/// The system's own error.
pub fn usage(point: &Path) -> std::io::Result<Usage> {
    let stat = rustix::fs::statvfs(point)?;
    let unit = if stat.f_frsize == 0 { stat.f_bsize } else { stat.f_frsize };
    Ok(Usage {
        total: stat.f_blocks.saturating_mul(unit),
        available: stat.f_bavail.saturating_mul(unit),
        inodes: stat.f_files,
        inodes_free: stat.f_favail,
    })
}

/// Whether nothing can be written at a path because of how it is mounted; false when that cannot be
/// told.
pub fn is_read_only(path: &Path) -> bool {
    let read_only = rustix::fs::StatVfsMountFlags::RDONLY;
    rustix::fs::statvfs(path).is_ok_and(|stat| stat.f_flag.contains(read_only))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_read_with_its_optional_fields_and_escapes() {
        let line = r"36 35 98:0 /mnt1 /mnt\0402\134x rw,noatime master:1 shared:2 - ext3 /dev/ro\040ot ro,errors=continue";
        let mount = Mount::parse(line).unwrap();
        assert_eq!(mount.point, r"/mnt 2\x");
        assert_eq!((mount.device.as_str(), mount.root.as_str()), ("98:0", "/mnt1"));
        assert_eq!((mount.kind.as_str(), mount.source.as_str()), ("ext3", "/dev/ro ot"));
        assert!(mount.read_only);
        let line = "36 35 98:0 / /x rw,errors=remount-ro - ext4 /dev/x rw,errors=remount-ro";
        assert!(!Mount::parse(line).unwrap().read_only);
        assert_eq!(Mount::parse("36 35 98:0 / /x rw"), None);
    }

    #[test]
    fn the_mounts_of_this_machine_are_understood() {
        if let Ok((mounts, bad)) = list(&Root::default()) {
            assert_eq!(bad, 0);
            assert!(mounts.iter().any(|mount| mount.point == "/"));
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in ".{0,200}") {
            let _ = Mount::parse(&text);
            let _ = unescape(&text);
        }
    }
}
