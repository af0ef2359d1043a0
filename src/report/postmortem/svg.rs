//! The drawing: failures per minute above the moments. It is as wide as its page: places are in
//! percent, letters stay as large as they are.

use maud::{Markup, html};

use crate::session::figures::count;

use super::document::{Bar, Mark, Timeline};

/// Pixels of the plot, of the axis with its labels, and of one lane of moments.
const PLOT: u64 = 170;
const AXIS: u64 = 26;
const LANE: u64 = 24;
/// Lanes at most, and how far apart two moments of one lane are, in thousandths of the width.
const LANES: usize = 4;
const APART: u32 = 120;
/// Moments closer than this are drawn as one.
const CLOSE: u32 = 25;
/// Pixels above the highest bar.
const AIR: u64 = 8;

/// The class that gives a status its colour.
pub(super) const fn class(status: u16) -> &'static str {
    match status {
        500 => "s500",
        502 => "s502",
        503 => "s503",
        504 => "s504",
        0 => "s0",
        _ => "s5",
    }
}

/// Draws it.
pub(super) fn chart(timeline: &Timeline) -> Markup {
    let peak = timeline.bars.iter().map(Bar::failures).max().unwrap_or(0);
    let crowds = crowds(&timeline.marks);
    let lanes = lanes(&crowds);
    let used = lanes.iter().map(|lane| *lane as u64 + 1).max().unwrap_or(0);
    let height = PLOT + AXIS + used * LANE + 4;
    let width = 100.0 / u16::try_from(timeline.bars.len().max(1)).map_or(1.0, f64::from);
    html! {
        div.chart {
            div.scale aria-hidden="true" {
                span { @if peak > 0 { (count(peak)) } }
                span { "0" }
            }
            svg width="100%" height=(height) role="img" aria-label=(label(timeline, peak)) {
                @for line in [0, 1, 2] {
                    @let y = AIR + (PLOT - AIR) * line / 2;
                    line.grid x1="0" x2="100%" y1=(y) y2=(y) {}
                }
                @for crowd in &crowds {
                    line class={ "stem " (crowd.tone) } x1=(percent(crowd.place)) x2=(percent(crowd.place)) y1=(AIR) y2=(PLOT + AXIS) {}
                }
                @for (at, bar) in timeline.bars.iter().enumerate() {
                    @let x = u16::try_from(at).map_or(0.0, f64::from) * width;
                    (column(bar, (x, width), peak))
                }
                @for (at, (place, text)) in timeline.ticks.iter().enumerate() {
                    text class=(if at % 2 == 1 { "tick minor" } else { "tick" }) x=(percent(*place)) y=(PLOT + 17) {
                        (text)
                    }
                }
                @for (crowd, lane) in crowds.iter().zip(&lanes) {
                    @let y = PLOT + AXIS + *lane as u64 * LANE + LANE / 2;
                    @let wide = crowd.wide();
                    svg.at x=(percent(crowd.place)) y=(y) width="1" height="1" {
                        a href={ "#m" (crowd.first) } {
                            title { (crowd.title) }
                            rect class={ "mark " (crowd.tone) } x=(-wide / 2) y="-10" width=(wide) height="20" rx="10" {}
                            text.number y="4" { (crowd.label()) }
                        }
                    }
                }
            }
        }
    }
}

fn column(bar: &Bar, (x, width): (f64, f64), peak: u64) -> Markup {
    let place = format!("{x:.3}%");
    let wide = format!("{:.3}%", width * 0.86);
    let n = bar.failures();
    if n == 0 {
        return html! {
            @if !bar.known {
                rect.unknown x=(place) width=(wide) y=(AIR) height=(PLOT - AIR) { title { (bar.at) ": not known" } }
            }
        };
    }
    let of = bar.requests.map(|all| format!(" of {}", count(all))).unwrap_or_default();
    let tall = |n: u64| {
        let tall = u128::from(n) * u128::from(PLOT - AIR) / u128::from(peak.max(1));
        u64::try_from(tall).unwrap_or(0)
    };
    let mut parts = Vec::new();
    let mut below = 0_u64;
    for (status, own) in &bar.by_status {
        let from = tall(below);
        below = below.saturating_add(*own);
        // What failed is seen, however little it was.
        let own = (tall(below) - from).max(2);
        parts.push((class(*status), (PLOT - from).saturating_sub(own), own));
    }
    html! {
        g {
            title { (bar.at) ": " (count(n)) " failed" (of) }
            @for (class, y, tall) in parts {
                rect class=(class) x=(place) width=(wide) y=(y) height=(tall) {}
            }
        }
    }
}

