//! `gatemedic explain`: what a cause or a log line means, without looking at the host.

use std::{
    ffi::OsString,
    io::{self, BufRead, BufReader, Read},
    os::unix::ffi::OsStrExt,
};

use crate::{
    observation::Text,
    report::explain::{answer, list_causes},
};

use super::{Exit, arguments::ExplainArguments, output};

/// Most bytes read of a line on stdin.
const LINE_LIMIT: u64 = 64 * 1024;

/// Runs it.
pub(super) fn run(own: &ExplainArguments) -> Exit {
    if own.list {
        return output::data(&list_causes()).err().unwrap_or(Exit::Success);
    }
    let asked = match own.asked.as_slice() {
        [only] if only == "-" => match from_stdin() {
            Ok(line) => line,
            Err(error) => {
                output::note(&format!("failed to read stdin: {error}"));
                return Exit::Usage;
            }
        },
        words => joined(words),
    };
    if asked.trim().is_empty() {
        output::note(
            "nothing to explain; give an id or a log line, or try 'gatemedic explain --list'",
        );
        return Exit::Usage;
    }
    let answer = answer(&asked);
    match output::data(&answer.text) {
        Ok(()) if answer.known => Exit::Success,
        Ok(()) => Exit::NotKnown,
        Err(exit) => exit,
    }
}

fn joined(words: &[OsString]) -> String {
    let words: Vec<String> = words.iter().map(|word| as_text(word.as_bytes())).collect();
    words.join(" ")
}

fn from_stdin() -> io::Result<String> {
    let mut line = Vec::new();
    BufReader::new(io::stdin().lock()).take(LINE_LIMIT).read_until(b'\n', &mut line)?;
    Ok(as_text(&line))
}

/// Bytes that are no UTF-8 as `\xNN`.
fn as_text(bytes: &[u8]) -> String {
    Text::from_bytes(bytes).raw().to_owned()
}
