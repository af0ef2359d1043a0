//! Rules and how they are walked: chains, jumps, verdicts, policies.

use std::collections::{HashMap, HashSet};

use super::condition::{Condition, Hook, Match, Packet};
use crate::observation::{FirewallVerdict, Text};

/// Deepest jump that is followed (the kernel allows 16).
const DEEPEST: u8 = 16;
/// Most rules looked at for one packet.
const MOST_STEPS: u32 = 200_000;

/// What a rule does with what it matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accept,
    Drop,
    Reject,
    Return,
    /// Goes on with the next rule: it counts, logs or marks.
    Continue,
    Jump(String),
    Goto(String),
    Unknown,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) conditions: Vec<Condition>,
    pub(super) verdict: Verdict,
    pub(super) text: Text,
    pub(super) packets: Option<u64>,
    /// nft's table and handle, by which its text is found.
    pub(super) handle: Option<(String, u64)>,
}

impl Rule {
    fn test(&self, packet: &Packet, hook: Hook) -> Match {
        let mut all = Match::Yes;
        for condition in &self.conditions {
            match condition.test(packet, hook) {
                Match::No => return Match::No,
                Match::Unknown => all = Match::Unknown,
                Match::Yes => {}
            }
        }
        all
    }
}

/// A chain that hangs on a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) hook: Hook,
    /// Key in [`Ruleset::chains`].
    pub(super) chain: String,
    pub(super) drops: bool,
    pub(super) packets: Option<u64>,
    /// Only IPv4 or only IPv6.
    pub(super) ipv4: Option<bool>,
}

/// A whole rule set. A chain's key is its table's name and its own, as shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ruleset {
    pub(super) bases: Vec<Base>,
    pub(super) chains: HashMap<String, Vec<Rule>>,
}

/// A rule, or a policy, that hits a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Table and chain.
    pub chain: Text,
    /// The rule as its own tool prints it.
    pub text: Text,
    /// What it does.
    pub verdict: FirewallVerdict,
    /// Packets counted so far.
    pub packets: Option<u64>,
    pub(super) handle: Option<(String, u64)>,
}

enum End {
    Hit,
    Accepted,
    Fell,
}

struct Walk<'a> {
    rules: &'a Ruleset,
    packet: &'a Packet,
    hook: Hook,
    /// Whether nothing that might have let the packet pass went by unjudged.
    certain: bool,
    hit: Option<Hit>,
    steps: u32,
}

impl Ruleset {
    /// Whether a chain or its table has this word, in lower case, in its name.
    pub fn has_chain(&self, word: &str) -> bool {
        self.chains.keys().any(|name| name.to_ascii_lowercase().contains(word))
    }

    /// Adds all of another rule set.
    pub(super) fn extend(&mut self, other: Self) {
        self.bases.extend(other.bases);
        self.chains.extend(other.chains);
    }

    /// Replaces the tables that `compat` has too: there the names of chains start alike.
    pub(super) fn replace_compat(&mut self, compat: Self) {
        let table = |chain: &str| {
            let end = chain.match_indices(' ').nth(1).map_or(chain.len(), |(at, _)| at);
            chain.get(..end).unwrap_or(chain).to_owned()
        };
        let tables: HashSet<String> = compat.chains.keys().map(|chain| table(chain)).collect();
        self.bases.retain(|base| !tables.contains(&table(&base.chain)));
        self.chains.retain(|chain, _| !tables.contains(&table(chain)));
        self.extend(compat);
    }

    /// Whether there is nothing in it that could ever hit.
    pub fn is_empty(&self) -> bool {
        self.bases.is_empty()
    }

    /// Rules that certainly hit a packet: at most one per base chain, because a chain ends there.
    pub fn hits(&self, packet: &Packet) -> Vec<Hit> {
        let passed = |base: &&Base| {
            packet.passes(base.hook) && base.ipv4.is_none_or(|v4| v4 == packet.to.is_ipv4())
        };
        self.bases.iter().filter(passed).filter_map(|base| self.walk(base, packet)).collect()
    }

    fn walk(&self, base: &Base, packet: &Packet) -> Option<Hit> {
        let mut walk =
            Walk { rules: self, packet, hook: base.hook, certain: true, hit: None, steps: 0 };
        match walk.chain(&base.chain, 0) {
            End::Fell if base.drops && walk.certain => Some(Hit {
                chain: Text::new(&base.chain),
                text: Text::new("policy drop"),
                verdict: FirewallVerdict::Drop,
                packets: base.packets,
                handle: None,
            }),
            _ => walk.hit,
        }
    }
}

impl Walk<'_> {
    fn chain(&mut self, name: &str, depth: u8) -> End {
        let Some(rules) = self.rules.chains.get(name).filter(|_| depth <= DEEPEST) else {
            self.certain = false;
            return End::Fell;
        };
        for rule in rules {
            self.steps += 1;
            if self.steps > MOST_STEPS {
                self.certain = false;
                return End::Accepted;
            }
            let matched = rule.test(self.packet, self.hook);
            if matched == Match::No {
                continue;
            }
            let sure = matched == Match::Yes;
            match &rule.verdict {
                Verdict::Accept if sure => return End::Accepted,
                Verdict::Return if sure => return End::Fell,
                Verdict::Drop | Verdict::Reject if sure => {
                    self.hit = self.certain.then(|| hit(name, rule));
                    return End::Hit;
                }
                // It may drop; if not, the walk goes on just so.
                Verdict::Continue | Verdict::Drop | Verdict::Reject => {}
                Verdict::Jump(chain) if sure => match self.chain(chain, depth + 1) {
                    End::Fell => {}
                    end => return end,
                },
                Verdict::Goto(chain) if sure => return self.chain(chain, depth + 1),
                _ => self.certain = false,
            }
        }
        End::Fell
    }
}

fn hit(chain: &str, rule: &Rule) -> Hit {
    let reject = rule.verdict == Verdict::Reject;
    Hit {
        chain: Text::new(chain),
        text: rule.text.clone(),
        verdict: if reject { FirewallVerdict::Reject } else { FirewallVerdict::Drop },
        packets: rule.packets,
        handle: rule.handle.clone(),
    }
}