/// Moments that stand so close that they are drawn as one.
struct Crowd {
    place: u32,
    first: usize,
    last: usize,
    tone: &'static str,
    title: String,
}

impl Crowd {
    fn label(&self) -> String {
        if self.first == self.last {
            self.first.to_string()
        } else {
            format!("{}–{}", self.first, self.last)
        }
    }

    /// Pixels of its shape.
    fn wide(&self) -> i32 {
        let letters = i32::try_from(self.label().chars().count()).unwrap_or(1);
        (letters * 7 + 10).max(20)
    }
}

/// The moments, those together that are too close to be told apart.
fn crowds(marks: &[Mark]) -> Vec<Crowd> {
    const WORST: [&str; 5] = ["plain", "good", "accent", "warn", "bad"];
    let rank = |tone: &str| WORST.iter().position(|one| *one == tone).unwrap_or(0);
    let mut all: Vec<Crowd> = Vec::new();
    for (at, mark) in marks.iter().enumerate() {
        let Some(place) = mark.place else { continue };
        let title = format!("{} {}: {}", mark.at, mark.kind, mark.what);
        match all.last_mut().filter(|crowd| crowd.place + CLOSE > place) {
            Some(crowd) => {
                crowd.last = at + 1;
                if rank(mark.tone) > rank(crowd.tone) {
                    crowd.tone = mark.tone;
                }
                crowd.title.push('\n');
                crowd.title.push_str(&title);
            }
            None => all.push(Crowd { place, first: at + 1, last: at + 1, tone: mark.tone, title }),
        }
    }
    all
}

/// The lane of each: the first one with room, else the one that was used longest ago.
fn lanes(crowds: &[Crowd]) -> Vec<usize> {
    let mut ends: Vec<Option<u32>> = Vec::new();
    crowds
        .iter()
        .map(|crowd| {
            let free = ends.iter().position(|end| end.is_none_or(|end| end + APART <= crowd.place));
            let lane = match free {
                Some(lane) => lane,
                None if ends.len() < LANES => {
                    ends.push(None);
                    ends.len() - 1
                }
                None => {
                    let oldest = ends.iter().enumerate().min_by_key(|(_, end)| **end);
                    oldest.map_or(0, |(lane, _)| lane)
                }
            };
            if let Some(end) = ends.get_mut(lane) {
                *end = Some(crowd.place);
            }
            lane
        })
        .collect()
}

fn percent(place: u32) -> String {
    format!("{}.{}%", place / 10, place % 10)
}

fn label(timeline: &Timeline, peak: u64) -> String {
    format!(
        "Failed requests in bars of {} min, {} at most, and {} moments; the table below says the same",
        timeline.step,
        count(peak),
        timeline.marks.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_that_cannot_be_told_apart_are_drawn_as_one_with_the_worst_tone() {
        let at = |place, tone| Mark { place: Some(place), tone, ..Mark::default() };
        let marks = [at(100, "good"), at(110, "bad"), at(150, "plain"), at(400, "plain")];
        let crowds = crowds(&marks);
        let told: Vec<(String, &str)> = crowds.iter().map(|one| (one.label(), one.tone)).collect();
        assert_eq!(
            told,
            [("1–2".to_owned(), "bad"), ("3".to_owned(), "plain"), ("4".to_owned(), "plain")]
        );
        assert_eq!(lanes(&crowds), [0, 1, 0]);
        let many: Vec<Mark> = (0..400).map(|n| at(n * 2, "plain")).collect();
        assert!(lanes(&super::crowds(&many)).iter().all(|lane| *lane < LANES));
    }

    #[test]
    fn a_single_failure_beside_a_thousand_is_seen() {
        let bars = [(502, 1_000), (504, 1)].map(|(status, n)| Bar {
            by_status: vec![(status, n)],
            known: true,
            ..Bar::default()
        });
        let drawn =
            chart(&Timeline { bars: bars.to_vec(), step: 1, ..Timeline::default() }).into_string();
        assert!(
            drawn.contains(r#"class="s504" x="50.000%" width="43.000%" y="168" height="2""#),
            "{drawn}"
        );
    }
}
