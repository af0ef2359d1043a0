//! The source: a thread that follows, and a task that tells it what to follow.
//!
//! Files can hang (a dead network file system), so they are read on a thread of their own; the
//! task answers for it when it does not come back in time.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::tz::TimeZone;
use tokio::sync::watch as channel;

use crate::{
    host::{
        clock,
        files::Root,
        watch::{Waker, Watch, WatchError, wait},
    },
    observation::{BlindSpot, Boot, Seen, SourceId, Text},
    session::Attention,
    source::{AttentionWatch, Closed, Outlet},
};

use super::{
    found::{Backlog, Progress},
    pool::Pool,
};

/// Records of failed requests that wait for the reasons to be read.
const HELD: usize = 4_096;
/// Everything is looked at this often, whatever the kernel says.
const SAFETY: Duration = Duration::from_millis(1500);
/// The same when the kernel cannot wake us.
const POLLING: Duration = Duration::from_millis(250);
/// Events are gathered for this long before the files are looked at.
const GATHER: Duration = Duration::from_millis(50);
/// The first look at all logs may take this long before the report goes on without it.
const PATIENCE: Duration = Duration::from_millis(800);

/// Follows every log of the attention until the session ends. `zone` is the host's.
pub async fn run(outlet: Outlet, mut attention: AttentionWatch, zone: TimeZone) {
    let Ok(waker) = Waker::new() else { return };
    let (swept, mut seen_swept) = channel::channel(0_u64);
    let shared = Arc::new(Shared {
        waker,
        wanted: Mutex::new(None),
        ended: AtomicBool::new(false),
        excused: AtomicBool::new(false),
        swept,
    });
    let worker = Worker::new(Arc::clone(&shared), outlet.clone(), zone);
    let started = std::thread::Builder::new().name("logs".into()).spawn(move || worker.run());
    let _ending = Ending(Arc::clone(&shared));
    loop {
        let newest = attention.borrow_and_update().clone();
        let generation = newest.generation;
        shared.want(newest);
        let answer = match &started {
            Ok(_) => {
                let done = seen_swept.wait_for(|swept| *swept >= generation);
                tokio::time::timeout(PATIENCE, done).await.is_ok()
            }
            Err(_) => false,
        };
        if !answer {
            shared.excused.store(true, Ordering::Release);
            if excuse(&outlet, generation).await.is_err() {
                return;
            }
        }
        let ended = async {
            while !outlet.is_closed() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        tokio::select! {
            changed = attention.changed() => if changed.is_err() { return },
            () = ended => return,
        }
    }
}

async fn excuse(outlet: &Outlet, generation: u64) -> Result<(), Closed> {
    let why = "the first reading takes longer than this report can wait";
    outlet.blind("log files", why, "what their newest lines say", "").await?;
    outlet.swept(generation).await
}

struct Shared {
    waker: Waker,
    wanted: Mutex<Option<Arc<Attention>>>,
    ended: AtomicBool,
    /// Whether the task said that the logs are out of sight for now.
    excused: AtomicBool,
    swept: channel::Sender<u64>,
}

impl Shared {
    fn want(&self, attention: Arc<Attention>) {
        if let Ok(mut wanted) = self.wanted.lock() {
            *wanted = Some(attention);
        }
        self.waker.ring();
    }

    fn take(&self) -> Option<Arc<Attention>> {
        self.wanted.lock().ok()?.take()
    }
}

/// Ends the thread when the task ends, however that happens.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Release);
        self.0.waker.ring();
    }
}

struct Worker {
    shared: Arc<Shared>,
    outlet: Outlet,
    pool: Pool,
    watch: Option<Watch>,
    /// Why the kernel does not wake us.
    unwatched: Option<String>,
    published: BTreeMap<Text, BlindSpot>,
    owed: Option<u64>,
    checked: Option<Boot>,
    /// Whether somebody rang while events were gathered.
    rung: bool,
    /// Access logs that were written to while failures were read, to be read next.
    late: BTreeSet<(Text, Text)>,
}

impl Worker {
    fn new(shared: Arc<Shared>, outlet: Outlet, zone: TimeZone) -> Self {
        let (watch, unwatched) = match Watch::new() {
            Ok(watch) => (Some(watch), None),
            Err(error) => (None, Some(error.to_string())),
        };
        Self {
            shared,
            outlet,
            pool: Pool::new(zone, Backlog::RECENT),
            watch,
            unwatched,
            published: BTreeMap::new(),
            owed: None,
            checked: None,
            rung: false,
            late: BTreeSet::new(),
        }
    }

    fn run(mut self) {
        while !self.shared.ended.load(Ordering::Acquire) {
            if self.turn().is_err() {
                return;
            }
        }
    }

    /// Waits, looks, publishes, and answers for a generation when it is due.
    fn turn(&mut self) -> Result<(), Closed> {
        let mut due = self.pool.pending();
        due.append(&mut self.late);
        let limit = if due.is_empty() { self.interval() } else { GATHER };
        let hurry = self.pool.has_more() || std::mem::take(&mut self.rung);
        let limit = if hurry { Duration::ZERO } else { limit };
        let woken = wait(self.watch.as_mut(), &self.shared.waker, limit);
        if let Some(attention) = self.shared.take() {
            self.retarget(&attention)?;
            due = self.pool.all();
        }
        for path in &woken.paths {
            due.extend(self.pool.concerned(path).cloned());
        }
        let now = clock::now();
        let checked = self.checked.map_or(u64::MAX, |at| now.boot.0.saturating_sub(at.0));
        let full = woken.overflow || u128::from(checked) >= self.interval().as_micros();
        if full {
            self.pool.index();
            self.watch_directories();
            due = self.pool.all();
            self.checked = Some(now.boot);
        }
        self.read(&due)?;
        if full || self.owed.is_some() {
            self.publish_blindness()?;
        }
        self.answer()?;
        if !woken.paths.is_empty() {
            // Gather what a busy log sends meanwhile.
            self.rung |= wait(None, &self.shared.waker, GATHER).rung;
        }
        Ok(())
    }

