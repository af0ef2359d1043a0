//! A copy of the file tree in which every write stays in memory.

use std::{
    ffi::CString,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FileType, Mode, OFlags},
    io::Errno,
    mount::{
        MountFlags, MountPropagationFlags, mount, mount_bind, mount_bind_recursive, mount_change,
        mount_remount,
    },
    process::chdir,
};

use super::TrialError;
use crate::host::mounts::Mount;

/// Mounts that are covered one by one; with more, nothing is tested.
const MOST: usize = 256;

/// Folders that exist everywhere (FHS 3.0) and on one of which the copy is built, unseen by others.
const BASES: [&str; 6] = ["/mnt", "/media", "/srv", "/opt", "/home", "/var/tmp"];

/// File systems that are asked nothing by a test of a configuration, or whose server may be dead:
/// they are shown as they are, read-only.
const AS_THEY_ARE: [&str; 8] = ["nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "fuse", "autofs"];

/// File systems of the kernel's own, by where they stand.
const KERNEL: [&str; 3] = ["/proc", "/sys", "/dev"];

/// Other people's file trees, which no gateway reads through these paths.
const FOREIGN: [&str; 8] = [
    "/var/lib/docker/",
    "/run/docker/",
    "/var/lib/containerd/",
    "/run/containerd/",
    "/var/lib/containers/",
    "/var/lib/kubelet/",
    "/run/user/",
    "/run/netns/",
];

/// Where name services listen: a socket cannot be reached through an overlay.
const SERVICES: [&str; 4] =
    ["/run/systemd/resolve", "/run/systemd/userdb", "/run/nscd", "/var/lib/sss/pipes"];

/// The copy.
pub(super) struct Scene {
    base: PathBuf,
    /// Its root.
    pub(super) root: OwnedFd,
    made: usize,
}

impl Scene {
    /// Builds it. The thread must have mounts of its own already.
    pub(super) fn build(mounts: &str) -> Result<Self, TrialError> {
        let all: Vec<Mount> = mounts.lines().filter_map(Mount::parse).collect();
        let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        mount_change("/", private)?;
        let base = base(&all)?;
        mount("tmpfs", &base, "tmpfs", MountFlags::NOSUID, c"mode=0755,size=256m,nr_inodes=65536")?;
        for name in ["root", "up", "work", "new"] {
            rustix::fs::mkdir(base.join(name), Mode::from_raw_mode(0o755))?;
        }
        let mut scene = Self { root: open(&base.join("root"))?, base: base.clone(), made: 0 };
        scene.cover(Path::new("/"), &base.join("root")).map_err(|error| {
            TrialError::Unsupported(format!("no overlay can be laid over its files: {error}"))
        })?;
        scene.root = open(&base.join("root"))?;
        let mut points: Vec<&Mount> = Vec::new();
        for mount in &all {
            let hidden = Path::new(&mount.point).starts_with(&base) || mount.point == "/";
            let foreign = FOREIGN.iter().any(|folder| mount.point.starts_with(folder));
            if !hidden && !foreign && !points.iter().any(|known| known.point == mount.point) {
                points.push(mount);
            }
        }
        if points.len() > MOST {
            return Err(TrialError::Unsupported(format!("there are more than {MOST} mounts")));
        }
        for mount in points {
            scene.show(mount)?;
        }
        for folder in SERVICES {
            let target = scene.target(Path::new(folder));
            if rustix::fs::stat(folder).is_ok() && rustix::fs::stat(&target).is_ok() {
                mount_bind_recursive(folder, &target)?;
            }
        }
        Ok(scene)
    }

    /// A folder for new files, outside the copy.
    pub(super) fn folder(&self) -> PathBuf {
        self.base.join("new")
    }

    /// Makes the copy the root of this thread.
    pub(super) fn enter(&self) -> Result<(), TrialError> {
        rustix::process::fchdir(&self.root)?;
        rustix::process::chroot(".")?;
        Ok(chdir("/")?)
    }

    fn target(&self, point: &Path) -> PathBuf {
        self.base.join("root").join(point.strip_prefix("/").unwrap_or(point))
    }

    fn show(&mut self, mount: &Mount) -> Result<(), TrialError> {
        let point = Path::new(&mount.point);
        let target = self.target(point);
        // What another mount hides is not there.
        let Ok(stat) = rustix::fs::stat(point) else { return Ok(()) };
        if rustix::fs::stat(&target).is_err() {
            return Ok(());
        }
        let folder = FileType::from_raw_mode(stat.st_mode).is_dir();
        let kernel = KERNEL.iter().any(|own| point.starts_with(own));
        let remote =
            AS_THEY_ARE.iter().any(|kind| mount.kind == *kind || mount.kind.starts_with("fuse."));
        if folder && !kernel && !remote && self.cover(point, &target).is_ok() {
            return Ok(());
        }
        match mount_bind(point, &target) {
            Ok(()) => {}
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID;
        Ok(mount_remount(&target, flags, c"")?)
    }

    /// Lays an overlay in memory over a folder.
    fn cover(&mut self, lower: &Path, target: &Path) -> Result<(), Errno> {
        self.made += 1;
        let (up, work) = (
            self.base.join("up").join(self.made.to_string()),
            self.base.join("work").join(self.made.to_string()),
        );
        let stat = rustix::fs::stat(lower)?;
        rustix::fs::mkdir(&work, Mode::RWXU)?;
        rustix::fs::mkdir(&up, Mode::RWXU)?;
        // The top folder of the overlay is the upper one: it must look like the lower one.
        let (uid, gid) =
            (rustix::fs::Uid::from_raw(stat.st_uid), rustix::fs::Gid::from_raw(stat.st_gid));
        rustix::fs::chown(&up, Some(uid), Some(gid))?;
        rustix::fs::chmod(&up, Mode::from_raw_mode(stat.st_mode & 0o7777))?;
        // A name in the options would need escapes; the folder at hand needs none.
        chdir(lower)?;
        let mut options = b"lowerdir=.,upperdir=".to_vec();
        options.extend_from_slice(up.as_os_str().as_bytes());
        options.extend_from_slice(b",workdir=");
        options.extend_from_slice(work.as_os_str().as_bytes());
        options.extend_from_slice(b",index=off,metacopy=off,redirect_dir=off");
        let options = CString::new(options).map_err(|_| Errno::INVAL)?;
        let done = mount("overlay", target, "overlay", MountFlags::empty(), options.as_c_str());
        chdir("/")?;
        done
    }
}

fn open(path: &Path) -> Result<OwnedFd, Errno> {
    rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// A folder on which nothing is mounted, nor below it.
fn base(mounts: &[Mount]) -> Result<PathBuf, TrialError> {
    let free = |path: &&Path| {
        let folder = rustix::fs::lstat(*path);
        folder.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_dir())
            && !mounts.iter().any(|mount| Path::new(&mount.point).starts_with(path))
    };
    let found = BASES.iter().map(Path::new).find(free).map(Path::to_owned);
    found.ok_or_else(|| {
        TrialError::Unsupported("there is no folder to build a private copy on".to_owned())
    })
}
