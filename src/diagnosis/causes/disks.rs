//! No room to write: a full file system, one without inodes, or one that became read-only.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, FindingSubject, Scene},
    evidence::LogFact,
    observation::{DiskSample, Gateway, Origin, Program, SourceId, Text},
};

use super::{
    by_signature::fails_with,
    by_upstream_line::still_current,
    rule::{Rule, about_container, about_unit},
};

pub(super) const PROXY_TEMP: Rule = Rule { cause: "disk-full-proxy-temp", judge: judge_temp };
pub(super) const INODES: Rule = Rule { cause: "inodes-exhausted", judge: judge_inodes };
pub(super) const APP: Rule = Rule { cause: "disk-full-app", judge: judge_app };
pub(super) const READ_ONLY: Rule = Rule { cause: "disk-readonly", judge: judge_read_only };

/// A file system with less than this part (1/n) left is as good as full.
const LEFT: u64 = 400;

fn has_no_blocks(disk: &DiskSample) -> bool {
    disk.available.saturating_mul(LEFT) < disk.total
}

/// A file system without a fixed number of inodes reports none at all.
const fn has_no_inodes(disk: &DiskSample) -> bool {
    disk.inodes > 0 && disk.inodes_free.saturating_mul(10_000) < disk.inodes
}

/// The file system that holds a path of our own mount namespace.
fn disk_of<'a>(scene: &Scene<'a>, path: &str) -> Option<&'a DiskSample> {
    let holds = |disk: &&DiskSample| {
        let mount = disk.mount.raw().trim_end_matches('/');
        path.strip_prefix(mount).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let disks = scene.case.disks.values().map(|dated| &dated.value);
    disks.filter(holds).max_by_key(|disk| disk.mount.raw().len())
}

/// The file that a gateway's line names, and the file system that it lies on.
fn at<'a>(
    scene: &Scene<'a>,
    gateway: &Gateway,
    fact: &LogFact,
) -> (Option<Text>, Option<&'a DiskSample>) {
    let file = fact.captures.get("file").cloned();
    // Paths of another mount namespace are not ours to look up.
    let here = gateway.root.is_empty() && gateway.container.is_none();
    let disk = file.as_ref().filter(|_| here).and_then(|file| disk_of(scene, file.raw()));
    (file, disk)
}

/// What a file system has left, as evidence.
fn state(disk: &DiskSample) -> Evidence {
    let what = format!(
        "{} has {} MiB of {} MiB and {} of {} inodes free{}",
        disk.mount,
        disk.available >> 20,
        disk.total >> 20,
        disk.inodes_free,
        disk.inodes,
        if disk.read_only { ", and is read-only" } else { "" }
    );
    Evidence { what, origin: Origin::Path(disk.mount.clone()), at: None }
}

/// Lines of one kind that a gateway wrote itself.
fn own_lines<'s>(
    scene: &'s Scene<'_>,
    gateway: &'s Gateway,
    ids: &'s [&'s str],
) -> Vec<&'s LogFact> {
    scene.facts(ids).filter(|fact| fact.gateway.as_ref() == Some(&gateway.id)).collect()
}

/// A gateway, and the upstreams that lines of it name.
fn subject(scene: &Scene<'_>, gateway: &Gateway, lines: &[&LogFact]) -> FindingSubject {
    let named = |index: &usize| {
        scene.chains.get(*index).is_some_and(|chain| {
            chain.gateway.id == gateway.id
                && lines.iter().any(|f| f.address.as_ref().is_some_and(|a| chain.has_address(a)))
        })
    };
    let chains: Vec<usize> = (0..scene.chains.len()).filter(named).collect();
    let mut subject = scene.subject(&chains);
    subject.gateway = Some(gateway.id.clone());
    subject
}

fn judge_temp(scene: &Scene<'_>) -> Vec<Finding> {
    let of = |gateway: &Gateway| {
        let lines = own_lines(scene, gateway, &[PROXY_TEMP.cause]);
        let (first, last) = (lines.first()?, lines.last()?);
        let (file, disk) = at(scene, gateway, last);
        if disk.is_some_and(|disk| has_no_inodes(disk) && !has_no_blocks(disk)) {
            return None;
        }
        let summary = format!(
            "{} has no room for its temporary files: uploads get 500 and large answers are cut \
             ({} times)",
            gateway.kind.as_str(),
            lines.len()
        );
        let mut finding = Finding::new(PROXY_TEMP.cause, Confidence::Confirmed, summary)
            .about(subject(scene, gateway, &lines))
            .with_some(Some(Scene::quote(last)))
            .since(Some(first.at))
            .check("df -h on that path; what grew there?");
        finding.evidence.extend(disk.map(state));
        finding.subject.path = disk.map(|d| d.mount.clone()).or(file);
        let full = disk.is_some_and(has_no_blocks);
        finding.current = full || still_current(scene, gateway.loaded, last.at);
        Some(finding)
    };
    scene.gateways().filter_map(of).collect()
}