    fn interval(&self) -> Duration {
        if self.unwatched.is_some() { POLLING } else { SAFETY }
    }

    fn retarget(&mut self, attention: &Attention) -> Result<(), Closed> {
        let mut out = Vec::new();
        self.pool.follow(&attention.logs, &mut out);
        self.owed = Some(attention.generation);
        self.watch_directories();
        self.publish(out)
    }

    /// Reads what is due. A gateway writes why a request failed before the record of the request: so
    /// the records are read first and told last, and nobody sees one without its reason.
    fn read(&mut self, due: &BTreeSet<(Text, Text)>) -> Result<(), Closed> {
        let mut held = Vec::new();
        self.read_logs(due, &mut held)?;
        if !held.is_empty() {
            let late = self.written_meanwhile();
            let (records, reasons) = late.into_iter().partition(|key| self.pool.is_access(key));
            self.read_logs(&reasons, &mut held)?;
            self.late = records;
        }
        self.publish(held)?;
        let mut out = Vec::new();
        self.pool.settle(clock::now(), &mut out);
        self.publish(out)
    }

    /// Logs that were written to since the last wait.
    fn written_meanwhile(&mut self) -> BTreeSet<(Text, Text)> {
        if self.watch.is_none() || self.unwatched.is_some() {
            return self.pool.all();
        }
        let woken = wait(self.watch.as_mut(), &self.shared.waker, Duration::ZERO);
        self.rung |= woken.rung;
        if woken.overflow {
            return self.pool.all();
        }
        woken.paths.iter().flat_map(|path| self.pool.concerned(path)).cloned().collect()
    }

    /// Reads some logs and publishes what they say, but for records of failed requests, of which it
    /// holds a bounded number back.
    fn read_logs(
        &mut self,
        due: &BTreeSet<(Text, Text)>,
        held: &mut Vec<Seen>,
    ) -> Result<(), Closed> {
        let mut out = Vec::new();
        for key in due {
            let now = clock::now();
            let mut progress = self.pool.poll(key, now, &mut out);
            // The past of one log is read at one go, so that its lines stay together.
            let mut rounds = 0;
            while progress == Progress::More && rounds < 16 {
                self.publish_but_records(&mut out, held)?;
                progress = self.pool.poll(key, now, &mut out);
                rounds += 1;
            }
            self.publish_but_records(&mut out, held)?;
        }
        Ok(())
    }

    fn publish_but_records(&self, out: &mut Vec<Seen>, held: &mut Vec<Seen>) -> Result<(), Closed> {
        let (records, rest) =
            std::mem::take(out).into_iter().partition(|seen| matches!(seen, Seen::Access(_)));
        self.publish(rest)?;
        held.extend::<Vec<Seen>>(records);
        if held.len() > HELD { self.publish(std::mem::take(held)) } else { Ok(()) }
    }

    fn answer(&mut self) -> Result<(), Closed> {
        let Some(generation) = self.owed else { return Ok(()) };
        if !self.pool.caught_up() {
            return Ok(());
        }
        let mut out = Vec::new();
        self.pool.flush(&mut out);
        out.push(Seen::Swept { generation });
        self.publish(out)?;
        self.owed = None;
        self.shared.swept.send_replace(generation);
        Ok(())
    }

    fn watch_directories(&mut self) {
        let Some(watch) = &mut self.watch else { return };
        let wanted = self.pool.directories();
        let mut keep: BTreeSet<PathBuf> = BTreeSet::new();
        let mut exhausted = None;
        for (prefix, directory) in &wanted {
            let root = Root::new(prefix.clone());
            match watch.add(&root, directory) {
                Ok(()) => drop(keep.insert(root.seen_at(directory))),
                Err(error @ WatchError::Exhausted(_)) => exhausted = Some(error.to_string()),
                // A directory that is not there yet is found by the next look.
                Err(WatchError::Directory(_)) => {}
            }
        }
        watch.retain(|path| keep.contains(path));
        self.unwatched = exhausted;
    }

    fn publish_blindness(&mut self) -> Result<(), Closed> {
        let mut spots = self.pool.blind_spots();
        if let Some(why) = &self.unwatched {
            let what = Text::new("changes of log files");
            let spot = BlindSpot {
                source: SourceId::Logs,
                what: what.clone(),
                why: Text::new(why),
                hides: Text::new("nothing; logs are read four times a second instead of at once"),
                grant: Text::new("raise fs.inotify.max_user_watches or max_user_instances"),
            };
            spots.insert(what, spot);
        }
        let excused = self.owed.is_none() && self.shared.excused.swap(false, Ordering::AcqRel);
        let kept =
            !excused && self.published.iter().all(|(what, spot)| spots.get(what) == Some(spot));
        let mut out = Vec::new();
        if !kept {
            out.push(Seen::Sighted);
        }
        let is_new = |(what, _): &(&Text, &BlindSpot)| !kept || !self.published.contains_key(*what);
        out.extend(spots.iter().filter(is_new).map(|(_, spot)| Seen::Blind(spot.clone())));
        self.published = spots;
        self.publish(out)
    }

    fn publish(&self, out: Vec<Seen>) -> Result<(), Closed> {
        out.into_iter().try_for_each(|seen| self.outlet.publish_blocking(seen))
    }
}
