//! The units that are known, and what has to be published when they change; pure.

use std::collections::{BTreeMap, BTreeSet};

use super::convert;
use crate::{
    host::systemd::Properties,
    observation::{
        Address, Claim, ClaimKind, LogTarget, Origin, Seen, Unit, UnitExit, UnitLoad, UnitName,
    },
    source::claims::{Declaration, Found, Wanted},
};

struct Entry {
    unit: Unit,
    declaration: Declaration,
    unreadable: BTreeMap<String, String>,
    /// Claims of its log, `None` until the log was asked.
    announced: Option<Vec<Claim>>,
    /// Not loaded: known only from its file.
    on_disk: bool,
    published: Option<Unit>,
}

/// Known units.
#[derive(Default)]
pub(super) struct Table {
    entries: BTreeMap<UnitName, Entry>,
    gone: BTreeSet<UnitName>,
    logs: BTreeSet<LogTarget>,
    logs_published: BTreeSet<LogTarget>,
}

impl Table {
    /// Takes in what systemd says about a unit; its claims stay until they are found again.
    /// A unit without a file is forgotten, unless it still runs or was asked for by name: others
    /// only mention it.
    pub(super) fn take_in(
        &mut self,
        properties: &Properties,
        on_disk: bool,
        named: bool,
    ) -> Option<UnitName> {
        let mut unit = convert::unit(properties)?;
        let name = unit.name.clone();
        if unit.load == UnitLoad::NotFound && !unit.is_up() && !named {
            self.forget(&name);
            return None;
        }
        let declaration = convert::declaration(&name, properties);
        self.gone.remove(&name);
        let old = self.entries.remove(&name);
        let (mut published, mut unreadable, mut announced) = (None, BTreeMap::new(), None);
        if let Some(old) = old {
            if on_disk {
                remember(&mut unit, &old.unit);
            }
            unit.claims = old.unit.claims;
            unit.pools = old.unit.pools;
            published = old.published;
            unreadable = old.unreadable;
            announced = old.announced;
        }
        let entry = Entry { unit, declaration, unreadable, announced, on_disk, published };
        self.entries.insert(name.clone(), entry);
        Some(name)
    }

    /// Forgets a unit.
    pub(super) fn forget(&mut self, name: &UnitName) {
        if self.entries.remove(name).is_some_and(|entry| entry.published.is_some()) {
            self.gone.insert(name.clone());
        }
    }

    /// Names of all, with whether each is known only from its file.
    pub(super) fn names(&self) -> Vec<(UnitName, bool)> {
        self.entries.iter().map(|(name, entry)| (name.clone(), entry.on_disk)).collect()
    }

    /// Whether a unit is known, and then whether only from its file.
    pub(super) fn on_disk(&self, name: &UnitName) -> Option<bool> {
        self.entries.get(name).map(|entry| entry.on_disk)
    }

    /// Whether a unit says that it serves an address that a gateway asks for.
    pub(super) fn is_wanted(&self, name: &UnitName, wanted: &Wanted) -> bool {
        let claims = self.entries.get(name).map(|entry| entry.unit.claims.as_slice());
        claims.unwrap_or_default().iter().any(|claim| wanted.has(&claim.address))
    }

    /// What the units declare: those that do not run come first, because one of them is most
    /// likely missed.
    pub(super) fn declarations(&self) -> Vec<Declaration> {
        let mut all: Vec<&Entry> = self.entries.values().collect();
        all.sort_by_key(|entry| entry.unit.is_up());
        all.into_iter().map(|entry| entry.declaration.clone()).collect()
    }

    /// What one unit declares.
    pub(super) fn declaration(&self, name: &UnitName) -> Option<Declaration> {
        self.entries.get(name).map(|entry| entry.declaration.clone())
    }

    /// Takes in what a survey found about a unit.
    pub(super) fn found(&mut self, name: &UnitName, found: Found) {
        if let Some(entry) = self.entries.get_mut(name) {
            let mut claims = entry.announced.clone().unwrap_or_default();
            claims.extend(found.claims);
            entry.unit.claims = claims;
            entry.unit.pools = found.pools;
            entry.unreadable = found.unreadable;
            self.logs.extend(found.logs);
        }
    }

    /// Services that have run, do not run now and say nothing of what is wanted, while somebody
    /// should serve it: their logs may tell. Each is named once.
    pub(super) fn silent(&mut self, wanted: &Wanted, limit: usize) -> BTreeSet<UnitName> {
        let claims = || self.entries.values().flat_map(|entry| &entry.unit.claims);
        let ports = wanted.ports.iter().all(|p| claims().any(|c| c.address.port() == Some(*p)));
        let paths = wanted.paths.iter().all(|path| {
            let one = Wanted { paths: [path.clone()].into(), ..Wanted::default() };
            claims().any(|claim| one.has(&claim.address))
        });
        let mut silent = BTreeSet::new();
        for (name, entry) in &mut self.entries {
            let unit = &entry.unit;
            let ran = unit.exec_start.is_some() && !unit.is_up() && unit.kind.raw() != "oneshot"
                || unit.load == UnitLoad::Masked;
            let says = unit.claims.iter().any(|claim| wanted.has(&claim.address));
            let full = silent.len() >= limit || (ports && paths);
            if !full && ran && !says && entry.announced.is_none() && name.is_service() {
                entry.announced = Some(Vec::new());
                silent.insert(name.clone());
            }
        }
        silent
    }

