//! An incident made from a seed: the same seed and level give the same incident.

use std::fmt::Write as _;

use fastrand::Rng;

use crate::{
    practice::{Behaviour, Event, GatewayText, Happening, OldFile, Runtime, Setup},
    session::practice::Task,
};

use super::{
    Scenario,
    faults::{Fault, asked, healthy},
    scenario::LEVELS,
};

/// Names that programs can have.
const NAMES: [&str; 14] = [
    "cart", "search", "orders", "tickets", "gallery", "forum", "booking", "prices", "stock",
    "news", "maps", "login", "reports", "mail",
];
/// Requests in a row that suffice.
const IN_A_ROW: u64 = 10;
/// When the first fault begins, and how much later the next one does.
const FIRST_MS: u32 = 400;
const LATER_MS: u32 = 400;

/// Something that looks as if it had a part in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Herring {
    OldErrors,
    Restarted,
    Timeout,
    Slow,
}

/// Makes an incident. A level out of bounds is taken for the nearest one.
pub fn by_chance(seed: u64, level: u8) -> Scenario {
    let level = level.clamp(*LEVELS.start(), *LEVELS.end());
    // Neighbouring seeds are not to begin alike.
    let mut rng = Rng::with_seed(seed ^ 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(u64::from(level)));
    let mut names = NAMES;
    rng.shuffle(&mut names);
    let mut names = names.into_iter();
    let mut made = Made::new(seed, level);
    let mut faults: Vec<Fault> =
        Fault::ALL.into_iter().filter(|fault| fault.known().level <= level).collect();
    rng.shuffle(&mut faults);
    if level == *LEVELS.end() {
        // Each of the two is to be repaired and proved while the other one still fails: a change of
        // the gateway's file is proved by the whole gateway.
        faults.retain(|fault| !fault.changes_the_gateway());
    }
    let wanted = if level == *LEVELS.end() { 2 } else { 1 };
    let faults: Vec<Fault> = faults.into_iter().take(wanted).collect();
    let mut at = FIRST_MS;
    for (fault, name) in faults.iter().zip(names.by_ref()) {
        made.broken(*fault, name, at, runtime(&mut rng));
        at += LATER_MS;
    }
    let mut neighbours = Vec::new();
    for name in names.take(usize::from(level.saturating_sub(1)).min(2)) {
        made.neighbour(name, runtime(&mut rng));
        neighbours.push(name);
    }
    if level >= 3 {
        let mut herrings =
            vec![Herring::OldErrors, Herring::Restarted, Herring::Timeout, Herring::Slow];
        if faults.iter().any(|fault| fault.minds_reloads()) {
            herrings.retain(|herring| *herring != Herring::Timeout);
        }
        rng.shuffle(&mut herrings);
        for herring in herrings.into_iter().take(usize::from(level) - 2) {
            made.herring(herring, neighbours.first().copied().unwrap_or_default());
        }
    }
    made.told(&mut rng, &faults)
}

fn runtime(rng: &mut Rng) -> Runtime {
    if rng.bool() { Runtime::Python } else { Runtime::Node }
}

/// An incident that is being made.
struct Made {
    task: Task,
    world: Setup,
    broken: Vec<String>,
}

impl Made {
    fn new(seed: u64, level: u8) -> Self {
        let task = Task {
            id: "by-chance".to_owned(),
            level,
            in_a_row: IN_A_ROW,
            seed: Some(seed),
            ..Task::default()
        };
        let world = Setup {
            gateway: GatewayText::default(),
            apps: Vec::new(),
            routes: Vec::new(),
            files: Vec::new(),
            happens: Vec::new(),
        };
        Self { task, world, broken: Vec::new() }
    }

    fn broken(&mut self, fault: Fault, name: &str, at: u32, runtime: Runtime) {
        let mut broken = fault.build(name, at);
        broken.app.runtime = runtime;
        self.world.gateway.http.push_str(&broken.http);
        self.world.gateway.server.push_str(&broken.location);
        self.world.apps.push(broken.app);
        self.world.routes.push(broken.route);
        self.world.happens.extend(broken.happens);
        let known = fault.known();
        let about = |text: &str| text.replace("{}", name);
        for cause in known.causes {
            if !self.task.accepts(cause) {
                self.task.accepted.push((*cause).to_owned());
            }
        }
        self.task.hints.extend(known.hints.iter().map(|hint| about(hint)));
        self.task.senior.push(about(known.senior));
        self.task.repairs += 1;
        self.broken.push(name.to_owned());
    }

    fn neighbour(&mut self, name: &str, runtime: Runtime) {
        let mut app = healthy(name);
        app.runtime = runtime;
        // A string takes whatever is written to it.
        let server = &mut self.world.gateway.server;
        let _ = write!(server, "location /{name} {{\n    proxy_pass http://{};\n}}\n", app.listen);
        self.world.apps.push(app);
        self.world.routes.push(asked(name, 1_100, false));
    }

