//! What every polling source does: sweep in the blocking pool under a deadline, wait for the next
//! reason to look, and keep its blind spots true.

use std::{collections::BTreeMap, time::Duration};

use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{AttentionWatch, Closed, Outlet};
use crate::observation::Seen;

/// After this a sweep counts as stuck, and the source says so.
const STUCK_AFTER: Duration = Duration::from_millis(1_500);

/// Things out of sight, by what they are, as [`Outlet::blind`] takes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Blindness {
    spots: BTreeMap<String, [String; 3]>,
}

impl Blindness {
    /// Adds one; the first one of a kind stays.
    pub(super) fn add(&mut self, what: &str, why: &str, hides: &str, grant: &str) {
        if self.spots.len() < 64 {
            let words = [why, hides, grant].map(str::to_owned);
            self.spots.entry(what.to_owned()).or_insert(words);
        }
    }

    /// Adds all of another one's.
    pub(super) fn extend(&mut self, other: &Self) {
        for (what, [why, hides, grant]) in &other.spots {
            self.add(what, why, hides, grant);
        }
    }

    /// Replaces what was said before: nothing when it is the same.
    pub(super) async fn replace(&mut self, new: Self, outlet: &Outlet) -> Result<(), Closed> {
        if *self == new {
            return Ok(());
        }
        let gone = self.spots.keys().any(|what| !new.spots.contains_key(what));
        if gone {
            outlet.publish(Seen::Sighted).await?;
        }
        for (what, words) in &new.spots {
            if gone || self.spots.get(what) != Some(words) {
                let [why, hides, grant] = words;
                outlet.blind(what, why, hides, grant).await?;
            }
        }
        *self = new;
        Ok(())
    }
}

/// Runs one sweep in the blocking pool and gives its state back. While it is stuck the source
/// says that it is blind and that `generation` has been swept, and goes on waiting for this one
/// thread: a second one is never started.
pub(super) async fn sweep<S, T>(
    outlet: &Outlet,
    told: &mut Blindness,
    generation: u64,
    state: S,
    work: impl FnOnce(&mut S) -> T + Send + 'static,
) -> Result<(S, T), Closed>
where
    S: Send + 'static,
    T: Send + 'static,
{
    sweep_within(STUCK_AFTER, outlet, told, generation, state, work).await
}

/// As [`sweep`], stuck after a given time.
async fn sweep_within<S, T>(
    limit: Duration,
    outlet: &Outlet,
    told: &mut Blindness,
    generation: u64,
    mut state: S,
    work: impl FnOnce(&mut S) -> T + Send + 'static,
) -> Result<(S, T), Closed>
where
    S: Send + 'static,
    T: Send + 'static,
{
    let mut thread: JoinHandle<(S, T)> = tokio::task::spawn_blocking(move || {
        let result = work(&mut state);
        (state, result)
    });
    let mut stuck = false;
    loop {
        match timeout(limit, &mut thread).await {
            Ok(Ok(done)) => {
                if stuck {
                    told.spots.clear();
                    outlet.publish(Seen::Sighted).await?;
                }
                return Ok(done);
            }
            Ok(Err(error)) => {
                outlet.blind("all", error.to_string(), "everything that it watches", "").await?;
                outlet.swept(generation).await?;
                return Err(Closed);
            }
            Err(_) if !stuck => {
                stuck = true;
                outlet
                    .blind("all", "a read has not returned for 1.5 s", "what changed since", "")
                    .await?;
                outlet.swept(generation).await?;
            }
            Err(_) if outlet.is_closed() => return Err(Closed),
            Err(_) => {}
        }
    }
}

/// Waits until the attention changes or `interval` is over; true when it changed.
pub(super) async fn pause(
    outlet: &Outlet,
    attention: &mut AttentionWatch,
    interval: Duration,
) -> Result<bool, Closed> {
    tokio::select! {
        changed = attention.changed() => changed.map(|()| true).map_err(|_| Closed),
        () = sleep(interval) => if outlet.is_closed() { Err(Closed) } else { Ok(false) },
    }
}

/// How long nothing has changed, so that what stands still is looked at less often.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Calm(u32);

impl Calm {
    /// Looks without a change after which the next ones come half as often.
    const LOOKS: u32 = 10;

    /// The pause before the next look, of usually `pause`.
    pub(super) fn pause(&mut self, changed: bool, pause: Duration) -> Duration {
        self.0 = if changed { 0 } else { self.0.saturating_add(1) };
        if self.0 >= Self::LOOKS { pause * 2 } else { pause }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::{observation::SourceId, session::Event};

    fn seen(queue: &mut mpsc::Receiver<Event>) -> Vec<String> {
        let mut all = Vec::new();
        while let Ok(Event::Seen(observation)) = queue.try_recv() {
            all.push(match observation.seen {
                Seen::Blind(spot) => format!("blind {}", spot.what),
                Seen::Sighted => "sighted".to_owned(),
                Seen::Swept { generation } => format!("swept {generation}"),
                _ => "other".to_owned(),
            });
        }
        all
    }

    #[tokio::test]
    async fn a_blind_spot_is_told_once_and_taken_back() {
        let (sender, mut queue) = mpsc::channel(16);
        let outlet = Outlet::new(SourceId::Listeners, sender);
        let mut told = Blindness::default();
        let mut new = Blindness::default();
        new.add("a", "w", "h", "g");
        told.replace(new.clone(), &outlet).await.unwrap();
        told.replace(new.clone(), &outlet).await.unwrap();
        assert_eq!(seen(&mut queue), ["blind a"]);
        new.add("b", "w", "h", "g");
        told.replace(new, &outlet).await.unwrap();
        assert_eq!(seen(&mut queue), ["blind b"]);
        let mut only = Blindness::default();
        only.add("b", "w", "h", "g");
        told.replace(only, &outlet).await.unwrap();
        assert_eq!(seen(&mut queue), ["sighted", "blind b"]);
    }

    #[tokio::test]
    async fn a_stuck_sweep_is_told_and_does_not_hold_up_the_report() {
        let (sender, mut queue) = mpsc::channel(16);
        let outlet = Outlet::new(SourceId::Listeners, sender);
        let (release, gate) = std::sync::mpsc::sync_channel::<()>(1);
        let running = tokio::spawn(async move {
            sweep_within(
                Duration::from_millis(30),
                &outlet,
                &mut Blindness::default(),
                7,
                1_u8,
                move |state| {
                    let _ = gate.recv();
                    *state += 1;
                },
            )
            .await
        });
        let first = queue.recv().await.unwrap();
        assert!(matches!(first, Event::Seen(o) if matches!(o.seen, Seen::Blind(_))));
        let second = queue.recv().await.unwrap();
        assert!(
            matches!(second, Event::Seen(o) if matches!(o.seen, Seen::Swept { generation: 7 }))
        );
        release.send(()).unwrap();
        assert_eq!(running.await.unwrap().unwrap().0, 2);
        assert_eq!(seen(&mut queue), ["sighted"]);
    }
}
