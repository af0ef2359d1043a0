//! What every console of this kind does: find a command, change keys and looks, use the mouse.

use gatemedic::{
    observation::{Clean, UnitActive},
    session::{
        Effect, Event, Key, KeyCode, Keymap, Knowledge, Model, Mouse, MouseKind, Place, Powers,
        Setup,
        keymap::{BINDINGS, Command},
        update,
    },
    tui::{Depth, Look, Snapshot, Theme, picture},
};
use insta::assert_snapshot;
use ratatui::{
    buffer::Buffer,
    style::{Color, Modifier},
};

use crate::{
    LARGE, MEDIUM, SMALL, drawn, drawn_as, fixture::*, key, lines, look, press, recovery, text_of,
};

const WIDE: (u16, u16) = (200, 50);

fn sized(mut host: Host, size: (u16, u16), keys: &str) -> Host {
    host.event(&Event::Resize(size.0, size.1));
    press(&mut host, keys);
    host
}

fn with_settings(host: Host, keys: &[(&str, &str)]) -> Host {
    let mut host = host;
    let wanted: Vec<(String, Vec<Key>)> = keys
        .iter()
        .map(|(name, keys)| {
            let keys = keys.split(' ').filter(|k| !k.is_empty()).map(|k| k.parse().unwrap());
            ((*name).to_owned(), keys.collect())
        })
        .collect();
    let (keys, notices) = Keymap::with(&wanted);
    let themes = Theme::embedded().iter().map(|theme| theme.name().to_owned()).collect();
    host.model.set_up(Setup { keys, notices, themes, ..Setup::default() });
    host
}

fn acting(mut host: Host) -> Host {
    host.model.powers = Powers::Act;
    host.event(&Event::Settle);
    host
}

fn click(host: &mut Host, column: u16, row: u16) {
    host.event(&Event::Mouse(Mouse { kind: MouseKind::Press, column, row }));
}

fn wheel(host: &mut Host, kind: MouseKind, column: u16, row: u16) {
    host.event(&Event::Mouse(Mouse { kind, column, row }));
}

/// Where a text stands.
fn at(buf: &Buffer, text: &str) -> (u16, u16) {
    for (y, line) in lines(buf).iter().enumerate() {
        if let Some(x) = line.find(text) {
            let column = unicode_width::UnicodeWidthStr::width(&line[..x]);
            return (u16::try_from(column).unwrap(), u16::try_from(y).unwrap());
        }
    }
    panic!("no {text:?} in\n{}", text_of(buf));
}

macro_rules! snap {
    ($name:ident, $host:expr, $keys:expr) => {
        #[test]
        fn $name() {
            for size in [WIDE, LARGE, MEDIUM, SMALL] {
                let mut host = sized($host, size, $keys);
                let name = format!("{}_{}x{}", stringify!($name), size.0, size.1);
                assert_snapshot!(name, text_of(&drawn(&mut host, size)));
            }
        }
    };
}

snap!(the_palette, with_settings(acting(oom()), &[]), ":");
snap!(the_palette_finds_a_unit, with_settings(oom(), &[]), ":php");
snap!(the_keys_of_the_overview, acting(oom()), "?");
snap!(the_keys_of_a_page, oom(), "\n?");

#[test]
fn a_command_is_found_by_a_part_of_its_words_and_done() {
    let mut host = sized(oom(), LARGE, ":memkills\n");
    assert_eq!(host.model.view.place, Place::Memory);
    assert!(host.model.view.layers.is_empty());
    press(&mut host, ":this pane alone\n");
    assert!(!host.model.view.zoom, "it does not work in this view and is not found");
    press(&mut host, "\u{1b}1:this pane alone\n");
    assert!(host.model.view.zoom);
}

#[test]
fn a_unit_an_upstream_and_a_cause_are_gone_to_by_name() {
    let mut host = sized(oom(), LARGE, ":ssh.serv\n");
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.lines().any(|l| l.starts_with('▸') && l.contains("ssh.service")), "{text}");
    press(&mut host, ":8000\n");
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("[2 Chain]"), "{text}");
    assert!(text.lines().any(|l| l.starts_with('▸') && l.contains(":8000")), "{text}");
    press(&mut host, ":oom-cgroup\n");
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("What it is") && text.contains("oom-cgroup-unit"), "{text}");
}

