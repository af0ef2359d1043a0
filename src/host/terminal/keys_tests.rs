use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

fn all(bytes: &[u8]) -> Vec<Input> {
    let mut parser = Parser::default();
    let mut out = VecDeque::new();
    parser.feed(bytes, &mut out);
    out.extend(parser.idle());
    out.into()
}

fn codes(bytes: &[u8]) -> Vec<KeyCode> {
    all(bytes)
        .into_iter()
        .map(|input| match input {
            Input::Key(key) => key.code,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn the_keys_of_a_keyboard_are_told_apart() {
    use KeyCode::*;
    assert_eq!(codes(b"q\r\t\x7f\x1b[Z"), [Char('q'), Enter, Tab, Backspace, BackTab]);
    assert_eq!(codes(b"\x1b[A\x1bOB\x1b[C\x1b[1;5D"), [Up, Down, Right, Left]);
    assert_eq!(codes(b"\x1b[5~\x1b[6~\x1b[1~\x1b[F"), [PageUp, PageDown, Home, End]);
    assert_eq!(codes(b"\x1bOP\x1b[15~\x1b[24~\x1b[[B"), [F(1), F(5), F(12), F(2)]);
    assert_eq!(codes("é€😀".as_bytes()), [Char('é'), Char('€'), Char('😀')]);
}

#[test]
fn control_is_seen_on_letters_and_arrows() {
    assert_eq!(all(b"\x03"), [with_control('c')]);
    assert_eq!(all(b"\x1a"), [with_control('z')]);
    assert_eq!(all(b"\x1b[1;5A"), [Input::Key(Key { code: KeyCode::Up, control: true })]);
}

#[test]
fn escape_alone_is_a_key_and_does_not_swallow_the_next() {
    let mut parser = Parser::default();
    let mut out = VecDeque::new();
    parser.feed(b"\x1b", &mut out);
    assert!(out.is_empty() && parser.patience().is_some());
    assert_eq!(parser.idle(), Some(key(KeyCode::Esc)));
    parser.feed(b"q", &mut out);
    assert_eq!(out, [key(KeyCode::Char('q'))]);
}

#[test]
fn what_a_terminal_answers_never_becomes_a_key() {
    for answer in [
        &b"\x1b[?62;4c"[..],
        b"\x1b[24;80R",
        b"\x1b[1;1R",
        b"\x1bP1$r0m\x1b\\",
        b"\x1b]11;rgb:0000/0000/0000\x07",
        b"\x1b]52;c;cQ==\x1b\\",
        b"\x1b[<0;0;10M",
        b"\x1b[<0;10M",
        b"\x1b[<0;1;1;1M",
        b"\x1b[<0;65536;1M",
        b"\x1b[<+0;1;1M",
        b"\x1b[<0;10;10m",
        b"\x1b[<2;10;10M",
        b"\x1b[<35;10;10M",
        b"\x1b[<99999999999999999999999999999999999999;1;1M",
        b"\x1b[M yq",
        b"\x1b[I\x1b[O",
        b"\x1b[8;24;80t",
        b"\xff\xfe\xc3(\x80",
    ] {
        let keys = all(answer);
        let harmless = keys.is_empty() || keys == [key(KeyCode::Char('('))];
        assert!(harmless, "{:?} became {keys:?}", String::from_utf8_lossy(answer));
    }
}

#[test]
fn a_paste_is_text_whatever_is_in_it() {
    assert_eq!(all(b"\x1b[200~q\ry\x1b[A\x1b[201~"), [Input::Paste("q\ry\x1b[A".to_owned())]);
    assert_eq!(all(b"\x1b[200~a\x1b\x1b[201~"), [Input::Paste("a\x1b".to_owned())]);
}

#[test]
fn what_hides_behind_a_forged_end_of_a_paste_is_dropped() {
    assert_eq!(all(b"\x1b[200~a\x1b[201~qqy\r"), [Input::Paste("a".to_owned())]);
}

#[test]
fn a_paste_that_never_ends_is_cut_and_delivered() {
    let mut bytes = b"\x1b[200~".to_vec();
    bytes.resize(bytes.len() + 2 * PASTE, b'x');
    assert_eq!(all(&bytes), [Input::Paste("x".repeat(PASTE))]);
}

#[test]
fn a_click_and_the_wheel_are_told_with_their_cell() {
    let did = |kind, column, row| Input::Mouse(Mouse { kind, column, row });
    assert_eq!(all(b"\x1b[<0;1;1M\x1b[<0;1;1m"), [did(MouseKind::Press, 0, 0)]);
    assert_eq!(all(b"\x1b[<64;200;50M"), [did(MouseKind::ScrollUp, 199, 49)]);
    // With Control held.
    assert_eq!(all(b"\x1b[<81;3;4M"), [did(MouseKind::ScrollDown, 2, 3)]);
}

proptest! {
    #[test]
    fn a_mouse_report_is_one_event_at_its_cell_or_nothing_and_never_a_key(
        button in 0_u32..300, column in 0_u32..70_000, row in 0_u32..70_000, up: bool,
    ) {
        let last = if up { 'm' } else { 'M' };
        let came = all(format!("\x1b[<{button};{column};{row}{last}").as_bytes());
        let known = [0, 64, 65].contains(&(button & !0b1_1100)) && !up;
        let fits = |n: u32| (1..=65_535).contains(&n);
        if known && fits(column) && fits(row) {
            let [Input::Mouse(mouse)] = came.as_slice() else { panic!("{came:?}") };
            prop_assert_eq!((u32::from(mouse.column) + 1, u32::from(mouse.row) + 1), (column, row));
        } else {
            prop_assert_eq!(came, []);
        }
    }

    #[test]
    fn no_bytes_make_it_panic_or_hoard(bytes: Vec<u8>, splits: Vec<u8>) {
        let mut parser = Parser::default();
        let mut out = VecDeque::new();
        let mut rest = bytes.as_slice();
        for split in splits {
            let (now, later) = rest.split_at(usize::from(split).min(rest.len()));
            parser.feed(now, &mut out);
            rest = later;
        }
        parser.feed(rest, &mut out);
        out.extend(parser.idle());
        prop_assert!(out.len() <= bytes.len());
        prop_assert!(parser.patience().is_none());
    }
}
