//! The task: the past once, then the live stream, restarted when other units matter.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

use super::{
    memory::Memory,
    query::{self, Past},
    record::{self, Record},
};
use crate::{
    host::run::{self, Line, LineStream, RootOwnedExe, RunError},
    observation::{Continuation, Gap, Origin, Program, Seen, SourceId, Text, UnitName},
    source::{AttentionWatch, Closed, Outlet, sweep::Blindness},
};

/// Units whose journal is followed.
const UNITS: usize = 64;

/// A live stream loses lines when the journal is rotated, silently: read again this often.
const CATCH_UP: Duration = Duration::from_mins(1);

/// Pause before a stream that ended, or a journal that cannot be read, is tried again.
const RETRY: Duration = Duration::from_secs(10);

/// Lines published in one second; what is more is counted.
const RATE: u32 = 500;

const HIDES: &str = "what units and systemd wrote about failures";
const GRANT: &str = "add this user to the group systemd-journal (usermod -aG systemd-journal USER)";

/// Follows the journal of the units that matter until the session ends.
pub async fn run(outlet: Outlet, attention: AttentionWatch) {
    let program = run::find("journalctl");
    let mut journal = Journal {
        outlet,
        attention,
        units: BTreeSet::new(),
        memory: Memory::default(),
        open: BTreeMap::new(),
        stream: None,
        due: Instant::now() + CATCH_UP,
        told: Blindness::default(),
        second: Instant::now(),
        published: 0,
        dropped: 0,
    };
    // Only the end of the session ends it.
    let _ = journal.run(program).await;
}

struct Journal {
    outlet: Outlet,
    attention: AttentionWatch,
    units: BTreeSet<UnitName>,
    memory: Memory,
    /// What the lines of a unit leave open of secrets.
    open: BTreeMap<(Origin, Program), Continuation>,
    stream: Option<LineStream>,
    /// When to catch up, or to try again.
    due: Instant,
    told: Blindness,
    second: Instant,
    published: u32,
    dropped: u64,
}

impl Journal {
    async fn run(&mut self, program: Option<RootOwnedExe>) -> Result<(), Closed> {
        loop {
            let (generation, units, all) = {
                let attention = self.attention.borrow_and_update();
                let units: BTreeSet<_> = attention.units.iter().take(UNITS).cloned().collect();
                (attention.generation, units, attention.units.len())
            };
            if units != self.units {
                self.units = units;
                self.restart(program.as_ref(), all).await?;
            }
            self.outlet.swept(generation).await?;
            self.live(program.as_ref(), all).await?;
        }
    }

