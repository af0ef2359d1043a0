//! Who a locked process is: a user without rights, and no capability by any way.

use rustix::{
    io::Errno,
    process::{Gid, Uid, geteuid},
    thread::{
        CapabilitySet, CapabilitySets, clear_ambient_capability_set, no_new_privs,
        remove_capability_from_bounding_set, set_capabilities, set_no_new_privs, set_thread_groups,
        set_thread_res_gid, set_thread_res_uid,
    },
};

use crate::{
    host::{files::Root, hardening},
    session::kiosk::LockFact,
};

/// Longest `/etc/passwd` that is read, in bytes.
const PASSWD: u64 = 4 << 20;
/// The user that owns nothing, where passwd(5) has no such name.
const OVERFLOW: u32 = 65_534;
/// Whom root becomes when nobody says otherwise.
const NOBODY: &str = "nobody";
/// Bits of a capability set.
const BITS: u32 = 64;

/// Whom a process becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Who it is: only root can become somebody else.
    Kept(u32),
    /// Somebody else.
    Other {
        /// The name.
        name: String,
        /// Its uid.
        uid: u32,
        /// Its primary group, the only one that is kept.
        gid: u32,
    },
}

/// Why a process cannot become a user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownUser {
    /// passwd(5) does not have it.
    #[error("no such user in /etc/passwd: {0:?}")]
    Missing(String),
    /// It has every right.
    #[error("{0:?} is root")]
    Root(String),
    /// Only root can.
    #[error("only root can become another user")]
    NotRoot,
}

impl Identity {
    /// Finds a user in `/etc/passwd`; without a name, whom root should become. To be called before
    /// anything is locked.
    ///
    /// # Errors
    /// [`UnknownUser`].
    pub fn find(name: Option<&str>) -> Result<Self, UnknownUser> {
        if !geteuid().is_root() {
            return match name {
                Some(_) => Err(UnknownUser::NotRoot),
                None => Ok(Self::Kept(geteuid().as_raw())),
            };
        }
        let passwd = Root::default().read("/etc/passwd", PASSWD).unwrap_or_default();
        in_passwd(&String::from_utf8_lossy(&passwd), name)
    }

    /// Becomes it for good: user, groups, capabilities, and no way to new rights.
    pub(super) fn take(&self) -> Vec<LockFact> {
        let bounded = bound();
        let user = match self {
            Self::Kept(uid) => LockFact::held("user", format!("uid {uid}, as it was started")),
            Self::Other { name, uid, gid } => {
                let what = format!("{name}, uid {uid}, gid {gid}, no other group");
                fact("user", what, become_user(*uid, *gid))
            }
        };
        let empty = CapabilitySets {
            effective: CapabilitySet::empty(),
            permitted: CapabilitySet::empty(),
            inheritable: CapabilitySet::empty(),
        };
        let dropped = clear_ambient_capability_set().and_then(|()| set_capabilities(None, empty));
        let sealed = set_no_new_privs(true).and_then(|()| no_new_privs());
        let sealed = sealed.and_then(|sealed| sealed.then_some(()).ok_or(Errno::PERM));
        // A change of user may have turned this back on.
        hardening::keep_memory_private();
        let mut facts = vec![
            user,
            fact("capabilities", "none, and none to come by".to_owned(), dropped),
            fact("new privileges", "none, whatever is run".to_owned(), sealed),
        ];
        // A bounding set says what root's programs may have; without root there are none.
        if matches!(self, Self::Other { .. }) {
            facts.push(fact("bounding set", "empty".to_owned(), bounded));
        }
        facts
    }
}

fn fact(part: &'static str, held: String, outcome: rustix::io::Result<()>) -> LockFact {
    match outcome {
        Ok(()) => LockFact::held(part, held),
        Err(error) => LockFact::missing(part, error),
    }
}

fn become_user(uid: u32, gid: u32) -> rustix::io::Result<()> {
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    set_thread_groups(&[gid])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)
}

/// Empties the bounding set. The kernel has fewer capabilities than a set has bits, and says
/// `EINVAL` to those that it does not know.
fn bound() -> rustix::io::Result<()> {
    for bit in 0..BITS {
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << bit)) {
            Ok(()) | Err(Errno::INVAL) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A user by passwd(5): `name:password:uid:gid:…`.
fn in_passwd(passwd: &str, wanted: Option<&str>) -> Result<Identity, UnknownUser> {
    let name = wanted.unwrap_or(NOBODY);
    let found = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let same = fields.next() == Some(name);
        let uid: u32 = fields.nth(1)?.parse().ok()?;
        let gid: u32 = fields.next()?.parse().ok()?;
        // setresuid(2) takes the highest number for "as it is".
        (same && uid != u32::MAX && gid != u32::MAX).then_some((uid, gid))
    });
    let (uid, gid) = match (found, wanted) {
        (Some(found), _) => found,
        (None, None) => (OVERFLOW, OVERFLOW),
        (None, Some(_)) => return Err(UnknownUser::Missing(name.to_owned())),
    };
    if uid == 0 {
        return Err(UnknownUser::Root(name.to_owned()));
    }
    Ok(Identity::Other { name: name.to_owned(), uid, gid })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nbroken\nshort:x:7\n\
        nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin\ntoor:x:0:7::/:\n\
        same:x:4294967295:4294967295::/:\nwall:x:990:991::/:\n";

    fn other(name: &str, uid: u32, gid: u32) -> Identity {
        Identity::Other { name: name.to_owned(), uid, gid }
    }

    #[test]
    fn a_user_is_found_by_name_and_nobody_is_the_default() {
        assert_eq!(in_passwd(PASSWD, Some("wall")), Ok(other("wall", 990, 991)));
        assert_eq!(in_passwd(PASSWD, None), Ok(other("nobody", 65_534, 65_533)));
        assert_eq!(in_passwd("", None), Ok(other("nobody", OVERFLOW, OVERFLOW)));
    }

    #[test]
    fn a_user_with_every_right_and_one_that_is_missing_are_refused() {
        for root in ["root", "toor"] {
            assert_eq!(in_passwd(PASSWD, Some(root)), Err(UnknownUser::Root(root.to_owned())));
        }
        for missing in ["wal", "", "short", "wall:x", "same"] {
            let error = UnknownUser::Missing(missing.to_owned());
            assert_eq!(in_passwd(PASSWD, Some(missing)), Err(error));
        }
    }
}
