//! Which part of a world a process plays, told by where its program file lies.

use std::path::{Path, PathBuf};

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::host::lockdown;

use super::{app, custodian, folder, gateway, setup, traffic};

/// The part that a process plays.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Gateway,
    Custodian,
    Clients,
    App(String),
}

/// Plays this process's part in a world, when its program lies in a folder of practice, and gives
/// the status to exit with; `None` everywhere else. Called before anything else: a process of
/// practice is to look like what it plays.
pub fn play() -> Option<u8> {
    let program = crate::host::executor::own_program().ok()?;
    let world = folder::of_program(&program)?;
    let part = part(&world, &program)?;
    // Neither it nor what it starts comes to more rights than it has, whatever it is asked.
    let _ = rustix::thread::set_no_new_privs(true);
    // A crash that is practice leaves no core.
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none);
    let words: Vec<String> =
        std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    Some(match part {
        Part::Gateway => gateway::run(&world, &program, &words),
        Part::Custodian => custodian::run(&world),
        Part::Clients => {
            lockdown::keep_within(&world);
            traffic::run(&world)
        }
        // Whoever is on this machine may talk to it.
        Part::App(name) => {
            lockdown::keep_within(&world);
            app::run(&world, &name)
        }
    })
}

fn part(world: &Path, program: &Path) -> Option<Part> {
    let name = program.file_name()?.to_str()?;
    let below = program.strip_prefix(world).ok()?.parent()?;
    match (below.to_str()?, name) {
        ("sbin", setup::GATEWAY) => Some(Part::Gateway),
        ("bin", "supervisord") => Some(Part::Custodian),
        ("bin", setup::CLIENTS) => Some(Part::Clients),
        ("bin", app) => Some(Part::App(app.to_owned())),
        _ => None,
    }
}

/// The program file of the gateway in a world.
pub(super) fn gateway_program(world: &Path) -> PathBuf {
    world.join("sbin").join(setup::GATEWAY)
}

/// The program file of any other part.
pub(super) fn program(world: &Path, name: &str) -> PathBuf {
    world.join("bin").join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_the_program_says_which_part_it_plays() {
        let of = |path: &str| part(Path::new("/w"), Path::new(path));
        assert_eq!(of("/w/sbin/nginx"), Some(Part::Gateway));
        assert_eq!(of("/w/bin/supervisord"), Some(Part::Custodian));
        assert_eq!(of("/w/bin/shop"), Some(Part::App("shop".into())));
        assert_eq!(of("/w/other/shop"), None);
        assert_eq!(play(), None, "a test is no part of a world");
    }
}
