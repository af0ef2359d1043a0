//! Walks a path the way the kernel resolves it for somebody else, one component after the other,
//! inside a root that may belong to another mount namespace.

use std::{collections::VecDeque, path::PathBuf};

use rustix::fs::{FileType, Stat};

use super::{
    files::{FileError, Root},
    permission::{AccessList, Identity, SEARCH, WRITE},
};
use crate::observation::{Access, SocketFileKind, Text};

/// Most symbolic links followed in one resolution (`path_resolution(7)`).
const MOST_LINKS: usize = 40;
/// Most components looked at.
const MOST_STEPS: usize = 256;

/// Where a path led.
#[derive(Clone, Debug)]
pub struct Walk {
    /// What stands at the end.
    pub kind: SocketFileKind,
    /// Status of what stands there.
    pub stat: Option<Stat>,
    /// Whether the asked identity may connect to it.
    pub access: Access,
    /// The directory that holds it, all links resolved, as seen inside the root.
    pub directory: Option<String>,
    /// Where a symbolic link at the very path leads, as written.
    pub link: Option<Text>,
}

/// Resolves `path` inside `root` and computes whether `who` may connect to the socket there;
/// [`Access::Unknown`] when nobody is asked for, or when we may not look far enough ourselves.
pub fn walk(root: &Root, path: &str, who: Option<&Identity>) -> Walk {
    let mut walker = Walker {
        root,
        who,
        at: Vec::new(),
        pending: path.split('/').filter(|c| !c.is_empty()).map(str::to_owned).collect(),
        links: 0,
        barred: None,
        link: None,
    };
    let original = walker.pending.len();
    let end = walker.resolve(original);
    let directory = walker.at.split_last().map(|(_, above)| joined(above));
    let access = match (&walker.barred, who, &end) {
        (_, None, _) => Access::Unknown,
        (Some(directory), _, _) => Access::DirectoryDenied(Text::new(directory)),
        (None, Some(who), (SocketFileKind::Socket, Some(stat))) => {
            let list = AccessList::read(&walker.real(&walker.at));
            if who.may(WRITE, stat, list.as_ref()) { Access::Allowed } else { Access::SocketDenied }
        }
        _ => Access::Unknown,
    };
    Walk { kind: end.0, stat: end.1, access, directory, link: walker.link }
}

fn joined(parts: &[String]) -> String {
    format!("/{}", parts.join("/"))
}

struct Walker<'a> {
    root: &'a Root,
    who: Option<&'a Identity>,
    /// Components behind us: none of them is a link.
    at: Vec<String>,
    pending: VecDeque<String>,
    links: usize,
    /// The first directory that `who` may not search.
    barred: Option<String>,
    link: Option<Text>,
}

impl Walker<'_> {
    fn real(&self, parts: &[String]) -> PathBuf {
        let mut path = self.root.prefix().as_os_str().to_owned();
        path.push(joined(parts));
        PathBuf::from(path)
    }

    /// `left` counts the components of the path as asked: the link at its end is remembered.
    fn resolve(&mut self, mut left: usize) -> (SocketFileKind, Option<Stat>) {
        use SocketFileKind::{Hidden, Missing, Other, ParentMissing, Socket};
        let mut here = match self.root.stat("/", true) {
            Ok(stat) => stat,
            Err(FileError::Missing) => return (ParentMissing, None),
            Err(_) => return (Hidden, None),
        };
        for _ in 0..MOST_STEPS {
            let Some(name) = self.pending.pop_front() else {
                let socket = FileType::from_raw_mode(here.st_mode) == FileType::Socket;
                return (if socket { Socket } else { Other }, Some(here));
            };
            left = left.min(self.pending.len() + 1);
            if !FileType::from_raw_mode(here.st_mode).is_dir() {
                return (ParentMissing, None);
            }
            self.search(&here);
            match name.as_str() {
                "." => continue,
                ".." => drop(self.at.pop()),
                _ => self.at.push(name),
            }
            let path = joined(&self.at);
            let found = match self.root.stat(&path, false) {
                Ok(found) => found,
                Err(FileError::Missing) if self.pending.is_empty() => return (Missing, None),
                Err(FileError::Missing) => return (ParentMissing, None),
                Err(_) => return (Hidden, None),
            };
            if FileType::from_raw_mode(found.st_mode) != FileType::Symlink {
                here = found;
                continue;
            }
            self.links += 1;
            let Ok(target) = self.root.read_link(&path) else { return (Hidden, None) };
            if self.links > MOST_LINKS {
                return (Other, None);
            }
            let target = target.to_string_lossy().into_owned();
            if self.pending.is_empty() && self.links == 1 && left == 1 {
                self.link = Some(Text::new(&target));
            }
            self.at.pop();
            if target.starts_with('/') {
                self.at.clear();
            }
            for part in target.split('/').rev().filter(|p| !p.is_empty()) {
                self.pending.push_front(part.to_owned());
            }
            here = match self.root.stat(joined(&self.at), false) {
                Ok(stat) => stat,
                Err(_) => return (Hidden, None),
            };
        }
        (Other, None)
    }

    fn search(&mut self, directory: &Stat) {
        let Some(who) = self.who.filter(|_| self.barred.is_none()) else { return };
        let list = AccessList::read(&self.real(&self.at));
        if !who.may(SEARCH, directory, list.as_ref()) {
            self.barred = Some(joined(&self.at));
        }
    }
}