    /// Takes in the address that a unit's log announced.
    pub(super) fn announced(&mut self, name: &UnitName, address: Address) {
        if let Some(entry) = self.entries.get_mut(name) {
            let origin = Origin::Journal(name.clone());
            let claim = Claim { address, kind: ClaimKind::Log, origin };
            entry.announced = Some(vec![claim.clone()]);
            entry.unit.claims.insert(0, claim);
        }
    }

    /// Files that would tell more about the units and cannot be read.
    pub(super) fn unreadable(&self) -> impl Iterator<Item = (&String, &String)> {
        self.entries.values().flat_map(|entry| &entry.unreadable)
    }

    /// What is new since this was last asked.
    pub(super) fn news(&mut self) -> Vec<Seen> {
        let mut news: Vec<Seen> =
            std::mem::take(&mut self.gone).into_iter().map(Seen::UnitGone).collect();
        for entry in self.entries.values_mut() {
            if entry.published.as_ref() != Some(&entry.unit) {
                entry.published = Some(entry.unit.clone());
                news.push(Seen::Unit(Box::new(entry.unit.clone())));
            }
        }
        for log in &self.logs {
            if self.logs_published.insert(log.clone()) {
                news.push(Seen::LogFound(log.clone()));
            }
        }
        news
    }
}

/// systemd forgets how an unloaded unit ended; what was seen of it before stays true.
fn remember(unit: &mut Unit, old: &Unit) {
    if unit.is_up() {
        return;
    }
    if unit.exit == UnitExit::None {
        unit.exit = old.exit;
    }
    unit.active_enter = unit.active_enter.or(old.active_enter);
    unit.active_exit = unit.active_exit.or(old.active_exit);
    unit.inactive_enter = unit.inactive_enter.or(old.inactive_enter);
    unit.exec_start = unit.exec_start.or(old.exec_start);
    unit.exec_exit = unit.exec_exit.or(old.exec_exit);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{host::systemd::Value, observation::Wall};

    fn properties(load: &str, pairs: &[(&str, i128)]) -> Properties {
        let text = |t: &str| Value::Text(t.to_owned());
        let mut all: Properties =
            pairs.iter().map(|(key, number)| ((*key).to_owned(), Value::Number(*number))).collect();
        all.insert("Id".to_owned(), text("app.service"));
        all.insert("LoadState".to_owned(), text(load));
        all
    }

    #[test]
    fn a_unit_is_published_when_it_changes_and_only_then() {
        let mut table = Table::default();
        let name = table.take_in(&properties("loaded", &[("MainPID", 7)]), false, false).unwrap();
        assert_eq!(table.news().len(), 1);
        table.take_in(&properties("loaded", &[("MainPID", 7)]), false, false);
        assert!(table.news().is_empty());
        table.take_in(&properties("loaded", &[("MainPID", 8)]), false, false);
        assert_eq!(table.news().len(), 1);
        table.forget(&name);
        assert_eq!(table.news(), [Seen::UnitGone(name)]);
        assert!(table.news().is_empty());
    }

    #[test]
    fn a_stopped_unit_that_systemd_forgot_keeps_its_claims_and_its_end() {
        let mut table = Table::default();
        let ended = [("ExecMainCode", 1), ("ExecMainStatus", 3), ("InactiveEnterTimestamp", 9)];
        let name = table.take_in(&properties("loaded", &ended), false, false).unwrap();
        let address = Address::parse("127.0.0.1:80", 80).unwrap();
        let origin = Origin::Systemd(name.clone());
        let claim = Claim { address, kind: ClaimKind::Command, origin };
        let found = Found { claims: vec![claim], ..Found::default() };
        table.found(&name, found);
        table.take_in(&properties("loaded", &[]), true, false);
        let Some(Seen::Unit(unit)) = table.news().pop() else { panic!("not published") };
        assert_eq!((unit.exit, unit.inactive_enter), (UnitExit::Exited(3), Some(Wall(9))));
        assert_eq!(unit.claims.len(), 1);
        let wanted = Wanted { ports: [80].into(), ..Wanted::default() };
        assert!(table.is_wanted(&name, &wanted));
        assert!(table.silent(&wanted, 9).is_empty());
        assert_eq!(table.take_in(&properties("not-found", &[]), true, false), None);
        assert_eq!(table.news(), [Seen::UnitGone(name)]);
    }

    #[test]
    fn the_log_of_a_stopped_unit_is_asked_once_when_nobody_claims_an_address() {
        let mut table = Table::default();
        let ran = [("ExecMainStartTimestamp", 9)];
        let name = table.take_in(&properties("loaded", &ran), false, false).unwrap();
        let wanted = Wanted { ports: [80].into(), ..Wanted::default() };
        assert!(table.silent(&Wanted::default(), 9).is_empty());
        assert_eq!(table.silent(&wanted, 9), [name.clone()].into());
        assert!(table.silent(&wanted, 9).is_empty());
        table.announced(&name, Address::parse("127.0.0.1:80", 80).unwrap());
        table.found(&name, Found::default());
        assert!(table.is_wanted(&name, &wanted));
    }
}
