//! The rounds of probing: what is due, what the budget allows, what is published.

use std::{
    collections::{BTreeMap, BTreeSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    time::Duration,
};

use futures_util::{
    StreamExt,
    stream::{self, FuturesUnordered},
};
use tokio::{task::spawn_blocking, time::timeout};

use super::{
    ground::Ground,
    plan::{Asker, Dial, Job, plan},
};
use crate::{
    host::{
        clock,
        connect::{self, After},
        files::Root,
        probe_budget::{ADDRESS_PAUSE, Answer, Budget, GREETING_PAUSE, PER_SECOND, Permit, Wish},
    },
    observation::{Address, Boot, Probe, ProbeOutcome, Seen, Text},
    source::{AttentionWatch, Closed, Outlet, sweep::pause},
};

/// Most addresses probed.
const MOST_JOBS: usize = 4_096;
/// Pause before a connect is asked for again that another process is just making.
const IN_FLIGHT_PAUSE: Duration = Duration::from_millis(150);
/// Longest pause between two rounds.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Publishes [`Seen::Probe`] for every target of the attention.
///
/// # Errors
/// Never returns but by [`Closed`].
pub async fn run(outlet: Outlet, attention: AttentionWatch) -> Result<(), Closed> {
    run_within(outlet, attention, Budget::shared()).await
}

/// As [`run`], within a given budget.
async fn run_within(
    outlet: Outlet,
    mut attention: AttentionWatch,
    budget: Budget,
) -> Result<(), Closed> {
    let mut rounds = Rounds::new(outlet, budget);
    let mut swept = None;
    let mut schedule = Schedule::default();
    loop {
        let wanted = attention.borrow_and_update().clone();
        let hurry = swept != Some(wanted.generation);
        // A plan for ten thousand addresses is made when it may differ, not for every round.
        if rounds.ground.survey(&wanted).await || hurry {
            let jobs = plan(&wanted, &rounds.ground).into_values().take(MOST_JOBS).collect();
            schedule = rounds.take_over(jobs).await?;
        }
        let mut wait = rounds.round(&mut schedule).await?;
        if hurry {
            for _ in 0..2 {
                if wait <= IN_FLIGHT_PAUSE {
                    tokio::time::sleep(wait).await;
                    wait = rounds.round(&mut schedule).await?;
                }
            }
            rounds.name_the_rest(&schedule).await?;
            rounds.outlet.swept(wanted.generation).await?;
            swept = Some(wanted.generation);
        }
        pause(&rounds.outlet, &mut attention, wait).await?;
    }
}

/// One connect as it was last made.
#[derive(Clone, Debug)]
struct Done {
    at: Boot,
    answer: Answer,
    told: BTreeSet<Asker>,
    greeted: Option<Boot>,
}

/// The connects of a plan and when each is due: what a round costs depends on what is due in it, not
/// on how many there are.
#[derive(Debug, Default)]
struct Schedule {
    /// By identity.
    jobs: Vec<Job>,
    /// When and which; those that were never made are due since ever.
    due: BTreeSet<(Boot, usize)>,
}

impl Schedule {
    /// The job of a connect, if there is one.
    fn job(&self, dial: &Dial) -> Option<&Job> {
        let at = self.jobs.binary_search_by(|job| job.dial.cmp(dial)).ok()?;
        self.jobs.get(at)
    }

    /// What is due, the longest due first, at most so many.
    fn take_due(&self, now: Boot, most: usize) -> Vec<(Boot, usize)> {
        self.due.range(..=(now, usize::MAX)).take(most).copied().collect()
    }
}

struct Rounds {
    outlet: Outlet,
    /// Away only while a blocking thread holds it.
    budget: Option<Budget>,
    ground: Ground,
    done: BTreeMap<Dial, Done>,
    skipped: BTreeMap<(Dial, Asker), &'static str>,
}

impl Rounds {
    fn new(outlet: Outlet, budget: Budget) -> Self {
        Self {
            outlet,
            budget: Some(budget),
            ground: Ground::default(),
            done: BTreeMap::new(),
            skipped: BTreeMap::new(),
        }
    }

    /// Takes over a plan: forgets what it does not ask for, and tells those who newly ask what is
    /// known already, or why it will not be.
    async fn take_over(&mut self, jobs: Vec<Job>) -> Result<Schedule, Closed> {
        let mut schedule = Schedule { jobs, due: BTreeSet::new() };
        self.done.retain(|dial, _| schedule.job(dial).is_some());
        self.skipped.retain(|(dial, asker), _| {
            schedule.job(dial).is_some_and(|job| job.askers.contains(asker))
        });
        for (at, job) in schedule.jobs.iter().enumerate() {
            match job.skip {
                Some(why) => self.skip(job, why).await?,
                None => {
                    self.tell_newcomers(job).await?;
                    schedule.due.insert((self.due_at(job), at));
                }
            }
        }
        Ok(schedule)
    }

    /// When a connect is to be made next.
    fn due_at(&self, job: &Job) -> Boot {
        match self.done.get(&job.dial) {
            None => Boot(0),
            Some(done) if self.lacks_greeting(job) => done.at,
            Some(done) => Boot(done.at.0.saturating_add(rhythm(&job.dial))),
        }
    }

    /// Makes the connects that are due, as far as the budget goes; how long until the next.
    async fn round(&mut self, schedule: &mut Schedule) -> Result<Duration, Closed> {
        let now = clock::now().boot;
        let mut due = schedule.take_due(now, PER_SECOND + 1);
        let late = due.len() > PER_SECOND;
        due.truncate(PER_SECOND);
        let batch: Vec<&Job> = due.iter().filter_map(|(_, at)| schedule.jobs.get(*at)).collect();
        let held = self.batch(&batch, now).await?;
        let next: Vec<(Boot, usize)> = due
            .iter()
            .filter_map(|(_, at)| Some((self.due_at(schedule.jobs.get(*at)?), *at)))
            .collect();
        for entry in &due {
            schedule.due.remove(entry);
        }
        schedule.due.extend(next);
        if held {
            return Ok(IN_FLIGHT_PAUSE);
        }
        let next = schedule.due.first().map(|(at, _)| at.0.saturating_sub(now.0));
        let next = next.map_or(LONGEST_PAUSE, Duration::from_micros);
        let least = if late { Duration::from_secs(1) } else { Duration::from_millis(500) };
        Ok(next.clamp(least, LONGEST_PAUSE))
    }

    /// Asks the budget for a batch and makes what it grants; true when another process is just
    /// making some of them.
    async fn batch(&mut self, batch: &[&Job], now: Boot) -> Result<bool, Closed> {
        let greets: Vec<bool> = batch.iter().map(|job| self.may_greet(job, now)).collect();
        let wishes = batch
            .iter()
            .map(|job| Wish { key: job.dial.key(), pause: ADDRESS_PAUSE })
            .chain(
                batch
                    .iter()
                    .zip(&greets)
                    .filter(|(_, greet)| **greet)
                    .map(|(job, _)| Wish { key: greeting_key(&job.dial), pause: GREETING_PAUSE }),
            )
            .collect();
        let mut permits = self.ask(wishes, now).await.into_iter();
        let plain: Vec<Permit> = permits.by_ref().take(batch.len()).collect();
        let mut held = false;
        let dials = FuturesUnordered::new();
        let mut known = Vec::new();
        for ((job, greet), permit) in batch.iter().zip(greets).zip(plain) {
            let greeting = if greet { permits.next() } else { None };
            let shared = match &greeting {
                Some(Permit::Known(answer)) => Some(answer.clone()),
                _ => None,
            };
            match permit {
                Permit::Granted => {
                    let after = match (job.after, greeting) {
                        (After::Greet, Some(Permit::Granted)) => After::Greet,
                        (After::Greet, _) => After::Close,
                        (other, _) => other,
                    };
                    dials.push(dial((*job).clone(), after, shared));
                }
                // Somebody has just connected, and nobody has asked about TLS yet.
                Permit::Known(answer)
                    if greeting == Some(Permit::Granted)
                        && answer.outcome == ProbeOutcome::Connected =>
                {
                    dials.push(dial((*job).clone(), After::Greet, None));
                }
                Permit::Known(answer) => {
                    let answer = with_greeting(answer, shared.as_ref());
                    known.push(((*job).clone(), answer, None));
                }
                Permit::InFlight => held = true,
                Permit::Exhausted => {}
            }
        }
        let mut made = Vec::new();
        let mut all = stream::iter(known).chain(dials);
        while let Some((job, answer, after)) = all.next().await {
            if let Some(after) = after {
                made.push((job.dial.key(), answer.clone()));
                if after == After::Greet {
                    made.push((greeting_key(&job.dial), answer.clone()));
                }
            }
            self.publish(&job, answer).await?;
        }
        self.record(made).await;
        Ok(held)
    }

    /// Whether a connect succeeded before anybody asked about TLS.
    fn lacks_greeting(&self, job: &Job) -> bool {
        let done = self.done.get(&job.dial);
        job.after == After::Greet
            && done
                .is_some_and(|d| d.greeted.is_none() && d.answer.outcome == ProbeOutcome::Connected)
    }

    fn may_greet(&self, job: &Job, now: Boot) -> bool {
        let last = self.done.get(&job.dial).and_then(|d| d.greeted);
        job.after == After::Greet
            && last.is_none_or(|at| now.0.saturating_sub(at.0) >= GREETING_PAUSE)
    }

    async fn ask(&mut self, wishes: Vec<Wish>, now: Boot) -> Vec<Permit> {
        let mut budget = self.budget.take().unwrap_or_default();
        let asked = spawn_blocking(move || {
            let permits = budget.ask(&wishes, now);
            (budget, permits)
        });
        let Ok((budget, permits)) = asked.await else { return Vec::new() };
        self.budget = Some(budget);
        permits
    }

    async fn record(&mut self, made: Vec<(String, Answer)>) {
        if made.is_empty() {
            return;
        }
        let mut budget = self.budget.take().unwrap_or_default();
        let recorded = spawn_blocking(move || {
            budget.record(&made, clock::now().boot);
            budget
        });
        self.budget = recorded.await.ok();
    }

    /// Publishes one answer to all that asked. An older answer to a greeting stays with it.
    async fn publish(&mut self, job: &Job, mut answer: Answer) -> Result<(), Closed> {
        let now = clock::now().boot;
        let old = self.done.get(&job.dial);
        let mut greeted = old.and_then(|d| d.greeted);
        if answer.tls.is_some() {
            greeted = Some(now);
        } else if job.after == After::Greet && answer.outcome == ProbeOutcome::Connected {
            answer = with_greeting(answer, old.map(|done| &done.answer));
        }
        for asker in &job.askers {
            self.skipped.remove(&(job.dial.clone(), asker.clone()));
            self.outlet.publish(probe(asker, &job.dial, answer.clone())).await?;
        }
        let done = Done { at: now, answer, told: job.askers.clone(), greeted };
        self.done.insert(job.dial.clone(), done);
        Ok(())
    }

    /// What is known already is told to those who ask for the first time.
    async fn tell_newcomers(&mut self, job: &Job) -> Result<(), Closed> {
        let Some(done) = self.done.get_mut(&job.dial) else { return Ok(()) };
        for asker in job.askers.difference(&done.told) {
            self.outlet.publish(probe(asker, &job.dial, done.answer.clone())).await?;
        }
        done.told.clone_from(&job.askers);
        Ok(())
    }

    /// Says once why a connect is not made. What was known of it is old from now on.
    async fn skip(&mut self, job: &Job, why: &'static str) -> Result<(), Closed> {
        self.done.remove(&job.dial);
        for asker in &job.askers {
            let key = (job.dial.clone(), asker.clone());
            if self.skipped.insert(key, why) != Some(why) {
                let outcome = ProbeOutcome::Skipped(Text::new(why));
                let answer = Answer { outcome, micros: 0, tls: None, tls_facts: None };
                self.outlet.publish(probe(asker, &job.dial, answer)).await?;
            }
        }
        Ok(())
    }

    /// Names what this sweep could not get to.
    async fn name_the_rest(&mut self, schedule: &Schedule) -> Result<(), Closed> {
        for job in schedule.jobs.iter().filter(|job| job.skip.is_none()) {
            if !self.done.contains_key(&job.dial) {
                self.skip(job, "probe budget").await?;
            }
        }
        Ok(())
    }
}

/// Makes one connect. Unix sockets are reached in the blocking pool: a path may lead to a file
/// system that does not answer.
async fn dial(job: Job, after: After, shared: Option<Answer>) -> (Job, Answer, Option<After>) {
    let mut answer = match &job.dial.tried {
        Address::Tcp(address) => {
            connect::tcp(*address, job.from, job.limit, after, &job.server).await
        }
        Address::Unix(path) => {
            let (root, path) = (Root::new(&job.dial.root), path.raw().to_owned());
            let late = || Answer {
                outcome: ProbeOutcome::TimedOut,
                micros: u64::try_from(job.limit.as_micros()).unwrap_or(u64::MAX),
                tls: None,
                tls_facts: None,
            };
            let connect = spawn_blocking(move || connect::unix(&root, &path));
            timeout(job.limit, connect).await.ok().and_then(Result::ok).unwrap_or_else(late)
        }
        Address::Name { .. } => Answer {
            outcome: ProbeOutcome::Skipped(Text::new("the name does not resolve")),
            micros: 0,
            tls: None,
            tls_facts: None,
        },
    };
    answer = with_greeting(answer, shared.as_ref());
    (job, answer, Some(after))
}

/// An answer with what an earlier greeting brought, where it has none of its own.
fn with_greeting(answer: Answer, other: Option<&Answer>) -> Answer {
    match other {
        Some(other) if answer.tls.is_none() => {
            Answer { tls: other.tls.clone(), tls_facts: other.tls_facts.clone(), ..answer }
        }
        _ => answer,
    }
}

fn probe(asker: &Asker, dial: &Dial, answer: Answer) -> Seen {
    Seen::Probe(Probe {
        gateway: asker.gateway.clone(),
        target: asker.target.clone(),
        tried: dial.tried.clone(),
        same_namespace: asker.same_namespace,
        outcome: answer.outcome,
        micros: answer.micros,
        tls: answer.tls,
        tls_facts: answer.tls_facts,
    })
}

fn greeting_key(dial: &Dial) -> String {
    format!("tls {}", dial.key())
}

/// Microseconds between two connects to one address: 6.25 s, moved by up to a fifth so that
/// addresses spread, and always the same for the same one.
fn rhythm(dial: &Dial) -> u64 {
    let mut hasher = DefaultHasher::new();
    dial.key().hash(&mut hasher);
    ADDRESS_PAUSE + hasher.finish() % (ADDRESS_PAUSE / 2)
}

#[cfg(test)]
mod tests {
    use std::{
        net::{SocketAddr, TcpListener},
        sync::Arc,
    };

    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::{
        observation::{GatewayId, NetNs, Protocol, SourceId},
        session::{Attention, Event, Target},
    };

    fn target(address: SocketAddr) -> Target {
        Target {
            gateway: GatewayId(Text::new("g")),
            address: Address::Tcp(address),
            protocol: Protocol::Http,
            resolver: None,
            per_request: false,
            ask_tls: false,
            tls_name: None,
            sends_name: false,
            saturated: false,
        }
    }

    /// Outcomes published until the first generation is swept.
    async fn first_sweep(targets: Vec<Target>, budget: Budget) -> Vec<(Address, ProbeOutcome)> {
        let (sender, mut queue) = mpsc::channel(256);
        let wanted = Attention { generation: 9, targets, ..Attention::default() };
        let (_news, attention) = watch::channel(Arc::new(wanted));
        let outlet = Outlet::new(SourceId::Probes, sender);
        tokio::spawn(run_within(outlet, attention, budget));
        let mut outcomes = Vec::new();
        while let Some(Event::Seen(seen)) = queue.recv().await {
            match seen.seen {
                Seen::Probe(probe) => outcomes.push((probe.tried, probe.outcome)),
                Seen::Swept { generation: 9 } => return outcomes,
                other => panic!("{other:?}"),
            }
        }
        panic!("closed")
    }

    fn free_port() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    #[tokio::test]
    async fn a_dead_and_a_living_backend_are_told_apart_in_the_first_sweep() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (alive, dead) = (listener.local_addr().unwrap(), free_port());
        let folder = tempfile::tempdir().unwrap();
        let targets = || vec![target(alive), target(dead)];
        let mut seen = first_sweep(targets(), Budget::at(folder.path())).await;
        seen.sort_by_key(|(address, _)| *address != Address::Tcp(alive));
        assert_eq!(seen[0], (Address::Tcp(alive), ProbeOutcome::Connected));
        assert_eq!(seen[1], (Address::Tcp(dead), ProbeOutcome::Refused));
        // A second process within five seconds gets the same answers without a connect.
        let mut again = first_sweep(targets(), Budget::at(folder.path())).await;
        again.sort_by_key(|(address, _)| *address != Address::Tcp(alive));
        assert_eq!(again, seen);
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_ok());
        assert!(listener.accept().is_err(), "one connect only");
    }

    #[tokio::test]
    async fn more_targets_than_the_budget_allows_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port().port();
        let targets = (1..=30).map(|n| target(SocketAddr::from(([127, 0, 1, n], port)))).collect();
        let seen = first_sweep(targets, Budget::at(folder.path())).await;
        let skipped = seen.iter().filter(|(_, o)| matches!(o, ProbeOutcome::Skipped(_))).count();
        assert_eq!((seen.len(), skipped), (30, 10));
    }

    #[tokio::test]
    async fn a_saturated_backend_gets_no_connect() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let busy = Target { saturated: true, ..target(address) };
        let folder = tempfile::tempdir().unwrap();
        let seen = first_sweep(vec![busy], Budget::at(folder.path())).await;
        assert!(matches!(seen[0].1, ProbeOutcome::Skipped(_)));
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err());
    }

    #[test]
    fn the_rhythm_is_never_faster_than_the_budget() {
        for port in 1..200 {
            let tried = Address::Tcp(SocketAddr::from(([10, 0, 0, 1], port)));
            let dial = Dial { netns: NetNs(1), root: String::new(), tried };
            assert!((ADDRESS_PAUSE..ADDRESS_PAUSE * 3 / 2).contains(&rhythm(&dial)));
        }
    }
}
