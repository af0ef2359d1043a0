//! The state of a wall screen, and what turns its pages.

use crate::{
    observation::Boot,
    session::{Effect, Model},
};

use super::{Alarm, Board, alarm, boards};

/// Positions that the picture takes in turn, in cells to the right and down, so that nothing
/// stands on the same glass for ever.
const SHIFTS: [(u16, u16); 4] = [(0, 0), (1, 0), (1, 1), (0, 1)];
/// Seconds at each of them.
const SHIFT_SECS: u64 = 60;

/// One part of the lock that the process is under, and whether it was seen to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockFact {
    /// What was tried, for example `write a file`.
    pub what: String,
    /// What came of it, for example `EACCES (Landlock)`.
    pub came: String,
    /// Whether the lock held.
    pub holds: bool,
}

/// Which page comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The next page.
    Next,
    /// The page before.
    Back,
    /// Stay on this page, or turn again.
    Stay,
}

/// How a wall screen is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Whether keys turn pages; otherwise no key does anything.
    pub keys: bool,
    /// Seconds for which a page stands; at least 1.
    pub page_secs: u64,
    /// Whether the bell rings when an alarm begins.
    pub bell: bool,
    /// What the self-test found.
    pub lock: Vec<LockFact>,
}

impl Default for Way {
    fn default() -> Self {
        Self { keys: true, page_secs: 15, bell: false, lock: Vec::new() }
    }
}

/// The state of a wall screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kiosk {
    /// How it is run.
    pub way: Way,
    /// The page that is shown.
    pub board: Board,
    /// Whether somebody said that it shall stay.
    pub stays: bool,
    /// What the state was called last.
    pub called: Alarm,
    began: Option<Boot>,
    turned: Option<Boot>,
}

impl Kiosk {
    /// A wall screen that shows its first page.
    pub fn new(way: Way) -> Self {
        Self { way, ..Self::default() }
    }

    /// How far the picture stands from its place now, in cells to the right and down.
    pub fn shift(&self, now: Boot) -> (u16, u16) {
        let minutes = self.began.map_or(0, |began| now.secs_since(began)) / SHIFT_SECS;
        let at = usize::try_from(minutes % SHIFTS.len() as u64).unwrap_or(0);
        SHIFTS.get(at).copied().unwrap_or_default()
    }

    /// Whether every part of the lock was seen to hold.
    pub fn is_locked(&self) -> bool {
        !self.way.lock.is_empty() && self.way.lock.iter().all(|fact| fact.holds)
    }
}

impl Model {
    /// Turns the page of the wall screen when it is time, and rings when an alarm begins.
    pub(in crate::session) fn kiosk_tick(&mut self) -> Vec<Effect> {
        let (now, called) = (self.case.now.boot, alarm(&self.shown()));
        let all = boards(&self.shown());
        let Some(kiosk) = self.kiosk.as_mut() else { return Vec::new() };
        kiosk.began.get_or_insert(now);
        let turned = *kiosk.turned.get_or_insert(now);
        let mut effects = vec![Effect::Draw];
        if called != kiosk.called {
            let begins = called.rings();
            kiosk.called = called;
            if begins {
                // Whoever hears it looks up and should see what it is.
                (kiosk.board, kiosk.turned) = (Board::State, Some(now));
            }
            if begins && kiosk.way.bell {
                effects.push(Effect::Bell);
            }
        } else if !kiosk.stays && now.secs_since(turned) >= kiosk.way.page_secs.max(1) {
            // What the process may do was shown at its start; it is a key away.
            kiosk.turn(&all, false, |board| board != Board::Screen || all.len() < 3);
            kiosk.turned = Some(now);
        }
        effects
    }

    /// Turns the page of the wall screen because somebody asked for it.
    pub(in crate::session) fn kiosk_turn(&mut self, turn: Turn) -> Vec<Effect> {
        let now = self.case.now.boot;
        let all = boards(&self.shown());
        let Some(kiosk) = self.kiosk.as_mut() else { return Vec::new() };
        match turn {
            Turn::Stay => kiosk.stays = !kiosk.stays,
            Turn::Next => kiosk.turn(&all, false, |_| true),
            Turn::Back => kiosk.turn(&all, true, |_| true),
        }
        kiosk.turned = Some(now);
        vec![Effect::Draw]
    }
}

impl Kiosk {
    /// To the next of `all` pages, or the one before, of those that are wanted.
    fn turn(&mut self, all: &[Board], back: bool, wanted: impl Fn(Board) -> bool) {
        let here = self.board;
        let all: Vec<Board> = all.iter().copied().filter(|board| wanted(*board)).collect();
        let (before, after) = all.split_at(all.partition_point(|board| *board <= here));
        let before = before.strip_suffix(&[here]).unwrap_or(before);
        let next =
            if back { before.last().or(after.last()) } else { after.first().or(before.first()) };
        self.board = next.copied().unwrap_or(here);
    }
}
