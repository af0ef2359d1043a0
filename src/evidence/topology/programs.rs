//! Programs that other managers than systemd keep: who holds a socket, and who should.

use std::collections::{BTreeSet, HashMap};

use crate::{
    evidence::CaseFile,
    observation::{Address, Claim, Listener, ManagedProgram, Manager, ManagerKind, Unit, UnitName},
};

use super::{candidates::claim_matches, index::Spot};

/// A program with its manager and those of its claims that may be of one address.
type Claims<'a> = (&'a Manager, &'a ManagedProgram, Vec<&'a Claim>);

/// The lookups of one case.
#[derive(Debug, Default)]
pub(super) struct Programs<'a> {
    by_pid: HashMap<u32, &'a ManagedProgram>,
    managers: HashMap<u32, &'a Manager>,
    claims: HashMap<Spot, Vec<Claims<'a>>>,
    keepers: BTreeSet<&'a UnitName>,
}

/// Who is missed at an address: the program, or the unit of a manager that is down.
pub(super) enum Missed<'a> {
    /// A unit.
    Unit(&'a Unit),
    /// A program.
    Program(&'a ManagedProgram),
}

impl<'a> Programs<'a> {
    pub(super) fn new(case: &'a CaseFile) -> Self {
        let mut all = Self::default();
        for manager in case.managers.values().filter(|manager| !manager.programs.is_empty()) {
            all.managers.extend(manager.pid.map(|pid| (pid, manager)));
            all.keepers.extend(manager.unit.as_ref());
            for program in &manager.programs {
                all.by_pid.extend(program.tree.iter().map(|pid| (*pid, program)));
                for claim in &program.claims {
                    let Some(spot) = Spot::of(&claim.address) else { continue };
                    let at = all.claims.entry(spot).or_default();
                    match at.last_mut().filter(|(_, last, _)| last.id == program.id) {
                        Some((_, _, claims)) => claims.push(claim),
                        None => at.push((manager, program, vec![claim])),
                    }
                }
            }
        }
        all
    }

    /// The program that holds a socket: one of its processes does, or its manager does for it.
    pub(super) fn holder(&self, listener: &Listener) -> Option<&'a ManagedProgram> {
        if self.by_pid.is_empty() && self.managers.is_empty() {
            return None;
        }
        let pids = &listener.pids;
        if let Some(own) = pids.iter().find_map(|pid| self.by_pid.get(pid)) {
            return Some(own);
        }
        let manager = pids.iter().find_map(|pid| self.managers.get(pid))?;
        let mut sharing = manager.programs.iter().filter(|p| p.shares_sockets && p.up > 0);
        let claims =
            |p: &&ManagedProgram| p.claims.iter().any(|c| claim_matches(c, &listener.address));
        if let Some(claimant) = sharing.clone().find(claims) {
            return Some(claimant);
        }
        let only = sharing.next()?;
        sharing.next().is_none().then_some(only)
    }

    /// Programs with claims that may be of this address.
    pub(super) fn claims_at(&self, address: &Address) -> &[Claims<'a>] {
        let spot = Spot::of(address);
        spot.and_then(|spot| self.claims.get(&spot)).map_or(&[], Vec::as_slice)
    }

    /// Whether a unit is there to run a manager: what its programs serve is told by that.
    pub(super) fn are_kept_by(&self, unit: &UnitName) -> bool {
        self.keepers.contains(unit)
    }
}

/// Of a manager that is down its unit is what is missed; PM2 is not always started by one, and what
/// it saved is a matter of its own.
pub(super) fn missed<'a>(
    case: &'a CaseFile,
    manager: &'a Manager,
    program: &'a ManagedProgram,
) -> Missed<'a> {
    let starter = manager.unit.as_ref().filter(|_| !manager.running);
    let unit = starter.and_then(|name| case.units.get(name)).filter(|unit| !unit.is_up());
    match unit {
        Some(unit) if manager.kind != ManagerKind::Pm2 => Missed::Unit(unit),
        _ => Missed::Program(program),
    }
}