fn judge_inodes(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let bare = |disk: &&DiskSample| has_no_inodes(disk) && !has_no_blocks(disk);
    for disk in scene.case.disks.values().map(|dated| &dated.value).filter(bare) {
        let own = scene.gateways().find_map(|gateway| {
            let lines = own_lines(scene, gateway, &[PROXY_TEMP.cause]);
            let here = |fact: &&&LogFact| at(scene, gateway, fact).1 == Some(disk);
            let lines: Vec<&LogFact> = lines.iter().filter(here).copied().collect();
            let line = *lines.last()?;
            Some((subject(scene, gateway, &lines), line))
        });
        let (subject, line, sure) = match own {
            Some((subject, line)) => (subject, Some(line), Confidence::Confirmed),
            None => {
                let Some((chains, line)) = app_line(scene, APP.cause) else { continue };
                (scene.subject(&chains), Some(line), Confidence::Confirmed)
            }
        };
        let summary =
            format!("{} has room but no free inode: no new file can be made there", disk.mount);
        let mut finding = Finding::new(INODES.cause, sure, summary)
            .about(subject)
            .with_some(line.map(Scene::quote))
            .since(line.map(|f| f.at))
            .check("which folder holds the many small files? du --inodes -xS / | sort -n | tail");
        finding.evidence.push(state(disk));
        finding.subject.path = Some(disk.mount.clone());
        found.push(finding);
    }
    found
}

/// The newest line of what stands behind an upstream whose requests fail, with its chains.
fn app_line<'s>(scene: &'s Scene<'_>, cause: &'static str) -> Option<(Vec<usize>, &'s LogFact)> {
    let ids: &[&str] = if cause == APP.cause { &["disk-full-app"] } else { &["disk-readonly"] };
    let suffers = |missing: bool, chains: &[usize]| missing || scene.failing_lately(chains);
    let units = scene.units().iter().filter(|b| suffers(b.missing, &b.chains));
    let own = units
        .filter_map(|b| Some((b.chains.clone(), scene.facts_of_unit(b.who, ids).next_back()?)));
    let containers = scene.containers().iter().filter(|b| suffers(b.missing, &b.chains));
    let theirs = containers.filter_map(|b| {
        Some((b.chains.clone(), scene.facts_of_container(b.who, ids).next_back()?))
    });
    own.chain(theirs).max_by_key(|(_, fact)| fact.at)
}

/// A file system without room on which services of this host usually write.
fn full_disk<'a>(scene: &Scene<'a>) -> Option<&'a DiskSample> {
    let disks = scene.case.disks.values().map(|dated| &dated.value);
    disks.filter(|disk| has_no_blocks(disk) && !disk.read_only).max_by_key(|disk| disk.total)
}

fn judge_app(scene: &Scene<'_>) -> Vec<Finding> {
    let disk = full_disk(scene);
    let bare =
        scene.case.disks.values().any(|d| has_no_inodes(&d.value) && !has_no_blocks(&d.value));
    by_words(scene, APP.cause, |name, n| {
        // Without a full disk now the words alone are still the application's own.
        format!("{name} cannot write: no space is left on its file system ({n} times)")
    })
    .into_iter()
    .filter(|_| disk.is_some() || !bare)
    .map(|mut finding| {
        // The message may name a path; in a container it is none of ours.
        let told = finding.evidence.last().filter(|_| finding.subject.container.is_none());
        let named = told.and_then(|line| disk_of(scene, path_in(&line.what)?));
        let disk = named.map_or(disk, |own| has_no_blocks(own).then_some(own));
        finding.subject.path = disk.map(|d| d.mount.clone());
        finding.evidence.extend(disk.map(state));
        if disk.is_none() && !scene.blind(SourceId::Disks) && !scene.case.disks.is_empty() {
            let what = match named {
                Some(own) => format!("{} is not full now", own.mount),
                None => "no file system of this host is full now".to_owned(),
            };
            let origin = Origin::Path("/".into());
            finding.against.push(Evidence { what, origin, at: None });
            finding.confidence = finding.confidence.min(Confidence::Likely);
        }
        finding.current |= disk.is_some();
        finding.check("df -h; what grew? logs, uploads, core files, container images")
    })
    .collect()
}

