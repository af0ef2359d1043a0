//! The processes behind gateways and listeners: who they are, whose they are, and how close they
//! stand to their own limit of open files.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::{
    AttentionWatch, Closed, Outlet,
    sweep::{Blindness, pause, sweep},
};
use crate::{
    host::{clock, files::FileError, netns, proc},
    observation::{Moment, Owner, Process, ProcessLimits, Seen, Text, Wall},
    session::Attention,
};

/// Pause between two looks at the state of every process.
const PAUSE: Duration = Duration::from_secs(2);
/// Seconds after which the parts that seldom change are read again.
const REREAD: u64 = 6;
/// A look may take this part of the time (1/n).
const SHARE: u32 = 100;
/// Most processes watched; the gateway's own come first by being low, the rest is named as unseen.
const MOST: usize = 2_048;
/// Most descriptors counted where the kernel does not tell their number.
const MOST_DESCRIPTORS: usize = 1 << 20;
/// A change of resident memory below this many bytes is no news.
const RSS_STEP: u64 = 16 * 1024 * 1024;

/// Publishes [`Seen::Processes`] and [`Seen::Limits`] for the pids of the attention, when they
/// change.
///
/// # Errors
/// Never returns but by [`Closed`].
pub async fn run(outlet: Outlet, mut attention: AttentionWatch) -> Result<(), Closed> {
    let mut watch = Watch::default();
    let mut told = Blindness::default();
    let mut published: Option<Vec<Process>> = None;
    let mut limits: BTreeMap<u32, ProcessLimits> = BTreeMap::new();
    let mut swept = None;
    loop {
        let wanted = attention.borrow_and_update().clone();
        let (generation, hurry) = (wanted.generation, swept != Some(wanted.generation));
        let work = {
            let wanted = Arc::clone(&wanted);
            move |watch: &mut Watch| watch.look(&wanted, clock::now())
        };
        let (back, round) = sweep(&outlet, &mut told, generation, watch, work).await?;
        watch = back;
        if published.as_ref().is_none_or(|old| differ(old, &round.processes)) {
            published = Some(round.processes.clone());
            outlet.publish(Seen::Processes(round.processes)).await?;
        }
        for new in round.limits.values() {
            if limits.get(&new.pid).is_none_or(|old| limits_differ(old, new)) {
                limits.insert(new.pid, *new);
                outlet.publish(Seen::Limits(*new)).await?;
            }
        }
        limits.retain(|pid, _| round.limits.contains_key(pid));
        told.replace(round.blind, &outlet).await?;
        if hurry {
            outlet.swept(generation).await?;
            swept = Some(generation);
        }
        pause(&outlet, &mut attention, PAUSE.max(round.cost * SHARE)).await?;
    }
}

/// Whether two lists differ in more than a little memory.
fn differ(old: &[Process], new: &[Process]) -> bool {
    let near = |a: u64, b: u64| a.abs_diff(b) < RSS_STEP.max(a / 8);
    let same =
        |a: &Process, b: &Process| near(a.rss, b.rss) && *a == Process { rss: a.rss, ..b.clone() };
    old.len() != new.len() || !old.iter().zip(new).all(|(a, b)| same(a, b))
}

/// Whether the use of descriptors moved by a twentieth of the limit, or anything else changed.
fn limits_differ(old: &ProcessLimits, new: &ProcessLimits) -> bool {
    let step = (new.max_open_files / 20).max(1);
    match (old.open_files, new.open_files) {
        (Some(a), Some(b)) => {
            old.max_open_files != new.max_open_files
                || a / step != b / step
                || (b >= new.max_open_files && a != b)
        }
        (a, b) => a != b || old.max_open_files != new.max_open_files,
    }
}

/// What one look brought.
struct Round {
    processes: Vec<Process>,
    limits: BTreeMap<u32, ProcessLimits>,
    blind: Blindness,
    cost: Duration,
}

/// A process as it was read last.
#[derive(Clone, Debug)]
struct Known {
    process: Process,
    limits: Option<ProcessLimits>,
    read_at: Moment,
    reads: u8,
    exe_denied: bool,
}

/// What is kept between looks.
#[derive(Debug, Default)]
struct Watch {
    known: BTreeMap<u32, Known>,
}

impl Watch {
    fn look(&mut self, attention: &Attention, now: Moment) -> Round {
        let begun = clock::now().boot;
        let mut blind = Blindness::default();
        let wanted: BTreeSet<u32> = attention.pids.iter().copied().take(MOST).collect();
        if attention.pids.len() > MOST {
            let why = format!("there are more than {MOST}");
            blind.add("some processes", &why, "state and limits of the others", "");
        }
        self.known.retain(|pid, _| wanted.contains(pid));
        for pid in wanted {
            match self.refresh(pid, now) {
                Ok(()) => {}
                Err(FileError::Missing) => drop(self.known.remove(&pid)),
                Err(error) => {
                    self.known.remove(&pid);
                    let grant = "run as root, or mount /proc without hidepid";
                    let hides = "whether it runs, and its limits";
                    blind.add(&format!("pid {pid}"), &error.to_string(), hides, grant);
                }
            }
        }
        if self.known.values().any(|k| k.exe_denied) {
            blind.add(
                "program files, namespaces and descriptors of other users' processes",
                "permission denied",
                "how near a process is to its limit of open files, and in which network it lives",
                "run as root, or grant CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH",
            );
        }
        let processes = self.known.values().map(|k| k.process.clone()).collect();
        let limits = self.known.iter().filter_map(|(&pid, k)| Some((pid, k.limits?))).collect();
        let cost = Duration::from_micros(clock::now().boot.0.saturating_sub(begun.0));
        Round { processes, limits, blind, cost }
    }

