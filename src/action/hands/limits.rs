//! Limits of a unit, by a drop-in of our own that is last in order, and proven by what systemd then
//! says is in force.

use std::path::Path;

use crate::{
    action::{Failure, Tools},
    host::{
        drop_in::{DropIn, SYSTEM},
        unit_facts::UnitFacts,
    },
    observation::{Text, UnitName},
    remedy::{Action, Digest, UnitSetting},
};

use super::{
    Done, Undo,
    units::{Hand, unfit},
    words,
};

pub(super) async fn set(
    unit: &UnitName,
    settings: &[UnitSetting],
    action: &Action,
    tools: &Tools,
) -> Result<Done, Failure> {
    let hand = Hand::on(unit, words::by_hand(action), tools).await?;
    let facts = hand.facts().await?;
    if let Some(why) = unfit(unit, &facts) {
        return Err(Failure::Refused(why));
    }
    if let Some(why) = narrower(unit, settings, &facts, &hand).await {
        return Err(Failure::Refused(why));
    }
    let io = |error: &std::io::Error| {
        words::from_io(error, &format!("{SYSTEM}/{unit}.d"), &words::by_hand(action))
    };
    let drop_in = DropIn::of(Path::new(SYSTEM), unit, true).map_err(|e| io(&e))?;
    let before = drop_in.read().map_err(|e| io(&e))?;
    let text = UnitSetting::drop_in(settings, before.as_deref());
    if before.as_deref() == Some(text.as_str()) && unmet(settings, &facts).is_none() {
        return Ok(Done { words: format!("{unit} has this setting already"), undo: None });
    }
    drop_in.write(&text).map_err(|e| io(&e))?;
    let undo = Undo::RestoreDropIn {
        unit: unit.clone(),
        path: Text::new(drop_in.path().to_string_lossy()),
        before: before.clone(),
        written: Digest::of(text.as_bytes()),
    };
    // From here on everything that goes wrong first puts back what stood there.
    let loaded = async {
        hand.manager().reload().await.map_err(|e| hand.failure(&e))?;
        let now = hand.facts().await?;
        match unmet(settings, &now) {
            None => Ok(()),
            Some(line) => Err(Failure::Refused(format!(
                "{line} is not in force for {unit} although it was written: {}",
                later(&now, drop_in.path())
            ))),
        }
    };
    if let Err(failure) = loaded.await {
        let restored = match &before {
            Some(text) => drop_in.write(text),
            None => drop_in.remove(),
        };
        let reloaded = hand.manager().reload().await;
        return Err(match (restored, reloaded) {
            (Ok(()), Ok(())) => failure,
            (Ok(()), Err(_)) => Failure::Human(format!(
                "{failure}; the drop-in has been taken back, systemd has still to read it: sudo \
                 systemctl daemon-reload"
            )),
            (Err(error), _) => Failure::Human(format!(
                "{failure}; and {} could not be taken back ({error})",
                drop_in.path().display()
            )),
        });
    }
    let lines: Vec<String> = settings.iter().map(UnitSetting::line).collect();
    let words = format!("{} holds {}", drop_in.path().display(), lines.join(", "));
    Ok(Done { words, undo: Some(undo) })
}

/// The first setting that is not in force, as its line.
fn unmet(settings: &[UnitSetting], facts: &UnitFacts) -> Option<String> {
    let met = |setting: &&UnitSetting| match setting {
        UnitSetting::MemoryMax(bytes) => {
            // systemd rounds to pages.
            facts.memory_max.is_some_and(|max| max.abs_diff(*bytes) < 1 << 16)
                && facts.memory_limit.is_none_or(|old| old >= *bytes)
        }
        UnitSetting::LimitNofile(n) => facts.limit_nofile == Some(*n),
        UnitSetting::TasksMax(n) => facts.tasks_max == Some(*n),
        UnitSetting::RestartOnFailure => facts.restart == "on-failure",
        UnitSetting::RestartSec(secs) => facts.restart_us == Some(u64::from(*secs) * 1_000_000),
    };
    settings.iter().find(|setting| !met(setting)).map(UnitSetting::line)
}

