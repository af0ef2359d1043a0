//! Recordings on the console and without one: what stands on the screen, what was known at a moment,
//! and what a hostile file can do, which is nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::allow_attributes,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail loudly and starts what it tests"
)]

#[path = "terminal/corpus.rs"]
mod corpus;
#[path = "replay/files.rs"]
mod files;
#[path = "replay/keys.rs"]
mod keys;
#[path = "replay/moments.rs"]
mod moments;
#[path = "terminal/oracle.rs"]
mod oracle;
#[path = "terminal/pty.rs"]
mod pty;
#[path = "replay/tapes.rs"]
mod tapes;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use gatemedic::session::recording::Entry;
use pty::Pty;
use tempfile::TempDir;

const GATEMEDIC: &str = env!("CARGO_BIN_EXE_gatemedic");

/// A recording in a folder of its own.
struct Tape {
    folder: TempDir,
}

impl Tape {
    fn of(entries: &[Entry]) -> Self {
        Self::bytes(&tapes::framed(entries).concat())
    }

    fn bytes(bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tape.gmr"), bytes).unwrap();
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("tape.gmr")
    }

    fn name(&self) -> String {
        self.path().display().to_string()
    }

    /// On a console of this size.
    fn shown(&self, size: (u16, u16), more: &[&str]) -> Pty {
        let name = self.name();
        let words = [&["replay", &name], more].concat();
        let mut pty = Pty::start_sized(GATEMEDIC, &words, size, &[("TZ", "UTC")]);
        pty.until_frame();
        pty
    }
}

/// Runs `replay` without a terminal.
fn headless(file: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(GATEMEDIC);
    command.arg("replay").arg(file).args(more).env("TZ", "UTC").stdin(Stdio::null());
    command.output().unwrap()
}

fn text(pty: &Pty) -> String {
    pty.screen.screen().contents()
}

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}