    /// Publishes lines until the attention changes.
    async fn live(&mut self, program: Option<&RootOwnedExe>, all: usize) -> Result<(), Closed> {
        loop {
            let line = async {
                match &mut self.stream {
                    Some(stream) => stream.next_line().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = self.attention.changed() => return changed.map_err(|_| Closed),
                line = line => if let Ok(Some(line)) = line {
                    self.take(line).await?;
                } else {
                    self.stream = None;
                    self.due = self.due.min(Instant::now() + RETRY);
                },
                () = sleep_until(self.due) => self.catch_up(program, all).await?,
            }
        }
    }

    /// Reads the past of the units and follows them from there.
    async fn restart(&mut self, program: Option<&RootOwnedExe>, all: usize) -> Result<(), Closed> {
        self.stream = None;
        self.due = Instant::now() + CATCH_UP;
        let Some(program) = program.filter(|_| !self.units.is_empty()) else {
            let why =
                program.is_none().then_some("there is no journalctl that only root can change");
            return self.tell(why, all).await;
        };
        match query::past(program, &self.units).await {
            // Nothing may be read: following would end at once.
            Ok(past) if past.entries.is_empty() && past.hint.is_some() => {
                self.accept(past, all).await
            }
            Ok(past) => {
                self.accept(past, all).await?;
                self.memory.settle();
                self.stream = query::follow(program, &self.units, self.memory.newest()).ok();
                Ok(())
            }
            Err(error) => self.fail(&error, all).await,
        }
    }

    /// Reads again what the stream may have lost, and starts a stream that has ended.
    async fn catch_up(&mut self, program: Option<&RootOwnedExe>, all: usize) -> Result<(), Closed> {
        let checkpoint = self.memory.checkpoint().map(str::to_owned);
        let (Some(program), Some(cursor), true) = (program, checkpoint, self.stream.is_some())
        else {
            return self.restart(program, all).await;
        };
        self.due = Instant::now() + CATCH_UP;
        match query::after(program, &self.units, &cursor).await {
            Ok(past) if past.cut || past.hint.is_some() => self.restart(Some(program), all).await,
            Ok(past) => {
                self.accept(past, all).await?;
                self.memory.settle();
                Ok(())
            }
            Err(error) => self.fail(&error, all).await,
        }
    }

    async fn fail(&mut self, error: &RunError, all: usize) -> Result<(), Closed> {
        self.stream = None;
        self.due = Instant::now() + RETRY;
        self.tell(Some(&error.to_string()), all).await
    }

    async fn accept(&mut self, past: Past, all: usize) -> Result<(), Closed> {
        for entry in past.entries {
            if self.memory.is_new(&entry) {
                self.publish(entry.record).await?;
            }
        }
        if past.cut {
            self.gap("journal", 0, "there was more than is read of the past").await?;
        }
        self.tell(past.hint.as_deref(), all).await
    }

    async fn tell(&mut self, why: Option<&str>, all: usize) -> Result<(), Closed> {
        let mut spots = Blindness::default();
        if let Some(why) = why {
            spots.add("all", why, HIDES, if why.contains("no journalctl") { "" } else { GRANT });
        }
        if all > UNITS {
            let what = format!("units beyond the first {UNITS}");
            spots.add(&what, &format!("{all} units matter"), HIDES, "");
        }
        self.told.replace(spots, &self.outlet).await
    }

    async fn take(&mut self, line: Line) -> Result<(), Closed> {
        if line.cut {
            return self.gap("journal", 1, "a record was longer than 1 MiB").await;
        }
        let Some(entry) = record::parse(&line.bytes) else { return Ok(()) };
        if !self.memory.is_new(&entry) {
            return Ok(());
        }
        if self.second.elapsed() >= Duration::from_secs(1) {
            self.second = Instant::now();
            self.published = 0;
            let dropped = std::mem::take(&mut self.dropped);
            if dropped > 0 {
                self.gap("journal", dropped, "more lines a second than are read").await?;
            }
        }
        self.published += 1;
        if self.published > RATE {
            self.dropped += 1;
            return Ok(());
        }
        self.publish(entry.record).await
    }

    async fn publish(&mut self, record: Record) -> Result<(), Closed> {
        match record {
            Record::Line(mut line) => {
                // What systemd says of a unit stands between the unit's own lines.
                let whose = (line.origin.clone(), line.program);
                let mut open = self.open.remove(&whose).unwrap_or_default();
                line.text = open.take(line.text);
                if !open.is_idle() && self.open.len() < 2 * UNITS {
                    self.open.insert(whose, open);
                }
                self.outlet.publish(Seen::Log(line)).await
            }
            Record::Suppressed { unit, lines } => {
                let ours = self.units.iter().any(|known| known.as_str() == unit.raw());
                if !ours {
                    return Ok(());
                }
                self.gap(unit.raw(), lines, "journald suppressed a flood (RateLimitBurst=)").await
            }
        }
    }

    async fn gap(&self, what: &str, lines: u64, why: &str) -> Result<(), Closed> {
        let gap = Gap {
            source: SourceId::Journal,
            what: Text::new(what),
            lines,
            bytes: 0,
            why: Text::new(why),
        };
        self.outlet.publish(Seen::Gap(gap)).await
    }
}
