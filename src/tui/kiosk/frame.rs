//! What every page of the wall screen has: where and when above, the pages below, and the alarm
//! around, which is a shape before it is a colour.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};

use crate::{
    session::{
        figures::span,
        kiosk::{Alarm, Kiosk, boards},
        layout::Area,
        page::Tone,
    },
    tui::{
        Snapshot,
        header::{clock, gateways},
        ink::Ink,
    },
};

/// What a state looks like.
pub(super) const fn tone(called: Alarm) -> Tone {
    match called {
        Alarm::Failing => Tone::Bad,
        Alarm::Degraded | Alarm::Unknown | Alarm::Stale => Tone::Warn,
        Alarm::Healthy => Tone::Good,
        Alarm::Looking => Tone::Accent,
    }
}

/// Symbol and word of a state.
pub(super) fn word(called: Alarm) -> Ink {
    let symbol = match called {
        Alarm::Failing => '✗',
        Alarm::Degraded => '◐',
        Alarm::Unknown | Alarm::Stale => '?',
        Alarm::Healthy => '●',
        Alarm::Looking => '…',
    };
    Ink::of(tone(called), format!("{symbol} {}", called.word()))
}

/// Host, gateway, and the time.
pub(super) fn top(buf: &mut Buffer, area: Area, snapshot: &Snapshot<'_>) {
    let shown = snapshot.model.shown();
    let host = Ink::of(Tone::Strong, format!(" {}", snapshot.look.host));
    let right = clock(snapshot);
    let room = usize::from(area.width).saturating_sub(right.width() + 2);
    host.then(gateways(&shown))
        .cut(room)
        .with_right(right, usize::from(area.width), 0)
        .draw(buf, area, 0);
}

/// The pages, the present one marked; whether the picture is old; under which lock it runs.
pub(super) fn bottom(buf: &mut Buffer, area: Area, snapshot: &Snapshot<'_>, kiosk: &Kiosk) {
    let shown = snapshot.model.shown();
    let width = usize::from(area.width);
    let mut right = Ink::new();
    if let Some(secs) = shown.stale_secs() {
        let text = format!("? nothing heard for {}  ", span(secs.cast_signed()));
        right = right.put(Tone::Warn, text);
    }
    if let Some(why) = &kiosk.gone {
        right = right.put(Tone::Bad, format!("the broker is gone: {why}  "));
    }
    if kiosk.stays {
        right = right.put(Tone::Warn, "stays  ");
    }
    let lock = if kiosk.is_locked() {
        Ink::of(Tone::Muted, "locked ")
    } else {
        Ink::of(Tone::Warn, "UI-only lock ")
    };
    let right = right.then(lock);
    let all = boards(&shown);
    let line = |name: bool| {
        all.iter().fold(Ink::of(Tone::Plain, " "), |line, board| {
            if *board == kiosk.board {
                line.put(Tone::Accent, format!("● {}  ", board.title()))
            } else {
                let name = if name { format!(" {}", board.title()) } else { String::new() };
                line.put(Tone::Muted, format!("○{name}  "))
            }
        })
    };
    let room = width.saturating_sub(right.width() + 2);
    let pages = [line(true), line(false)].into_iter().find(|line| line.width() <= room);
    pages.unwrap_or_default().with_right(right, width, 0).draw(buf, area, 0);
}

/// Draws the alarm around an area and gives what is left inside.
pub(super) fn alarm(buf: &mut Buffer, area: Area, called: Alarm) -> Area {
    let (side, shape) = match called {
        Alarm::Failing => (2, "█"),
        Alarm::Degraded => (1, "▌"),
        Alarm::Stale | Alarm::Unknown => (1, "░"),
        Alarm::Healthy | Alarm::Looking => (0, ""),
    };
    let side = if area.width < 60 { side.min(1) } else { side };
    if side > 0 {
        let across = usize::from(area.width);
        let horizontal = Ink::of(tone(called), shape.repeat(across));
        let vertical = Ink::of(tone(called), shape.repeat(usize::from(side)));
        let right = area.split_left(area.width.saturating_sub(side), 0).1;
        for y in 0..area.height {
            if y == 0 || y + 1 == area.height {
                horizontal.draw(buf, area, y);
            } else {
                vertical.draw(buf, area, y);
                vertical.draw(buf, right, y);
            }
        }
    }
    let gap = if area.width < 60 { 1 } else { 2 };
    let (_, inner) = area.split_left(side + gap, 0);
    let (inner, _) = inner.split_left(inner.width.saturating_sub(side + gap), 0);
    let (_, inner) = inner.split_top(1);
    inner.split_top(inner.height.saturating_sub(1)).0
}

/// Draws rows in the middle of an area's width, from its row `y`, and gives the next row.
pub(super) fn middle(buf: &mut Buffer, area: Area, y: u16, rows: &[Ink]) -> u16 {
    let mut at = y;
    for row in rows {
        let free = usize::from(area.width).saturating_sub(row.width()) / 2;
        Ink::of(Tone::Plain, " ".repeat(free))
            .then(row.clone())
            .cut(usize::from(area.width))
            .draw(buf, area, at);
        at = at.saturating_add(1);
    }
    at
}

/// Turns rows of an area into a field of its colour.
pub(super) fn field(buf: &mut Buffer, area: Area) {
    let rect = Rect::new(area.x, area.y, area.width, area.height).intersection(buf.area);
    buf.set_style(rect, Style::new().add_modifier(Modifier::BOLD));
}
