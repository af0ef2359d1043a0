//! Control groups of the units and containers that matter.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use crate::{
    host::{
        cgroup::{Group, Hierarchies, Membership},
        clock,
        files::Root,
    },
    observation::{Boot, CgroupSample, Gap, Owner, Seen, SourceId, Text},
    session::Attention,
};

use super::{
    AttentionWatch, Closed, Outlet,
    sweep::{Blindness, pause, sweep},
};

/// How often the groups are read.
const INTERVAL: Duration = Duration::from_secs(2);

/// After this many seconds the groups are looked for again, and an unchanged one is published
/// again, so that its age stays young.
const AGAIN_SECS: u64 = 30;

/// Most processes whose group is asked for.
const PIDS: usize = 2_048;

/// A change of memory below this many bytes is not worth telling.
const MEMORY_STEP: u64 = 1 << 20;

/// Samples the groups until the session ends.
pub async fn run(outlet: Outlet, attention: AttentionWatch) {
    let _ = watch(outlet, attention, Groups::new(Root::default())).await;
}

async fn watch(
    outlet: Outlet,
    mut attention: AttentionWatch,
    mut groups: Groups,
) -> Result<(), Closed> {
    let mut told = Blindness::default();
    let mut cut = false;
    let mut swept = None;
    loop {
        let wanted = Arc::clone(&attention.borrow_and_update());
        let generation = wanted.generation;
        let look = move |groups: &mut Groups| groups.look(&wanted);
        let (state, look) = sweep(&outlet, &mut told, generation, groups, look).await?;
        groups = state;
        for sample in look.samples {
            outlet.publish(Seen::Cgroup(sample)).await?;
        }
        told.replace(look.blind, &outlet).await?;
        if look.cut && !cut {
            outlet.publish(Seen::Gap(search_gap())).await?;
        }
        cut = look.cut;
        if swept.replace(generation) != Some(generation) {
            outlet.swept(generation).await?;
        }
        pause(&outlet, &mut attention, INTERVAL).await?;
    }
}

fn search_gap() -> Gap {
    Gap {
        source: SourceId::Cgroups,
        what: Text::new("control groups"),
        lines: 0,
        bytes: 0,
        why: Text::new("there are too many groups to search them all by name"),
    }
}

/// What one look gave.
#[derive(Debug, Default)]
struct Look {
    samples: Vec<CgroupSample>,
    blind: Blindness,
    cut: bool,
}

/// What is known of the groups.
#[derive(Debug)]
struct Groups {
    root: Root,
    hierarchies: Hierarchies,
    wanted: BTreeSet<Owner>,
    pids: BTreeSet<u32>,
    found: BTreeMap<Owner, Group>,
    /// Owners that have no group, which is normal for a unit that does not run.
    missing: BTreeSet<Owner>,
    located: Option<Boot>,
    cut: bool,
    /// Why nothing can be seen, until the next look around.
    blind: Option<String>,
    last: BTreeMap<Owner, (Boot, CgroupSample)>,
}

impl Groups {
    fn new(root: Root) -> Self {
        Self {
            root,
            hierarchies: Hierarchies::default(),
            wanted: BTreeSet::new(),
            pids: BTreeSet::new(),
            found: BTreeMap::new(),
            missing: BTreeSet::new(),
            located: None,
            cut: false,
            blind: None,
            last: BTreeMap::new(),
        }
    }

