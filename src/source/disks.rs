//! Disks: how full they are, in bytes and inodes, and whether they became read-only.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use crate::{
    host::{
        clock,
        files::Root,
        mounts::{self, Mount, Usage},
    },
    observation::{Boot, DiskSample, Gap, Seen, SourceId, Text, Wall},
};

use super::{
    AttentionWatch, Closed, Outlet,
    sweep::{Blindness, pause, sweep},
};

/// How often the disks are asked.
const INTERVAL: Duration = Duration::from_secs(10);

/// After this a file system counts as stuck.
const DEADLINE: Duration = Duration::from_millis(if cfg!(test) { 100 } else { 500 });

/// Rounds of one look: a local file system that is stuck holds up those behind it once.
const ROUNDS: usize = 2;

/// Most file systems watched.
const MOUNTS: usize = 64;

/// After this many seconds what has not changed is published again, so that its age stays young.
const AGAIN_SECS: u64 = 60;

/// How a file system is asked.
type Ask = Arc<dyn Fn(&Path) -> io::Result<Usage> + Send + Sync>;

/// Watches the disks until the session ends.
pub async fn run(outlet: Outlet, attention: AttentionWatch) {
    let _ = watch(outlet, attention, Disks::new(Root::default(), Arc::new(mounts::usage))).await;
}

async fn watch(
    outlet: Outlet,
    mut attention: AttentionWatch,
    mut disks: Disks,
) -> Result<(), Closed> {
    let mut told = Blindness::default();
    let mut left_out = 0;
    let mut swept = None;
    loop {
        let generation = attention.borrow_and_update().generation;
        let (state, look) = sweep(&outlet, &mut told, generation, disks, Disks::look).await?;
        disks = state;
        for sample in look.samples {
            outlet.publish(Seen::Disk(sample)).await?;
        }
        told.replace(look.blind, &outlet).await?;
        if look.left_out > 0 && left_out == 0 {
            outlet.publish(Seen::Gap(too_many(look.left_out))).await?;
        }
        left_out = look.left_out;
        if swept != Some(generation) {
            outlet.swept(generation).await?;
            swept = Some(generation);
        }
        // The disks do not depend on the attention: a change of it only wants its sweep.
        while pause(&outlet, &mut attention, INTERVAL).await? {
            let generation = attention.borrow_and_update().generation;
            outlet.swept(generation).await?;
            swept = Some(generation);
        }
    }
}

fn too_many(left_out: usize) -> Gap {
    Gap {
        source: SourceId::Disks,
        what: Text::new("mounts"),
        lines: u64::try_from(left_out).unwrap_or(u64::MAX),
        bytes: 0,
        why: Text::new(format!("only {MOUNTS} file systems are watched")),
    }
}

/// What one look gave.
#[derive(Debug, Default)]
struct Look {
    samples: Vec<DiskSample>,
    blind: Blindness,
    left_out: usize,
}

/// A file system that has not answered.
#[derive(Debug)]
struct Stuck {
    since: Wall,
    answered: Arc<AtomicBool>,
}

struct Disks {
    root: Root,
    ask: Ask,
    stuck: BTreeMap<String, Stuck>,
    last: BTreeMap<String, (Boot, DiskSample)>,
}

impl Disks {
    fn new(root: Root, ask: Ask) -> Self {
        Self { root, ask, stuck: BTreeMap::new(), last: BTreeMap::new() }
    }

