//! One incident as a moving picture: from an ordinary minute to "fixed", by the keys that the footer
//! shows. It needs no player: the frames of an SVG take turns.

use std::fmt::Write as _;

use super::*;

/// Seconds for which a frame stands, what is said below it, and what it shows.
type Scene = (u32, &'static str, Buffer);

fn seen(mut host: Host, keys: &str) -> Buffer {
    host.event(&Event::Resize(LARGE.0, LARGE.1));
    press(&mut host, keys);
    drawn(&mut host, LARGE)
}

fn scenes() -> Vec<Scene> {
    let acting = || recovery::acting(oom());
    vec![
        (3, "An ordinary minute.", seen(recovery::acting(healthy()), "")),
        (5, "502. Nobody has pressed a key yet, and the cause is named.", seen(acting(), "")),
        (4, "2: the way of a request, and where it breaks.", seen(acting(), "2")),
        (4, "3: what speaks for it, what against, what can be done.", seen(acting(), "3")),
        (3, "5: what happened when.", seen(acting(), "5")),
        (
            5,
            "r: the one right repair. It says what it will do, and asks.",
            seen(recovery::asked(), ""),
        ),
        (3, "y: done, and now it is watched.", seen(recovery::running(), "")),
        (6, "Fixed: proven by real requests, not by an exit code.", seen(recovery::verified(), "")),
    ]
}

/// The inside of a picture, and what its outermost element says of its size.
fn parts(picture: &str) -> (&str, &str) {
    let (head, rest) = picture.split_once('\n').unwrap();
    (head, rest.strip_suffix("</svg>\n").unwrap())
}

fn moving(scenes: &[Scene]) -> String {
    let whole: u32 = scenes.iter().map(|scene| scene.0).sum();
    let first = svg(&scenes[0].2);
    let (head, _) = parts(&first);
    // Room for the words below the screen.
    let head = head.replace("748", "790");
    let mut out = format!("{head}\n<title>One incident, from the first 502 to fixed</title>\n");
    let mut began = 0;
    for (at, (secs, words, buf)) in scenes.iter().enumerate() {
        let share = |secs: u32| f64::from(secs) / f64::from(whole);
        let (from, to) = (share(began), share(began + secs));
        began += secs;
        // Without animation the second frame stays: it says most.
        let still = if at == 1 { "visible" } else { "hidden" };
        let (times, values) = match at {
            0 => (format!("0;{to:.4};1"), "visible;hidden;hidden"),
            _ if began == whole => (format!("0;{from:.4};1"), "hidden;visible;visible"),
            _ => (format!("0;{from:.4};{to:.4};1"), "hidden;visible;hidden;hidden"),
        };
        let _ = writeln!(
            out,
            "<g visibility=\"{still}\"><animate attributeName=\"visibility\" calcMode=\"discrete\" \
             dur=\"{whole}s\" repeatCount=\"indefinite\" keyTimes=\"{times}\" values=\"{values}\"/>"
        );
        let picture = svg(buf);
        out.push_str(parts(&picture).1);
        let _ = write!(
            out,
            "<g><rect x=\"14\" y=\"754\" width=\"1012\" height=\"28\" rx=\"4\" fill=\"#62b8d3\"/>\
             <text x=\"24\" y=\"773\" font-family=\"'DejaVu Sans',Helvetica,Arial,sans-serif\" \
             font-size=\"15\" fill=\"#14171c\">{words}</text></g>\n</g>\n"
        );
    }
    out.push_str("</svg>\n");
    out
}

#[test]
fn the_tour_is_true() {
    assert!(shots::keep("tour.svg", &moving(&scenes())), "GATEMEDIC_BLESS=1 draws it anew");
}