    /// State every time; the rest when the process is new, once more soon after (a new process
    /// is still being moved to its group and dropping its rights), and then now and again.
    fn refresh(&mut self, pid: u32, now: Moment) -> Result<(), FileError> {
        let stat = proc::stat(pid)?;
        let old = self.known.get(&pid).filter(|k| k.process.start_ticks == stat.start_ticks);
        if let Some(known) = old {
            let fresh = now.boot.secs_since(known.read_at.boot) < REREAD && known.reads > 1;
            if fresh && known.process.name == stat.name {
                if let Some(known) = self.known.get_mut(&pid) {
                    known.process.state = stat.state;
                    known.process.parent = stat.parent;
                }
                return Ok(());
            }
        }
        // The command line is read once more only when the program has replaced itself.
        let command = match old.filter(|k| k.process.name == stat.name) {
            Some(known) => known.process.command.clone(),
            None => proc::command(pid)?,
        };
        let started = old.and_then(|k| k.process.started).or_else(|| start(stat.start_ticks, now));
        let reads = old.map_or(0, |k| k.reads).saturating_add(1);
        let status = proc::status(pid)?;
        let cgroup = proc::cgroup(pid)?;
        let exe = proc::exe(pid);
        // A kernel thread and a dead process have no program: that is no matter of rights.
        let exe_denied = exe.is_none() && !command.is_empty();
        let limits = proc::open_files_limit(pid).ok().map(|max_open_files| ProcessLimits {
            pid,
            open_files: proc::open_files(pid, MOST_DESCRIPTORS).ok(),
            max_open_files,
        });
        let process = Process {
            pid,
            parent: stat.parent,
            name: stat.name,
            exe,
            command,
            uid: status.uid,
            state: stat.state,
            start_ticks: stat.start_ticks,
            started,
            owner: owner(&cgroup),
            cgroup,
            netns: netns::of(pid),
            rss: status.rss,
        };
        self.known.insert(pid, Known { process, limits, read_at: now, reads, exe_denied });
        Ok(())
    }
}

fn owner(cgroup: &Text) -> Option<Owner> {
    Owner::from_cgroup(cgroup.raw())
}

/// Ticks since boot on the wall clock.
fn start(ticks: u64, now: Moment) -> Option<Wall> {
    let micros = ticks.checked_mul(1_000_000 / proc::TICKS_PER_SECOND)?;
    let age = i64::try_from(now.boot.0.checked_sub(micros)?).ok()?;
    Some(Wall(now.wall.0.checked_sub(age)?))
}

#[cfg(test)]
mod tests {
    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::{
        observation::{Boot, SourceId},
        session::Event,
    };

    fn me() -> Attention {
        Attention { pids: BTreeSet::from([std::process::id(), u32::MAX]), ..Attention::default() }
    }

    #[test]
    fn a_process_is_known_with_its_limits_and_a_dead_one_is_not_listed() {
        let round = Watch::default().look(&me(), clock::now());
        assert_eq!(round.processes.len(), 1);
        let process = &round.processes[0];
        assert_eq!(process.netns, netns::own());
        let age = clock::now().wall.since(process.started.unwrap()).as_secs();
        assert!((0..3_600).contains(&age), "{age}");
        assert!(round.limits[&process.pid].open_files.unwrap() > 2);
    }

    #[test]
    fn a_little_memory_is_no_news_and_a_stopped_process_is() {
        let round = Watch::default().look(&me(), clock::now());
        let mut later = round.processes.clone();
        later[0].rss += 4_096;
        assert!(!differ(&round.processes, &later));
        later[0].state = crate::observation::RunState::Stopped;
        assert!(differ(&round.processes, &later));
    }

    #[test]
    fn reaching_the_limit_of_open_files_is_news() {
        let at = |open| ProcessLimits { pid: 1, open_files: Some(open), max_open_files: 1_024 };
        assert!(!limits_differ(&at(10), &at(12)));
        assert!(limits_differ(&at(10), &at(200)));
        assert!(limits_differ(&at(1_023), &at(1_024)));
    }

    #[test]
    fn a_start_before_the_boot_clock_is_not_invented() {
        let now = Moment { wall: Wall(100_000_000), boot: Boot(5_000_000) };
        assert_eq!(start(300, now), Some(Wall(98_000_000)));
        assert_eq!(start(900, now), None);
        assert_eq!(start(u64::MAX, now), None);
    }

    #[tokio::test]
    async fn a_generation_without_pids_is_swept_too() {
        let (sender, mut queue) = mpsc::channel(64);
        let (_news, attention) = watch::channel(Arc::new(Attention::default()));
        tokio::spawn(run(Outlet::new(SourceId::Processes, sender), attention));
        loop {
            let Some(Event::Seen(seen)) = queue.recv().await else { panic!("closed") };
            if let Seen::Swept { generation } = seen.seen {
                assert_eq!(generation, 0);
                break;
            }
        }
    }
}
