//! May a given user do a given thing to a file: mode bits, POSIX access lists and capabilities
//! (`path_resolution(7)`, `acl(5)`, `capabilities(7)`), computed, never tried.

use std::path::Path;

use rustix::fs::Stat;

/// Search (directories) or execute.
pub const SEARCH: u16 = 1;
/// Write; connecting to a unix socket needs it (`unix(7)`).
pub const WRITE: u16 = 2;

const CAP_DAC_OVERRIDE: u64 = 1 << 1;
const CAP_DAC_READ_SEARCH: u64 = 1 << 2;

/// Whose rights are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// File-system uid.
    pub uid: u32,
    /// All groups.
    pub gids: Vec<u32>,
    /// Effective capabilities.
    pub capabilities: u64,
}

impl Identity {
    /// An ordinary user, or root with every capability.
    pub fn of(uid: u32, gids: Vec<u32>) -> Self {
        Self { uid, gids, capabilities: if uid == 0 { u64::MAX } else { 0 } }
    }

    /// Whether it has every bit of `want` on an object with this status and access list.
    pub fn may(&self, want: u16, stat: &Stat, acl: Option<&AccessList>) -> bool {
        let directory = rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir();
        let searches = directory && want == SEARCH;
        if self.capabilities & CAP_DAC_OVERRIDE != 0
            || (searches && self.capabilities & CAP_DAC_READ_SEARCH != 0)
        {
            return true;
        }
        let has = |bits: u32| (bits & u32::from(want)) == u32::from(want);
        if self.uid == stat.st_uid {
            return has(stat.st_mode >> 6);
        }
        if let Some(list) = acl {
            return list.allows(self, stat, want);
        }
        if self.gids.contains(&stat.st_gid) { has(stat.st_mode >> 3) } else { has(stat.st_mode) }
    }
}

/// The part of an access list that goes beyond the mode bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessList {
    users: Vec<(u32, u16)>,
    groups: Vec<(u32, u16)>,
    owning_group: u16,
    mask: Option<u16>,
    other: u16,
}

impl AccessList {
    /// Reads the list of the file at a path, `None` when there is none (or the file system has
    /// none).
    pub fn read(path: &Path) -> Option<Self> {
        let mut buffer = [0_u8; 4_096];
        let size = rustix::fs::getxattr(path, "system.posix_acl_access", &mut buffer[..]).ok()?;
        Self::parse(buffer.get(..size)?)
    }

    /// Parses the attribute: version 2, then entries of tag, permissions and id, little-endian
    /// (`linux/posix_acl_xattr.h`).
    fn parse(bytes: &[u8]) -> Option<Self> {
        const GROUP_OBJECT: u16 = 0x04;
        let (version, entries) = bytes.split_first_chunk::<4>()?;
        if u32::from_le_bytes(*version) != 2 {
            return None;
        }
        let mut list = Self::default();
        for entry in entries.chunks_exact(8) {
            let (tag, rest) = entry.split_first_chunk::<2>()?;
            let (permissions, id) = rest.split_first_chunk::<2>()?;
            let permissions = u16::from_le_bytes(*permissions);
            let id = u32::from_le_bytes(*id.first_chunk::<4>()?);
            match u16::from_le_bytes(*tag) {
                0x02 => list.users.push((id, permissions)),
                GROUP_OBJECT => list.owning_group = permissions,
                0x08 => list.groups.push((id, permissions)),
                0x10 => list.mask = Some(permissions),
                0x20 => list.other = permissions,
                _ => {}
            }
        }
        Some(list)
    }

    /// The check algorithm of `acl(5)` for everybody but the owner.
    fn allows(&self, who: &Identity, stat: &Stat, want: u16) -> bool {
        let mask = self.mask.unwrap_or(7);
        let has = |permissions: u16| permissions & want == want;
        if let Some((_, permissions)) = self.users.iter().find(|(uid, _)| *uid == who.uid) {
            return has(permissions & mask);
        }
        let owning = who.gids.contains(&stat.st_gid).then_some(self.owning_group);
        let named = self.groups.iter().filter(|(gid, _)| who.gids.contains(gid)).map(|(_, p)| *p);
        let mut matching = owning.into_iter().chain(named).peekable();
        if matching.peek().is_some() {
            return matching.any(|permissions| has(permissions & mask));
        }
        has(self.other)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stat(mode: u32, uid: u32, gid: u32) -> Stat {
        let mut stat = rustix::fs::stat("/").unwrap();
        (stat.st_mode, stat.st_uid, stat.st_gid) = (mode, uid, gid);
        stat
    }

    const SOCKET: u32 = 0o140_000;
    const DIRECTORY: u32 = 0o040_000;

    #[test]
    fn the_first_class_that_matches_decides() {
        let www = Identity::of(33, vec![33, 100]);
        assert!(www.may(WRITE, &stat(SOCKET | 0o660, 0, 33), None));
        assert!(!www.may(WRITE, &stat(SOCKET | 0o600, 0, 33), None));
        assert!(!www.may(WRITE, &stat(SOCKET | 0o060, 33, 33), None), "the owner has no bit");
        assert!(!www.may(WRITE, &stat(SOCKET | 0o606, 0, 33), None), "its group has no bit");
        assert!(www.may(WRITE, &stat(SOCKET | 0o662, 0, 0), None));
    }

    #[test]
    fn root_may_everything_and_a_searcher_only_passes_directories() {
        let closed = stat(DIRECTORY, 5, 5);
        assert!(Identity::of(0, vec![]).may(SEARCH, &closed, None));
        let searcher = Identity { capabilities: CAP_DAC_READ_SEARCH, ..Identity::of(33, vec![]) };
        assert!(searcher.may(SEARCH, &closed, None));
        assert!(!searcher.may(WRITE, &stat(SOCKET, 5, 5), None));
        let bare = Identity { capabilities: 0, ..Identity::of(0, vec![]) };
        assert!(!bare.may(SEARCH, &closed, None), "root without capabilities");
    }

    /// Made by `setfacl -m u:33:rw,g:44:r /tmp/x` on a file of mode 0640.
    fn list() -> AccessList {
        let mut bytes = 2_u32.to_le_bytes().to_vec();
        for (tag, permissions, id) in [
            (1_u16, 6_u16, u32::MAX),
            (2, 6, 33),
            (4, 4, u32::MAX),
            (8, 4, 44),
            (16, 6, u32::MAX),
            (32, 0, u32::MAX),
        ] {
            bytes.extend_from_slice(&tag.to_le_bytes());
            bytes.extend_from_slice(&permissions.to_le_bytes());
            bytes.extend_from_slice(&id.to_le_bytes());
        }
        AccessList::parse(&bytes).unwrap()
    }

    #[test]
    fn an_access_list_grants_a_named_user_what_the_mode_seems_to_deny() {
        let file = stat(SOCKET | 0o660, 0, 7);
        let list = list();
        assert!(Identity::of(33, vec![33]).may(WRITE, &file, Some(&list)));
        assert!(!Identity::of(34, vec![44]).may(WRITE, &file, Some(&list)));
        assert!(
            !Identity::of(35, vec![7]).may(WRITE, &file, Some(&list)),
            "group bits are the mask"
        );
        let masked = AccessList { mask: Some(4), ..list };
        assert!(!Identity::of(33, vec![33]).may(WRITE, &file, Some(&masked)));
    }

    proptest! {
        #[test]
        fn no_attribute_makes_the_reader_fail(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = AccessList::parse(&bytes);
        }
    }
}