    fn look(&mut self, attention: &Attention) -> Look {
        let mut look = Look::default();
        let units = attention.units.iter().cloned().map(Owner::Unit);
        let containers = attention.containers.iter().cloned().map(Owner::Container);
        let wanted: BTreeSet<Owner> = units.chain(containers).collect();
        let now = clock::now().boot;
        let due = self.located.is_none_or(|at| now.secs_since(at) >= AGAIN_SECS);
        if due || wanted != self.wanted || attention.pids != self.pids {
            if due {
                self.missing.clear();
            }
            self.wanted = wanted;
            self.pids.clone_from(&attention.pids);
            self.blind = self.locate(due, now).err();
        }
        if let Some(why) = &self.blind {
            let hides = "memory, task and CPU limits of units and containers";
            look.blind.add("control groups", why, hides, "mount the cgroup file systems");
        }
        look.cut = self.cut;
        let mut gone = Vec::new();
        for (owner, group) in &self.found {
            let Some(sample) = group.sample(&self.root) else {
                gone.push(owner.clone());
                continue;
            };
            let news = match self.last.get(owner) {
                Some((at, last)) => now.secs_since(*at) >= AGAIN_SECS || differs(last, &sample),
                None => true,
            };
            if news {
                self.last.insert(owner.clone(), (now, sample.clone()));
                look.samples.push(sample);
            }
        }
        for owner in gone {
            self.found.remove(&owner);
            self.last.remove(&owner);
            // A restarted unit gets a new group at once: look for it in the next round.
            self.located = None;
        }
        look
    }

    /// Finds the groups of what is wanted: by its processes where one is known, by name else.
    fn locate(&mut self, due: bool, now: Boot) -> Result<(), String> {
        self.found.retain(|owner, _| self.wanted.contains(owner));
        self.last.retain(|owner, _| self.wanted.contains(owner));
        if due {
            self.located = Some(now);
            self.hierarchies = Hierarchies::read(&self.root)
                .map_err(|error| format!("/proc/self/mountinfo: {error}"))?;
        }
        if self.wanted.is_empty() {
            return Ok(());
        }
        if self.hierarchies.is_empty() {
            return Err("no cgroup file system is mounted here".to_owned());
        }
        let mut fresh: BTreeMap<Owner, Group> = BTreeMap::new();
        for pid in self.pids.iter().take(PIDS) {
            // A process that is gone has no group; the next attention will not name it.
            let Ok(membership) = Membership::of(&self.root, *pid) else { continue };
            let group = self.hierarchies.group(&self.root, &membership);
            let Some(group) = group.filter(|group| self.wanted.contains(&group.owner)) else {
                continue;
            };
            // A container may run a unit of the same name; the host's own has the shorter path.
            let known = fresh.get(&group.owner);
            if known.is_none_or(|known| group.path.len() < known.path.len()) {
                fresh.insert(group.owner.clone(), group);
            }
        }
        self.missing.retain(|owner| !fresh.contains_key(owner));
        self.found.extend(fresh);
        let open =
            |owner: &&Owner| !self.found.contains_key(*owner) && !self.missing.contains(*owner);
        let open: BTreeSet<Owner> = self.wanted.iter().filter(open).cloned().collect();
        if !open.is_empty() {
            let (groups, cut) = self.hierarchies.search(&self.root, &open);
            self.cut = cut;
            self.missing.extend(open);
            for group in groups {
                self.missing.remove(&group.owner);
                self.found.insert(group.owner.clone(), group);
            }
        }
        Ok(())
    }
}

