//! Who is kept alive by whom: the units, containers and programs that requests go through.

use crate::{
    diagnosis::{FindingSubject, Scene},
    observation::{Container, ManagedProgram, Manager, Origin, SourceId, Unit},
    remedy::spoken,
};

/// Of each kind so many are judged.
const MOST: usize = 12;

/// Somebody that requests go through, and who keeps it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kept<'a> {
    /// systemd keeps a unit.
    Unit(&'a Unit),
    /// An engine keeps a container.
    Container(&'a Container),
    /// Another manager keeps a program.
    Program(&'a Manager, &'a ManagedProgram),
}

impl Kept<'_> {
    /// Its name.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Unit(unit) => unit.name.to_string(),
            Self::Container(container) => format!("container {}", container.name),
            Self::Program(_, program) => program.id.to_string(),
        }
    }

    /// Where its settings were read.
    pub(super) fn origin(&self) -> Option<Origin> {
        Some(match self {
            Self::Unit(unit) => Origin::Systemd(unit.name.clone()),
            Self::Container(container) => Origin::Docker(container.id.clone()),
            Self::Program(_, program) => Origin::Manager(program.id.clone()),
        })
    }

    /// Whether a finding speaks of it.
    pub(super) fn is_blamed(&self, subject: &FindingSubject) -> bool {
        match self {
            Self::Unit(unit) => subject.unit.as_ref() == Some(&unit.name),
            Self::Container(one) => subject.container.as_ref().is_some_and(|(id, _)| *id == one.id),
            Self::Program(_, program) => subject.program.as_ref() == Some(&program.id),
        }
    }
}

/// Everybody behind the gateways and the gateways themselves, those first that a finding speaks of.
pub(super) fn kept<'a>(scene: &Scene<'a>, blamed: Option<&FindingSubject>) -> Vec<Kept<'a>> {
    let case = scene.case;
    let own = case.gateways.values();
    let mut units: Vec<&Unit> = scene.units().iter().map(|backing| backing.who).collect();
    units.extend(own.clone().filter_map(|gateway| case.units.get(gateway.unit.as_ref()?)));
    units.extend(blamed.and_then(|subject| case.units.get(subject.unit.as_ref()?)));
    units.retain(|unit| unit.name.is_service());
    units.sort_by(|a, b| a.name.cmp(&b.name));
    units.dedup_by(|a, b| a.name == b.name);
    let mut containers: Vec<&Container> =
        scene.containers().iter().map(|backing| backing.who).collect();
    containers.extend(own.filter_map(|gateway| case.containers.get(gateway.container.as_ref()?)));
    containers.sort_by(|a, b| a.id.cmp(&b.id));
    containers.dedup_by(|a, b| a.id == b.id);
    let programs = scene.programs().iter().filter_map(|backing| case.program(&backing.who.id));
    let mut groups: [Vec<Kept<'a>>; 3] = [
        units.into_iter().map(Kept::Unit).collect(),
        containers.into_iter().map(Kept::Container).collect(),
        programs.map(|(manager, program)| Kept::Program(manager, program)).collect(),
    ];
    let mut all = Vec::new();
    for group in &mut groups {
        // Stable: names stay in their order.
        group.sort_by_key(|one| !blamed.is_some_and(|subject| one.is_blamed(subject)));
        group.truncate(MOST);
        all.append(group);
    }
    all.sort_by_key(|one| !blamed.is_some_and(|subject| one.is_blamed(subject)));
    all
}

/// Why nobody is known, in a sentence fragment.
pub(super) fn nobody(scene: &Scene<'_>) -> String {
    let blind: Vec<&str> = [SourceId::Units, SourceId::Docker, SourceId::Managers]
        .into_iter()
        .filter(|source| scene.case.is_blind(*source))
        .map(SourceId::as_str)
        .collect();
    if blind.is_empty() {
        "no unit, container or managed program of this host is known to stand behind it".to_owned()
    } else {
        format!("{} out of sight", blind.join(" and "))
    }
}

/// A command as it is typed.
pub(super) fn typed(words: &[&str]) -> String {
    spoken(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
}