/// Names of the sockets in a directory but `except`, sorted; at most `most` of the first 512
/// entries.
pub fn sockets_in(root: &Root, directory: &str, except: &str, most: usize) -> Vec<Text> {
    let Ok((names, _)) = root.list(directory, 512) else { return Vec::new() };
    let is_socket = |name: &&String| {
        root.stat(format!("{directory}/{name}"), false)
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Socket)
    };
    let others = names.iter().filter(|name| name.as_str() != except);
    others.filter(is_socket).take(most).map(Text::new).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::{
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    };

    use super::*;

    fn mode(path: &std::path::Path, bits: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(bits)).unwrap();
    }

    /// A tree with `run/app.sock`, in which everybody may do everything.
    fn tree() -> (tempfile::TempDir, Root, UnixListener) {
        let dir = tempfile::tempdir().unwrap();
        mode(dir.path(), 0o755);
        let run = dir.path().join("run");
        std::fs::create_dir(&run).unwrap();
        mode(&run, 0o755);
        let listener = UnixListener::bind(run.join("app.sock")).unwrap();
        mode(&run.join("app.sock"), 0o666);
        let root = Root::new(dir.path());
        (dir, root, listener)
    }

    fn www() -> Identity {
        Identity::of(u32::from(u16::MAX) - 7, vec![])
    }

    #[test]
    fn a_missing_socket_and_a_missing_directory_are_told_apart() {
        let (_dir, root, _listener) = tree();
        let kind = |path: &str| walk(&root, path, Some(&www())).kind;
        assert_eq!(kind("/run/app.sock"), SocketFileKind::Socket);
        assert_eq!(kind("/run/other.sock"), SocketFileKind::Missing);
        assert_eq!(kind("/runn/app.sock"), SocketFileKind::ParentMissing);
        assert_eq!(kind("/run/app.sock/x"), SocketFileKind::ParentMissing);
        assert_eq!(kind("/run"), SocketFileKind::Other);
    }

    #[test]
    fn the_first_closed_directory_is_named() {
        let (dir, root, _listener) = tree();
        assert_eq!(walk(&root, "/run/app.sock", Some(&www())).access, Access::Allowed);
        mode(&dir.path().join("run/app.sock"), 0o600);
        assert_eq!(walk(&root, "/run/app.sock", Some(&www())).access, Access::SocketDenied);
        mode(&dir.path().join("run"), 0o700);
        let walk = walk(&root, "/run/app.sock", Some(&www()));
        assert_eq!(walk.access, Access::DirectoryDenied(Text::new("/run")));
        assert_eq!(walk.stat.unwrap().st_mode & 0o777, 0o600);
    }

    #[test]
    fn links_are_followed_inside_the_root_and_a_dangling_one_is_missing_with_its_target() {
        let (dir, root, _listener) = tree();
        std::fs::create_dir(dir.path().join("var")).unwrap();
        symlink("/run", dir.path().join("var/run")).unwrap();
        symlink("/run/gone.sock", dir.path().join("var/x.sock")).unwrap();
        symlink("../run/app.sock", dir.path().join("var/y.sock")).unwrap();
        symlink("loop", dir.path().join("var/loop")).unwrap();
        let far = walk(&root, "/var/run/app.sock", None);
        assert_eq!((far.kind, far.link), (SocketFileKind::Socket, None));
        assert_eq!(far.directory.as_deref(), Some("/run"));
        let gone = walk(&root, "/var/x.sock", None);
        assert_eq!(gone.kind, SocketFileKind::Missing);
        assert_eq!(gone.link, Some(Text::new("/run/gone.sock")));
        assert_eq!(walk(&root, "/var/y.sock", None).kind, SocketFileKind::Socket);
        assert_eq!(walk(&root, "/var/loop", None).kind, SocketFileKind::Other);
    }

    #[test]
    fn neighbours_are_sockets_only() {
        let (dir, root, _listener) = tree();
        std::fs::write(dir.path().join("run/app.pid"), "1").unwrap();
        let _other = UnixListener::bind(dir.path().join("run/other.sock")).unwrap();
        assert_eq!(sockets_in(&root, "/run", "app.sock", 32), [Text::new("other.sock")]);
    }
}