    fn look(&mut self) -> Look {
        let mut look = Look::default();
        let mounts = match mounts::list(&self.root) {
            Ok((mounts, _)) => mounts,
            Err(error) => {
                let (what, why) = ("/proc/self/mountinfo", error.to_string());
                look.blind.add(what, &why, "full and read-only disks", "mount /proc");
                return look;
            }
        };
        let mut mounts = watched(mounts);
        look.left_out = mounts.len().saturating_sub(MOUNTS);
        mounts.truncate(MOUNTS);
        // An abandoned thread is waited for, never joined by a second one.
        self.stuck.retain(|_, stuck| !stuck.answered.load(Ordering::Acquire));
        let mut open: Vec<&Mount> =
            mounts.iter().filter(|mount| !self.stuck.contains_key(&mount.point)).collect();
        let mut answers = BTreeMap::new();
        for _ in 0..ROUNDS {
            if open.is_empty() {
                break;
            }
            match self.round(&open) {
                Ok(new) => answers.extend(new),
                Err(error) => {
                    let why = format!("no thread can be started: {error}");
                    look.blind.add("all", &why, "full disks", "");
                    break;
                }
            }
            open.retain(|mount| {
                !answers.contains_key(&mount.point) && !self.stuck.contains_key(&mount.point)
            });
        }
        let now = clock::now().boot;
        for mount in &mounts {
            self.judge(mount, answers.remove(&mount.point), now, &mut look);
        }
        self.last.retain(|point, _| mounts.iter().any(|mount| mount.point == *point));
        look
    }

    fn judge(
        &mut self,
        mount: &Mount,
        answer: Option<io::Result<Usage>>,
        now: Boot,
        look: &mut Look,
    ) {
        let hides = "whether this disk is full or read-only";
        let usage = match (answer, self.stuck.get(&mount.point)) {
            (Some(Ok(usage)), _) => usage,
            (Some(Err(error)), _) => {
                // Gone between the list and the question, or below a folder that is closed to us.
                if error.kind() != io::ErrorKind::NotFound {
                    look.blind.add(&mount.point, &error.to_string(), hides, "");
                }
                return;
            }
            (None, Some(stuck)) => {
                let (kind, source, since) = (&mount.kind, &mount.source, stuck.since);
                let why = format!("stuck since {since}: {kind} from {source} does not answer");
                look.blind.add(&mount.point, &why, hides, "");
                return;
            }
            (None, None) => {
                look.blind.add(&mount.point, "another disk held up the question", hides, "");
                return;
            }
        };
        // A file system without blocks (an empty FUSE answer) says nothing about being full.
        if usage.total == 0 {
            return;
        }
        let sample = DiskSample {
            mount: Text::new(&mount.point),
            total: usage.total,
            available: usage.available,
            inodes: usage.inodes,
            inodes_free: usage.inodes_free,
            read_only: mount.read_only,
        };
        let news = self
            .last
            .get(&mount.point)
            .is_none_or(|(at, last)| now.secs_since(*at) >= AGAIN_SECS || differs(last, &sample));
        if news {
            self.last.insert(mount.point.clone(), (now, sample.clone()));
            look.samples.push(sample);
        }
    }

    /// Asks all at once: what may hang on a network has a thread of its own, the local ones
    /// share one. Those that do not answer in time are marked as stuck and their threads left.
    fn round(&mut self, open: &[&Mount]) -> io::Result<BTreeMap<String, io::Result<Usage>>> {
        let (remote, local): (Vec<&Mount>, Vec<&Mount>) =
            open.iter().partition(|mount| is_remote(mount));
        let lists = remote.into_iter().map(|mount| vec![mount]).chain([local]);
        let (sender, answers) = mpsc::sync_channel(open.len());
        let abandoned = Arc::new(AtomicBool::new(false));
        let mut asked = Vec::new();
        for list in lists.filter(|list| !list.is_empty()) {
            let list: Vec<Question> = list.iter().map(|mount| Question::new(mount)).collect();
            asked.push(list.clone());
            let (ask, sender) = (Arc::clone(&self.ask), sender.clone());
            let abandoned = Arc::clone(&abandoned);
            thread::Builder::new().name("disk".to_owned()).spawn(move || {
                for question in list {
                    if abandoned.load(Ordering::Acquire) {
                        return;
                    }
                    let answer = ask(&question.path);
                    question.answered.store(true, Ordering::Release);
                    if sender.send((question.point, answer)).is_err() {
                        return;
                    }
                }
            })?;
        }
        drop(sender);
        let began = clock::now().boot;
        let mut found = BTreeMap::new();
        while found.len() < open.len() {
            let spent = Duration::from_micros(clock::now().boot.0.saturating_sub(began.0));
            match answers.recv_timeout(DEADLINE.saturating_sub(spent)) {
                Ok((point, answer)) => _ = found.insert(point, answer),
                Err(_) => break,
            }
        }
        abandoned.store(true, Ordering::Release);
        let since = clock::now().wall;
        for list in asked {
            let first = list.into_iter().find(|question| !found.contains_key(&question.point));
            if let Some(Question { point, answered, .. }) = first {
                self.stuck.insert(point, Stuck { since, answered });
            }
        }
        Ok(found)
    }
}

