//! Where settings are read from, and what they make of a console.

use std::path::{Path, PathBuf};

use crate::{
    host::{files::Root, trusted},
    session::{Keymap, Setup},
    tui::{Depth, Theme},
};

use super::{Settings, parse};
use crate::cli::{Arguments, environment};

/// Everybody's.
pub(in crate::cli) const HOST: &str = "/etc/gatemedic/config.toml";
/// Longest file in bytes.
const LONGEST: u64 = 64 * 1_024;

/// Settings as they hold.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Loaded {
    /// What the files say.
    pub(in crate::cli) settings: Settings,
    /// What a session begins with.
    pub(in crate::cli) setup: Setup,
    /// The themes to choose from.
    pub(in crate::cli) themes: Vec<Theme>,
    /// How many colours the terminal has.
    pub(in crate::cli) depth: Depth,
}

/// Reads the settings. `--settings` stands for the person's own file. root trusts only what nobody
/// else can change: under sudo the home that the environment names may be somebody else's.
pub(in crate::cli) fn load(arguments: &Arguments) -> Loaded {
    let mut notices = Vec::new();
    let (host, wrong) = read(Path::new(HOST), false);
    notices.extend(wrong);
    let named = arguments.settings.clone();
    let own = named.or_else(|| Some(environment::config_home()?.join("gatemedic/config.toml")));
    let (own, wrong) =
        own.map(|file| read(&file, arguments.settings.is_some())).unwrap_or_default();
    notices.extend(wrong);
    let settings = own.over(host);
    let (keys, refused) = Keymap::with(&settings.keys);
    notices.extend(refused);
    let mut themes = Theme::embedded();
    let wanted = arguments.theme.clone().or(settings.theme.clone());
    let theme = match wanted.map(|theme| chosen(&theme, &mut themes)) {
        Some(Ok(name)) => name,
        Some(Err(why)) => {
            notices.push(why);
            String::new()
        }
        None => String::new(),
    };
    let setup = Setup {
        keys,
        themes: themes.iter().map(|theme| theme.name().to_owned()).collect(),
        theme,
        utc: settings.utc.unwrap_or(false),
        mouse_off: !settings.mouse.unwrap_or(true),
        notices,
    };
    Loaded { settings, setup, themes, depth: environment::depth() }
}

/// Why root does not read a file.
fn distrusted(file: &Path) -> Option<String> {
    let root = rustix::process::geteuid().is_root();
    (root && !trusted::is_roots_own(file))
        .then(|| format!("{}: not read as root: others than root can change it", file.display()))
}

/// What a file sets, and what is wrong with it. No file at all is no flaw, unless it was asked for.
fn read(file: &Path, asked: bool) -> (Settings, Vec<String>) {
    let root = Root::default();
    if !asked && root.stat(file, true).is_err() {
        return Default::default();
    }
    let name = file.display().to_string();
    // The path that is trusted is the one that is read.
    let real = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    if real.exists()
        && let Some(why) = distrusted(&real)
    {
        return (Settings::default(), vec![why]);
    }
    match root.read_text(&real, LONGEST) {
        Ok(text) => parse(&name, &text),
        Err(error) => (Settings::default(), vec![format!("{name}: {error}")]),
    }
}

/// The name of a theme that can be used; one from a file is added to the others.
fn chosen(theme: &str, themes: &mut Vec<Theme>) -> Result<String, String> {
    if !theme.contains('/') {
        let names: Vec<&str> = themes.iter().map(Theme::name).collect();
        return if names.contains(&theme) {
            Ok(theme.to_owned())
        } else {
            let theme: String = theme.chars().take(32).collect();
            Err(format!("theme: there is no {theme:?}, but {}", names.join(", ")))
        };
    }
    let file = PathBuf::from(theme);
    if !file.is_absolute() {
        return Err(format!("theme: write the whole path of {theme:?}"));
    }
    // As above: a link that somebody else owns may lead elsewhere a moment later.
    let target = file.canonicalize().unwrap_or_else(|_| file.clone());
    if let Some(why) = distrusted(&target) {
        return Err(format!("theme: {why}"));
    }
    let text = Root::default().read_text(&target, LONGEST);
    let text = text.map_err(|error| format!("theme: {}: {error}", file.display()))?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let read = Theme::read(&name, &text).map_err(|why| format!("theme: {theme}: {why}"))?;
    themes.retain(|theme| theme.name() != name);
    themes.push(read);
    Ok(name)
}
