//! The page in a real browser: one start shows every page in frames of two widths, light and dark,
//! and measures what stands in them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use gatemedic::report::postmortem::html;

const BROWSERS: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const HOSTILE: &str = "<script>parent.broken=1</script><img src=http://evil.example/a.png onerror='parent.broken=1'>\
                       </style></pre></code><a href='javascript:parent.broken=1'>x</a>";

/// Looks into each frame once it is there: sections that are shown, overflow, requests, colours.
const HARNESS: &str = r#"<!DOCTYPE html><meta charset=utf-8><style>iframe{border:0;height:900px}</style><body><pre id=result></pre><script>
const cases = CASES, all = [];
let left = 0;
for (const page of cases) for (const width of [390, 1280]) for (const scheme of ['light', 'dark']) {
  left++;
  const frame = document.createElement('iframe');
  frame.style.width = width + 'px'; frame.style.colorScheme = scheme; frame.src = page;
  frame.onload = () => {
    const w = frame.contentWindow, d = frame.contentDocument, root = d.documentElement;
    const shown = (e) => { const r = e.getBoundingClientRect(); return r.width > 0 && r.height > 30; };
    const wide = [...d.querySelectorAll('body *')].filter((e) => !e.closest('svg') && e.getBoundingClientRect().right > width + 1);
    all.push({ page, width, scheme, sections: [...d.querySelectorAll('section')].filter(shown).length,
      overflow: root.scrollWidth - width, wide: wide.slice(0, 3).map((e) => e.outerHTML.slice(0, 120)),
      requests: w.performance.getEntriesByType('resource').map((e) => e.name),
      links: [...d.links].filter((a) => !a.getAttribute('href').startsWith('#')).length,
      scripts: d.scripts.length, images: d.images.length,
      paper: w.getComputedStyle(d.body).backgroundColor, bars: d.querySelectorAll('svg rect').length,
      broken: window.broken === 1 });
    if (--left === 0) document.getElementById('result').textContent = 'RESULT' + JSON.stringify(all) + 'END';
  };
  document.body.append(frame);
}
</script>"#;

fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let all =
        std::env::split_paths(&path).flat_map(|folder| BROWSERS.map(|name| folder.join(name)));
    all.into_iter().find(|file| file.is_file())
}

fn start(browser: &Path, folder: &Path) -> Command {
    let mut command = Command::new("timeout");
    command.args(["90"]).arg(browser);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--no-first-run",
    ]);
    command.args([
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-dev-shm-usage",
    ]);
    command.args(["--allow-file-access-from-files", "--enable-logging=stderr"]);
    command.arg(format!("--user-data-dir={}", folder.join("profile").display()));
    command
}

#[test]
fn the_page_is_whole_on_wide_and_narrow_screens_in_light_and_dark_and_asks_for_nothing() {
    let Some(browser) = browser() else {
        eprintln!("SKIPPED: no browser is installed here (Debian: chromium)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let pages = [
        ("repaired", html(&super::story::repaired())),
        ("hostile", html(&super::story::with(HOSTILE))),
        ("killed", html(&super::told("app-killed-not-restarted"))),
        ("moved", html(&super::told("container-stale-ip"))),
        ("healthy", html(&super::told("control-healthy"))),
    ];
    let mut names = Vec::new();
    for (name, page) in &pages {
        fs::write(folder.path().join(format!("{name}.html")), page).unwrap();
        names.push(format!("{name}.html"));
    }
    let harness = folder.path().join("harness.html");
    fs::write(&harness, HARNESS.replace("CASES", &serde_json::to_string(&names).unwrap())).unwrap();
    let mut look = start(&browser, folder.path());
    look.args(["--window-size=1400,1000", "--virtual-time-budget=20000", "--dump-dom"]);
    let out = look.arg(format!("file://{}", harness.display())).output().unwrap();
    let (dom, said) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    let found = dom.split_once("RESULT").and_then(|(_, rest)| rest.split_once("END"));
    let Some((json, _)) = found else { panic!("the browser gave no result: {said}\n{dom:.2000}") };
    let json = json.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let all: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert_eq!(all.len(), pages.len() * 4);
    for one in &all {
        assert_eq!(one["sections"], 8, "{one}");
        assert!(
            one["overflow"].as_i64().unwrap() <= 0 && one["wide"] == serde_json::json!([]),
            "{one}"
        );
        assert_eq!(one["requests"], serde_json::json!([]), "{one}");
        assert_eq!((one["links"].as_i64(), one["scripts"].as_i64()), (Some(0), Some(0)), "{one}");
        assert_eq!(
            (one["images"].as_i64(), one["broken"].as_bool()),
            (Some(0), Some(false)),
            "{one}"
        );
    }
    let paper = |scheme: &str| {
        all.iter().find(|one| one["scheme"] == scheme).map(|one| one["paper"].clone())
    };
    assert_ne!(paper("light"), paper("dark"));
    let errors: Vec<&str> = said.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    if std::env::var_os("GATEMEDIC_BLESS").is_some() {
        picture(&browser, folder.path());
    }
}

/// Draws the picture of the page that is shown beside the README.
fn picture(browser: &Path, folder: &Path) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots/report.png");
    let mut shot = start(browser, folder);
    shot.args(["--window-size=1080,1500", "--force-device-scale-factor=1"]);
    shot.arg(format!("--screenshot={}", file.display()));
    let out =
        shot.arg(format!("file://{}", folder.join("repaired.html").display())).output().unwrap();
    assert!(file.is_file(), "{out:?}");
}
