//! The pictures of the documentation are what the program draws, of incidents as they were recorded
//! on a real host where one was, and each as SVG and as PNG.
//!
//! `GATEMEDIC_BLESS=1 cargo test --test screens` draws them anew. The PNG are made from the SVG by
//! rsvg-convert (librsvg2-bin) with the font beside the tests; which SVG each was made from stands in
//! `screenshots/png.toml`, so that a stale one is noticed where the converter is missing.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path, process::Command};

use gatemedic::session::kiosk::{Kiosk, LockFact, Way};
use sha2::{Digest, Sha256};

use super::*;

const WIDE: (u16, u16) = (200, 50);

/// Name, host, size and keys of a picture.
type Picture = (&'static str, fn() -> Host, (u16, u16), &'static str);

fn killed() -> Host {
    recovery::acting(Host::recorded("oom-cgroup-unit"))
}

fn looping() -> Host {
    recovery::acting(Host::recorded("container-restart-loop"))
}

fn wall() -> Host {
    let mut host = Host::recorded("oom-cgroup-unit");
    let tried = [("write a file", "EACCES"), ("run a program", "EACCES"), ("signal", "EPERM")];
    let lock = tried.map(|(what, came)| LockFact {
        what: what.to_owned(),
        came: came.to_owned(),
        holds: true,
    });
    host.model.kiosk = Some(Kiosk::new(Way { lock: lock.to_vec(), ..Way::default() }));
    let now = host.model.case.now;
    host.event(&Event::Tick(now)).event(&Event::Settle);
    host
}

const PICTURES: [Picture; 29] = [
    ("overview-200x50", killed, WIDE, ""),
    ("overview-120x40", killed, LARGE, ""),
    ("overview-80x24", killed, MEDIUM, ""),
    ("overview-40x15", killed, SMALL, ""),
    ("chain-120x40", killed, LARGE, "2"),
    ("causes-120x40", killed, LARGE, "3"),
    ("logs-120x40", killed, LARGE, "4"),
    ("timeline-120x40", killed, LARGE, "5"),
    ("memory-120x40", killed, LARGE, "6"),
    ("units-120x40", killed, LARGE, "7"),
    ("units-restart-loop-120x40", looping, LARGE, "7"),
    ("wizard-120x40", recovery::led, LARGE, ""),
    ("audit-120x40", recovery::audited, LARGE, ""),
    ("help-120x40", killed, LARGE, "?"),
    ("palette-120x40", killed, LARGE, ":start"),
    ("actions-120x40", killed, LARGE, "a"),
    ("recovery-confirm-120x40", recovery::asked, LARGE, ""),
    ("recovery-verified-120x40", recovery::verified, LARGE, ""),
    ("cause-120x40", killed, LARGE, "\n"),
    ("blind-120x40", unprivileged, LARGE, ""),
    ("looking-80x24", looking, MEDIUM, ""),
    ("healthy-120x40", healthy, LARGE, ""),
    ("practice-story-120x40", practice::told, LARGE, ""),
    ("practice-hidden-120x40", practice::begun, LARGE, ""),
    ("practice-score-120x40", practice::won, LARGE, "\u{1b}"),
    ("replay-120x40", replay::explained, LARGE, ""),
    ("kiosk-200x50", wall, WIDE, ""),
    ("kiosk-120x40", wall, LARGE, ""),
    ("kiosk-80x24", wall, MEDIUM, ""),
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("screenshots")
}

fn is_blessed() -> bool {
    std::env::var_os("GATEMEDIC_BLESS").is_some()
}

/// Keeps a file true: writes it when that was asked for, else says whether it is.
pub fn keep(name: &str, content: &str) -> bool {
    let path = folder().join(name);
    if is_blessed() {
        fs::create_dir_all(folder()).unwrap();
        fs::write(&path, content).unwrap();
        return true;
    }
    fs::read_to_string(&path).ok().as_deref() == Some(content)
}

