//! Reads the ring, then follows it.

use std::{io, thread, time::Duration};

use tokio::sync::mpsc;

use crate::{
    host::{
        clock,
        kmsg::{self, Next, Reader},
    },
    observation::Seen,
    source::{AttentionWatch, Closed, Outlet},
};

use super::{
    journal::Journal,
    past::{Past, gap},
    translate::Translator,
};

/// How often the reading thread looks whether it should end.
const WAKE: Duration = Duration::from_millis(500);

/// How often the journal is asked when the ring itself may not be read.
const JOURNAL_INTERVAL: Duration = Duration::from_secs(5);

/// How often a quiet source looks whether anybody still listens.
const LISTENING: Duration = Duration::from_secs(2);

/// What the reading thread says.
#[derive(Debug)]
enum Step {
    /// The ring as it was found.
    Past(Vec<Seen>),
    /// Something new.
    New(Box<Seen>),
    /// The ring cannot be read (any more).
    Broken(io::Error),
}

/// Follows the kernel log until the session ends. The log does not depend on the attention, so
/// each generation counts as swept as soon as the ring has been read once.
pub async fn run(outlet: Outlet, attention: AttentionWatch) {
    let _ = follow(outlet, attention).await;
}

async fn follow(outlet: Outlet, mut attention: AttentionWatch) -> Result<(), Closed> {
    let (sender, mut steps) = mpsc::channel(64);
    let thread = thread::Builder::new().name("kernel-log".to_owned());
    let started = thread.spawn({
        let sender = sender.clone();
        move || {
            if let Err(error) = read(&sender) {
                let _ = sender.blocking_send(Step::Broken(error));
            }
        }
    });
    if let Err(error) = started {
        let _ = sender.try_send(Step::Broken(error));
    }
    drop(sender);
    let mut known = false;
    loop {
        tokio::select! {
            step = steps.recv() => match step {
                Some(Step::Past(past)) => {
                    for seen in past {
                        outlet.publish(seen).await?;
                    }
                    known = true;
                    let generation = attention.borrow_and_update().generation;
                    outlet.swept(generation).await?;
                }
                Some(Step::New(seen)) => outlet.publish(*seen).await?,
                Some(Step::Broken(error)) => return through_journal(outlet, attention, error).await,
                None => return through_journal(outlet, attention, io::ErrorKind::UnexpectedEof.into()).await,
            },
            changed = attention.changed() => {
                changed.map_err(|_| Closed)?;
                if known {
                    let generation = attention.borrow_and_update().generation;
                    outlet.swept(generation).await?;
                }
            }
            () = tokio::time::sleep(LISTENING) => {
                if outlet.is_closed() {
                    return Err(Closed);
                }
            }
        }
    }
}

/// Runs on its own thread until nobody listens or the device fails.
fn read(steps: &mpsc::Sender<Step>) -> io::Result<()> {
    let mut reader = Reader::open()?;
    let mut translator = Translator::default();
    let mut past = Past::default();
    let mut offset = kmsg::offset();
    loop {
        let now = clock::now().wall;
        match reader.read_next()? {
            Next::Empty => break,
            Next::Garbage => {}
            Next::Record { record, lost } => {
                if lost > 0 {
                    past.push(overrun(lost));
                }
                if let Some(seen) = translator.take(&record, offset, now) {
                    past.push(seen);
                }
            }
        }
        if steps.is_closed() {
            return Ok(());
        }
    }
    let send = |step| steps.blocking_send(step).is_ok();
    if !send(Step::Past(past.into_vec())) {
        return Ok(());
    }
    while !steps.is_closed() {
        let before = kmsg::monotonic();
        if !reader.wait(WAKE)? {
            continue;
        }
        let now = clock::now().wall;
        // A record that ends a wait was written just now: that corrects the drift of the kernel's
        // local clock, unless this thread was held up for longer than it meant to wait.
        let mut fresh = kmsg::monotonic().saturating_sub(before) < 1_000_000;
        loop {
            match reader.read_next()? {
                Next::Empty => break,
                Next::Garbage => {}
                Next::Record { record, lost } => {
                    if std::mem::take(&mut fresh) && lost == 0 {
                        let stamp = i64::try_from(record.stamp).unwrap_or(i64::MAX);
                        offset = now.0.saturating_sub(stamp);
                    }
                    if lost > 0 && !send(Step::New(Box::new(overrun(lost)))) {
                        return Ok(());
                    }
                    if let Some(seen) = translator.take(&record, offset, clock::now().wall)
                        && !send(Step::New(Box::new(seen)))
                    {
                        return Ok(());
                    }
                }
            }
        }
    }
    Ok(())
}

