//! The keys of a session: the built-in ones, with what the person's settings change about them.

use std::collections::BTreeMap;

use super::{
    Key, KeyCode,
    keymap::{BINDINGS, Binding, Command, Scope, scopes},
    recovery::Powers,
};

/// Keys of one command at most.
const MOST: usize = 8;

/// Which key does what. Without settings it is [`BINDINGS`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keymap {
    /// By index of [`BINDINGS`].
    changed: BTreeMap<usize, Changed>,
    /// Whether the keys of a game are among them.
    play: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Changed {
    keys: Vec<Key>,
    shown: String,
}

/// A binding with the keys that it has in this session.
#[derive(Clone, Copy, Debug)]
pub struct Bound<'a> {
    /// The keys; none when the settings took them away.
    pub keys: &'a [Key],
    /// How they are written.
    pub shown: &'a str,
    /// What they do, and where.
    pub binding: &'static Binding,
}

impl Bound<'_> {
    /// The key that is shown where there is room for one.
    pub fn first(&self) -> &str {
        self.shown.split("  ").next().unwrap_or_default()
    }
}

impl Keymap {
    /// The built-in keys, changed by `wanted`: names of commands ([`Command::name`]) with their
    /// keys; later ones win. What is refused is said in a sentence each, and keeps its keys:
    ///
    /// - a key has one meaning in one place;
    /// - `y`, `Ctrl-c` and `Ctrl-z` mean what they always mean;
    /// - what may open a question is not on a key that answers one;
    /// - where a question stands or a text is typed nothing changes; `Esc` and the digits stay.
    pub fn with(wanted: &[(String, Vec<Key>)]) -> (Self, Vec<String>) {
        let mut flaws = Vec::new();
        let mut accepted: BTreeMap<String, Vec<Key>> = BTreeMap::new();
        for (name, keys) in wanted {
            match refused(name, keys) {
                Some(why) => flaws.push(why),
                None => drop(accepted.insert(name.clone(), keys.clone())),
            }
        }
        loop {
            let map = Self::build(&accepted);
            let Some((key, one, other)) = map.conflict() else { return (map, flaws) };
            // Of two that were changed the later name yields; what was not changed never does.
            let yields = [&other, &one].into_iter().find(|name| accepted.contains_key(*name));
            let Some(yields) = yields.cloned() else { return (Self::default(), flaws) };
            accepted.remove(&yields);
            flaws
                .push(format!("keys: {key} would mean {one} and {other}: {yields} is not changed"));
        }
    }

    fn build(accepted: &BTreeMap<String, Vec<Key>>) -> Self {
        let mut changed = BTreeMap::new();
        for (at, binding) in BINDINGS.iter().enumerate().filter(|(_, b)| !b.is_fixed()) {
            let Some(own) = accepted.get(&binding.command.name()) else { continue };
            let mut keys = kept(binding);
            keys.extend(own.iter().filter(|key| !kept(binding).contains(key)));
            let shown: Vec<String> = keys.iter().map(ToString::to_string).collect();
            changed.insert(at, Changed { keys, shown: shown.join("  ") });
        }
        Self { changed, play: false }
    }

    /// A key with two meanings in one place, and their names in order.
    fn conflict(&self) -> Option<(Key, String, String)> {
        let sessions = [Powers::Act, Powers::Replay];
        for (scope, powers) in scopes().iter().flat_map(|s| sessions.map(|powers| (s, powers))) {
            let mut seen: Vec<(Key, Command)> = Vec::new();
            for bound in self.bindings(*scope, powers) {
                for key in bound.keys {
                    if let Some((_, other)) = seen.iter().find(|(k, _)| k == key) {
                        let mut names = [other.name(), bound.binding.command.name()];
                        names.sort();
                        let [one, other] = names;
                        return Some((*key, one, other));
                    }
                    seen.push((*key, bound.binding.command));
                }
            }
        }
        None
    }

