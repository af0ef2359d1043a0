//! One thread between the terminal and the session: bytes in become keys, the rest of a frame
//! goes out when there is room, and a terminal that hangs up is noticed at once.

use std::{collections::VecDeque, io, thread, time::Duration};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use tokio::sync::mpsc::{Sender, error::TrySendError};

use super::{Input, Parser, Terminal, threads::PUMP};

/// Bytes read at once.
const CHUNK: usize = 4_096;
/// How soon keys that the session had no room for are offered again.
const RETRY: Duration = Duration::from_millis(20);
/// The thread needs a few kilobytes.
const STACK: usize = 128 * 1_024;

/// Starts it. It ends with the terminal, or when nobody listens.
///
/// # Errors
/// When the thread cannot be started.
pub fn pump(terminal: Terminal, session: Sender<Input>) -> io::Result<()> {
    let pump = Pump { terminal, session, parser: Parser::default(), backlog: VecDeque::new() };
    thread::Builder::new().name(PUMP.to_owned()).stack_size(STACK).spawn(|| pump.run())?;
    Ok(())
}

struct Pump {
    terminal: Terminal,
    session: Sender<Input>,
    parser: Parser,
    backlog: VecDeque<Input>,
}

/// What ends the pump.
enum End {
    /// The terminal is gone.
    Lost,
    /// We are.
    Closed,
}

impl Pump {
    fn run(mut self) {
        loop {
            match self.turn() {
                Ok(()) => {}
                Err(End::Lost) => {
                    drop(self.session.blocking_send(Input::Lost));
                    return;
                }
                Err(End::Closed) => return,
            }
        }
    }

    fn turn(&mut self) -> Result<(), End> {
        let hungry = self.backlog.is_empty();
        let interest = self.terminal.interest(hungry).ok_or(End::Closed)?;
        let deadline = if hungry { self.parser.patience() } else { Some(RETRY) };
        let timeout = deadline.and_then(|d| Timespec::try_from(d).ok());
        let (tty, woken) = {
            let mut fds = [
                PollFd::from_borrowed_fd(self.terminal.device(), interest),
                PollFd::from_borrowed_fd(self.terminal.waker(), PollFlags::IN),
            ];
            match poll(&mut fds, timeout.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return Err(End::Lost),
            }
            let [tty, wake] = fds;
            (tty.revents(), wake.revents())
        };
        if !woken.is_empty() {
            let _ = rustix::io::read(self.terminal.waker(), &mut [0_u8; 8]);
        }
        if tty.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return Err(End::Lost);
        }
        if tty.contains(PollFlags::OUT) {
            self.terminal.drain().map_err(|_| End::Lost)?;
        }
        if tty.contains(PollFlags::IN) {
            self.read()?;
        } else if tty.is_empty() && woken.is_empty() && hungry {
            self.backlog.extend(self.parser.idle());
        }
        self.deliver()
    }

    fn read(&mut self) -> Result<(), End> {
        let mut chunk = [0_u8; CHUNK];
        match rustix::io::read(self.terminal.device(), &mut chunk) {
            Ok(0) => Err(End::Lost),
            Ok(count) => {
                let bytes = chunk.get(..count).unwrap_or_default();
                self.parser.feed(bytes, &mut self.backlog);
                Ok(())
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(()),
            Err(_) => Err(End::Lost),
        }
    }

    fn deliver(&mut self) -> Result<(), End> {
        while let Some(input) = self.backlog.pop_front() {
            match self.session.try_send(input) {
                Ok(()) => {}
                Err(TrySendError::Full(input)) => {
                    self.backlog.push_front(input);
                    break;
                }
                Err(TrySendError::Closed(_)) => return Err(End::Closed),
            }
        }
        Ok(())
    }
}
