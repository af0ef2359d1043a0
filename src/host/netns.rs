//! Network namespaces: which one a process is in, and a short look from inside another one.

use std::io;

use rustix::{
    fs::{Mode, OFlags},
    thread::{LinkNameSpaceType, move_into_link_name_space},
};

use crate::observation::NetNs;

/// Our own namespace, `None` without `/proc`.
pub fn own() -> Option<NetNs> {
    parse_link(&rustix::fs::readlink("/proc/self/ns/net", Vec::new()).ok()?.into_bytes())
}

/// The namespace of a process, `None` when it is gone or may not be looked at (needs the rights
/// of ptrace(2)).
pub fn of(pid: u32) -> Option<NetNs> {
    let link = rustix::fs::readlink(format!("/proc/{pid}/ns/net"), Vec::new()).ok()?;
    parse_link(&link.into_bytes())
}

/// Reads `net:[4026531840]`.
fn parse_link(link: &[u8]) -> Option<NetNs> {
    let text = std::str::from_utf8(link).ok()?;
    let number = text.strip_prefix("net:[")?.strip_suffix(']')?;
    number.parse().ok().map(NetNs)
}

/// Runs `work` on a thread of its own inside the namespace of `pid` and waits for it; sockets
/// that it makes stay in that namespace wherever they are used. The namespace must still be
/// `expected`: a pid may have been reused. Nothing of the host changes.
///
/// # Errors
/// `EPERM` without `CAP_SYS_ADMIN`, `ESTALE` when the process is in another namespace by now,
/// and whatever `work` says.
pub fn inside<T: Send + 'static>(
    pid: u32,
    expected: NetNs,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let path = format!("/proc/{pid}/ns/net");
    let namespace = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    if rustix::fs::fstat(&namespace)?.st_ino != expected.0 {
        return Err(rustix::io::Errno::STALE.into());
    }
    let thread = std::thread::Builder::new().name("netns".to_owned()).spawn(move || {
        use std::os::fd::AsFd as _;
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
        work()
    })?;
    thread.join().map_err(|_| io::Error::other("the thread in the other namespace failed"))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_namespace_is_the_one_of_our_pid() {
        assert!(own().is_some());
        assert_eq!(own(), of(std::process::id()));
        assert_eq!(parse_link(b"net:[x]"), None);
    }

    #[test]
    fn a_namespace_that_is_not_the_expected_one_is_not_entered() {
        let entered = inside(std::process::id(), NetNs(1), || Ok(()));
        assert_eq!(entered.unwrap_err().raw_os_error(), Some(116));
    }
}
