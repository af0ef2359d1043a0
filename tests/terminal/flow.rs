//! What goes to the terminal, and when: slow lines, stalls and storms of sizes cost frames and
//! nothing else.

use std::time::Instant;

use super::console;

#[test]
fn on_a_line_that_takes_nothing_many_keys_cost_one_frame_and_not_one_each() {
    let mut pty = console();
    pty.fill();
    pty.read_at_most(0);
    let before = pty.bytes.len();
    for _ in 0..40 {
        pty.send(b"6132");
    }
    pty.send(b"7");
    pty.until("the last view", |pty| pty.screen.screen().contents().contains("[7 Units]"));
    // The filler, which is at most what the kernel holds (some 20 kB), the frame that was on its
    // way, and one that is whole; 161 of them would be some 300 kB.
    let came = pty.bytes.len() - before;
    assert!(came < 60_000, "{came} bytes");
    pty.send(b"q");
    assert_eq!(pty.until_exit(), 0);
}

#[test]
fn a_slow_line_sees_the_same_picture_in_the_end() {
    let (mut slow, mut fast) = (console(), console());
    for keys in [&b"6"[..], b"7", b"1", b"2"] {
        slow.send(keys);
        fast.send(keys);
        // A few bytes at a time, as 9,600 bit/s carry them.
        for _ in 0..20 {
            slow.read_at_most(16);
        }
    }
    for pty in [&mut slow, &mut fast] {
        pty.send(b"?");
        // The footer is drawn last.
        pty.until("the help", |pty| {
            let text = pty.screen.screen().contents();
            text.contains("Keys that work here") && text.contains("Esc back")
        });
    }
    let rows = |pty: &super::Pty| -> Vec<String> {
        pty.screen
            .screen()
            .contents()
            .lines()
            .skip(3)
            .take(20)
            .map(|row| row.trim_end().to_owned())
            .collect()
    };
    assert_eq!(rows(&slow), rows(&fast));
}

#[test]
fn a_storm_of_sizes_is_drawn_no_more_than_ten_times_a_second() {
    let mut pty = console();
    pty.read_what_is_there();
    let (began, before) = (Instant::now(), whole_frames(&pty.bytes));
    for turn in 0..3_000_u16 {
        pty.resize(40 + turn % 80, 15 + turn % 30);
        pty.read_what_is_there();
    }
    pty.resize(97, 31);
    pty.until("the last size", |pty| {
        let text = pty.screen.screen().contents();
        text.lines().nth(30).is_some_and(|footer| footer.contains("a actions"))
    });
    let tenths = began.elapsed().as_millis() / 100;
    let frames = whole_frames(&pty.bytes) - before;
    // One more at each end of the span, and one for a key or a second that passes in between.
    assert!(frames as u128 <= tenths + 3, "{frames} frames in {tenths} tenths of a second");
    pty.send(b"q");
    assert_eq!(pty.until_exit(), 0);
    pty.assert_restored();
}

fn whole_frames(bytes: &[u8]) -> usize {
    bytes.windows(4).filter(|w| w == b"\x1b[2J").count()
}
