//! `gatemedic practice`: a small incident of real processes on this machine, and the console on top
//! of it. Nothing else of the machine is looked at or touched.

use std::{
    fmt::Write as _,
    io,
    sync::mpsc::{Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use tokio::sync::mpsc;

use crate::{
    engine::live::{End, Lesson, Screen},
    host::{clock, hardening},
    practice::{
        How, World, WorldError,
        game::{Library, Scenario, by_chance, traffic},
    },
    session::{Event, Model, practice::Onward},
};

use super::{
    Arguments, Exit,
    console::{self, Played, Seat, session},
    environment, output,
    screen::TerminalScreen,
};

/// How often the world is asked what its clients got.
const PULSE: Duration = Duration::from_millis(250);
/// What stands in the place of the host's name: nobody is to take practice for an incident.
const HOST: &str = "practice";

/// Options of `practice`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct PracticeArguments {
    /// Which one; without it the first of the level
    #[arg(value_name = "SCENARIO", conflicts_with_all = ["seed", "list"])]
    pub scenario: Option<String>,

    /// How hard, from 1 to 4
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=4))]
    #[arg(conflicts_with_all = ["scenario", "list"])]
    pub level: Option<u8>,

    /// Make one by chance; the same number gives the same one
    #[arg(long, value_name = "N", conflicts_with = "list")]
    pub seed: Option<u64>,

    /// List the scenarios
    #[arg(long)]
    pub list: bool,

    /// With the nginx of this host, in a folder of its own, instead of ours
    #[arg(long, conflicts_with = "list")]
    pub real: bool,
}

impl PracticeArguments {
    /// Runs it.
    pub(super) fn run(&self, arguments: &Arguments) -> Exit {
        run(self, arguments)
    }
}

fn run(own: &PracticeArguments, arguments: &Arguments) -> Exit {
    if own.list {
        return output::data(&list()).err().unwrap_or(Exit::Success);
    }
    let Some(first) = chosen(own) else { return Exit::Usage };
    if hardening::is_raised() {
        output::note(
            "this file is setuid or has capabilities: practice starts programs, and not with those",
        );
        return Exit::Refused;
    }
    if let Some(why) = console::hindrance() {
        output::note(&format!(
            "{why}: practice needs one; 'gatemedic practice --list' names the scenarios"
        ));
        return Exit::Usage;
    }
    let mut trouble = None;
    let exit = console::show(arguments, |seat| {
        play(seat, arguments, own.real, first).map(|(end, why)| {
            trouble = why;
            end
        })
    });
    match trouble {
        Some(error) => {
            output::note(&format!("failed to set the scene: {error}"));
            Exit::Unavailable
        }
        None => exit,
    }
}

/// The scenario that was asked for; what is wrong with the name has been said.
fn chosen(own: &PracticeArguments) -> Option<Scenario> {
    let level = own.level.unwrap_or(1);
    if let Some(seed) = own.seed {
        return Some(by_chance(seed, level));
    }
    let Some(name) = &own.scenario else { return Library::first(level).cloned() };
    let found = Library::get(name).cloned();
    if found.is_none() {
        let near = Library::near(name).map(|near| format!("; is it {near}?")).unwrap_or_default();
        output::note(&format!(
            "there is no scenario {name:?}{near} 'gatemedic practice --list' names all of them"
        ));
    }
    found
}

/// The one after this one: the next of the library, after its last one by chance.
fn next(of: &Scenario) -> Scenario {
    let task = &of.task;
    match task.seed {
        Some(seed) => by_chance(seed.wrapping_add(1), task.level),
        None => Library::after(&task.id).cloned().unwrap_or_else(|| {
            // Short enough to be typed again.
            by_chance(clock::now().wall.0.unsigned_abs() % 100_000, task.level)
        }),
    }
}

/// One scenario after the other, until the player leaves.
fn play(
    mut seat: Seat,
    arguments: &Arguments,
    real: bool,
    first: Scenario,
) -> io::Result<(End, Option<WorldError>)> {
    HOST.clone_into(&mut seat.look.host);
    let mut scenario = first;
    loop {
        let mut screen = seat.screen()?;
        // What was shown before is not to show through.
        screen.repaint();
        tell(&mut screen, &scenario, &seat);
        let how = How { real, zone: environment::zone(), ..How::default() };
        let world = match World::start(&scenario.world, &how) {
            Ok(world) => world,
            Err(error) => return Ok((End::Quit, Some(error))),
        };
        let end = session_on(&world, &scenario, arguments, &mut seat, screen);
        drop(world);
        match end? {
            End::Onward(Onward::Again) => {}
            End::Onward(Onward::Next) => scenario = next(&scenario),
            end => return Ok((end, None)),
        }
    }
}

/// One session on top of a world.
fn session_on(
    world: &World,
    scenario: &Scenario,
    arguments: &Arguments,
    seat: &mut Seat,
    screen: TerminalScreen,
) -> io::Result<End> {
    let inside = arguments.practising(world.scope());
    let (lane, pulse) = mpsc::channel(1);
    let lesson = Lesson { task: scenario.task.clone(), pulse };
    let (setup, settings) = (seat.setup.clone(), seat.settings.clone());
    let played = Played { setup, settings, host: HOST.to_owned(), lesson: Some(lesson) };
    // The end of this channel is the end of the session.
    let (over, ends) = std::sync::mpsc::sync_channel::<()>(1);
    thread::scope(|threads| {
        threads.spawn(move || watch(world, &lane, &ends));
        let end = session(&inside, played, &mut seat.inputs, screen);
        drop(over);
        end
    })
}

/// Tells the session what the clients got, until it is over.
fn watch(world: &World, lane: &mpsc::Sender<Event>, ends: &Receiver<()>) {
    let mut told = None;
    while ends.recv_timeout(PULSE) == Err(RecvTimeoutError::Timeout) {
        let now = traffic(&world.pulse());
        if told != Some(now) && lane.try_send(Event::Traffic(now)).is_ok() {
            told = Some(now);
        }
    }
}

/// The names of the scenarios by level.
fn list() -> String {
    let mut text = String::new();
    let mut level = 0;
    for scenario in Library::all() {
        let task = &scenario.task;
        if task.level != level {
            level = task.level;
            let gap = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{gap}level {level}");
        }
        let _ = writeln!(text, "  {:22} {}", task.id, task.title);
    }
    text.push_str(
        "\ngatemedic practice NAME plays one; --seed N makes one by chance, --level N says how hard\n",
    );
    text
}

/// Shows the story at once: the world comes up behind it.
fn tell(screen: &mut impl Screen, scenario: &Scenario, seat: &Seat) {
    let mut model = Model::new();
    model.set_up(seat.setup.clone());
    model.case.now = clock::now();
    model.view.size = screen.size();
    model.practise(scenario.task.clone());
    screen.draw(&model);
}
