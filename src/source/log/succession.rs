//! Which file continues which: rotations between two looks, copies, truncations.

use std::cmp::Reverse;

use crate::{host::log_file::FileId, observation::Boot};

use super::{
    follower::Follower,
    found::Followed,
    generation::Generation,
    mark::is_beginning_of,
    rotation::{Candidate, Listing, Scan},
};

impl Follower {
    /// Files that stood at the path between two looks; the flag says that one continues the last
    /// that we read, as its copy.
    pub(super) fn in_between(
        &mut self,
        id: FileId,
        listing: &mut Listing,
        sink: &mut dyn FnMut(Followed<'_>),
    ) -> Vec<(Candidate, bool)> {
        let known = self.known(id);
        let wanted = self.generations.back().map(|last| last.id);
        let Some(siblings) = &mut self.siblings else { return Vec::new() };
        let scan = siblings.scan(&self.root, &self.path, &known, wanted, listing);
        let last = self.generations.back_mut();
        // The one that we read may itself be among the compressed; it is not lost.
        let own = usize::from(last.is_some() && scan.wanted.is_none());
        if scan.compressed > own {
            sink(Followed::Gap {
                bytes: 0,
                why: "a rotated file was compressed before it could be read",
            });
        }
        if let (Some(last), Some(name)) = (last, scan.wanted) {
            last.name = name;
        }
        let last = self.generations.back();
        let continues = |candidate: &Candidate| {
            let Some(last) = last else { return Some(false) };
            if !is_younger(candidate.look.id, last.id) {
                return None;
            }
            if !last.mark.is_head_of(&candidate.file) {
                return Some(false);
            }
            // A copy of the one that we read says more only if that one is gone.
            if let Some(original) = last.file() {
                let copy = is_beginning_of(&candidate.file, candidate.look.size, original);
                return (!copy).then_some(false);
            }
            let holds = last.mark.tail_holds(&candidate.file, last.offset).unwrap_or(false);
            holds.then_some(true)
        };
        let fresh = scan.fresh.into_iter().filter(|one| one.rotated);
        let mut fresh: Vec<_> =
            fresh.filter_map(|one| continues(&one).map(|continues| (one, continues))).collect();
        // Only one copy can be continued: the one that says most, and before anything else.
        fresh.sort_by_key(|(one, continues)| {
            (!continues, continues.then_some(Reverse(one.look.size)))
        });
        let copies = fresh.iter().filter(|(_, continues)| *continues).count();
        fresh.drain(copies.min(1)..copies);
        fresh
    }

    /// What was given back is needed again: another file stands at its place.
    pub(super) fn reopen_last(&mut self, listing: &mut Listing) {
        let Some(last) = self.generations.back_mut().filter(|last| !last.is_open()) else { return };
        let Some(mut siblings) = self.siblings.clone() else { return };
        let place = siblings.scan(&self.root, &self.path, &[], Some(last.id), listing).wanted;
        if let Some(place) = place {
            last.reopen(&self.root, &place);
        }
    }

    /// A file was cut or rewritten in place. If it was copied before, the rest is read from the
    /// copy; if not, what was not read is lost.
    pub(super) fn rewritten(
        &mut self,
        at: usize,
        now: Boot,
        listing: &mut Listing,
        sink: &mut dyn FnMut(Followed<'_>),
    ) {
        let Some(id) = self.generations.get(at).map(|generation| generation.id) else { return };
        let known = self.known(id);
        let scan = match &mut self.siblings {
            Some(siblings) => siblings.scan(&self.root, &self.path, &known, None, listing),
            None => Scan::default(),
        };
        let Some(cut) = self.generations.get_mut(at) else { return };
        let size = cut.file().and_then(|file| file.look().ok()).map_or(0, |look| look.size);
        let (mut copies, others): (Vec<_>, Vec<_>) =
            scan.fresh.into_iter().partition(|one| cut.mark.is_head_of(&one.file));
        copies.retain(|copy| {
            copy.look.size >= cut.offset
                && cut.mark.tail_holds(&copy.file, cut.offset).unwrap_or(false)
        });
        let copy = copies.into_iter().max_by_key(|copy| copy.look.size);
        let mut fresh = Vec::new();
        if let Some(copy) = copy {
            let lost = cut.size.saturating_sub(copy.look.size);
            let written = copy.look.size > cut.size || size > 0;
            if lost > 0 || written {
                sink(Followed::Gap {
                    bytes: lost,
                    why: "copied and truncated while it was written: \
                          lines between the copy and the cut are in neither file",
                });
            }
            fresh.push(cut.continued((copy.file, copy.look), &copy.path, now));
        } else {
            sink(Followed::Gap {
                bytes: cut.waiting(),
                why: "truncated: what was written since the last look is lost",
            });
            cut.finish(sink);
        }
        cut.restart(size);
        fresh.extend(successors(others, id, now));
        self.insert(at, fresh);
    }

    /// An empty file was written to. Whether that was cut away again before we saw it, only a
    /// copy beside it can tell.
    pub(super) fn stirred(
        &mut self,
        at: usize,
        now: Boot,
        listing: &mut Listing,
        sink: &mut dyn FnMut(Followed<'_>),
    ) {
        let Some(empty) = self.generations.get(at) else { return };
        let (id, size) = (empty.id, empty.size);
        let known = self.known(id);
        let Some(siblings) = &mut self.siblings else { return };
        let scan = siblings.scan(&self.root, &self.path, &known, None, listing);
        let fresh: Vec<Generation> = successors(scan.fresh, id, now).collect();
        if fresh.is_empty() && size == 0 {
            sink(Followed::Gap { bytes: 0, why: "written and emptied between two looks" });
        }
        self.insert(at, fresh);
    }

    fn insert(&mut self, at: usize, fresh: Vec<Generation>) {
        for (step, generation) in fresh.into_iter().enumerate() {
            self.generations.insert(at + step, generation);
        }
    }
}

/// Rotated files that were made after the one with this identity, to be read from their start.
fn successors(fresh: Vec<Candidate>, id: FileId, now: Boot) -> impl Iterator<Item = Generation> {
    fresh
        .into_iter()
        .filter(move |one| one.rotated && is_younger(one.look.id, id))
        .map(move |one| Generation::new((one.file, one.look), &one.path, 0, now))
}

/// Whether a file may have been made after another. Where birth is not known it may.
fn is_younger(one: FileId, other: FileId) -> bool {
    one.born().zip(other.born()).is_none_or(|(born, before)| born >= before)
}
