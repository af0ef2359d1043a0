//! Whose a control socket or admin port is. A configuration of an ordinary user may name any: it must
//! not make root speak to a daemon that is none of that gateway.

use std::{
    io,
    net::SocketAddr,
    os::fd::{AsFd, OwnedFd},
};

use rustix::fs::AtFlags;
use tokio::net::unix::UCred;

use super::{files::FileError, netlink, proc};

/// Descriptors of a gateway that are looked at.
const DESCRIPTORS: usize = 65_536;

/// Whether what answers at a TCP address of our network namespace is a socket of this process.
///
/// # Errors
/// When the sockets of the host or of the process cannot be listed.
pub(super) fn answers_tcp(pid: u32, at: SocketAddr) -> io::Result<bool> {
    let here = netlink::listening_on(at.port())?;
    let exact = here.iter().any(|listener| listener.0 == at.ip());
    let answering =
        here.iter().filter(|(ip, _)| if exact { *ip == at.ip() } else { ip.is_unspecified() });
    let inodes: Vec<u64> = answering.map(|(_, inode)| *inode).collect();
    holds_all(pid, &inodes)
}

/// Whether a unix socket belongs to this process: by who listens there (`SO_PEERCRED`, unix(7)), or,
/// where a parent that has ended began to, by the descriptor that the process has of it.
///
/// # Errors
/// As [`answers_tcp`].
pub(super) fn answers_unix(pid: u32, socket: &OwnedFd, peer: UCred) -> io::Result<bool> {
    let listens = peer.pid().and_then(|peer| u32::try_from(peer).ok());
    let parent = || proc::stat(pid).ok().map(|stat| stat.parent);
    let same_program = |other: u32| proc::exe(other).is_some_and(|exe| proc::exe(pid) == Some(exe));
    let same_user = || proc::status(pid).is_ok_and(|status| status.uid == peer.uid());
    if listens == Some(pid)
        || same_user()
        || (listens.is_some() && listens == parent() && listens.is_some_and(same_program))
    {
        return Ok(true);
    }
    let stat = rustix::fs::statat(socket.as_fd(), "", AtFlags::EMPTY_PATH)?;
    let device = (rustix::fs::major(stat.st_dev) << 20) | rustix::fs::minor(stat.st_dev);
    let Ok(inode) = u32::try_from(stat.st_ino) else { return Ok(false) };
    holds_all(pid, &netlink::listening_at(inode, device)?)
}

fn holds_all(pid: u32, wanted: &[u64]) -> io::Result<bool> {
    match proc::sockets(pid, DESCRIPTORS) {
        Ok((held, _)) => {
            let held = |inode: &u64| held.iter().any(|(_, own)| own == inode);
            Ok(!wanted.is_empty() && wanted.iter().all(held))
        }
        // Whoever may not look may do no more than the user who asked us to.
        Err(FileError::Denied) => Ok(!rustix::process::geteuid().is_root()),
        Err(error) => Err(io::Error::other(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::TcpListener,
        os::unix::net::{UnixListener, UnixStream},
    };

    use super::*;
    use crate::host::files::Root;

    fn idle() -> std::process::Child {
        std::process::Command::new("/bin/sleep").arg("60").spawn().unwrap()
    }

    #[test]
    fn a_port_is_of_the_process_that_holds_it_and_of_no_other() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let mut other = idle();
        assert!(answers_tcp(std::process::id(), at).unwrap());
        assert!(!answers_tcp(other.id(), at).unwrap());
        drop(listener);
        assert!(!answers_tcp(std::process::id(), at).unwrap());
        other.kill().unwrap();
        other.wait().unwrap();
    }

    #[tokio::test]
    async fn a_socket_is_of_the_process_that_listens() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        let stream = UnixStream::connect(&path).unwrap();
        stream.set_nonblocking(true).unwrap();
        let peer = tokio::net::UnixStream::from_std(stream).unwrap().peer_cred().unwrap();
        let held = Root::default().pin(&path).unwrap();
        assert!(answers_unix(std::process::id(), &held, peer).unwrap());
        let stat = rustix::fs::stat(&path).unwrap();
        let device = (rustix::fs::major(stat.st_dev) << 20) | rustix::fs::minor(stat.st_dev);
        let inodes = netlink::listening_at(u32::try_from(stat.st_ino).unwrap(), device).unwrap();
        assert!(holds_all(std::process::id(), &inodes).unwrap(), "{inodes:?}");
        let mut other = idle();
        assert!(!holds_all(other.id(), &inodes).unwrap());
        other.kill().unwrap();
        other.wait().unwrap();
        drop(listener);
    }
}