/// One file system to ask.
#[derive(Clone, Debug)]
struct Question {
    point: String,
    path: PathBuf,
    answered: Arc<AtomicBool>,
}

impl Question {
    fn new(mount: &Mount) -> Self {
        let answered = Arc::new(AtomicBool::new(false));
        Self { point: mount.point.clone(), path: PathBuf::from(&mount.point), answered }
    }
}

/// The mounts that can run full: no pseudo file systems, no images that are always full, each
/// file system once. Automount points are not touched, because asking would mount them.
fn watched(mounts: Vec<Mount>) -> Vec<Mount> {
    // Of several mounts on one point only the last is seen.
    let mut visible: BTreeMap<String, Mount> = BTreeMap::new();
    for mount in mounts {
        visible.insert(mount.point.clone(), mount);
    }
    let mut by_device: BTreeMap<String, Mount> = BTreeMap::new();
    for mount in visible.into_values().filter(can_fill) {
        let rank = |mount: &Mount| (mount.root != "/", mount.point.len());
        match by_device.get(&mount.device) {
            Some(known) if rank(known) <= rank(&mount) => {}
            _ => _ = by_device.insert(mount.device.clone(), mount),
        }
    }
    let mut all: Vec<Mount> = by_device.into_values().collect();
    all.sort_by(|a, b| a.point.cmp(&b.point));
    all
}

fn can_fill(mount: &Mount) -> bool {
    let point = mount.point.as_str();
    let below = |folder: &str| {
        point.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    match mount.kind.as_str() {
        // The root of a container; elsewhere it is another view of a disk that is listed.
        "overlay" | "aufs" => point == "/",
        "tmpfs" => {
            !["/sys", "/proc", "/run/credentials", "/run/user", "/run/lock"].into_iter().any(below)
                && (!below("/dev") || below("/dev/shm"))
        }
        kind => !PSEUDO.contains(&kind),
    }
}

/// Types that hold no data of their own, or images that are full from the start.
const PSEUDO: &[&str] = &[
    "autofs",
    "binder",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "cramfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "erofs",
    "fuse.gvfsd-fuse",
    "fuse.lxcfs",
    "fuse.portal",
    "fusectl",
    "hugetlbfs",
    "iso9660",
    "mqueue",
    "nfsd",
    "nsfs",
    "proc",
    "pstore",
    "ramfs",
    "resctrl",
    "rootfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "smackfs",
    "squashfs",
    "sysfs",
    "tracefs",
    "udf",
];

/// Whether a server, on the network or in user space, answers for the file system.
fn is_remote(mount: &Mount) -> bool {
    const REMOTE: [&str; 12] = [
        "nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "afs", "ocfs2", "gfs2", "lustre", "virtiofs",
        "fuseblk",
    ];
    REMOTE.contains(&mount.kind.as_str()) || mount.kind.starts_with("fuse.") || mount.kind == "fuse"
}

/// Whether a sample says something new: a hundredth of the disk, or the last of it.
fn differs(old: &DiskSample, new: &DiskSample) -> bool {
    let moved = |old: u64, new: u64, total: u64| {
        old.abs_diff(new) > total / 100 || (old == 0) != (new == 0)
    };
    old.read_only != new.read_only
        || old.total != new.total
        || old.inodes != new.inodes
        || moved(old.available, new.available, new.total)
        || moved(old.inodes_free, new.inodes_free, new.inodes)
}

#[cfg(test)]
#[path = "disks_tests.rs"]
mod tests;
