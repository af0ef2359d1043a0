//! The command line of the gateway, as nginx has it: `-p`, `-c`, `-g`, `-t`, `-q`, `-v`, `-V`.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::host::{gateway_options, lockdown};

use super::{
    log::Level,
    master,
    plan::{self, Refusal},
    worker,
};

/// What `-V` prints. Discovery reads it from the program file, as it does with nginx's own: the
/// version, and that this program keeps nginx's language.
const BUILD: &str = "nginx version: nginx/1.26.3\nbuilt with gatemedic for practice\n\
                     configure arguments: --prefix=/nonexistent --conf-path=nginx.conf\n";

/// How the master was called.
#[derive(Clone, Debug)]
pub(super) struct Called {
    pub(super) config: PathBuf,
    pub(super) prefix: PathBuf,
    /// The title that says it all.
    pub(super) title: String,
}

/// Runs the gateway, and gives its exit status.
pub(in crate::practice) fn run(world: &Path, program: &Path, words: &[String]) -> u8 {
    if words.first().is_some_and(|title| title.starts_with("nginx: worker process")) {
        lockdown::keep_within(world);
        return u8::from(worker::run().is_err());
    }
    let bytes: Vec<&[u8]> = words.iter().map(String::as_bytes).collect();
    let options = gateway_options::of_nginx(&bytes);
    let has = |flag: char| {
        words.iter().skip(1).any(|w| {
            w.strip_prefix('-')
                .is_some_and(|w| !w.starts_with(['p', 'c', 'g', 'e', 's']) && w.contains(flag))
        })
    };
    if has('v') || has('V') {
        say(if has('V') { BUILD } else { BUILD.lines().next().unwrap_or_default() });
        return 0;
    }
    let prefix = options.prefix.unwrap_or_else(|| PathBuf::from("/"));
    let config = options.config.map_or_else(|| prefix.join("nginx.conf"), |own| prefix.join(own));
    let shown: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    let title = format!("nginx: master process {} {}", program.display(), shown.join(" "));
    let called = Called { config, prefix, title };
    if has('t') || has('T') {
        return test(&called, has('q'));
    }
    match master::run(&called) {
        Ok(Ok(())) => 0,
        Ok(Err(Refusal(words))) => {
            emerg(&called, &words);
            1
        }
        Err(error) => {
            emerg(&called, &error.to_string());
            1
        }
    }
}

/// `-t`: exit status and words are what the console's check before a reload goes by.
fn test(called: &Called, quiet: bool) -> u8 {
    let file = called.config.display();
    match plan::read(&called.config, &called.prefix) {
        Ok(_) => {
            if !quiet {
                say(&format!("nginx: the configuration file {file} syntax is ok\n"));
                say(&format!("nginx: configuration file {file} test is successful\n"));
            }
            0
        }
        Err(Refusal(words)) => {
            say(&format!("nginx: [emerg] {words}\n"));
            say(&format!("nginx: configuration file {file} test failed\n"));
            1
        }
    }
}

/// Says why it does not start, on standard error and in the log, as nginx does.
fn emerg(called: &Called, words: &str) {
    say(&format!("nginx: [emerg] {words}\n"));
    if let Ok(file) = master::append(&called.prefix.join("logs/error.log")) {
        super::log::Logs::new(Some(file), None, true).error(Level::Emerg, None, words);
    }
}

fn say(words: &str) {
    let _ = io::stderr().write_all(words.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::{super::page::VERSION, *};

    #[test]
    fn what_the_program_says_of_its_build_is_the_version_of_its_pages() {
        assert!(BUILD.starts_with(&format!("nginx version: nginx/{VERSION}\n")));
    }
}
