//! One page of the wall screen between its two lines.

use ratatui::buffer::Buffer;

use crate::{
    session::{
        kiosk::{self, Alarm, Board, Kiosk, alarm},
        layout::Area,
        page::{Page, Tone, wrap},
    },
    tui::{Snapshot, ink::Ink},
};

use super::{frame, requests, state};

/// From this width on, the picture has room to move.
const ROOM: u16 = 60;
/// Widest text of a page.
const MEASURE: u16 = 120;

/// Draws the wall screen.
pub(in crate::tui) fn kiosk(buf: &mut Buffer, area: Area, snapshot: &Snapshot<'_>, kiosk: &Kiosk) {
    let shown = snapshot.model.shown();
    let called = alarm(&shown);
    let area = shifted(area, kiosk.shift(shown.case.now.boot));
    let (top, rest) = area.split_top(1);
    let (body, bottom) = rest.split_bottom(1);
    frame::top(buf, top, snapshot);
    frame::bottom(buf, bottom, snapshot, kiosk);
    let inner = frame::alarm(buf, body, called);
    if kiosk.board == Board::State {
        return state::state(buf, inner, snapshot, called);
    }
    let below = head(buf, inner, called, kiosk);
    match kiosk.board {
        Board::Requests => requests::requests(buf, below, snapshot),
        board => text(buf, below, snapshot, board),
    }
}

/// The picture at its present place.
fn shifted(area: Area, (right, down): (u16, u16)) -> Area {
    if area.width < ROOM || area.height < 20 {
        return area;
    }
    Area {
        x: area.x.saturating_add(right),
        y: area.y.saturating_add(down),
        width: area.width.saturating_sub(1),
        height: area.height.saturating_sub(1),
    }
}

/// The word of the state above a page, so that no page leaves it open.
fn head(buf: &mut Buffer, area: Area, called: Alarm, kiosk: &Kiosk) -> Area {
    let (line, rest) = area.split_top(1);
    let title = Ink::of(Tone::Strong, kiosk.board.title());
    frame::word(called).with_right(title, usize::from(line.width), 0).draw(buf, line, 0);
    rest.split_top(u16::from(area.height > 10)).1
}

fn text(buf: &mut Buffer, area: Area, snapshot: &Snapshot<'_>, board: Board) {
    let Some(page) = kiosk::page(snapshot.model, board) else { return };
    let now = snapshot.model.shown().case.now.wall;
    let lines = |page: &Page| wrap(page, area.width.min(MEASURE), &snapshot.look.zone, now);
    let room = usize::from(area.height);
    // Where there is room for it, air makes a page readable from afar.
    let airy = Some(lines(&page.aired())).filter(|lines| lines.len() <= room);
    let lines = airy.unwrap_or_else(|| lines(&page));
    for (line, y) in lines.iter().zip(0..area.height) {
        Ink::from(line).cut(usize::from(area.width)).draw(buf, area, y);
    }
    if lines.len() > room {
        let more = format!("… {} more lines", lines.len() - room + 1);
        let last = area.split_bottom(1).1;
        Ink::of(Tone::Muted, more).pad(usize::from(area.width)).draw(buf, last, 0);
    }
}