    fn bound(&self, at: usize, binding: &'static Binding) -> Bound<'_> {
        match self.changed.get(&at) {
            Some(changed) => Bound { keys: &changed.keys, shown: &changed.shown, binding },
            None => Bound { keys: binding.keys, shown: binding.shown, binding },
        }
    }

    /// Takes the keys of a game in.
    pub(super) const fn with_play(&mut self) {
        self.play = true;
    }

    /// The bindings that work there. Where a game has a key, settings that give it to something
    /// else wait for the end of the game: its own stand first in the table.
    pub fn bindings(&self, scope: Scope, powers: Powers) -> impl Iterator<Item = Bound<'_>> {
        let play = self.play;
        let here = move |b: &Binding| {
            let ours = play || !matches!(b.command, Command::Play(_));
            ours && b.is_for(powers) && b.works_in(scope)
        };
        let all = BINDINGS.iter().enumerate().filter(move |(_, binding)| here(binding));
        all.map(|(at, binding)| self.bound(at, binding)).filter(|bound| !bound.keys.is_empty())
    }

    /// What a key does there.
    pub fn command(&self, scope: Scope, key: Key, powers: Powers) -> Option<Command> {
        let mut all = self.bindings(scope, powers);
        all.find(|bound| bound.keys.contains(&key)).map(|bound| bound.binding.command)
    }

    /// How the key of a command is written there; nothing where it has none.
    pub fn shown(&self, scope: Scope, powers: Powers, command: Command) -> Option<&str> {
        let mut all = self.bindings(scope, powers);
        let bound = all.find(|bound| bound.binding.command == command)?;
        bound.shown.split("  ").next()
    }
}

/// Keys that a binding keeps, because the screen names them or because they lead out everywhere.
fn kept(binding: &Binding) -> Vec<Key> {
    let stays = |key: &&Key| match binding.command {
        Command::Back => key.code == KeyCode::Esc,
        Command::Show(_) | Command::Sources => true,
        _ => false,
    };
    binding.keys.iter().filter(stays).copied().collect()
}

/// Why a command does not get these keys.
fn refused(name: &str, keys: &[Key]) -> Option<String> {
    let rows: Vec<&Binding> = BINDINGS.iter().filter(|b| b.command.name() == name).collect();
    if rows.is_empty() {
        let names: Vec<String> = names();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let near = similar::get_close_matches(name, &names, 1, 0.6);
        let near = near.first().map(|near| format!("; is it {near}?")).unwrap_or_default();
        let name: String = name.chars().take(32).collect();
        return Some(format!("keys: there is no command {name:?}{near}"));
    }
    if rows.iter().all(|row| row.is_fixed()) {
        return Some(format!("keys: {name} always has the keys that it has"));
    }
    if keys.len() > MOST {
        return Some(format!("keys: {name} has more than {MOST} keys"));
    }
    let held = |key: &&Key| match key.code {
        KeyCode::Char('y' | 'Y') => true,
        KeyCode::Char('c' | 'z') => key.control,
        _ => false,
    };
    if let Some(key) = keys.iter().find(held) {
        return Some(format!("keys: {key} is not for {name}: it always means the same"));
    }
    let opens = rows.iter().filter(|row| !row.is_fixed() && row.opens());
    let answers = |key: &Key| BINDINGS.iter().any(|b| b.answers() && b.keys.contains(key));
    for row in opens {
        if let Some(key) = keys.iter().find(|key| answers(key) && !row.keys.contains(key)) {
            return Some(format!("keys: {name} may open a question, and {key} answers one"));
        }
    }
    None
}

