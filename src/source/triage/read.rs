//! Reads many files on a few threads.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use crate::{
    evidence::triage::{ErrorTally, Holds, LONGEST_LINE, Read, Tally, Terms},
    host::{
        clock,
        files::Root,
        log_file::LogFile,
        packed::{self, Packing},
    },
    observation::Boot,
};

use super::{
    files::Log,
    unit::{self, Ground, Part},
};

/// Bytes of a plain file that one thread reads at a time.
const SEGMENT: u64 = 32 * 1024 * 1024;

/// How much may be read.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Threads, at least one.
    pub threads: usize,
    /// Bytes of content; the newest are read first.
    pub bytes: u64,
    /// When to stop.
    pub until: Option<Boot>,
}

impl Limits {
    /// Everything, on so many threads.
    pub const fn everything(threads: usize) -> Self {
        Self { threads, bytes: u64::MAX, until: None }
    }
}

/// What was read.
#[derive(Debug, Default)]
pub struct Reading {
    /// Requests.
    pub tally: Tally,
    /// Error lines.
    pub errors: ErrorTally,
    /// The files.
    pub read: Vec<Read>,
    /// Bytes that were left out because of the limits; those of packed files are not known.
    pub left_out: u64,
}

/// A part of a file that is still to be read.
struct Unit {
    log: usize,
    span: Option<(u64, u64)>,
    holds: Option<Holds>,
    /// Lines of several places of the file.
    sample: Arc<Vec<u8>>,
}

struct Shared<'a> {
    logs: &'a [Log],
    terms: &'a Terms,
    limits: Limits,
    stop: &'a AtomicBool,
    units: Mutex<VecDeque<Unit>>,
    read: Mutex<Vec<Read>>,
    /// Logs whose older parts are too old to matter.
    done: Vec<AtomicBool>,
    bytes: AtomicU64,
    left_out: AtomicU64,
}

/// Reads the files. `stop` ends it early from another thread.
pub fn read(logs: &[Log], terms: &Terms, limits: Limits, stop: &AtomicBool) -> Reading {
    let mut order: Vec<usize> = (0..logs.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(logs.get(*at).map_or(0, |log| log.modified)));
    let mut units = VecDeque::new();
    let mut read = Vec::new();
    for log in logs {
        read.push(Read {
            path: log.name(),
            holds: None,
            scanned: crate::evidence::triage::Scanned::default(),
            notes: Vec::new(),
        });
    }
    let mut unplanned: u64 = 0;
    for at in order {
        let (Some(log), Some(entry)) = (logs.get(at), read.get_mut(at)) else { continue };
        if stop.load(Ordering::Acquire)
            || limits.until.is_some_and(|until| clock::now().boot >= until)
        {
            unplanned += 1;
            continue;
        }
        match plan(at, log, terms) {
            Ok(planned) => {
                entry.holds = planned.first().and_then(|unit| unit.holds.clone());
                units.extend(planned);
            }
            Err(why) => entry.notes.push(why),
        }
    }
    let shared = Shared {
        logs,
        terms,
        limits,
        stop,
        units: Mutex::new(units),
        read: Mutex::new(read),
        done: logs.iter().map(|_| AtomicBool::new(false)).collect(),
        bytes: AtomicU64::new(0),
        left_out: AtomicU64::new(0),
    };
    let (mut tally, mut errors) = (Tally::default(), ErrorTally::default());
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..limits.threads)
            .filter_map(|_| {
                std::thread::Builder::new()
                    .name("triage".into())
                    .spawn_scoped(scope, || shared.work())
                    .ok()
            })
            .collect();
        (tally, errors) = shared.work();
        for other in others {
            if let Ok((theirs, their_errors)) = other.join() {
                tally.merge(theirs);
                errors.merge(their_errors);
            }
        }
    });
    let left_out = shared.left_out.into_inner().saturating_add(unplanned);
    let mut read = shared.read.into_inner().unwrap_or_else(PoisonError::into_inner);
    for log in &mut read {
        if unplanned == 0 && log.holds.is_none() && log.notes.is_empty() && log.scanned.lines == 0 {
            log.notes.push("it is empty".into());
        }
    }
    Reading { tally, errors, read, left_out }
}

