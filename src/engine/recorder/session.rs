//! The session's end.

use std::{
    fs::File,
    path::PathBuf,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use tokio::sync::watch;

use crate::{
    host::{
        clock, hostname, proc,
        recordings::{Limits, Segment},
    },
    observation::{Moment, SourceId, Text},
    remedy::{Order, Plan},
    session::{
        Effect, Event, Model,
        recording::{Deed, Entry, Header, How, Mark},
    },
};

use super::{
    keeper::{Keeper, Sink, Status},
    queue::Queue,
};

/// A person who leaves waits so long for the last words to be written, at most.
pub const FAREWELL: Duration = Duration::from_millis(500);
/// What runs without a person waits so long.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Observations are nested, but not deeply.
const STACK: usize = 1_024 * 1_024;

/// Where a session is recorded.
#[derive(Debug)]
pub enum Place {
    /// In the folder of recordings below this state folder, within limits.
    Folder(PathBuf, Limits),
    /// In a new file that a person named.
    File(File, PathBuf),
}

/// What is to be recorded.
#[derive(Debug)]
pub struct Setup {
    /// Where.
    pub place: Place,
    /// How the session was started.
    pub how: How,
    /// Whether it may act.
    pub acts: bool,
    /// Who acts in it: user, and from where.
    pub who: Text,
    /// IANA name of the zone; empty where there is none.
    pub zone: Text,
}

/// Records a session. It never makes it wait, and never fails: what stands in its way is told with
/// [`Recorder::next`].
#[derive(Debug)]
pub struct Recorder {
    queue: Arc<Queue>,
    who: Text,
    mark: Mark,
    status: watch::Receiver<Status>,
    done: mpsc::Receiver<()>,
}

impl Recorder {
    /// Begins. `None` where no thread can be had.
    pub fn start(setup: Setup, sources: Vec<SourceId>) -> Option<Self> {
        let began = clock::now();
        let pid = std::process::id();
        let header = Header {
            gatemedic: Text::from(env!("CARGO_PKG_VERSION")),
            host: Text::new(hostname::hostname()),
            boot_id: proc::boot_id(),
            zone: setup.zone,
            how: setup.how,
            acts: setup.acts,
            began,
            pid,
            sources,
            redaction: Text::new(format!("{}-{pid}", began.wall.0)),
            ..Header::default()
        };
        let sink = match setup.place {
            Place::Folder(state, limits) => {
                let at = jiff::Timestamp::from_microsecond(began.wall.0).unwrap_or_default();
                let session = format!("{}-{pid}", at.strftime("%Y%m%dT%H%M%S%.3fZ"));
                Sink::Folder { state, limits, session }
            }
            Place::File(file, path) => Sink::File(Some(Segment::named(file, &path))),
        };
        let (tell, status) = watch::channel(None);
        let (end, done) = mpsc::sync_channel(1);
        let queue = Arc::new(Queue::default());
        let own = Arc::clone(&queue);
        let write = move || {
            Keeper::new(sink, header, tell).run(&own);
            let _ = end.try_send(());
        };
        let thread = thread::Builder::new().name("recorder".to_owned()).stack_size(STACK);
        thread.spawn(write).ok()?;
        Some(Self { queue, who: setup.who, mark: Mark::default(), status, done })
    }

    /// Takes an event before it is folded.
    pub fn event(&mut self, event: &Event) {
        let entry = match event {
            Event::Seen(seen) => Entry::Seen(seen.clone()),
            Event::Progress(progress) => match Deed::said(progress) {
                Some(deed) => Entry::Deed { at: clock::now(), who: Text::default(), deed },
                None => return,
            },
            Event::Lost(why) => {
                let deed = Deed::Lost { why: Text::new(why) };
                Entry::Deed { at: clock::now(), who: Text::default(), deed }
            }
            _ => return,
        };
        self.queue.push(entry);
    }

    /// Takes what the person has done, as the fold asks for it.
    pub fn effect(&self, effect: &Effect) {
        match effect {
            Effect::Prepare(plan) => self.deed(prepare(plan, false)),
            Effect::Rehearse(plan) => self.deed(prepare(plan, true)),
            Effect::Undo(sequence) => self.deed(Deed::TakeBack { sequence: *sequence }),
            Effect::Send(order) => self.order(order),
            Effect::Abandon => self.deed(Deed::Abandon),
            _ => {}
        }
    }

    /// Takes what is ordered of the process that carries out.
    pub fn order(&self, order: &Order) {
        self.deed(match order {
            Order::Prepare { plan, rehearsal } => prepare(plan, *rehearsal),
            Order::TakeBack { sequence, .. } => Deed::TakeBack { sequence: *sequence },
            Order::Confirm { .. } => Deed::Confirm,
            Order::Keep => Deed::Keep,
            Order::Revert => Deed::Revert,
        });
    }

    /// Takes what somebody has done.
    pub fn deed(&self, deed: Deed) {
        self.queue.push(Entry::Deed { at: clock::now(), who: self.who.clone(), deed });
    }

    /// Takes what the session came to, where that is another than before.
    pub fn settled(&mut self, model: &Model) {
        let mark = Mark::of(&model.diagnosis);
        if mark != self.mark {
            self.mark = mark.clone();
            let at = model.case.now.max(Moment::default());
            self.queue.push(Entry::Mark { at, mark });
        }
    }

    /// What the screen is to know: where it is recorded, or why it is not for now. May be cancelled.
    pub async fn next(&mut self) -> Event {
        loop {
            if self.status.changed().await.is_err() {
                return std::future::pending().await;
            }
            if let Some(status) = self.status.borrow_and_update().clone() {
                return Event::Recording(status);
            }
        }
    }

    /// Where it is recorded, or why it is not, as of now.
    pub fn status(&self) -> Option<Result<String, String>> {
        self.status.borrow().clone()
    }

    /// Ends the recording, and waits so long for the disk. Gives where it is recorded, or why
    /// it was not at the end; `None` where that is not known yet.
    pub fn finish(self, why: &str, longest: Duration) -> Option<Result<String, String>> {
        self.queue.push(Entry::End { at: clock::now(), why: Text::new(why) });
        self.queue.close();
        let _ = self.done.recv_timeout(longest);
        self.status()
    }
}

fn prepare(plan: &Plan, rehearsal: bool) -> Deed {
    Deed::Prepare {
        cause: Text::new(&plan.cause),
        whom: Text::new(&plan.whom),
        what: Text::new(plan.words()),
        rehearsal,
        proven: plan.expect.proven(),
    }
}