#[test]
fn rows_of_the_palette_do_not_move_while_evidence_comes_in() {
    let mut host = sized(php_stopped(), LARGE, ":service");
    let before = text_of(&drawn(&mut host, LARGE));
    host.unit(unit("aaa.service", UnitActive::Failed, None)).event(&Event::Settle);
    let after = text_of(&drawn(&mut host, LARGE));
    assert_eq!(
        before.lines().skip(3).collect::<Vec<_>>(),
        after.lines().skip(3).collect::<Vec<_>>()
    );
}

#[test]
fn the_palette_of_a_session_that_only_looks_lists_nothing_that_acts() {
    let listed = |powers| {
        let mut host = oom();
        host.model.powers = powers;
        let host = sized(host, WIDE, ":");
        let Some(gatemedic::session::Layer::Palette(palette)) = host.model.view.layers.last()
        else {
            panic!("it is not open");
        };
        palette
            .found
            .iter()
            .filter(|entry| entry.goal == gatemedic::session::Goal::Command(Command::Repair))
            .count()
    };
    assert_eq!((listed(Powers::Look), listed(Powers::Act)), (0, 1));
}

#[test]
fn what_is_chosen_in_the_palette_still_asks_and_its_enter_is_no_yes() {
    let mut host = sized(acting(php_stopped()), LARGE, ":one right thing now");
    let effects = update(&mut host.model, &key(KeyCode::Enter), Knowledge::embedded());
    assert!(matches!(effects.first(), Some(Effect::Prepare(_))), "{effects:?}");
    for _ in 0..5 {
        let effects = update(&mut host.model, &key(KeyCode::Enter), Knowledge::embedded());
        assert!(!effects.iter().any(|e| matches!(e, Effect::Send(_))), "{effects:?}");
    }
}

#[test]
fn the_footer_and_the_help_show_the_keys_that_the_settings_give() {
    let keys = [("actions", "F5"), ("help", "h"), ("repair", "F6"), ("search", "")];
    let mut host = sized(with_settings(acting(php_stopped()), &keys), LARGE, "");
    let footer = lines(&drawn(&mut host, LARGE)).pop().unwrap();
    assert!(footer.starts_with(" F6 ") && footer.contains("F5 actions"), "{footer}");
    assert!(footer.contains("h help") && !footer.contains("search"), "{footer}");
    press(&mut host, "ra/");
    assert!(host.model.view.layers.is_empty(), "the old keys do nothing");
    press(&mut host, "h");
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("F5            everything that can be done"), "{text}");
}

#[test]
fn commands_keep_the_names_that_settings_use() {
    let free = BINDINGS.iter().filter(|binding| !binding.is_fixed());
    let mut names: Vec<String> = free.map(|binding| binding.command.name()).collect();
    names.sort();
    names.dedup();
    assert_snapshot!("names_of_commands", names.join("\n"));
}

#[test]
fn a_setting_that_is_not_used_is_said_on_the_first_screen_and_explained() {
    let mut host = sized(with_settings(healthy(), &[("actions", "y")]), LARGE, "");
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("1 setting is not used: 0"), "{text}");
    press(&mut host, "0G");
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("y is not for actions: it always means the same"), "{text}");
}

#[test]
fn a_theme_is_changed_while_the_screen_is_up() {
    let mut host = sized(with_settings(php_stopped(), &[]), LARGE, "");
    let look = Look { depth: Depth::True, ..look() };
    let badge = |host: &Host| {
        let cell = drawn_as(&host.model, LARGE, &look)[(3, 0)].clone();
        (cell.fg, cell.bg)
    };
    assert_eq!(badge(&host), (Color::Red, Color::Reset));
    press(&mut host, ":theme light\n");
    assert_eq!(badge(&host), (Color::Rgb(0xb3, 0, 0x1b), Color::Rgb(0xfb, 0xfb, 0xf9)));
    press(&mut host, ":theme mono\n");
    assert_eq!(badge(&host), (Color::Reset, Color::Reset));
}

