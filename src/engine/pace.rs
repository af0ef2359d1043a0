//! When to diagnose and when to draw: at once after quiet, seldom under load, never for nothing.

use std::time::Duration;

use tokio::time::Instant;

/// Shortest time between two diagnoses while evidence pours in.
const SETTLE: Duration = Duration::from_millis(250);
/// Shortest time between two diagnoses of what only confirms the last one.
const CALM: Duration = Duration::from_secs(2);
/// On a large host a diagnosis takes this part of the time (1/n) at most while evidence pours in,
const BUSY_SHARE: u32 = 40;
/// and this part while nothing happens.
const CALM_SHARE: u32 = 200;
/// While keys come one is made as seldom as while nothing happens: whoever scrolls
/// does not wait for it.
const TYPING_SHARE: u32 = 250;
/// Keys come when the last one is no older than this.
const TYPING: Duration = Duration::from_millis(400);
/// But nobody waits longer for one than this, or twice as long who types.
const LONGEST: Duration = Duration::from_secs(10);
/// Shortest time between two frames that no key asked for.
const FRAME: Duration = Duration::from_millis(33);
/// Shortest time between two frames of another size: each is drawn whole.
const RESIZED: Duration = Duration::from_millis(100);

/// What is due, and since when.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    settled: Option<Instant>,
    /// What the last diagnosis took.
    cost: Duration,
    /// The generation of attention that was diagnosed with everything swept.
    complete: Option<u64>,
    drawn: Option<Instant>,
    wanted: Option<Want>,
    /// When the person last did something.
    typed: Option<Instant>,
    /// Whether the next frame has another size.
    resized: bool,
    /// When the last frame of another size was drawn.
    redrawn: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Want {
    /// Within the frame rate.
    Soon,
    /// Somebody waits for it.
    Now,
}

impl Pace {
    /// Something changed that can be seen.
    pub(super) fn want_frame(&mut self) {
        self.wanted = self.wanted.max(Some(Want::Soon));
    }

    /// The person did something and waits to see it.
    pub(super) fn want_frame_now(&mut self, now: Instant) {
        self.wanted = Some(Want::Now);
        self.typed = Some(now);
    }

    /// The screen has another size.
    pub(super) fn want_frame_of_new_size(&mut self) {
        self.want_frame();
        self.resized = true;
    }

    /// Whether the person waits for a frame.
    pub(super) fn somebody_waits(&self) -> bool {
        self.wanted == Some(Want::Now)
    }

    /// When the next frame is due, `None` when nothing has changed.
    pub(super) fn frame_at(&self, now: Instant) -> Option<Instant> {
        match self.wanted? {
            Want::Now => Some(now),
            Want::Soon => {
                let frame = self.drawn.map(|drawn| drawn + FRAME);
                let whole = self.redrawn.filter(|_| self.resized).map(|drawn| drawn + RESIZED);
                Some(frame.max(whole).unwrap_or(now))
            }
        }
    }

    /// A frame was drawn.
    pub(super) fn drawn(&mut self, now: Instant) {
        self.drawn = Some(now);
        self.wanted = None;
        if std::mem::take(&mut self.resized) {
            self.redrawn = Some(now);
        }
    }

    /// When stale evidence is to be diagnosed. `swept` is the generation that all sources have
    /// looked at, when they have: what they wait for next is only known after a diagnosis.
    pub(super) fn settle_at(&self, now: Instant, swept: Option<u64>, news: bool) -> Instant {
        if swept.is_some() && swept != self.complete {
            return now;
        }
        let least = if news { SETTLE } else { CALM };
        let share = match self.typed {
            Some(at) if now.saturating_duration_since(at) <= TYPING => TYPING_SHARE,
            _ if news => BUSY_SHARE,
            _ => CALM_SHARE,
        };
        let longest = if share == TYPING_SHARE { LONGEST * 2 } else { LONGEST };
        let pause = least.max(self.cost.saturating_mul(share).min(longest));
        self.settled.map_or(now, |settled| settled + pause)
    }

    /// A diagnosis was made, and took so long.
    pub(super) fn settled(&mut self, now: Instant, cost: Duration, swept: Option<u64>) {
        self.settled = Some(now);
        self.cost = cost;
        self.complete = swept.or(self.complete);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_evidence_after_quiet_is_diagnosed_at_once_and_a_flood_four_times_a_second() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert_eq!(pace.settle_at(now, None, true), now);
        pace.settled(now, Duration::ZERO, None);
        assert_eq!(pace.settle_at(now, None, true), now + SETTLE);
        assert_eq!(pace.settle_at(now, None, false), now + CALM);
    }

    #[test]
    fn a_diagnosis_that_is_dear_is_made_less_often_but_not_put_off_for_ever() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        let cost = Duration::from_millis(20);
        pace.settled(now, cost, None);
        assert_eq!(pace.settle_at(now, None, true), now + cost * BUSY_SHARE);
        assert_eq!(pace.settle_at(now, None, false), now + cost * CALM_SHARE);
        pace.settled(now, cost * 100, None);
        assert_eq!(pace.settle_at(now, None, true), now + LONGEST);
    }

    #[test]
    fn a_generation_that_all_have_swept_is_diagnosed_at_once_but_only_once() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.settled(now, Duration::ZERO, None);
        assert_eq!(pace.settle_at(now, Some(3), true), now);
        pace.settled(now, Duration::ZERO, Some(3));
        assert_eq!(pace.settle_at(now, Some(3), true), now + SETTLE);
        assert_eq!(pace.settle_at(now, Some(4), true), now);
    }

    #[test]
    fn a_storm_of_sizes_is_drawn_ten_times_a_second_and_one_new_size_at_once() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.drawn(now);
        pace.want_frame_of_new_size();
        assert_eq!(pace.frame_at(now), Some(now + FRAME));
        pace.drawn(now + FRAME);
        pace.want_frame_of_new_size();
        pace.want_frame();
        assert_eq!(pace.frame_at(now), Some(now + FRAME + RESIZED));
        // Somebody waits for this one.
        pace.want_frame_now(now);
        assert_eq!(pace.frame_at(now), Some(now));
    }

    #[test]
    fn whoever_scrolls_a_large_host_does_not_wait_for_diagnoses() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        let cost = Duration::from_millis(30);
        pace.settled(now, cost, None);
        pace.want_frame_now(now);
        assert_eq!(pace.settle_at(now, None, true), now + cost * TYPING_SHARE);
        let later = now + TYPING * 2;
        assert_eq!(pace.settle_at(later, None, true), now + cost * BUSY_SHARE);
        // What the sources wait for is known at once all the same.
        assert_eq!(pace.settle_at(now, Some(1), true), now);
        pace.settled(now, Duration::from_millis(1), None);
        assert_eq!(pace.settle_at(now, None, true), now + SETTLE, "a small host waits for nothing");
    }

    #[test]
    fn a_key_is_drawn_at_once_and_evidence_within_the_frame_rate() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert_eq!(pace.frame_at(now), None);
        pace.want_frame();
        assert_eq!(pace.frame_at(now), Some(now));
        pace.drawn(now);
        assert_eq!(pace.frame_at(now), None);
        pace.want_frame();
        assert_eq!(pace.frame_at(now), Some(now + FRAME));
        pace.want_frame_now(now);
        pace.want_frame();
        assert_eq!(pace.frame_at(now), Some(now));
    }
}
