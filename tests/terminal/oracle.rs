//! The judge of every byte that goes to a terminal: it knows what the console writes and refuses
//! everything else. It shares no code with what it judges.

/// What may be written besides frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Frames alone.
    Frames,
    /// A whole session: taking the terminal and giving it back as well.
    Session,
}

/// Panics on the first byte that is none of ours, with what stands around it.
pub fn assert_ours(bytes: &[u8], stream: Stream) {
    // Behind the way back stand words on the main screen, in lines.
    let back = bytes.windows(8).rposition(|w| w == b"\x1b[?1049l").unwrap_or(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if stream == Stream::Session && at > back && b"\r\n".contains(&bytes[at]) {
            at += 1;
            continue;
        }
        match taken(&bytes[at..], stream) {
            Ok(length) => at += length,
            Err(why) => {
                let around = &bytes[at.saturating_sub(60)..(at + 60).min(bytes.len())];
                panic!("{why} at byte {at}: {:?}", String::from_utf8_lossy(around));
            }
        }
    }
}

/// How many bytes the first thing takes.
fn taken(bytes: &[u8], stream: Stream) -> Result<usize, String> {
    match bytes[0] {
        0x1b => sequence(bytes, stream),
        // It ends a sequence that was cut, in front of what takes everything back.
        0x18 if stream == Stream::Session && bytes[1..].starts_with(b"\x1b[?2026l") => Ok(1),
        0x20..=0x7e => Ok(1),
        control @ (0x00..=0x1f | 0x7f) => Err(format!("control byte {control:#04x}")),
        _ => character(bytes),
    }
}

fn sequence(bytes: &[u8], stream: Stream) -> Result<usize, String> {
    if bytes.get(1) != Some(&b'[') {
        return Err(format!("ESC and {:?}", bytes.get(1).map(|b| char::from(*b))));
    }
    let rest = &bytes[2..];
    let end = rest.iter().position(|b| !b"0123456789;?".contains(b)).ok_or("a cut sequence")?;
    let (parameters, last) = (std::str::from_utf8(&rest[..end]).unwrap(), rest[end]);
    let modes = match stream {
        Stream::Frames => &["?25", "?2026"][..],
        Stream::Session => &["?25", "?2026", "?1049", "?2004", "?1000", "?1006"],
    };
    let known = match last {
        b'H' => is_place(parameters),
        b'm' => is_style(parameters),
        b'J' => parameters == "2",
        b'h' | b'l' => modes.contains(&parameters),
        _ => false,
    };
    let sequence = format!("{parameters}{}", char::from(last));
    if known { Ok(2 + end + 1) } else { Err(format!("CSI {sequence}")) }
}

fn numbers(text: &str) -> Option<Vec<u16>> {
    text.split(';').map(|n| n.parse().ok()).collect()
}

fn is_place(parameters: &str) -> bool {
    numbers(parameters).is_some_and(|n| n.len() == 2 && n.iter().all(|n| (1..=1_000).contains(n)))
}

fn is_style(parameters: &str) -> bool {
    let Some(all) = numbers(parameters) else { return false };
    let mut rest = all.as_slice();
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (0..=9 | 21..=29 | 30..=37 | 39..=47 | 49 | 59 | 90..=97 | 100..=107, _) => after,
            (
                38 | 48 | 58,
                [5, 0..=255, after @ ..] | [2, 0..=255, 0..=255, 0..=255, after @ ..],
            ) => after,
            _ => return false,
        };
    }
    true
}

fn character(bytes: &[u8]) -> Result<usize, String> {
    let most = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(most) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&most[..error.valid_up_to()]).unwrap(),
    };
    let Some(c) = valid.chars().next() else {
        return Err(format!("a byte that is no UTF-8: {:#04x}", bytes[0]));
    };
    if acts_or_hides(c) { Err(format!("U+{:04X}", u32::from(c))) } else { Ok(c.len_utf8()) }
}

/// Characters that a terminal acts on, that turn text around, or that cannot be seen.
fn acts_or_hides(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
            | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0
            | 0xfff0..=0xfffb | 0xe000..=0xf8ff | 0xe0000..=0x10_ffff)
}

#[test]
fn the_judge_refuses_what_the_console_never_writes() {
    for wrong in [
        &b"\x07"[..],
        b"\x1b]0;title\x07",
        b"\x1b]52;c;aGk=\x1b\\",
        b"\x1bP1$r\x1b\\",
        b"\x1bc",
        b"\x1b[6n",
        b"\x1b[3J",
        b"\x1b[?1049h",
        b"\x1b[4h",
        b"\x1b[38;5;256m",
        b"\x1b[1;2r",
        b"\x1b[0;0H",
        b"\x1b[",
        b"\x9b2J",
        "\u{9b}2J".as_bytes(),
        "\u{202e}".as_bytes(),
        "\u{200d}".as_bytes(),
        "\u{e0041}".as_bytes(),
        b"\xc3",
        b"a\tb",
        b"a\rb",
        b"\x18",
    ] {
        let verdict = std::panic::catch_unwind(|| assert_ours(wrong, Stream::Frames));
        assert!(verdict.is_err(), "{:?} passed", String::from_utf8_lossy(wrong));
    }
    assert_ours("\x1b[1;1H\x1b[38;5;9;49m\x1b[1mé日本\x1b[0m".as_bytes(), Stream::Frames);
    assert_ours(b"\x18\x1b[?2026l\x1b[?1049l", Stream::Session);
}