/// One letter for each look of a line's cells.
fn looks(buf: &Buffer, y: u16) -> String {
    let cells = (0..buf.area.width).map(|x| &buf[(x, y)]);
    let name = |cell: &ratatui::buffer::Cell| {
        let colour = match cell.fg {
            Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
            Color::Indexed(n) => format!("{n}"),
            Color::Reset => "-".to_owned(),
            named => named.to_string(),
        };
        let marks = [
            (Modifier::BOLD, "b"),
            (Modifier::DIM, "d"),
            (Modifier::REVERSED, "r"),
            (Modifier::UNDERLINED, "u"),
        ];
        let marks = marks.iter().filter(|(m, _)| cell.modifier.contains(*m)).map(|(_, c)| *c);
        format!("{colour}{}", marks.collect::<String>())
    };
    let mut runs: Vec<(String, usize)> = Vec::new();
    for cell in cells {
        match runs.last_mut() {
            Some((last, n)) if *last == name(cell) => *n += 1,
            _ => runs.push((name(cell), 1)),
        }
    }
    runs.into_iter().map(|(name, n)| format!("{n}×{name}")).collect::<Vec<_>>().join(" ")
}

#[test]
fn each_theme_in_each_depth_gives_the_same_places_their_looks() {
    let mut told = String::new();
    for theme in Theme::embedded() {
        for depth in [Depth::Sixteen, Depth::Indexed, Depth::True] {
            let mut host = sized(oom(), MEDIUM, "\t");
            host.model.view.theme = theme.name().to_owned();
            let buf = drawn_as(&host.model, MEDIUM, &Look { depth, ..look() });
            let selected = at(&buf, "▸").1;
            let head = format!("{} {depth:?} on {:?}", theme.name(), buf[(0, 5)].bg);
            let rows = [0, selected].map(|y| format!("  {}\n", looks(&buf, y))).concat();
            told.extend([head, "\n".to_owned(), rows]);
        }
    }
    assert_snapshot!("looks_of_themes", told);
}

#[test]
fn a_click_chooses_a_second_one_opens_and_neither_acts() {
    let mut host = sized(acting(oom()), LARGE, "");
    let (x, y) = at(&drawn(&mut host, LARGE), "ssh.service");
    click(&mut host, x, y);
    let text = text_of(&drawn(&mut host, LARGE));
    let line = text.lines().nth(usize::from(y)).unwrap();
    assert!(line.contains("▸ ● running  ssh.service"), "{line}");
    click(&mut host, x, y);
    assert!(text_of(&drawn(&mut host, LARGE)).contains("━ ssh.service ━"));
    let (x, y) = at(&drawn(&mut host, LARGE), "2 Chain");
    click(&mut host, x + 2, y);
    assert_eq!((host.model.view.place, host.model.view.layers.len()), (Place::Chain, 0));
    let (x, y) = at(&drawn(&mut host, LARGE), "? help");
    click(&mut host, x + 3, y);
    assert!(text_of(&drawn(&mut host, LARGE)).contains("Keys that work here"));
}

#[test]
fn a_tab_is_chosen_by_its_name() {
    let mut host = sized(oom(), MEDIUM, "");
    let (x, y) = at(&drawn(&mut host, MEDIUM), "Units & containers");
    click(&mut host, x + 1, y);
    let text = text_of(&drawn(&mut host, MEDIUM));
    assert!(text.contains("php8.2-fpm.service") && text.contains("▸"), "{text}");
    assert_eq!(host.model.view.focus, gatemedic::session::Pane::Units);
}

#[test]
fn the_wheel_scrolls_what_lies_under_the_pointer() {
    let mut host = sized(oom(), LARGE, "\n");
    let before = text_of(&drawn(&mut host, LARGE));
    host.event(&Event::Resize(80, 15));
    wheel(&mut host, MouseKind::ScrollDown, 10, 8);
    let text = text_of(&drawn(&mut host, (80, 15)));
    assert!(text.contains("4–"), "three lines down: {text}");
    wheel(&mut host, MouseKind::ScrollUp, 10, 8);
    host.event(&Event::Resize(LARGE.0, LARGE.1));
    assert_eq!(before, text_of(&drawn(&mut host, LARGE)));
}