/// Who speaks after our drop-in, as far as it can be told.
fn later(facts: &UnitFacts, ours: &Path) -> String {
    let place = facts.drop_ins.iter().position(|path| Path::new(path.raw()) == ours);
    let after = place.and_then(|at| facts.drop_ins.get(at + 1..)).unwrap_or_default();
    match after.first() {
        Some(path) => format!("{path} is read later and says something else"),
        None => "systemd rounds it, or does not know it".to_owned(),
    }
}

/// A limit around the new one that makes it worthless.
async fn narrower(
    unit: &UnitName,
    settings: &[UnitSetting],
    facts: &UnitFacts,
    hand: &Hand<'_>,
) -> Option<String> {
    let bytes = settings.iter().find_map(|setting| match setting {
        UnitSetting::MemoryMax(bytes) => Some(*bytes),
        _ => None,
    })?;
    if let Some(high) = facts.memory_high.filter(|high| *high < bytes) {
        return Some(format!(
            "{unit} has MemoryHigh={high}: above it the kernel slows it down, whatever MemoryMax= \
             is; raise that first"
        ));
    }
    let mut slice = UnitName::new(facts.slice.as_str()).ok()?;
    // Slices nest by name: a-b.slice lies in a.slice (systemd.slice(5)).
    for _ in 0..8 {
        let seen = UnitFacts::ask(hand.manager().read(), &slice).await.ok()?;
        let max = [seen.memory_max, seen.memory_limit, seen.memory_high];
        if let Some(max) = max.into_iter().flatten().min().filter(|max| *max < bytes) {
            return Some(format!(
                "{slice}, in which {unit} runs, is limited to {} MiB in all: a higher limit of the \
                 unit alone will not help",
                max >> 20
            ));
        }
        slice = UnitName::new(seen.slice).ok()?;
    }
    None
}

/// Puts back what stood where our drop-in is; refused when somebody changed it since.
pub(super) async fn restore(
    unit: &UnitName,
    before: Option<&str>,
    written: Digest,
    tools: &Tools,
) -> Result<String, Failure> {
    let hand = Hand::on(unit, format!("sudo systemctl edit {unit}"), tools).await?;
    let io = |error: &std::io::Error| {
        words::from_io(
            error,
            &format!("{SYSTEM}/{unit}.d"),
            &format!("sudo rm -r {SYSTEM}/{unit}.d"),
        )
    };
    let drop_in = match DropIn::of(Path::new(SYSTEM), unit, before.is_some()) {
        Ok(drop_in) => drop_in,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok("the drop-in is gone already".to_owned());
        }
        Err(error) => return Err(io(&error)),
    };
    let now = drop_in.read().map_err(|e| io(&e))?;
    match (&now, before) {
        (Some(text), _) if Digest::of(text.as_bytes()) != written => {
            return Err(Failure::Changed(format!(
                "{} was changed by somebody else since: it is left as it is",
                drop_in.path().display()
            )));
        }
        (_, Some(old)) => drop_in.write(old).map_err(|e| io(&e))?,
        (Some(_), None) => drop_in.remove().map_err(|e| io(&e))?,
        (None, None) => {}
    }
    hand.manager().reload().await.map_err(|e| hand.failure(&e))?;
    Ok(format!("the old limits of {unit} are in force again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_counts_only_when_systemd_says_that_it_is_in_force() {
        let asked = [UnitSetting::MemoryMax(256 << 20), UnitSetting::RestartSec(5)];
        let mut facts = UnitFacts { memory_max: Some(256 << 20), ..UnitFacts::default() };
        assert_eq!(unmet(&asked, &facts).as_deref(), Some("RestartSec=5s"));
        facts.restart_us = Some(5_000_000);
        assert_eq!(unmet(&asked, &facts), None);
        // On cgroup v1 the older setting is the one that counts.
        facts.memory_limit = Some(64 << 20);
        assert_eq!(unmet(&asked, &facts).as_deref(), Some("MemoryMax=256M"));
    }

    #[test]
    fn the_drop_in_that_overrules_ours_is_named() {
        let facts = UnitFacts {
            drop_ins: ["/a.d/50-x.conf", "/a.d/zz-gatemedic.conf", "/a.d/zzz.conf"]
                .map(Text::new)
                .to_vec(),
            ..UnitFacts::default()
        };
        assert!(later(&facts, Path::new("/a.d/zz-gatemedic.conf")).starts_with("/a.d/zzz.conf"));
    }
}
