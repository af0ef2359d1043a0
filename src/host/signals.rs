//! The signals that a program with a screen has to answer.
//!
//! Signals that end a process and that nobody sends in order to end it are left to
//! [`super::sys::catch_fatal_signals`]. SIGPIPE is ignored by the runtime of the language from the
//! start.

use std::io;

use tokio::signal::unix::{self, SignalKind};

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGHUP.
    Hangup,
    /// SIGINT.
    Interrupt,
    /// SIGQUIT.
    Quit,
    /// SIGTERM.
    Terminate,
    /// SIGTSTP.
    Suspend,
    /// SIGCONT.
    Continue,
    /// SIGWINCH.
    Resize,
}

impl Signal {
    /// Its number, when it ends the process.
    pub const fn fatal(self) -> Option<u8> {
        match self {
            Self::Hangup => Some(1),
            Self::Interrupt => Some(2),
            Self::Quit => Some(3),
            Self::Terminate => Some(15),
            Self::Suspend | Self::Continue | Self::Resize => None,
        }
    }
}

/// All of them, caught from now on.
#[derive(Debug)]
pub struct Signals {
    hangup: unix::Signal,
    interrupt: unix::Signal,
    quit: unix::Signal,
    terminate: unix::Signal,
    suspend: unix::Signal,
    resume: unix::Signal,
    resize: unix::Signal,
}

impl Signals {
    /// Starts to catch them. It must run inside a tokio runtime.
    ///
    /// # Errors
    /// When a handler cannot be installed.
    pub fn catch() -> io::Result<Self> {
        const SIGTSTP: i32 = rustix::process::Signal::TSTP.as_raw();
        const SIGCONT: i32 = rustix::process::Signal::CONT.as_raw();
        Ok(Self {
            hangup: unix::signal(SignalKind::hangup())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
            quit: unix::signal(SignalKind::quit())?,
            terminate: unix::signal(SignalKind::terminate())?,
            suspend: unix::signal(SignalKind::from_raw(SIGTSTP))?,
            resume: unix::signal(SignalKind::from_raw(SIGCONT))?,
            resize: unix::signal(SignalKind::window_change())?,
        })
    }

    /// The next one; several of one kind that come together are one.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.hangup.recv() => Signal::Hangup,
            _ = self.quit.recv() => Signal::Quit,
            _ = self.suspend.recv() => Signal::Suspend,
            _ = self.resume.recv() => Signal::Continue,
            _ = self.resize.recv() => Signal::Resize,
        }
    }
}
