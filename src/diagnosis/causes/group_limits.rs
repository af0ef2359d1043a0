//! Limits of a control group: no more tasks, or no more processor time.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::{CgroupTrack, LogFact},
    observation::{Origin, Owner, Program},
};

use super::{
    by_upstream_line::still_current,
    rule::{Rule, about_container, about_unit},
};

pub(super) const TASKS: Rule = Rule { cause: "pids-limit", judge: judge_tasks };
pub(super) const CPU: Rule = Rule { cause: "cpu-throttled", judge: judge_cpu };

/// Periods that have to be seen before a share of them says anything.
const PERIODS: u64 = 10;
/// Share of the periods, in percent, from which a service is held back.
const HELD_BACK: u64 = 40;

/// A unit or container behind an upstream, with how to begin a finding about it.
struct Who<'s> {
    owner: Owner,
    name: String,
    chains: &'s [usize],
    missing: bool,
    begin: Box<dyn Fn(&'static str, Confidence, String) -> Finding + 's>,
}

fn all<'s>(scene: &'s Scene<'_>) -> Vec<Who<'s>> {
    let units = scene.units().iter().map(|backing| Who {
        owner: Owner::Unit(backing.who.name.clone()),
        name: backing.who.name.to_string(),
        chains: &backing.chains,
        missing: backing.missing,
        begin: Box::new(move |cause, sure, words| about_unit(scene, backing, cause, sure, words)),
    });
    let containers = scene.containers().iter().map(|backing| Who {
        owner: Owner::Container(backing.who.id.clone()),
        name: format!("container {}", backing.who.name),
        chains: &backing.chains,
        missing: backing.missing,
        begin: Box::new(move |cause, sure, words| {
            about_container(scene, backing, cause, sure, words)
        }),
    });
    units.chain(containers).collect()
}

fn judge_tasks(scene: &Scene<'_>) -> Vec<Finding> {
    all(scene).iter().filter_map(|who| tasks(scene, who)).collect()
}

fn tasks(scene: &Scene<'_>, who: &Who<'_>) -> Option<Finding> {
    let track = scene.case.cgroups.get(&who.owner);
    let count = track.and_then(|t| t.now.value.pids.zip(t.now.value.pids_max));
    let full = count.is_some_and(|(now, max)| max > 0 && now >= max);
    // The kernel says it once in the life of a group.
    let kernel = scene
        .facts(&[TASKS.cause])
        .filter(|f| f.program == Program::Kernel)
        .filter(|f| {
            let path = f.captures.get("cg").map(crate::observation::Text::raw).unwrap_or_default();
            Owner::from_cgroup(path).as_ref() == Some(&who.owner)
        })
        .next_back();
    let own = own_words(scene, &who.owner);
    let suffers = who.missing || scene.failing_lately(who.chains);
    let sure = match (full, kernel.is_some() || own.is_some(), suffers) {
        (true, true, _) | (true, _, true) | (false, true, true) => Confidence::Confirmed,
        (true, false, false) => Confidence::Likely,
        _ => return None,
    };
    let words = count.filter(|_| full).map_or_else(
        || "was refused a new process or thread by its limit".to_owned(),
        |(now, max)| format!("has {now} of {max} processes and threads that it may have"),
    );
    let mut finding = (who.begin)(TASKS.cause, sure, format!("{} {words}", who.name))
        .check("which processes or threads are they? ps -eLf; a leak, or TasksMax= too low");
    if let (Some((now, max)), Some(track)) = (count, track) {
        let path = track.now.value.path.clone();
        finding =
            finding.with(format!("pids.current {now}, pids.max {max}"), Origin::Cgroup(path), None);
    }
    if let Some(line) = kernel {
        finding = finding.with(line.text.to_string(), Origin::KernelLog, Some(line.at));
    }
    finding = finding.with_some(own.map(Scene::quote));
    let newest = kernel.map(|f| f.at).max(own.map(|f| f.at));
    finding.current = full || newest.is_some_and(|at| still_current(scene, None, at));
    Some(finding.since(newest.or(scene.incident.first)))
}

/// The newest line in which the unit or container itself says that it got no new task.
fn own_words<'s>(scene: &'s Scene<'_>, owner: &Owner) -> Option<&'s LogFact> {
    match owner {
        Owner::Unit(name) => {
            let unit = scene.case.units.get(name)?;
            scene.facts_of_unit(unit, &[TASKS.cause]).filter(|f| f.gateway.is_none()).next_back()
        }
        Owner::Container(id) => {
            let container = scene.case.containers.get(id)?;
            scene.facts_of_container(container, &[TASKS.cause]).next_back()
        }
        Owner::Program(_) => None,
    }
}

fn judge_cpu(scene: &Scene<'_>) -> Vec<Finding> {
    all(scene).iter().filter_map(|who| cpu(scene, who)).collect()
}