/// Cuts a file into parts, the newest first.
fn plan(at: usize, log: &Log, terms: &Terms) -> Result<Vec<Unit>, String> {
    if log.is_stdin() {
        let sample = Arc::default();
        return Ok(vec![Unit { log: at, span: None, holds: log.holds.clone(), sample }]);
    }
    let opened = packed::open(&log.root, &log.path).map_err(|error| error.to_string())?;
    if opened.look.size == 0 {
        return Ok(Vec::new());
    }
    let mut sample = Arc::default();
    let head = match opened.packing {
        Packing::Foreign(name, tool) => {
            let shown = log.path.to_string_lossy();
            return Err(format!(
                "it is packed with {name}; try: {tool} {shown} | gatemedic triage -"
            ));
        }
        Packing::Gzip => unit::packed_head(opened.file),
        Packing::Plain => {
            sample = Arc::new(unit::sample(&opened.file, opened.look.size));
            unit::head(&opened.file).map_err(|error| error.to_string())?
        }
    };
    let holds = match &log.holds {
        Some(holds) => Some(holds.clone()).filter(|_| Holds::is_text(&head)),
        None => Holds::recognise(&head, &terms.zone),
    };
    if holds.is_none() {
        return Err("it is not text".into());
    }
    if opened.packing == Packing::Gzip {
        return Ok(vec![Unit { log: at, span: None, holds, sample }]);
    }
    let size = opened.look.size;
    let mut units = Vec::new();
    let mut end = size;
    while end > 0 {
        let begin = end.saturating_sub(SEGMENT);
        let (holds, sample) = (holds.clone(), Arc::clone(&sample));
        units.push(Unit { log: at, span: Some((begin, end)), holds, sample });
        end = begin;
    }
    Ok(units)
}

impl Shared<'_> {
    fn work(&self) -> (Tally, ErrorTally) {
        let (mut tally, mut errors) = (Tally::default(), ErrorTally::default());
        loop {
            let next = self.units.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(unit) = next else { break };
            if self.is_over() || self.done.get(unit.log).is_some_and(|d| d.load(Ordering::Acquire))
            {
                if self.is_over() {
                    let bytes = unit.span.map_or(0, |(begin, end)| end - begin);
                    self.left_out.fetch_add(bytes.max(1), Ordering::AcqRel);
                }
                continue;
            }
            let part = self.part(&unit, &mut tally, &mut errors);
            self.bytes.fetch_add(part.scanned.bytes, Ordering::AcqRel);
            self.take(&unit, part);
        }
        (tally, errors)
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Acquire)
            || self.bytes.load(Ordering::Acquire) >= self.limits.bytes
            || self.limits.until.is_some_and(|until| clock::now().boot >= until)
    }

    fn part(&self, unit: &Unit, tally: &mut Tally, errors: &mut ErrorTally) -> Part {
        let Some(log) = self.logs.get(unit.log) else { return Part::default() };
        let stop = || {
            self.stop.load(Ordering::Acquire)
                || self.limits.until.is_some_and(|until| clock::now().boot >= until)
        };
        let mut ground = Ground { terms: self.terms, tally, errors, stop: &stop };
        if log.is_stdin() {
            return match packed::of_stream(std::io::stdin()) {
                Ok((Packing::Foreign(name, tool), _)) => Part {
                    trouble: Some(format!("it is packed with {name}; unpack it with {tool}")),
                    ..Part::default()
                },
                Ok((_, mut reader)) => unit::stream(&mut *reader, unit.holds.as_ref(), &mut ground),
                Err(error) => Part { trouble: Some(error.to_string()), ..Part::default() },
            };
        }
        let file = match open(&log.root, &log.path) {
            Ok(file) => file,
            Err(why) => return Part { trouble: Some(why), ..Part::default() },
        };
        match (unit.span, &unit.holds) {
            (Some(span), Some(holds)) => {
                unit::plain(&file, (holds, &unit.sample), span, &mut ground)
            }
            _ => unit::packed(file, unit.holds.as_ref(), &mut ground),
        }
    }

    fn take(&self, unit: &Unit, part: Part) {
        let too_old = self
            .terms
            .since
            .is_some_and(|since| part.scanned.from.is_some_and(|from| from < since));
        if too_old && let Some(done) = self.done.get(unit.log) {
            done.store(true, Ordering::Release);
        }
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(log) = read.get_mut(unit.log) else { return };
        log.scanned.merge(part.scanned);
        if part.holds.is_some() {
            log.holds = part.holds;
        }
        if part.cut > 0 {
            log.notes.push(format!(
                "{} longer than {} KiB, cut there",
                if part.cut == 1 {
                    "a line is".to_owned()
                } else {
                    format!("{} lines are", part.cut)
                },
                LONGEST_LINE / 1024
            ));
        }
        log.notes.extend(part.trouble);
    }
}

fn open(root: &Root, path: &Path) -> Result<LogFile, String> {
    LogFile::open(root, path).map(|(file, _)| file).map_err(|error| error.to_string())
}
