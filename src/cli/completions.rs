//! `gatemedic completions`: what a shell needs to complete a command line.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use super::{Arguments, Exit, output};

/// Prints the script for a shell.
pub(super) fn run(shell: Shell) -> Exit {
    output::data(&script(shell)).err().unwrap_or(Exit::Success)
}

fn script(shell: Shell) -> String {
    let mut command = visible(&Arguments::command());
    let mut out = Vec::new();
    generate(shell, &mut command, "gatemedic", &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// The command line without what is only for processes of this program: shells would offer it.
pub(super) fn visible(command: &clap::Command) -> clap::Command {
    let version = env!("CARGO_PKG_VERSION");
    let mut shown = clap::Command::new("gatemedic").version(version).max_term_width(100);
    if let Some(about) = command.get_about() {
        shown = shown.about(about.clone());
    }
    let arguments = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    shown.args(arguments.cloned()).subcommands(verbs.cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_learns_every_verb_and_nothing_that_is_hidden() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish, Shell::PowerShell] {
            let script = script(shell);
            for verb in visible(&Arguments::command()).get_subcommands() {
                assert!(script.contains(verb.get_name()), "{shell}: {}", verb.get_name());
            }
            for hidden in ["carry-out", "kiosk-broker", "--record", "panic-after"] {
                assert!(!script.contains(hidden), "{shell}: {hidden}");
            }
        }
    }
}