#[test]
fn no_click_anywhere_acts_or_answers() {
    for asked in [false, true] {
        let mut host = if asked { recovery::asked() } else { acting(oom()) };
        host.event(&Event::Resize(MEDIUM.0, MEDIUM.1));
        for keys in if asked { &[""][..] } else { &["", "a", ":", "w", "?"] } {
            if !asked {
                press(&mut host, "\u{1b}\u{1b}\u{1b}");
                press(&mut host, keys);
            }
            let before = host.model.clone();
            for row in 0..MEDIUM.1 {
                for column in (row % 3..MEDIUM.0).step_by(3) {
                    let mut model: Model = before.clone();
                    for _ in 0..2 {
                        let press = Mouse { kind: MouseKind::Press, column, row };
                        let effects =
                            update(&mut model, &Event::Mouse(press), Knowledge::embedded());
                        let harmless = |e: &Effect| {
                            matches!(
                                e,
                                Effect::Draw
                                    | Effect::Quit
                                    | Effect::ReadAudit
                                    | Effect::Remember(_)
                            )
                        };
                        assert!(effects.iter().all(harmless), "{column} {row} {effects:?}");
                    }
                    assert_eq!(model.recovery, before.recovery, "{column} {row}");
                }
            }
        }
    }
}

#[test]
fn the_mouse_is_left_to_the_terminal_with_one_key() {
    let mut host = sized(oom(), LARGE, "m");
    assert!(host.model.view.mouse_off);
    let footer = lines(&drawn(&mut host, LARGE)).pop().unwrap();
    assert!(footer.contains("the mouse is the terminal's"), "{footer}");
    let (x, y) = at(&drawn(&mut host, LARGE), "ssh.service");
    let before = host.model.view.clone();
    click(&mut host, x, y);
    assert_eq!(before, host.model.view);
    press(&mut host, "m");
    assert!(!host.model.view.mouse_off);
}

#[test]
fn times_are_shown_in_utc_with_one_key() {
    let mut host = sized(oom(), LARGE, "");
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("15:04:30 +01:00") && text.contains("since 15:02:09"), "{text}");
    press(&mut host, "U");
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("14:04:30 UTC") && text.contains("since 14:02:09"), "{text}");
    assert!(!text.contains("15:0"), "{text}");
}

#[test]
fn a_picture_that_is_held_still_says_how_old_it_is() {
    let mut host = sized(oom(), LARGE, " ");
    host.event(&Event::Tick(Host::moment(NOW + 75)));
    for keys in ["", "2", "3", "5", "6", "7", "\n"] {
        press(&mut host, keys);
        let head = lines(&drawn(&mut host, LARGE))[0].clone();
        assert!(head.contains("held still, 1 min old"), "{keys}: {head}");
    }
}

#[test]
fn what_is_waited_for_is_named_with_its_time_and_a_mark_that_moves() {
    let mut host = sized(oom(), LARGE, "A");
    let footer = |host: &mut Host| lines(&drawn(host, LARGE)).pop().unwrap();
    assert!(text_of(&drawn(&mut host, LARGE)).contains("reading…"));
    host.event(&Event::Tick(Host::moment(NOW + 2)));
    assert!(footer(&mut host).contains("- reading the audit, 2 s"), "{}", footer(&mut host));
    host.event(&Event::Audit(Ok(Vec::new())));
    assert!(!footer(&mut host).contains("reading"));
    let mut host = sized(acting(php_stopped()), LARGE, "r");
    host.event(&Event::Tick(Host::moment(NOW + 3)));
    assert!(footer(&mut host).contains("\\ looking at the machine, 3 s"), "{}", footer(&mut host));
}

