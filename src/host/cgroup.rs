//! Control groups, v1, v2 and hybrid
//! (<https://docs.kernel.org/admin-guide/cgroup-v1/index.html>,
//! <https://docs.kernel.org/admin-guide/cgroup-v2.html>, cgroups(7)).

use std::collections::{BTreeMap, BTreeSet};

use crate::observation::{CgroupSample, Owner, Text};

use super::{
    files::{FileError, Root},
    mounts::{self, Mount},
};

/// Longest file of a group that is read, in bytes.
const FILE_LIMIT: u64 = 16 * 1024;

/// Most groups looked at when searching for one by name.
const SEARCH_LIMIT: usize = 4_096;

/// Most entries listed of one group.
const LIST_LIMIT: usize = 2_048;

/// Deepest group looked at when searching.
const SEARCH_DEPTH: usize = 8;

/// v1 writes "no limit" as the largest page-aligned number; page sizes differ.
const NO_LIMIT: u64 = 1 << 62;

/// The controllers that are sampled.
const CONTROLLERS: [&str; 3] = ["memory", "pids", "cpu"];

/// Where the hierarchies are mounted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hierarchies {
    /// v1: by controller, `name=systemd` included.
    pub(super) v1: BTreeMap<String, Mount>,
    /// v2.
    pub(super) unified: Option<Mount>,
}

/// One process's place in the hierarchies: `/proc/PID/cgroup`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// v1: path by controller.
    pub(super) v1: BTreeMap<String, String>,
    /// v2 path.
    pub(super) unified: Option<String>,
}

/// The group of a unit or container: its folder in every hierarchy that has one of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Whose.
    pub owner: Owner,
    /// Path below the hierarchy, as the kernel's messages name it.
    pub path: String,
    folders: BTreeMap<&'static str, Folder>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Folder {
    path: String,
    unified: bool,
}

impl Membership {
    /// Reads `id:controllers:path` lines; a path may hold colons.
    pub fn parse(text: &str) -> Self {
        let mut membership = Self::default();
        for line in text.lines() {
            let mut parts = line.splitn(3, ':');
            let (Some(id), Some(controllers), Some(path)) =
                (parts.next(), parts.next(), parts.next())
            else {
                continue;
            };
            // After rmdir(2) of a group that still has a zombie.
            let path = path.strip_suffix(" (deleted)").unwrap_or(path);
            // A path above the reader's own cgroup namespace cannot be reached.
            if !path.starts_with('/') || path.split('/').any(|part| part == "..") {
                continue;
            }
            if id == "0" && controllers.is_empty() {
                membership.unified = Some(path.to_owned());
            } else {
                for controller in controllers.split(',') {
                    membership.v1.insert(controller.to_owned(), path.to_owned());
                }
            }
        }
        membership
    }

    /// Reads it for a process of the given tree.
    ///
    /// # Errors
    /// [`FileError`]; `Missing` when the process is gone.
    pub fn of(root: &Root, pid: u32) -> Result<Self, FileError> {
        Ok(Self::parse(&root.read_text(format!("/proc/{pid}/cgroup"), FILE_LIMIT)?))
    }

    /// The same path in every hierarchy, for a group found by its name.
    fn everywhere(path: &str, hierarchies: &Hierarchies) -> Self {
        let v1 = hierarchies.v1.keys().map(|name| (name.clone(), path.to_owned())).collect();
        Self { v1, unified: Some(path.to_owned()) }
    }

    /// The path that says best who is responsible: systemd's own hierarchy, then v2, then any.
    fn owner(&self) -> Option<(Owner, &str)> {
        let systemd = self.v1.get("name=systemd");
        let paths = systemd.into_iter().chain(self.unified.as_ref()).chain(self.v1.values());
        paths.into_iter().find_map(|path| {
            let owner = Owner::from_cgroup(path)?;
            let own = upto(path, &owner)?;
            Some((owner, own))
        })
    }
}