/// Names of all commands whose keys can be changed, in order.
pub(super) fn names() -> Vec<String> {
    let free = BINDINGS.iter().filter(|b| !b.is_fixed());
    let mut names: Vec<String> = free.map(|b| b.command.name()).collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn changed(wanted: &[(&str, &[&str])]) -> (Keymap, Vec<String>) {
        let parsed = wanted.iter().map(|(name, keys)| {
            ((*name).to_owned(), keys.iter().map(|k| k.parse().unwrap()).collect())
        });
        Keymap::with(&parsed.collect::<Vec<_>>())
    }

    fn does(map: &Keymap, scope: Scope, key: &str) -> Option<Command> {
        map.command(scope, key.parse().unwrap(), Powers::Act)
    }

    #[test]
    fn a_command_moves_to_its_new_key_and_away_from_the_old_one() {
        let (map, flaws) = changed(&[("actions", &["F5", "Ctrl-k"]), ("back", &["F2"])]);
        assert!(flaws.is_empty(), "{flaws:?}");
        assert_eq!(does(&map, Scope::Panes, "F5"), Some(Command::Actions));
        assert_eq!(does(&map, Scope::Panes, "a"), None);
        assert_eq!(map.shown(Scope::Panes, Powers::Act, Command::Actions), Some("F5"));
        assert_eq!(does(&map, Scope::Page, "Esc"), Some(Command::Back), "Esc leads out");
        assert_eq!(does(&map, Scope::Page, "F2"), Some(Command::Back));
    }

    #[test]
    fn two_commands_can_change_places_but_not_share_a_key() {
        let (map, flaws) = changed(&[("actions", &["w"]), ("wizard", &["a"])]);
        assert!(flaws.is_empty(), "{flaws:?}");
        assert_eq!(does(&map, Scope::Panes, "w"), Some(Command::Actions));
        let (map, flaws) = changed(&[("actions", &["/"])]);
        assert_eq!(flaws, ["keys: / would mean actions and search: actions is not changed"]);
        assert_eq!(does(&map, Scope::Panes, "a"), Some(Command::Actions));
    }

    #[test]
    fn what_is_refused_is_said() {
        let said = |name: &str, key: &str| changed(&[(name, &[key])]).1.join("|");
        assert_eq!(said("action", "x"), "keys: there is no command \"action\"; is it actions?");
        assert!(said("repair", "y").contains("always means the same"));
        assert!(said("quit", "Ctrl-c").contains("always means the same"));
        assert!(said("yes", "x").contains("always has the keys"));
        let both = changed(&[("repair", &["k"]), ("move-up", &["Up"])]).1.join("|");
        assert!(both.contains("repair may open a question, and k answers one"), "{both}");
    }

    proptest! {
        #[test]
        fn whatever_the_settings_say_the_rules_of_the_keys_hold(
            wanted in proptest::collection::vec(
                (
                    proptest::sample::select(names()),
                    proptest::collection::vec(
                        prop_oneof![
                            proptest::char::range('a', 'z'),
                            proptest::char::range('A', 'Z'),
                            Just(' '), Just('/'), Just('1'), Just('0'), Just('?'),
                        ],
                        0..3,
                    ),
                    any::<bool>(),
                ),
                0..12,
            ),
        ) {
            let wanted: Vec<(String, Vec<Key>)> = wanted
                .into_iter()
                .map(|(name, keys, control)| {
                    let key = |c| Key { code: KeyCode::Char(c), control };
                    (name, keys.into_iter().map(key).collect())
                })
                .collect();
            let (map, _) = Keymap::with(&wanted);
            let leave = Key { code: KeyCode::Char('c'), control: true };
            let answers: Vec<Key> = BINDINGS
                .iter()
                .filter(|b| b.command == Command::Yes && b.works_in(Scope::Confirm))
                .flat_map(|b| b.keys)
                .copied()
                .collect();
            for scope in scopes() {
                prop_assert_eq!(map.command(*scope, leave, Powers::Look), Some(Command::Quit));
                let mut seen = Vec::new();
                for bound in map.bindings(*scope, Powers::Act) {
                    for key in bound.keys {
                        prop_assert!(!seen.contains(key), "{:?} {}", scope, key);
                        seen.push(*key);
                        prop_assert!(!bound.binding.opens() || bound.binding.answers()
                            || !answers.contains(key), "{:?} {}", scope, key);
                    }
                }
                for bound in map.bindings(*scope, Powers::Look) {
                    prop_assert_eq!(bound.binding.needs, Powers::Look);
                }
                let mut seen = Vec::new();
                for bound in map.bindings(*scope, Powers::Replay) {
                    prop_assert!(bound.binding.needs < Powers::Act);
                    for key in bound.keys {
                        prop_assert!(!seen.contains(key), "{:?} {}", scope, key);
                        seen.push(*key);
                    }
                }
            }
        }
    }
}
