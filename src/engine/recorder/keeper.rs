//! The thread that writes.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

use crate::{
    host::recordings::{Limits, Segment, Store, StoreError},
    session::recording::{Entry, Header, Writer},
};

use super::{pending::Pending, queue::Queue};

/// What was said is on disk after so long.
const FLUSH: Duration = Duration::from_secs(1);
/// Bytes that are written before that.
const WRITE: usize = 256 << 10;
/// While nothing can be written, that is tried again after so long.
const RETRY: Duration = Duration::from_secs(5);

/// What is told to the screen: the file, or why there is none.
pub(super) type Status = Option<Result<String, String>>;

/// Where the parts are.
#[derive(Debug)]
pub(super) enum Sink {
    /// In the folder of recordings.
    Folder {
        /// The state folder.
        state: PathBuf,
        /// What they may take.
        limits: Limits,
        /// Name of the session.
        session: String,
    },
    /// One file that a person named, until it was taken.
    File(Option<Segment>),
}

/// Writes what comes through a queue.
#[derive(Debug)]
pub(super) struct Keeper {
    sink: Sink,
    header: Header,
    open: Option<(Segment, Writer)>,
    /// Frames that are not written yet, and the entries in them.
    frames: Vec<u8>,
    unwritten: Vec<Entry>,
    pending: Pending,
    /// Why nothing can be written, and when that is tried again.
    paused: Option<(String, Instant)>,
    status: watch::Sender<Status>,
}

impl Keeper {
    pub(super) fn new(sink: Sink, header: Header, status: watch::Sender<Status>) -> Self {
        Self {
            sink,
            header,
            open: None,
            frames: Vec::new(),
            unwritten: Vec::new(),
            pending: Pending::default(),
            paused: None,
            status,
        }
    }

    /// Writes until nothing more comes.
    pub(super) fn run(mut self, queue: &Arc<Queue>) {
        self.begin();
        loop {
            let batch = queue.take(FLUSH);
            if batch.is_last {
                self.paused = self.paused.map(|(why, _)| (why, Instant::now()));
            }
            if self.paused.as_ref().is_some_and(|(_, again)| *again <= Instant::now()) {
                self.begin();
            }
            for entry in batch.entries {
                self.take(entry);
            }
            self.write();
            if batch.is_last {
                return;
            }
        }
    }

    fn take(&mut self, entry: Entry) {
        // Only for what still comes: a part that begins after the end would hide it.
        let full = self.open.as_ref().is_some_and(|(segment, _)| segment.is_full());
        if full && self.paused.is_none() {
            self.begin();
        }
        match &mut self.open {
            Some((segment, writer)) if self.paused.is_none() => {
                writer.add(&entry, &mut self.frames);
                self.unwritten.push(entry);
                if self.frames.len() >= WRITE.min(segment.portion()) {
                    self.write();
                }
            }
            _ => self.pending.take(entry),
        }
    }

    fn write(&mut self) {
        let Some((segment, writer)) = &mut self.open else { return };
        if self.paused.is_some() {
            return;
        }
        writer.flush(&mut self.frames);
        if self.frames.is_empty() {
            self.unwritten.clear();
            return;
        }
        if !segment.fits(self.frames.len()) {
            // The next part takes it whole.
            self.frames.clear();
            return self.begin();
        }
        let written = segment
            .add(&self.frames)
            .map_err(|error| format!("{}: {error}", segment.path().display()));
        self.frames.clear();
        match written {
            Ok(()) => self.unwritten.clear(),
            Err(why) => self.pause(why),
        }
    }

    /// What could not be written waits.
    fn pause(&mut self, why: String) {
        self.frames.clear();
        for entry in self.unwritten.drain(..) {
            self.pending.take(entry);
        }
        self.status.send_if_modified(|status| {
            let new = Some(Err(why.clone()));
            let is_new = *status != new;
            *status = new;
            is_new
        });
        self.paused = Some((why, Instant::now() + RETRY));
    }

    /// Begins the next part, with all that still holds of the one before.
    fn begin(&mut self) {
        let segment = match &mut self.sink {
            Sink::Folder { state, limits, session } => Store::make(state)
                .map_err(StoreError::from)
                .and_then(|store| store.begin(session, self.header.part, limits))
                .map_err(|error| error.to_string()),
            Sink::File(file) => file.take().ok_or_else(|| "the file is full".to_owned()),
        };
        let mut segment = match segment {
            Ok(segment) => segment,
            Err(why) => return self.pause(why),
        };
        if let Sink::Folder { session, .. } = &mut self.sink {
            segment.session().clone_into(session);
        }
        let mut frames = Vec::new();
        let mut writer = match &self.open {
            Some((old, writer)) => {
                writer.go_on(&self.header, |offset| old.frame_at(offset), &mut frames)
            }
            None => Writer::begin(&self.header, &mut frames),
        };
        let mut waited = match self.paused.take() {
            Some((why, _)) => self.pending.end(&why),
            None => Vec::new(),
        };
        waited.append(&mut self.unwritten);
        for entry in &waited {
            writer.add(entry, &mut frames);
        }
        writer.flush(&mut frames);
        self.header.part += 1;
        let path = segment.path().display().to_string();
        let added = if segment.fits(frames.len()) {
            segment.add(&frames).map_err(|error| error.to_string())
        } else {
            Err("what is known does not fit into a part".to_owned())
        };
        match added {
            Ok(()) => {
                self.open = Some((segment, writer));
                self.status.send_replace(Some(Ok(path)));
            }
            Err(why) => {
                if matches!(self.sink, Sink::Folder { .. }) {
                    segment.discard();
                }
                self.fail(waited, format!("{path}: {why}"));
            }
        }
    }

    fn fail(&mut self, waited: Vec<Entry>, why: String) {
        for entry in waited {
            self.pending.take(entry);
        }
        self.pause(why);
    }
}