#[test]
fn a_screen_is_kept_as_it_is_seen_and_the_footer_says_where() {
    let mut host = sized(oom(), LARGE, "");
    let save = Event::Key(Key { code: KeyCode::Char('s'), control: true });
    let effects = update(&mut host.model, &save, Knowledge::embedded());
    assert_eq!(effects, [Effect::SaveScreen, Effect::Draw]);
    let kept = picture(&Snapshot { model: &host.model, look: &look() }, LARGE);
    assert_eq!(kept.text.trim_end(), text_of(&drawn(&mut host, LARGE)).trim_end());
    assert!(kept.svg.starts_with("<svg ") && kept.svg.contains("FAILING"));
    host.event(&Event::Saved(Ok("/x/gatemedic-web1.txt".to_owned())));
    let footer = lines(&drawn(&mut host, LARGE)).pop().unwrap();
    assert!(footer.contains("✓ saved: /x/gatemedic-web1.txt"), "{footer}");
    press(&mut host, "j");
    assert!(!text_of(&drawn(&mut host, LARGE)).contains("saved"));
}

#[test]
fn one_key_writes_the_report_and_the_footer_says_where() {
    let mut host = sized(oom(), LARGE, "");
    let key = Event::Key(Key { code: KeyCode::Char('R'), control: false });
    let effects = update(&mut host.model, &key, Knowledge::embedded());
    assert_eq!(effects, [Effect::SaveReport, Effect::Draw]);
    host.event(&Event::Tick(Host::moment(NOW + 2)));
    let footer = lines(&drawn(&mut host, LARGE)).pop().unwrap();
    assert!(footer.contains("writing the report, 2 s"), "{footer}");
    host.event(&Event::Saved(Ok("/x/gatemedic-web1.md, .html".to_owned())));
    let footer = lines(&drawn(&mut host, LARGE)).pop().unwrap();
    assert!(footer.contains("✓ saved: /x/gatemedic-web1.md, .html"), "{footer}");
}

#[test]
fn what_stays_when_the_console_is_left_is_one_line() {
    let zone = look().zone;
    let line = oom().model.summary(&zone);
    assert_eq!(
        line,
        "gatemedic: FAILING since 15:02:09 (2 min): oom-cgroup-unit php8.2-fpm.service"
    );
    let mut host = recovery::verified();
    let line = host.model.summary(&zone);
    assert!(line.ends_with("php8.2-fpm: fixed"), "{line}");
    assert_eq!(nothing().model.summary(&zone), "gatemedic: UNKNOWN");
    host.model.host = "\u{1b}[2J".to_owned();
    assert!(Clean::new(&line).as_str() == line);
}

#[test]
fn one_key_leads_from_a_row_to_the_log_lines_that_name_it() {
    let mut host = php_stopped();
    host.failure(
        1,
        "[error] 1#1: *1 connect() failed (111: Connection refused) while connecting to upstream",
        "http://127.0.0.1:8000/",
    );
    host.event(&Event::Settle);
    let mut host = sized(host, LARGE, "2/8000\nl");
    let text = text_of(&drawn(&mut host, LARGE));
    assert_eq!(host.model.view.place, Place::Logs);
    assert!(text.contains("Connection refused") && text.contains(r"127\.0\.0\.1:8000"), "{text}");
    let (x, y) = at(&drawn(&mut host, LARGE), "Connection refused");
    click(&mut host, x, y);
    assert!(!host.model.view.logs.is_following(), "a click stands still");
    click(&mut host, x, y);
    assert!(matches!(host.model.view.layers.last(), Some(gatemedic::session::Layer::Page { .. })));
}

#[test]
fn a_click_chooses_the_row_that_is_seen_there_or_none_also_between_headings() {
    let marked = |host: &mut Host, size| {
        let text = lines(&drawn(host, size));
        text.iter().position(|line| line.starts_with('▸'))
    };
    for view in ["2", "3", "5", "6", "7"] {
        for size in [LARGE, MEDIUM] {
            let fresh = sized(oom(), size, view);
            let mut hits = 0;
            for y in 3..size.1 - 1 {
                let mut host = sized(oom(), size, view);
                let before = marked(&mut host, size);
                click(&mut host, 4, y);
                let opened = !host.model.view.layers.is_empty();
                if opened {
                    assert_eq!(before, Some(usize::from(y)), "{view} {size:?}");
                    continue;
                }
                let after = marked(&mut host, size);
                if host.model.view != fresh.model.view && after != before {
                    assert_eq!(after, Some(usize::from(y)), "{view} {size:?}");
                    hits += 1;
                }
            }
            assert!(hits > 0, "{view} {size:?}");
        }
    }
}
