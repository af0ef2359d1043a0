//! Every way out gives the terminal back.

#[cfg(debug_assertions)]
use super::QUIET;
use super::{GATEMEDIC, Pty, console, oracle};
use rustix::process::Signal;

#[test]
fn every_byte_of_a_session_from_its_first_to_its_last_is_one_of_ours() {
    let mut pty = console();
    for keys in ["?", "\x1b[A", "2", "\r", "6", "w", "\r", "\x1b[201~", "/x\r"] {
        pty.send(keys.as_bytes());
        pty.read_what_is_there();
    }
    pty.resize(60, 20);
    pty.send(b"\x03");
    assert_eq!(pty.until_exit(), 0);
    pty.assert_screen_restored();
    oracle::assert_ours(&pty.bytes, oracle::Stream::Session);
}

/// Also those that nobody sends in order to end it: a fault, a limit, a mistake of somebody's.
#[test]
fn every_other_signal_that_ends_a_process_gives_the_terminal_back_and_still_ends_it() {
    let deadly = [
        Signal::ABORT,
        Signal::SEGV,
        Signal::BUS,
        Signal::ILL,
        Signal::FPE,
        Signal::SYS,
        Signal::TRAP,
        Signal::USR1,
        Signal::USR2,
        Signal::ALARM,
        Signal::XCPU,
        Signal::XFSZ,
    ];
    for signal in deadly {
        let mut pty = console();
        pty.signal(signal);
        assert!(pty.until_end().is_some(), "{signal:?}");
        pty.assert_restored();
        pty.assert_screen_restored();
    }
}

#[test]
fn a_stalled_terminal_is_given_back_by_a_deadly_signal_too() {
    let mut pty = console();
    pty.fill();
    pty.signal(Signal::SEGV);
    assert!(pty.until_end_unread().is_some());
    pty.assert_restored();
    pty.read_what_is_there();
    pty.assert_screen_restored();
}

/// Rust ignores it, and a write to what is gone is an error like any other.
#[test]
fn a_broken_pipe_of_somebody_else_ends_nothing() {
    let mut pty = console();
    pty.signal(Signal::PIPE);
    pty.send(b"?");
    pty.until("the help", |pty| pty.screen.screen().contents().contains("Keys that work here"));
    pty.send(b"\x03");
    assert_eq!(pty.until_exit(), 0);
    pty.assert_restored();
}

#[cfg(debug_assertions)]
fn failing(way: &str) -> Pty {
    let arguments = [&QUIET[..], &["--panic-after-frame", "2", "--panic-way", way]].concat();
    Pty::start(GATEMEDIC, &arguments)
}

#[cfg(debug_assertions)]
#[test]
fn a_failure_of_the_thread_that_reads_keys_ends_the_session_and_says_so() {
    let mut pty = failing("reader");
    assert_eq!(pty.until_exit(), 70);
    pty.assert_restored();
    pty.assert_screen_restored();
    assert!(pty.screen.screen().contents().contains("gatemedic: internal error at src/"));
}

/// A source that fails is a blind spot (`engine::sources`); its words are no part of a screen.
#[cfg(debug_assertions)]
#[test]
fn a_failure_on_a_thread_of_a_source_ends_nothing_and_spoils_no_screen() {
    let mut pty = failing("source");
    pty.until_frame();
    // Well after the third frame, when it fails.
    for _ in 0..4 {
        pty.send(b"?");
        pty.until("the help", |pty| pty.screen.screen().contents().contains("Keys that work here"));
        pty.send(b"?\x1b[A");
        pty.send(b"\x1b");
        pty.until("no help", |pty| !pty.screen.screen().contents().contains("Keys that work here"));
    }
    pty.send(b"q");
    assert_eq!(pty.until_exit(), 0);
    pty.assert_screen_restored();
    oracle::assert_ours(&pty.bytes, oracle::Stream::Session);
    assert!(!String::from_utf8_lossy(&pty.bytes).contains("asked to fail"));
}

#[cfg(debug_assertions)]
#[test]
fn a_failure_while_cleaning_up_after_a_failure_gives_the_terminal_back() {
    let mut pty = failing("twice");
    let end = pty.until_end().expect("ended by a signal");
    assert!(end.contains("Abort"), "{end}");
    pty.assert_restored();
    pty.assert_screen_restored();
    assert!(pty.screen.screen().contents().contains("gatemedic: internal error at src/"));
}

#[cfg(debug_assertions)]
#[test]
fn a_stack_that_is_full_gives_the_terminal_back_and_is_told() {
    let mut pty = failing("overflow");
    assert!(pty.until_end().is_some());
    pty.assert_restored();
    pty.assert_screen_restored();
    let told = pty.screen.screen().contents();
    assert!(told.contains("overflowed its stack"), "{told}");
}

