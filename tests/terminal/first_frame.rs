//! The first frame waits for nobody, and says for what the rest waits.

use super::{
    Pty,
    hung::{DEAD_MOUNT, Hung, has_fuse},
};

#[test]
fn with_everything_hung_the_console_comes_answers_keys_and_says_what_it_waits_for() {
    let hung = match Hung::new() {
        Ok(hung) => hung,
        Err(why) => {
            eprintln!("skipped: {why}");
            return;
        }
    };
    let before = if has_fuse() { DEAD_MOUNT } else { "" };
    let config = hung.config();
    let mut pty = hung.start(before, &["--config", &config]);
    pty.until_frame();
    pty.until("a word that something is waited for", |pty| {
        let text = pty.screen.screen().contents();
        text.contains("waiting for") && !text.contains("HEALTHY")
    });
    pty.send(b"0");
    pty.until("what cannot be seen", |pty| {
        let text = pty.screen.screen().contents();
        text.contains("docker") && (text.contains("no answer") || text.contains("waiting"))
    });
    pty.send(b"\x03");
    assert_eq!(pty.until_exit(), 0);
    pty.assert_restored();
    pty.assert_screen_restored();
}

/// What is wrong before anything is drawn is told on the main screen; raw mode is never left on.
#[test]
fn a_terminal_that_cannot_be_had_is_left_as_it_was() {
    // The controlling terminal cannot be opened where there is none, and stdout is a terminal.
    let script = "exec setsid -w \"$@\"";
    let mut pty = Pty::start("sh", &["-c", script, "sh", super::GATEMEDIC, "--panic"]);
    assert_eq!(pty.until_exit(), 64);
    pty.assert_restored();
    assert!(!pty.bytes.contains(&0x1b) || !pty.screen.screen().alternate_screen());
}