/// Whether a sample says something new.
fn differs(old: &CgroupSample, new: &CgroupSample) -> bool {
    let moved = |old: Option<u64>, new: Option<u64>, least: u64, part: u64| match (old, new) {
        (Some(old), Some(new)) => old.abs_diff(new) >= least.max(old / part),
        (old, new) => old != new,
    };
    let full = |sample: &CgroupSample| sample.pids_max.is_some_and(|max| sample.pids >= Some(max));
    moved(old.memory, new.memory, MEMORY_STEP, 100)
        || moved(old.pids, new.pids, 1, 20)
        || full(old) != full(new)
        || old.path != new.path
        || old.memory_max != new.memory_max
        || old.pids_max != new.pids_max
        || old.oom_kills != new.oom_kills
        || old.throttled_periods != new.throttled_periods
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tokio::sync::{mpsc, watch as channel};

    use crate::{observation::UnitName, session::Event};

    use super::*;

    const GROUP: &str = "sys/fs/cgroup/system.slice/app.service";

    fn write(dir: &Path, path: &str, text: &str) {
        let path = dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn host() -> (tempfile::TempDir, Groups) {
        let dir = tempfile::tempdir().unwrap();
        let mounts = "1 2 0:9 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        write(dir.path(), "proc/self/mountinfo", mounts);
        write(dir.path(), "proc/7/cgroup", "0::/system.slice/app.service\n");
        write(dir.path(), &format!("{GROUP}/memory.current"), "10485760\n");
        let groups = Groups::new(Root::new(dir.path()));
        (dir, groups)
    }

    fn attention(generation: u64) -> Attention {
        let units = BTreeSet::from([UnitName::new("app.service").unwrap()]);
        Attention { generation, units, pids: BTreeSet::from([7, 8]), ..Attention::default() }
    }

    #[test]
    fn a_sample_is_told_when_it_changes_and_not_otherwise() {
        let (dir, mut groups) = host();
        assert_eq!(groups.look(&attention(1)).samples[0].memory, Some(10_485_760));
        assert!(groups.look(&attention(1)).samples.is_empty());
        write(dir.path(), &format!("{GROUP}/memory.current"), "10485761\n");
        assert!(groups.look(&attention(1)).samples.is_empty());
        write(dir.path(), &format!("{GROUP}/memory.events"), "oom_kill 1\n");
        assert_eq!(groups.look(&attention(1)).samples[0].oom_kills, Some(1));
    }

    #[test]
    fn a_container_with_a_unit_of_the_same_name_does_not_hide_the_hosts() {
        let (dir, mut groups) = host();
        let inner = format!("/docker/{}/system.slice/app.service", "a".repeat(64));
        write(dir.path(), "proc/8/cgroup", &format!("0::{inner}\n"));
        write(dir.path(), &format!("sys/fs/cgroup{inner}/memory.current"), "5\n");
        let samples = groups.look(&attention(1)).samples;
        assert_eq!((samples.len(), samples[0].memory), (1, Some(10_485_760)));
    }

    #[test]
    fn a_group_that_vanishes_with_its_unit_comes_back_with_it() {
        let (dir, mut groups) = host();
        assert_eq!(groups.look(&attention(1)).samples.len(), 1);
        std::fs::remove_dir_all(dir.path().join(GROUP)).unwrap();
        assert!(groups.look(&attention(1)).samples.is_empty());
        assert_eq!(groups.look(&attention(1)).blind, Blindness::default());
        write(dir.path(), &format!("{GROUP}/memory.current"), "1\n");
        groups.located = None;
        assert_eq!(groups.look(&attention(1)).samples[0].memory, Some(1));
    }

    #[tokio::test]
    async fn a_host_without_groups_is_a_blind_spot_only_when_one_is_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "proc/self/mountinfo", "");
        let (queue, mut events) = mpsc::channel(16);
        let (attend, attention_watch) = channel::channel(Arc::new(Attention::default()));
        let groups = Groups::new(Root::new(dir.path()));
        let outlet = Outlet::new(SourceId::Cgroups, queue);
        let task = tokio::spawn(watch(outlet, attention_watch, groups));
        let mut names = Vec::new();
        while names.last().map(String::as_str) != Some("swept 5") {
            let Some(Event::Seen(seen)) = events.recv().await else { panic!("ended") };
            names.push(match seen.seen {
                Seen::Swept { generation } => format!("swept {generation}"),
                Seen::Blind(spot) => spot.why.to_string(),
                other => format!("{other:?}"),
            });
            if names.len() == 1 {
                attend.send(Arc::new(attention(5))).unwrap();
            }
        }
        assert_eq!(names, ["swept 0", "no cgroup file system is mounted here", "swept 5"]);
        drop(attend);
        assert_eq!(task.await.unwrap(), Err(Closed));
    }
}
