//! The first page: the state in one word, how much, since when, and why.

use ratatui::buffer::Buffer;

use crate::{
    session::{
        Shown,
        figures::{ago, count, day_clock, percent, span},
        kiosk::{Alarm, Mask},
        layout::Area,
        page::{Page, Tone, wrap},
        requests,
    },
    tui::{
        Snapshot,
        ink::Ink,
        widgets::{big, per_minute},
    },
};

use super::frame::{field, middle, tone, word};

/// Widest line of words.
const MEASURE: u16 = 96;

/// A figure and what it is.
struct Figure {
    text: String,
    label: String,
}

impl Figure {
    /// A number, and what it counts behind its unit: a unit in large letters would be larger
    /// than what it says.
    fn new(text: &str, label: &str) -> Self {
        match text.split_once(' ') {
            Some((number, "%")) => Self { text: format!("{number}%"), label: label.to_owned() },
            Some((number, unit)) => {
                Self { text: number.to_owned(), label: format!("{unit} {label}") }
            }
            None => Self { text: text.to_owned(), label: label.to_owned() },
        }
    }
}

/// Draws the page.
pub(super) fn state(buf: &mut Buffer, area: Area, snapshot: &Snapshot<'_>, called: Alarm) {
    let shown = snapshot.model.shown();
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    let ascii = snapshot.look.ascii;
    let why = why(&shown, snapshot, area.width.min(MEASURE));
    let figures = figures(&shown, called);
    // A third for the word, a quarter for the figures, the rest for the words below.
    let letters = big(called.word(), width, (height * 2 / 5).max(1), ascii);
    let enlarged = letters.len() > 1;
    let letters: Vec<Ink> = if enlarged {
        letters.into_iter().map(|row| Ink::of(tone(called), row)).collect()
    } else {
        vec![word(called)]
    };
    let numbers = rows_of(&figures, width, height / 4, ascii);
    let gap = usize::from(height > 12);
    let told = letters.len() + numbers.len() + why.len() + 2 * gap;
    let top = u16::try_from(height.saturating_sub(told) / 2).unwrap_or(0);
    let gap = u16::try_from(gap).unwrap_or(0);
    let next = middle(buf, area, top, &letters);
    field(buf, Area { y: area.y.saturating_add(top), height: next - top, ..area });
    let next = middle(buf, area, next.saturating_add(gap), &numbers);
    middle(buf, area, next.saturating_add(gap), &why);
}

fn figures(shown: &Shown<'_>, called: Alarm) -> Vec<Figure> {
    let (incident, now) = (&shown.diagnosis.incident, shown.case.now.wall);
    let mut all = Vec::new();
    if let Some(first) = incident.first.filter(|_| incident.present && called == Alarm::Failing) {
        let rate = per_minute(&requests::by_minute(shown), now);
        all.push(Figure::new(&count(rate.into()), "failed requests a minute"));
        let (requests, failed) = shown.case.access.totals(None, first);
        if requests > 0 {
            all.push(Figure::new(&percent(failed, requests), "of all requests fail"));
        }
        let since = span(now.since(first).as_secs());
        all.push(Figure::new(&since, "since the first failure"));
        return all;
    }
    let upstreams = &shown.diagnosis.upstreams;
    if !upstreams.is_empty() {
        let up = upstreams.iter().filter(|row| row.state == "up").count();
        let text = format!("{up}/{}", upstreams.len());
        all.push(Figure::new(&text, "upstreams answer"));
    }
    let (requests, failed) = shown.case.access.totals(None, now.minus_secs(900));
    if requests > 0 {
        all.push(Figure::new(&count(requests), "requests in 15 minutes"));
        all.push(Figure::new(&count(failed), "of them failed"));
    }
    all
}

/// The figures side by side, each above its label; in plain digits where there is no room.
fn rows_of(figures: &[Figure], width: usize, height: usize, ascii: bool) -> Vec<Ink> {
    if figures.is_empty() {
        return Vec::new();
    }
    let each = width / figures.len();
    let room = height.saturating_sub(1).min(8);
    // Of one length, so that all are of one size.
    let longest = figures.iter().map(|f| f.text.chars().count()).max().unwrap_or(0);
    let drawn: Vec<Vec<String>> = figures
        .iter()
        .map(|f| big(&format!("{:^longest$}", f.text), each.saturating_sub(4), room, ascii))
        .collect();
    let high = drawn.iter().map(Vec::len).max().unwrap_or(1);
    // One that has to be small makes all small: they are read as one line.
    if high == 1 || drawn.iter().any(|rows| rows.len() == 1) {
        let line = figures.iter().fold(Ink::new(), |line, figure| {
            let gap = if line.is_empty() { "" } else { "   " };
            line.put(Tone::Plain, gap)
                .put(Tone::Strong, &figure.text)
                .put(Tone::Muted, format!(" {}", figure.label))
        });
        if line.width() <= width {
            return vec![line];
        }
        let one =
            |f: &Figure| Ink::of(Tone::Strong, &f.text).put(Tone::Muted, format!(" {}", f.label));
        return figures.iter().map(one).collect();
    }
    let column = |text: &str| {
        let free = each.saturating_sub(text.chars().count()) / 2;
        format!("{}{text}", " ".repeat(free))
    };
    let mut rows: Vec<Ink> = (0..high)
        .map(|y| {
            drawn.iter().fold(Ink::new(), |line, rows| {
                let text = rows.get(y).map(String::as_str).unwrap_or_default();
                line.then(Ink::of(Tone::Strong, column(text)).pad(each))
            })
        })
        .collect();
    rows.push(figures.iter().fold(Ink::new(), |line, figure| {
        line.then(Ink::of(Tone::Muted, column(&figure.label)).pad(each))
    }));
    rows
}

/// The first cause in a sentence, or what stands in its place.
fn why(shown: &Shown<'_>, snapshot: &Snapshot<'_>, width: u16) -> Vec<Ink> {
    let (now, zone) = (shown.case.now.wall, &snapshot.look.zone);
    let incident = &shown.diagnosis.incident;
    let mut page = Page::default();
    let mask = Mask::new(shown);
    match shown.diagnosis.findings.first() {
        Some(first) => {
            page.text(Tone::Strong, mask.text(&first.summary));
            page.text(Tone::Muted, format!("{}: {}", first.confidence.as_str(), first.cause));
        }
        None if shown.is_looking() => {
            let text = format!("waiting for {}", crate::tui::header::waited_for(shown));
            page.text(Tone::Muted, text);
        }
        None if incident.present => page.text(Tone::Muted, "the cause is not known yet"),
        None => {
            let text = match incident.last {
                Some(last) => format!("last failure {}", ago(last, now)),
                None => "no failure was seen".to_owned(),
            };
            page.text(Tone::Muted, text);
        }
    }
    if let Some(first) = incident.first.filter(|_| incident.present) {
        page.text(Tone::Muted, format!("since {}", day_clock(first, zone, now)));
    }
    wrap(&page, width, zone, now).iter().map(Ink::from).collect()
}