fn cpu(scene: &Scene<'_>, who: &Who<'_>) -> Option<Finding> {
    let track = scene.case.cgroups.get(&who.owner)?;
    let (percent, words, seen_now) = throttled(track)?;
    if percent < HELD_BACK {
        return None;
    }
    // Being held back is no trouble while every answer comes in time.
    let ids =
        ["proxy-read-timeout", "sym-connect-timeout", "proxy-send-timeout", "response-truncated"];
    let late = who
        .chains
        .iter()
        .filter_map(|index| scene.chains.get(*index))
        .find_map(|chain| scene.facts_on(chain, &ids).next_back())?;
    let sure = if seen_now { Confidence::Confirmed } else { Confidence::Likely };
    let summary = format!("{} is held back by its limit of processor time: {words}", who.name);
    let path = track.now.value.path.clone();
    let mut finding = (who.begin)(CPU.cause, sure, summary)
        .with(format!("cpu.stat: {words}"), Origin::Cgroup(path), None)
        .since(Some(late.at))
        .check("is the limit (CPUQuota=, cpus) meant? does the application really need so much?");
    finding.current = still_current(scene, None, late.at);
    Some(finding)
}

/// How many percent of its periods a group was held back, and whether that was seen to happen
/// since this program looks; else it speaks of the whole life of the group.
fn throttled(track: &CgroupTrack) -> Option<(u64, String, bool)> {
    let (first, now) = (&track.first, &track.now.value);
    let (periods, held) = (now.cpu_periods?, now.throttled_periods?);
    let share = |held: u64, all: u64| held.saturating_mul(100).checked_div(all);
    let since = first
        .cpu_periods
        .zip(first.throttled_periods)
        .map(|(p, h)| (periods.saturating_sub(p), held.saturating_sub(h)))
        .filter(|(p, _)| *p >= PERIODS);
    if let Some((p, h)) = since {
        return Some((share(h, p)?, format!("in {h} of the last {p} periods"), true));
    }
    if periods < PERIODS {
        return None;
    }
    Some((share(held, periods)?, format!("in {held} of {periods} periods since it started"), false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{Host, name},
        observation::{CgroupSample, Seen, SourceId},
    };

    const AT: &str = "127.0.0.1:8000";
    const LATE: &str = "upstream timed out (110: Connection timed out) while reading response header from upstream";

    fn sample(change: impl FnOnce(&mut CgroupSample)) -> Seen {
        let mut sample = CgroupSample {
            owner: Owner::Unit(name("shop.service")),
            path: "/system.slice/shop.service".into(),
            memory: None,
            memory_max: None,
            oom_kills: None,
            pids: None,
            pids_max: None,
            throttled_periods: None,
            throttled_us: None,
            cpu_periods: None,
        };
        change(&mut sample);
        Seen::Cgroup(sample)
    }

    fn shop() -> Host {
        Host::passing_to(AT).serves("shop.service", AT, 100)
    }

    fn tasks(host: Host, pids: u64) -> Host {
        host.sees(
            SourceId::Cgroups,
            sample(|s| {
                s.pids = Some(pids);
                s.pids_max = Some(20);
            }),
        )
    }

    fn cpu(host: Host, held: u64, periods: u64) -> Host {
        host.sees(
            SourceId::Cgroups,
            sample(|s| {
                s.throttled_periods = Some(held);
                s.cpu_periods = Some(periods);
            }),
        )
    }

    #[test]
    fn a_full_group_of_tasks_behind_failing_requests_is_the_cause() {
        tasks(shop().closed(10, AT), 20).incident(
            "pids-limit",
            Confidence::Confirmed,
            r"shop\.service",
        );
        tasks(shop().closed(10, AT), 19).spares("pids-limit");
    }

    #[test]
    fn the_kernels_word_counts_for_the_group_that_it_names() {
        let line = "cgroup: fork rejected by pids controller in /system.slice/shop.service";
        let host = shop().closed(10, AT).line(Program::Kernel, Origin::KernelLog, 11, line);
        host.root("pids-limit");
        let other = "cgroup: fork rejected by pids controller in /system.slice/blog.service";
        shop()
            .closed(10, AT)
            .line(Program::Kernel, Origin::KernelLog, 11, other)
            .spares("pids-limit");
    }

    #[test]
    fn a_service_that_is_held_back_while_answers_are_late_is_throttled() {
        let host = cpu(cpu(shop().nginx(10, LATE, AT), 0, 100), 90, 200);
        let found = host.root("cpu-throttled");
        assert!(found.explains.contains(&"proxy-read-timeout"));
        host.incident("cpu-throttled", Confidence::Confirmed, r"shop\.service");
    }

    #[test]
    fn the_share_of_a_whole_life_is_only_likely() {
        let host = cpu(shop().nginx(10, LATE, AT), 150, 200);
        assert_eq!(host.root("cpu-throttled").confidence, Confidence::Likely);
    }

    #[test]
    fn late_answers_of_a_service_that_is_not_held_back_wait_for_something_else() {
        let host = cpu(cpu(shop().nginx(10, LATE, AT), 0, 100), 10, 200);
        host.spares("cpu-throttled");
        host.root("proxy-read-timeout");
    }

    #[test]
    fn a_limit_that_delays_nobody_is_no_trouble() {
        cpu(cpu(shop(), 0, 100), 90, 200).spares("cpu-throttled");
    }
}
