//! What else a reload would apply: files that changed after the gateway read its configuration.

use std::path::Path;

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    host::files::Root,
    observation::{GatewayConfig, GatewayId, Text, Wall},
    remedy::{Action, Check, ConfigTest, Guard},
};

use super::Ground;

const GUARD: Guard = Guard::Drift;
/// Files that are named; the others are counted.
const NAMED: usize = 5;

/// Looks at one action; the first one of a plan that concerns a gateway speaks for the others.
pub(super) async fn look(action: &Action, ground: Ground<'_>) -> Vec<Check> {
    let Some(id) = gateway_of(action, ground) else { return Vec::new() };
    let first = ground.plan.steps.iter().find(|step| {
        step.guards().contains(&GUARD) && gateway_of(step, ground).as_ref() == Some(&id)
    });
    if first.is_some_and(|first| first != action) {
        return Vec::new();
    }
    let gateway = ground.case.gateways.get(&id);
    let (Some(gateway), Some(config)) = (gateway, ground.case.configs.get(&id)) else {
        return Vec::new();
    };
    let Some(loaded) = gateway.loaded else { return Vec::new() };
    let root = Root::new(gateway.root.raw());
    let edited: Vec<Text> = ground.plan.steps.iter().filter_map(edited).collect();
    let (config, edited) = (config.clone(), edited);
    let newer = tokio::task::spawn_blocking(move || newer(&root, &config, loaded, &edited)).await;
    checks(&newer.unwrap_or_default())
}

fn edited(step: &Action) -> Option<Text> {
    match step {
        Action::EditFile(edit) => Some(edit.file.clone()),
        _ => None,
    }
}

fn gateway_of(action: &Action, ground: Ground<'_>) -> Option<GatewayId> {
    match action {
        Action::ReloadGateway { gateway, .. } => Some(gateway.clone()),
        Action::EditFile(edit) => match &edit.test {
            Some(ConfigTest::Nginx { gateway } | ConfigTest::Gateway { gateway }) => {
                Some(gateway.clone())
            }
            _ => None,
        },
        Action::ReloadUnit { unit } => {
            let own = ground.case.gateways.values().find(|g| g.unit.as_ref() == Some(unit));
            own.map(|gateway| gateway.id.clone())
        }
        _ => None,
    }
}

/// Files that changed, or that a link was laid to, after `loaded`, newest first. The time of the
/// last change of an inode counts: a copy keeps an old modification time.
fn newer(root: &Root, config: &GatewayConfig, loaded: Wall, edited: &[Text]) -> Vec<(Text, Wall)> {
    let mut all = Vec::new();
    for file in config.files.iter().filter(|file| !edited.contains(file)) {
        let path = Path::new(file.raw());
        let changed = [true, false].map(|follow| root.stat(path, follow).ok());
        let changed = changed.iter().flatten().map(|stat| {
            let micros = i64::try_from(stat.st_ctime_nsec).unwrap_or(0) / 1_000;
            Wall(stat.st_ctime.saturating_mul(1_000_000).saturating_add(micros))
        });
        if let Some(changed) = changed.max().filter(|changed| *changed > loaded) {
            all.push((file.clone(), changed));
        }
    }
    all.sort_by_key(|(file, changed)| (std::cmp::Reverse(*changed), file.clone()));
    all
}

fn checks(newer: &[(Text, Wall)]) -> Vec<Check> {
    if newer.is_empty() {
        return vec![Check::clear(GUARD, "nothing else on disk is newer than what is loaded")];
    }
    let zone = TimeZone::system();
    let named = newer.iter().take(NAMED).map(|(file, changed)| {
        let at = Timestamp::from_microsecond(changed.0).unwrap_or_default();
        let at = at.to_zoned(zone.clone()).strftime("%H:%M").to_string();
        format!("{file}, changed {at}")
    });
    let mut words = named.collect::<Vec<_>>().join("; ");
    if newer.len() > NAMED {
        words = format!("{words}; {} more", newer.len() - NAMED);
    }
    vec![Check::note(GUARD, format!("this reload will also apply: {words}"))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_somebody_else_changed_is_named_and_the_edited_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let text = |name: &str| Text::new(dir.path().join(name).to_str().unwrap());
        for name in ["a", "b"] {
            std::fs::write(dir.path().join(name), "x").unwrap();
        }
        let config = GatewayConfig {
            gateway: GatewayId(Text::new("nginx:x")),
            upstreams: Vec::new(),
            sites: Vec::new(),
            logs: Vec::new(),
            answers: Vec::new(),
            controls: Vec::new(),
            labels: None,
            loaded: None,
            problems: Vec::new(),
            files: vec![text("a"), text("b"), text("gone")],
            modified: None,
            unlogged: false,
        };
        let root = Root::default();
        let found = newer(&root, &config, Wall(0), &[text("a")]);
        assert_eq!(found.iter().map(|(file, _)| file.clone()).collect::<Vec<_>>(), [text("b")]);
        assert!(checks(&found)[0].words.starts_with("this reload will also apply: /"));
        assert!(newer(&root, &config, Wall(i64::MAX), &[]).is_empty());
    }
}
