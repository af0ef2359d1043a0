//! Asks the packet filters' own tools. None is run that would load a filter into a kernel that
//! has none.

use std::time::Duration;

use super::{Hit, Ruleset, iptables, nft};
use crate::{
    host::{
        files::Root,
        run::{self, Limits, Output},
    },
    observation::Text,
};

/// Bounds of one tool.
const LIMITS: Limits =
    Limits { deadline: Duration::from_millis(900), max_output: 16 * 1024 * 1024 };

/// A packet filter that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Which.
    pub what: &'static str,
    /// Why.
    pub why: String,
    /// How to open it.
    pub grant: &'static str,
}

const GRANT: &str = "run as root, or grant CAP_NET_ADMIN";
const INSTALL: &str = "install nftables, or iptables where that made the rules";

/// Reads all rules of our own network namespace, and names what could not be read.
pub async fn read() -> (Ruleset, Vec<Unreadable>) {
    let (nftables, legacy) = tokio::join!(nftables(), legacy());
    let (mut rules, mut problems) = (Ruleset::default(), Vec::new());
    for part in [nftables, legacy] {
        match part {
            Ok(found) => rules.extend(found),
            Err(problem) => problems.push(problem),
        }
    }
    (rules, problems)
}

/// Gives hits of nft rules the text that nft prints.
pub async fn describe(hits: &mut [Hit]) {
    if hits.iter().all(|hit| hit.handle.is_none()) {
        return;
    }
    let Ok(listing) = ask("nft", &["-a", "list", "ruleset"]).await else { return };
    let texts = nft::texts(&String::from_utf8_lossy(&listing));
    for hit in hits {
        if let Some(text) = hit.handle.as_ref().and_then(|handle| texts.get(handle)) {
            hit.text = Text::new(text);
        }
    }
}

/// What `nf_tables` holds: nft's own rules, and those that iptables put there as iptables' tool
/// prints them, because nft cannot print all of theirs.
async fn nftables() -> Result<Ruleset, Unreadable> {
    let modules = Root::default().read_text("/proc/modules", 1 << 20).unwrap_or_default();
    let module = modules.lines().find_map(|l| l.strip_prefix("nf_tables "));
    if module.is_none() && !modules.is_empty() && !is_there("/sys/module/nf_tables") {
        return Ok(Ruleset::default());
    }
    let problem = |why: String, grant| Unreadable { what: "nftables rules", why, grant };
    let parsed = match ask("nft", &["-j", "list", "ruleset"]).await {
        Ok(json) => match nft::parse(&json) {
            Some(parsed) => Some(parsed),
            None if json.is_empty() => None,
            None => return Err(problem("nft printed something else than its rules".into(), "")),
        },
        Err(Failure::NotInstalled) => None,
        Err(Failure::Said(why)) => return Err(problem(why, GRANT)),
    };
    let Some(parsed) = parsed else {
        let compat = compat().await;
        // The second word after the name counts the module's users: a table is one.
        let used = module.and_then(|m| m.split(' ').nth(1)?.parse::<u32>().ok());
        return match compat {
            Ok(rules) if !rules.is_empty() || used.is_none_or(|users| users == 0) => Ok(rules),
            Ok(_) | Err(Failure::NotInstalled) if used.is_some_and(|users| users > 0) => {
                Err(problem("nft is not installed".into(), INSTALL))
            }
            Ok(_) | Err(Failure::NotInstalled) => Ok(Ruleset::default()),
            Err(Failure::Said(why)) => Err(problem(why, GRANT)),
        };
    };
    let mut rules = parsed.rules;
    if parsed.compat
        && let Ok(compat) = compat().await
    {
        rules.replace_compat(compat);
    }
    Ok(rules)
}

/// Rules that iptables put into `nf_tables`.
async fn compat() -> Result<Ruleset, Failure> {
    both("iptables-nft-save", "ip6tables-nft-save", true).await
}

/// What the older `ip_tables` holds, when it holds tables.
async fn legacy() -> Result<Ruleset, Unreadable> {
    let named = |file: &str| match Root::default().read_text(file, 4_096) {
        Ok(names) => names.lines().any(|n| matches!(n, "filter" | "raw" | "mangle" | "security")),
        // Without the file there is no such filter; a closed one may hide rules.
        Err(error) => matches!(error, crate::host::files::FileError::Denied),
    };
    if !named("/proc/net/ip_tables_names") && !named("/proc/net/ip6_tables_names") {
        return Ok(Ruleset::default());
    }
    both("iptables-legacy-save", "ip6tables-legacy-save", false).await.map_err(|failure| {
        let what = "iptables rules";
        match failure {
            Failure::NotInstalled => {
                Unreadable { what, why: "iptables is not installed".into(), grant: INSTALL }
            }
            Failure::Said(why) => Unreadable { what, why, grant: GRANT },
        }
    })
}

/// Both families; where the tool of the wanted kind has no name of its own, the plain one is
/// asked and believed only when it says that it is of that kind.
async fn both(v4: &str, v6: &str, nf: bool) -> Result<Ruleset, Failure> {
    let (v4, v6) = tokio::join!(
        saved([v4, "iptables-save"], nf, true),
        saved([v6, "ip6tables-save"], nf, false)
    );
    let mut rules = v4?;
    if let Ok(more) = v6 {
        rules.extend(more);
    }
    Ok(rules)
}

async fn saved(names: [&str; 2], nf: bool, ipv4: bool) -> Result<Ruleset, Failure> {
    let family = if ipv4 { "ip" } else { "ip6" };
    let tool = match (nf, ipv4) {
        (true, _) => family,
        (false, true) => "iptables",
        (false, false) => "ip6tables",
    };
    for name in names {
        match ask(name, &["-c"]).await {
            Ok(text) => {
                let text = String::from_utf8_lossy(&text);
                let is_nf = text.lines().next().is_some_and(|first| first.contains("(nf_tables)"));
                if text.is_empty() || is_nf == nf {
                    return Ok(iptables::parse(&text, tool, ipv4));
                }
            }
            Err(Failure::NotInstalled) => {}
            Err(said) => return Err(said),
        }
    }
    Err(Failure::NotInstalled)
}

fn is_there(path: &str) -> bool {
    Root::default().stat(path, true).is_ok()
}

enum Failure {
    NotInstalled,
    Said(String),
}

async fn ask(name: &str, args: &[&str]) -> Result<Vec<u8>, Failure> {
    let program = run::find(name).ok_or(Failure::NotInstalled)?;
    let said = |why: &str| Failure::Said(format!("{name}: {why}"));
    match run::run(&program, args, LIMITS).await {
        Ok(Output { truncated: true, .. }) => Err(said("its output is too long")),
        Ok(output) if output.status.success() => Ok(output.stdout),
        Ok(output) => {
            let words = String::from_utf8_lossy(&output.stderr);
            let first = words.lines().find(|l| !l.trim().is_empty()).unwrap_or("it failed");
            Err(said(first.trim()))
        }
        Err(error) => Err(said(&error.to_string())),
    }
}