fn drawing((_, host, size, keys): &Picture) -> String {
    let mut host = host();
    host.event(&Event::Resize(size.0, size.1));
    press(&mut host, keys);
    if keys == &"5" {
        host.event(&Event::Audit(Ok(Vec::new())));
    }
    svg(&drawn(&mut host, *size))
}

fn sum(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut sum, byte| {
        let _ = write!(sum, "{byte:02x}");
        sum
    })
}

/// Makes a PNG with the one font that is kept here, whatever fonts the machine has.
fn convert(from: &Path, to: &Path) -> std::io::Result<bool> {
    let fonts = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fonts");
    let mut command = Command::new("rsvg-convert");
    command.env("FONTCONFIG_FILE", fonts.join("fonts.conf")).current_dir(&fonts);
    let status = command.arg("--output").arg(to).arg(from).status()?;
    // Sixty-four colours are enough for letters, and a third of the size.
    let colours = ["-colors", "64", "-depth", "8"];
    drop(Command::new("convert").arg(to).args(colours).arg(to).status());
    Ok(status.success())
}

#[test]
fn the_screenshots_are_true() {
    let wrong: Vec<&str> = PICTURES
        .iter()
        .filter(|picture| !keep(&format!("{}.svg", picture.0), &drawing(picture)))
        .map(|picture| picture.0)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?} differ; GATEMEDIC_BLESS=1 draws them anew");
}

#[test]
fn no_picture_is_left_over() {
    let mut known: Vec<String> = PICTURES
        .iter()
        .flat_map(|picture| [format!("{}.svg", picture.0), format!("{}.png", picture.0)])
        .collect();
    known.extend(["png.toml", "tour.svg", "report.png"].map(str::to_owned));
    let found = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = found.filter(|name| !known.iter().any(|k| name == k.as_str())).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_png_are_made_from_the_svg_of_today() {
    let list = folder().join("png.toml");
    let sums: BTreeMap<&str, String> =
        PICTURES.iter().map(|picture| (picture.0, sum(&drawing(picture)))).collect();
    if is_blessed() {
        for name in sums.keys() {
            let from = folder().join(format!("{name}.svg"));
            fs::write(&from, drawing(PICTURES.iter().find(|p| p.0 == *name).unwrap())).unwrap();
            let made = convert(&from, &folder().join(format!("{name}.png")));
            assert!(made.expect("librsvg2-bin is installed"), "{name} was not converted");
        }
        fs::write(&list, toml::to_string(&sums).unwrap()).unwrap();
    }
    let kept: BTreeMap<String, String> =
        toml::from_str(&fs::read_to_string(&list).unwrap()).unwrap();
    for (name, sum) in &sums {
        assert_eq!(kept.get(*name), Some(sum), "{name}.png is stale");
        let png = fs::read(folder().join(format!("{name}.png"))).unwrap();
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"), "{name}.png");
    }
}

/// The converter finds the font, and the picture is not empty.
#[test]
fn a_png_shows_the_text_in_the_font_that_is_kept_here() {
    let dir = tempfile::tempdir().unwrap();
    let (blank, full) = (dir.path().join("blank.svg"), dir.path().join("full.svg"));
    let picture = drawing(&PICTURES[0]);
    let start = picture.find("<text").unwrap();
    fs::write(&full, &picture).unwrap();
    fs::write(&blank, format!("{}</g></svg>", &picture[..start])).unwrap();
    let sizes: Vec<u64> = [&blank, &full]
        .into_iter()
        .filter_map(|from| {
            let to = from.with_extension("png");
            convert(from, &to).ok().filter(|made| *made)?;
            Some(fs::metadata(to).unwrap().len())
        })
        .collect();
    if sizes.is_empty() {
        eprintln!("skipped: there is no rsvg-convert (librsvg2-bin)");
        return;
    }
    assert!(sizes[1] > 4 * sizes[0], "{sizes:?}");
}
