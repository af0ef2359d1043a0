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
const LANES: usize = 6;
const APART: u32 = 58;
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
    let lanes = lanes(&timeline.marks);
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
                @for mark in &timeline.marks {
                    @if let Some(place) = mark.place {
                        line class={ "stem " (mark.tone) } x1=(percent(place)) x2=(percent(place)) y1=(AIR) y2=(PLOT + AXIS) {}
                    }
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
                @for (at, (mark, lane)) in timeline.marks.iter().zip(&lanes).enumerate() {
                    @if let Some(place) = mark.place {
                        @let y = PLOT + AXIS + *lane as u64 * LANE + LANE / 2;
                        a href={ "#m" (at + 1) } {
                            title { (mark.at) " " (mark.kind) ": " (mark.what) }
                            circle class={ "mark " (mark.tone) } cx=(percent(place)) cy=(y) r="10" {}
                            text.number x=(percent(place)) y=(y + 4) { (at + 1) }
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

/// The lane of each moment: the first one with room, else the one that was used longest ago.
fn lanes(marks: &[Mark]) -> Vec<usize> {
    let mut ends: Vec<Option<u32>> = Vec::new();
    marks
        .iter()
        .map(|mark| {
            let place = mark.place.unwrap_or(0);
            let free = ends.iter().position(|end| end.is_none_or(|end| end + APART <= place));
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
                *end = Some(place);
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
    fn moments_that_are_close_stand_in_different_lanes() {
        let at = |place| Mark { place: Some(place), ..Mark::default() };
        assert_eq!(lanes(&[at(100), at(110), at(120), at(200)]), [0, 1, 2, 0]);
        let crowd: Vec<Mark> = (0..40).map(at).collect();
        assert!(lanes(&crowd).iter().all(|lane| *lane < LANES));
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