/// Nobody can catch SIGKILL: the next start says how to help the terminal that it left behind.
#[test]
fn a_console_that_was_killed_is_told_of_by_the_next_one_once() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    let start = || {
        let arguments = ["--state", state, "--docker-socket", "/nonexistent/docker.sock"];
        let mut pty = Pty::start_sized(GATEMEDIC, &arguments, (120, 40), &[]);
        pty.until_frame();
        pty
    };
    let told = |pty: &Pty| pty.screen.screen().contents().contains("stty sane; tput rmcup");
    let mut first = start();
    assert!(!told(&first));
    first.signal(Signal::KILL);
    assert!(first.until_end().is_some());
    let name = first.name.trim_start_matches("/dev/").to_owned();
    let mut second = start();
    second.until("the hint", told);
    let contents = second.screen.screen().contents();
    assert!(contents.contains(&format!("on {name}:")), "{name}: {contents}");
    // It has been read.
    second.send(b"6");
    second.until("no hint", |pty| !told(pty));
    second.send(b"q");
    assert_eq!(second.until_exit(), 0);
    let mut third = start();
    third.send(b"6");
    third.until("its memory", |pty| pty.screen.screen().contents().contains("[6 Memory]"));
    assert!(!told(&third));
    third.send(b"q");
    assert_eq!(third.until_exit(), 0);
}

/// `sudo` gives it a terminal of its own (`use_pty`) or not, `su` shares its own.
#[test]
fn it_ends_with_its_terminal_also_behind_a_program_that_holds_it() {
    let me = format!("{GATEMEDIC} --docker-socket /nonexistent/docker.sock");
    let holders: [(&str, &[&str]); 2] =
        [("/bin/su", &["-c", &me]), ("/usr/bin/sudo", &["-n", "sh", "-c", &me])];
    for (program, arguments) in holders {
        if !std::path::Path::new(program).exists() || !rustix::process::geteuid().is_root() {
            eprintln!("skipped: {program} is not here, or we are not root");
            continue;
        }
        let mut pty = Pty::start(program, arguments);
        pty.until_frame();
        let ours = children_of(pty.pid());
        assert!(!ours.is_empty(), "{program}");
        pty.hang_up();
        pty.until_end();
        for process in ours {
            process.until_gone();
        }
    }
}

#[test]
fn it_outlives_a_detached_tmux_and_ends_with_its_session() {
    const TMUX: &str = "/usr/bin/tmux";
    if !std::path::Path::new(TMUX).exists() {
        eprintln!("skipped: there is no {TMUX}");
        return;
    }
    let socket = format!("gatemedic-test-{}", std::process::id());
    let tmux = |arguments: &[&str]| {
        let mut command = std::process::Command::new(TMUX);
        let output = command.args(["-L", &socket]).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let me = format!("exec {GATEMEDIC} --docker-socket /nonexistent/docker.sock");
    let arguments = ["-L", &socket, "-f", "/dev/null", "new-session", &me];
    let mut pty = Pty::start(TMUX, &arguments);
    pty.until("the console in tmux", |pty| pty.screen.screen().contents().contains("[1 Overview]"));
    let pane: i32 = tmux(&["display-message", "-p", "#{pane_pid}"]).parse().unwrap();
    let console = children_of(rustix::process::Pid::from_raw(pane).unwrap());
    pty.hang_up();
    pty.until_end();
    assert_eq!(tmux(&["display-message", "-p", "#{pane_dead}#{alternate_on}"]), "01");
    tmux(&["kill-session"]);
    assert_eq!(console.len(), 1);
    console.iter().for_each(Process::until_gone);
}

/// A process that is held by a descriptor, so that its number cannot become another's.
struct Process(rustix::fd::OwnedFd);

impl Process {
    fn until_gone(&self) {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let hang = Timespec { tv_sec: 60, tv_nsec: 0 };
        let gone = poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&hang)).unwrap();
        assert!(gone > 0, "it stays after its terminal has hung up");
    }
}

/// Consoles below a process.
fn children_of(top: rustix::process::Pid) -> Vec<Process> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    let mut found = Vec::new();
    let mut open = vec![top.as_raw_nonzero().get()];
    while let Some(pid) = open.pop() {
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        open.extend(
            children.unwrap_or_default().split_whitespace().map(|c| c.parse::<i32>().unwrap()),
        );
        let exe = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
        if exe == std::path::Path::new(GATEMEDIC) {
            found.extend(pidfd_open(Pid::from_raw(pid).unwrap(), PidfdFlags::empty()).ok());
        }
    }
    found.into_iter().map(Process).collect()
}