    fn herring(&mut self, herring: Herring, neighbour: &str) {
        let words = match herring {
            Herring::OldErrors => {
                let first = self.broken.first().cloned().unwrap_or_default();
                let line = |secs: u32| {
                    format!(
                        "[@iso-{secs}@] [612] [ERROR] Worker (pid:640) was sent SIGKILL! Perhaps \
                         out of memory?"
                    )
                };
                self.world.files.push(OldFile {
                    path: format!("logs/{first}.log"),
                    lines: [518_400, 518_300, 518_200].map(line).to_vec(),
                    age_secs: 518_000,
                });
                format!("The memory errors in the log of {first} are six days old.")
            }
            Herring::Restarted => {
                let app = neighbour.to_owned();
                self.happens(150, Event::Restart { app });
                format!("{neighbour} was restarted just before: it serves, before and after.")
            }
            Herring::Timeout => {
                self.world.gateway.http.push_str("proxy_send_timeout 60s;\n");
                let find = "proxy_send_timeout 60s;".to_owned();
                let replace = "proxy_send_timeout 45s;".to_owned();
                self.happens(50, Event::Config { find, replace });
                self.happens(100, Event::Reload);
                "A timeout was changed and loaded before: nothing failed by it.".to_owned()
            }
            Herring::Slow => {
                let slow = self.world.apps.iter_mut().find(|app| app.name == neighbour);
                if let Some(app) = slow {
                    app.does = Behaviour::Serve { status: 200, slow_ms: 900 };
                }
                format!("{neighbour} is slow, and answers every request.")
            }
        };
        self.task.herrings.push(words);
    }

    fn happens(&mut self, after_ms: u32, what: Event) {
        self.world.happens.push(Happening { after_ms, what });
    }

    /// Puts it into words.
    fn told(mut self, rng: &mut Rng, faults: &[Fault]) -> Scenario {
        let whom = self.broken.join(" and ");
        let verb = if self.broken.len() > 1 { "say" } else { "says" };
        let (hour, minute) = (rng.u8(0..24), rng.u8(0..60));
        let code = if faults.contains(&Fault::Frozen) { "502 or 504" } else { "502" };
        let who = rng.choice(["The phone rings", "The chat is loud", "A ticket comes in"]);
        let ends = rng.choice([
            "Nobody admits to having changed anything.",
            "It worked an hour ago.",
            "\"It must be the network\", says somebody. It is always the network.",
            "You are alone with it.",
        ]);
        let (who, ends) = (who.unwrap_or_default(), ends.unwrap_or_default());
        self.task.title = format!("By chance: {whom}");
        self.task.story = format!(
            "{hour:02}:{minute:02}. {who}: {whom} {verb} {code}, since a moment ago.\n\n{ends}"
        );
        self.task.senior.insert(
            0,
            "Reads the error lines first, each to its end: number, phase and address.".to_owned(),
        );
        self.task.senior.push("Waits for the proof by requests, and only then says so.".to_owned());
        self.task.hints.truncate(5);
        if self.task.level <= 2 {
            self.choices(rng);
        }
        Scenario { task: self.task, world: self.world }
    }

    /// A few causes to choose from for beginners.
    fn choices(&mut self, rng: &mut Rng) {
        const FEW: usize = 5;
        self.task.choices = self.task.accepted.iter().take(1).cloned().collect();
        let mut others: Vec<&str> = Fault::ALL
            .into_iter()
            .filter_map(|fault| fault.known().causes.first())
            .copied()
            .collect();
        others.sort_unstable();
        others.dedup();
        rng.shuffle(&mut others);
        let others = others.into_iter().filter(|id| !self.task.accepts(id));
        let others: Vec<String> = others.take(FEW - 1).map(str::to_owned).collect();
        self.task.choices.extend(others);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_seed_gives_a_fair_incident_and_always_the_same(
            seed in any::<u64>(), level in any::<u8>(),
        ) {
            let one = by_chance(seed, level);
            prop_assert_eq!(one.check(), Ok(()));
            prop_assert_eq!(&one, &by_chance(seed, level));
            prop_assert_eq!(one.task.seed, Some(seed));
            let broken = usize::try_from(one.task.repairs).unwrap();
            prop_assert_eq!(broken, if one.task.level == 4 { 2 } else { 1 });
            let text = &one.task.story;
            prop_assert!(!one.task.accepted.iter().any(|id| text.contains(id.as_str())), "{text}");
        }
    }

    #[test]
    fn seeds_give_different_incidents() {
        let all: Vec<_> = (0..40).map(|seed| by_chance(seed, 3).task.accepted).collect();
        let mut kinds = all;
        kinds.sort();
        kinds.dedup();
        assert!(kinds.len() >= 6, "{kinds:?}");
    }
}