fn overrun(lost: u64) -> Seen {
    gap(lost, "the kernel overwrote its log faster than it was read")
}

/// The ring is out of reach: the journal may hold a copy. If it does not either, that is said.
async fn through_journal(
    outlet: Outlet,
    mut attention: AttentionWatch,
    error: io::Error,
) -> Result<(), Closed> {
    let mut journal = Journal::default();
    let mut told = false;
    let mut swept = None;
    let mut ticks = tokio::time::interval(JOURNAL_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            _ = ticks.tick() => {
                if outlet.is_closed() {
                    return Err(Closed);
                }
                let seen = journal.read().await;
                for seen in seen {
                    outlet.publish(seen).await?;
                }
                if journal.sees() == told {
                    if told {
                        outlet.publish(Seen::Sighted).await?;
                    }
                    told = !told;
                    if told {
                        blind(&outlet, &error).await?;
                    }
                }
            }
            changed = attention.changed() => changed.map_err(|_| Closed)?,
        }
        let generation = attention.borrow_and_update().generation;
        if swept.replace(generation) != Some(generation) {
            outlet.swept(generation).await?;
        }
    }
}

async fn blind(outlet: &Outlet, error: &io::Error) -> Result<(), Closed> {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "/dev/kmsg does not exist here".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "/dev/kmsg: operation not permitted (kernel.dmesg_restrict)".to_owned()
        }
        _ => format!("/dev/kmsg: {error}"),
    };
    let grant = match error.kind() {
        io::ErrorKind::NotFound => "run on the host itself, not in a container",
        _ => {
            "capability CAP_SYSLOG, or membership in group systemd-journal or adm where the \
              journal keeps kernel messages"
        }
    };
    let hides = "memory kills, crashes, full connection tables, disk errors";
    outlet.blind("kernel log", why, hides, grant).await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::watch;

    use crate::{
        observation::SourceId,
        session::{Attention, Event},
    };

    use super::*;

    async fn next_sweep(events: &mut mpsc::Receiver<Event>) -> u64 {
        loop {
            let event = tokio::time::timeout(Duration::from_secs(30), events.recv()).await;
            if let Some(Event::Seen(seen)) = event.expect("a sweep in time")
                && let Seen::Swept { generation } = seen.seen
            {
                return generation;
            }
        }
    }

    #[tokio::test]
    async fn every_generation_is_swept_whether_the_log_can_be_read_or_not() {
        let (queue, mut events) = mpsc::channel(4);
        let (attend, attention) = watch::channel(Arc::new(Attention::default()));
        let task = tokio::spawn(run(Outlet::new(SourceId::Kernel, queue), attention));
        assert_eq!(next_sweep(&mut events).await, 0);
        attend.send(Arc::new(Attention { generation: 7, ..Attention::default() })).unwrap();
        assert_eq!(next_sweep(&mut events).await, 7);
        drop(attend);
        task.await.unwrap();
    }

    #[tokio::test]
    async fn without_the_device_the_blind_spot_is_told_and_the_sweep_still_comes() {
        let (queue, mut events) = mpsc::channel(64);
        let (attend, attention) = watch::channel(Arc::new(Attention::default()));
        let outlet = Outlet::new(SourceId::Kernel, queue);
        let error = io::ErrorKind::PermissionDenied.into();
        let task = tokio::spawn(through_journal(outlet, attention, error));
        assert_eq!(next_sweep(&mut events).await, 0);
        drop(attend);
        assert_eq!(task.await.unwrap(), Err(Closed));
    }
}