/// The part of a path that ends with the group of its owner: a service may have groups below.
fn upto<'a>(path: &'a str, owner: &Owner) -> Option<&'a str> {
    let mut end = path.len();
    loop {
        let head = path.get(..end)?;
        let (above, name) = head.rsplit_once('/')?;
        let own = match owner {
            Owner::Unit(unit) => name == unit.as_str(),
            Owner::Container(id) => name.contains(id.as_str()),
            Owner::Program(_) => false,
        };
        if own {
            return Some(head);
        }
        end = above.len();
    }
}

impl Hierarchies {
    /// Finds the mounted hierarchies.
    ///
    /// # Errors
    /// [`FileError`] when the list of mounts cannot be read.
    pub fn read(root: &Root) -> Result<Self, FileError> {
        Ok(Self::from_mounts(mounts::list(root)?.0))
    }

    fn from_mounts(mounts: Vec<Mount>) -> Self {
        let mut found = Self::default();
        for mount in mounts {
            match mount.kind.as_str() {
                // With several views of one hierarchy, the widest comes first.
                "cgroup2" => _ = found.unified.get_or_insert(mount),
                "cgroup" => {
                    for option in mount.super_options.split(',') {
                        if CONTROLLERS.contains(&option) || option == "name=systemd" {
                            found.v1.entry(option.to_owned()).or_insert_with(|| mount.clone());
                        }
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// Whether no hierarchy is mounted at all.
    pub fn is_empty(&self) -> bool {
        self.v1.is_empty() && self.unified.is_none()
    }

    /// The group that a process belongs to, if a unit or container is responsible for it.
    pub fn group(&self, root: &Root, membership: &Membership) -> Option<Group> {
        let (owner, path) = membership.owner()?;
        let mut folders = BTreeMap::new();
        for controller in CONTROLLERS {
            let v1 = self.v1.get(controller);
            let mount = v1.or(self.unified.as_ref());
            let path = match v1 {
                Some(_) => membership.v1.get(controller),
                None => membership.unified.as_ref(),
            };
            let (Some(mount), Some(path)) = (mount, path) else { continue };
            // Where the controller is not enabled for the owner, the process sits in a group
            // above, whose numbers are not the owner's.
            let Some(path) = upto(path, &owner) else { continue };
            if let Some(path) = folder(root, mount, path) {
                folders.insert(controller, Folder { path, unified: v1.is_none() });
            }
        }
        let path = path.to_owned();
        (!folders.is_empty()).then_some(Group { owner, path, folders })
    }

    /// Searches the groups below that of the first process for owners by name. The flag says
    /// whether the search had to stop before the end.
    pub fn search(&self, root: &Root, wanted: &BTreeSet<Owner>) -> (Vec<Group>, bool) {
        let v1 = |name: &str| self.v1.get(name).map(|mount| (name.to_owned(), mount));
        let v2 = self.unified.as_ref().map(|mount| (String::new(), mount));
        let Some((hierarchy, mount)) = v1("name=systemd").or(v2).or_else(|| v1("memory")) else {
            return (Vec::new(), false);
        };
        let first = Membership::of(root, 1).unwrap_or_default();
        let own =
            if hierarchy.is_empty() { first.unified } else { first.v1.get(&hierarchy).cloned() };
        let own = own.unwrap_or_default();
        let own = own.strip_suffix("/init.scope").unwrap_or(&own).trim_end_matches('/').to_owned();
        let mut found = Vec::new();
        let mut missing = wanted.clone();
        let mut queue = vec![(own, 0)];
        let mut seen = 0;
        while let Some((path, depth)) = queue.pop() {
            let Some(real) = folder(root, mount, if path.is_empty() { "/" } else { &path }) else {
                continue;
            };
            let Ok((names, more)) = root.list(&real, LIST_LIMIT) else { continue };
            if more {
                return (found, true);
            }
            for name in names.iter().filter(|name| !is_interface(name)) {
                seen += 1;
                if missing.is_empty() {
                    return (found, false);
                }
                if seen > SEARCH_LIMIT {
                    return (found, true);
                }
                let below = format!("{path}/{name}");
                let own = Owner::from_cgroup(&format!("/{name}"));
                if let Some(owner) = own.filter(|owner| missing.contains(owner)) {
                    missing.remove(&owner);
                    found.extend(self.group(root, &Membership::everywhere(&below, self)));
                } else if depth < SEARCH_DEPTH {
                    queue.push((below, depth + 1));
                }
            }
        }
        (found, false)
    }
}

/// Whether a name in a group's folder is one of the kernel's files and not a group.
fn is_interface(name: &str) -> bool {
    const PREFIXES: [&str; 16] = [
        "cgroup.", "memory.", "cpu.", "cpuacct.", "cpuset.", "pids.", "io.", "blkio.", "hugetlb.",
        "misc.", "rdma.", "irq.", "dmem.", "devices.", "freezer.", "net_",
    ];
    matches!(name, "tasks" | "notify_on_release" | "release_agent")
        || (PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            && !(name.ends_with(".service")
                || name.ends_with(".slice")
                || name.ends_with(".scope")))
}

/// The real folder of a group. A mount may show only a part of the hierarchy (in a container
/// that shares the host's cgroup namespace), or paths may be relative to the mount already (in a
/// container with its own), so both readings are tried.
pub(super) fn folder(root: &Root, mount: &Mount, path: &str) -> Option<String> {
    let inside = path
        .strip_prefix(mount.root.trim_end_matches('/'))
        .filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let candidates = inside.into_iter().chain([path]);
    candidates
        .map(|path| format!("{}{path}", mount.point.trim_end_matches('/')))
        .find(|path| root.stat(path, true).is_ok())
}

impl Group {
    /// Reads the group's numbers; `None` when it has vanished.
    pub fn sample(&self, root: &Root) -> Option<CgroupSample> {
        let file = |controller: &str, v1: &str, v2: &str| {
            let folder = self.folders.get(controller)?;
            let name = if folder.unified { v2 } else { v1 };
            let text = root.read_text(format!("{}/{name}", folder.path), FILE_LIMIT).ok()?;
            Some((text, folder.unified))
        };
        let memory = file("memory", "memory.usage_in_bytes", "memory.current");
        let memory_max = file("memory", "memory.limit_in_bytes", "memory.max");
        let events = file("memory", "memory.oom_control", "memory.events");
        let pids = file("pids", "pids.current", "pids.current");
        let pids_max = file("pids", "pids.max", "pids.max");
        let cpu = file("cpu", "cpu.stat", "cpu.stat");
        let all = [&memory, &memory_max, &events, &pids, &pids_max, &cpu];
        if all.iter().all(|file| file.is_none()) {
            return None;
        }
        let value = |file: &Option<(String, bool)>| number(&file.as_ref()?.0);
        let keyed = |file: &Option<(String, bool)>, v1: &str, v2: &str| {
            let (text, unified) = file.as_ref()?;
            key(text, if *unified { v2 } else { v1 })
        };
        let throttled_ns = keyed(&cpu, "throttled_time", "").map(|ns| ns / 1_000);
        Some(CgroupSample {
            owner: self.owner.clone(),
            path: Text::new(&self.path),
            memory: value(&memory),
            memory_max: value(&memory_max).filter(|max| *max < NO_LIMIT),
            oom_kills: keyed(&events, "oom_kill", "oom_kill"),
            pids: value(&pids),
            pids_max: value(&pids_max),
            throttled_periods: keyed(&cpu, "nr_throttled", "nr_throttled"),
            throttled_us: throttled_ns.or_else(|| keyed(&cpu, "", "throttled_usec")),
            cpu_periods: keyed(&cpu, "nr_periods", "nr_periods"),
        })
    }
}

/// A file that holds one number; `max` is none.
fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// A value of a file of `key value` lines.
fn key(text: &str, wanted: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(' ')?;
        (key == wanted).then(|| number(value)).flatten()
    })
}

#[cfg(test)]
#[path = "cgroup_tests.rs"]
mod tests;
