//! `gatemedic man`: the manual page, made of the command line itself and of `assets/man`.

use std::io::{self, IsTerminal, Write};

use clap::CommandFactory;
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};
use serde::Deserialize;

use super::{Arguments, Exit, completions::visible, output, paths};

/// What the page says beside the options.
#[derive(Debug, Deserialize)]
struct Prose {
    description: Vec<String>,
    example: Vec<Example>,
    exit: Vec<Code>,
    environment: Vec<Variable>,
    see_also: Vec<Pages>,
}

#[derive(Debug, Deserialize)]
struct Example {
    command: String,
    text: String,
}

#[derive(Debug, Deserialize)]
struct Code {
    code: String,
    text: String,
}

#[derive(Debug, Deserialize)]
struct Variable {
    name: String,
    text: String,
}

#[derive(Debug, Deserialize)]
struct Pages {
    pages: String,
}

/// Prints the page as roff(7).
pub(super) fn run() -> Exit {
    let page = match page() {
        Ok(page) => page,
        Err(error) => {
            output::note(&format!("failed to write the manual page: {error}"));
            return Exit::Internal;
        }
    };
    if io::stdout().is_terminal() {
        output::note("this is a page for man(1): gatemedic man | man -l -");
    }
    output::data(&page).err().unwrap_or(Exit::Success)
}

fn page() -> io::Result<String> {
    let prose: Prose = toml::from_str(include_str!("../../assets/man/gatemedic.toml"))
        .map_err(io::Error::other)?;
    // Subcommands get sections here instead of pages of their own.
    let command = visible(&Arguments::command()).disable_help_subcommand(true);
    let man = Man::new(command.clone()).section("1");
    let mut out = Vec::new();
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    paragraphs("DESCRIPTION", &prose.description).to_writer(&mut out)?;
    man.render_options_section(&mut out)?;
    verbs(&command, &mut out)?;
    let exits = prose.exit.into_iter().map(|one| (one.code, one.text));
    tagged("EXIT STATUS", exits).to_writer(&mut out)?;
    let files = paths::of_root().into_iter();
    tagged("FILES", files.map(|one| (one.path.display().to_string(), one.holds.to_owned())))
        .to_writer(&mut out)?;
    let said = "A user's own state and settings stand in the folders that gatemedic paths prints.";
    Roff::new().control("PP", []).text([roman(said)]).to_writer(&mut out)?;
    let variables = prose.environment.into_iter().map(|one| (one.name, one.text));
    tagged("ENVIRONMENT", variables).to_writer(&mut out)?;
    let examples = prose.example.into_iter().map(|one| (one.command, one.text));
    tagged("EXAMPLES", examples).to_writer(&mut out)?;
    let pages: Vec<String> = prose.see_also.into_iter().map(|one| one.pages).collect();
    paragraphs("SEE ALSO", &pages).to_writer(&mut out)?;
    String::from_utf8(out).map_err(io::Error::other)
}

fn paragraphs(title: &str, texts: &[String]) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [title]);
    for text in texts {
        roff.control("PP", []);
        roff.text([roman(text.as_str())]);
    }
    roff
}

fn tagged(title: &str, entries: impl Iterator<Item = (String, String)>) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [title]);
    for (name, text) in entries {
        roff.control("TP", []);
        roff.text([bold(name)]);
        roff.text([roman(text)]);
    }
    roff
}

/// A section for every verb: what it does, how it is typed, its own options.
fn verbs(command: &clap::Command, out: &mut Vec<u8>) -> io::Result<()> {
    let mut title = Roff::new();
    title.control("SH", ["COMMANDS"]);
    title.to_writer(out)?;
    for verb in command.get_subcommands() {
        let name = verb.get_name();
        let mut verb = verb.clone().bin_name(format!("gatemedic {name}")).disable_help_flag(true);
        let usage = verb.render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ").split_whitespace().collect::<Vec<_>>();
        let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
        let mut head = Roff::new();
        head.control("SS", [name]);
        head.text([bold(usage.join(" "))]);
        head.control("PP", []);
        head.text([roman(format!("{about}."))]);
        head.to_writer(out)?;
        let mut options = Vec::new();
        Man::new(verb).render_options_section(&mut options)?;
        // The options of a verb follow its own heading.
        let own = String::from_utf8_lossy(&options).replace(".SH OPTIONS\n", "");
        out.write_all(own.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_verb_option_code_and_file() {
        let page = page().unwrap().replace("\\-", "-");
        let command = visible(&Arguments::command());
        for verb in command.get_subcommands() {
            assert!(page.contains(&format!(".SS {}", verb.get_name())), "{}", verb.get_name());
            for option in verb.get_arguments().filter_map(|a| a.get_long()) {
                assert!(page.contains(&format!("--{option}")), "{} --{option}", verb.get_name());
            }
        }
        for heading in ["DESCRIPTION", "OPTIONS", "EXIT STATUS", "FILES", "ENVIRONMENT", "EXAMPLES"]
        {
            assert!(page.contains(heading), "{heading}");
        }
        assert!(page.contains("/var/lib/gatemedic/audit.jsonl"));
        assert!(!page.contains("carry-out") && !page.contains("gatemedic-diagnose"), "{page}");
    }
}