/// The first absolute path in a message.
fn path_in(text: &str) -> Option<&str> {
    let parts = text.split(['\'', '"', ' ', '(', ')', ',', ';']);
    parts
        .map(|part| part.trim_end_matches(':'))
        .find(|part| part.len() > 1 && part.starts_with('/'))
}

fn judge_read_only(scene: &Scene<'_>) -> Vec<Finding> {
    let kernel = scene
        .facts(&[READ_ONLY.cause])
        .filter(|f| f.program == Program::Kernel && f.text.raw().contains("ead-only"))
        .next_back();
    let mut found = by_words(scene, READ_ONLY.cause, |name, n| {
        format!("{name} cannot write: its file system is read-only ({n} times)")
    });
    for gateway in scene.gateways() {
        let lines = own_lines(scene, gateway, &[READ_ONLY.cause]);
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { continue };
        let (file, disk) = at(scene, gateway, last);
        let summary = format!(
            "{} cannot write its temporary files: their file system is read-only ({} times)",
            gateway.kind.as_str(),
            lines.len()
        );
        let mut finding = Finding::new(READ_ONLY.cause, Confidence::Confirmed, summary)
            .about(subject(scene, gateway, &lines))
            .with_some(Some(Scene::quote(last)))
            .since(Some(first.at));
        finding.evidence.extend(disk.map(state));
        finding.subject.path = disk.map(|d| d.mount.clone()).or(file);
        finding.current =
            disk.is_some_and(|d| d.read_only) || still_current(scene, gateway.loaded, last.at);
        found.push(finding);
    }
    for finding in &mut found {
        finding.evidence.extend(kernel.map(|line| Evidence {
            what: line.text.to_string(),
            origin: Origin::KernelLog,
            at: Some(line.at),
        }));
        finding.next_check = Some(
            "why did it become read-only? journalctl -k -g 'I/O error|EXT4-fs|XFS': a failing disk"
                .to_owned(),
        );
    }
    found
}

/// One finding for each unit or container behind an upstream that says so itself while requests to
/// it fail.
fn by_words(
    scene: &Scene<'_>,
    cause: &'static str,
    words: impl Fn(&str, usize) -> String,
) -> Vec<Finding> {
    let ids: &[&str] = if cause == APP.cause { &["disk-full-app"] } else { &["disk-readonly"] };
    let mut found = Vec::new();
    let judge = |missing: bool, chains: &[usize], lines: &[&LogFact]| {
        if lines.is_empty() || !(missing || scene.failing_lately(chains)) {
            return None;
        }
        let told = lines.iter().any(|f| f.gateway.is_some() || fails_with(scene, chains, f.at));
        Some(if missing || told { Confidence::Confirmed } else { Confidence::Likely })
    };
    let told = |chains: &[usize]| -> Vec<&LogFact> {
        let chains = chains.iter().filter_map(|i| scene.chains.get(*i));
        chains.flat_map(|chain| scene.facts_on(chain, ids)).collect()
    };
    for backing in scene.units() {
        let mut lines: Vec<&LogFact> = scene.facts_of_unit(backing.who, ids).collect();
        lines.extend(told(&backing.chains));
        let Some(sure) = judge(backing.missing, &backing.chains, &lines) else { continue };
        let summary = words(&backing.who.name.to_string(), lines.len());
        let finding = about_unit(scene, backing, cause, sure, summary);
        found.push(with_lines(scene, finding, &lines, backing.missing));
    }
    for backing in scene.containers() {
        let mut lines: Vec<&LogFact> = scene.facts_of_container(backing.who, ids).collect();
        lines.extend(told(&backing.chains));
        let Some(sure) = judge(backing.missing, &backing.chains, &lines) else { continue };
        let summary = words(&format!("container {}", backing.who.name), lines.len());
        let finding = about_container(scene, backing, cause, sure, summary);
        found.push(with_lines(scene, finding, &lines, backing.missing));
    }
    found
}

fn with_lines(
    scene: &Scene<'_>,
    mut finding: Finding,
    lines: &[&LogFact],
    missing: bool,
) -> Finding {
    if let (Some(first), Some(last)) = (lines.first(), lines.last()) {
        finding = finding.with_some(Some(Scene::quote(last))).since(Some(first.at));
        finding.current = missing || still_current(scene, None, last.at);
    }
    finding
}

#[cfg(test)]
#[path = "disks_tests.rs"]
mod tests;
