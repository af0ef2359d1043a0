//! Workers and balancers: the parameters of `ProxyPass`, `BalancerMember` and `ProxySet`
//! (<https://httpd.apache.org/docs/2.4/mod/mod_proxy.html#workers>).

use std::collections::HashMap;

use crate::observation::{Place, ServerParams, Setting};

use super::load::Node;

/// Seconds that a failed worker is left alone unless `retry=` says otherwise.
const RETRY: u64 = 60;
/// Bytes of a response header unless `responsefieldsize=` says otherwise (`HUGE_STRING_LEN`).
const FIELD_SIZE: u64 = 8192;

/// Parameters as written, with the line that set each.
#[derive(Clone, Debug, Default)]
pub(super) struct Params {
    set: HashMap<String, (String, Place)>,
}

impl Params {
    /// Takes `key=value` words; a later line overrules an earlier one.
    pub(super) fn take(&mut self, words: &[String], place: &Place) {
        for word in words {
            if let Some((key, value)) = word.split_once('=') {
                self.set.insert(key.to_ascii_lowercase(), (value.to_owned(), place.clone()));
            }
        }
    }

    /// These over those.
    pub(super) fn over(&self, base: &Self) -> Self {
        let mut all = base.clone();
        all.set.extend(self.set.iter().map(|(key, value)| (key.clone(), value.clone())));
        all
    }

    fn get(&self, key: &str) -> Option<(&str, &Place)> {
        self.set.get(key).map(|(value, place)| (value.as_str(), place))
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.get(key)?.0.parse().ok()
    }

    /// A time in milliseconds with the line that set it.
    pub(super) fn time(&self, key: &str) -> Option<Setting<u64>> {
        let (value, place) = self.get(key)?;
        Some(Setting { value: time_ms(value)?, place: Some(place.clone()) })
    }

    /// What a response header may take, in bytes.
    pub(super) fn field_size(&self) -> Setting<u64> {
        let set = self.get("responsefieldsize").and_then(|(value, place)| {
            Some(Setting { value: value.parse().ok()?, place: Some(place.clone()) })
        });
        set.unwrap_or(Setting { value: FIELD_SIZE, place: None })
    }

    /// Idle connections that are kept, 0 for none: HTTP keeps them unless told otherwise, FastCGI
    /// only when told to.
    pub(super) fn idle(&self, by_default: bool) -> u32 {
        let on = |key: &str| self.get(key).map(|(value, _)| value.eq_ignore_ascii_case("on"));
        let keeps = on("enablereuse").unwrap_or(by_default) && !on("disablereuse").unwrap_or(false);
        let most = self.number("max").and_then(|max| u32::try_from(max).ok());
        if keeps { most.unwrap_or(1).max(1) } else { 0 }
    }

    /// In the words of a server of an upstream group.
    pub(super) fn server(&self) -> ServerParams {
        let status = self.get("status").map(|(value, _)| value.to_ascii_uppercase());
        let mut flags = String::new();
        let mut off = false;
        for c in status.unwrap_or_default().chars() {
            match c {
                '+' => off = false,
                '-' => off = true,
                c if !off => flags.push(c),
                _ => {}
            }
        }
        let narrow = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        ServerParams {
            weight: self.number("loadfactor").map_or(1, narrow),
            fail_timeout_secs: self.number("retry").unwrap_or(RETRY),
            max_conns: self.number("max").map_or(0, narrow),
            backup: flags.contains(['H', 'R']),
            down: flags.contains(['D', 'S']),
            ..ServerParams::default()
        }
    }
}

/// `5`, `5s`, `500ms`, `2mi`, `1h` (`ap_timeout_parameter_parse`), in milliseconds.
pub(super) fn time_ms(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "s" => 1_000,
        "ms" => 1,
        "mi" | "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// One member of a balancer.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) url: String,
    pub(super) params: Params,
    pub(super) place: Place,
    pub(super) index: usize,
}

/// The workers and balancers of one server, with those that it inherits.
#[derive(Clone, Debug, Default)]
pub(super) struct Workers {
    balancers: HashMap<String, Vec<Member>>,
    /// Parameters by the URL that they are set for.
    by_url: Vec<(String, Params)>,
}

impl Workers {
    /// `BalancerMember [balancer://name] url [key=value …]`; inside `<Proxy balancer://name>` the
    /// name is given.
    pub(super) fn member(&mut self, around: Option<&str>, node: &Node, place: Place) {
        let mut args = node.args.as_slice();
        let mut name = around.map(str::to_owned);
        if let Some((first, rest)) = args.split_first()
            && let Some(own) = balancer(first)
        {
            name = Some(own);
            args = rest;
        }
        let (Some(name), Some((url, rest))) = (name, args.split_first()) else { return };
        let mut params = Params::default();
        params.take(rest, &place);
        let member = Member { url: url.clone(), params, place, index: node.index };
        self.balancers.entry(name).or_default().push(member);
    }

    /// `ProxySet [url] key=value …`, and the parameters behind the URL of a `<Proxy>`.
    pub(super) fn set(&mut self, around: Option<&str>, args: &[String], place: &Place) {
        let (url, rest) = match args.split_first() {
            Some((first, rest)) if super::target::is_url(first) => (first.clone(), rest),
            _ => (around.unwrap_or_default().to_owned(), args),
        };
        if url.is_empty() || rest.is_empty() {
            return;
        }
        let mut params = Params::default();
        params.take(rest, place);
        self.by_url.push((plain(&url), params));
    }

    /// Members of a balancer.
    pub(super) fn members(&self, name: &str) -> &[Member] {
        self.balancers.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// What is set for the worker of a URL.
    pub(super) fn params_of(&self, url: &str) -> Params {
        let url = plain(url);
        let fits = self.by_url.iter().filter(|(own, _)| url.starts_with(own.as_str()));
        fits.fold(Params::default(), |all, (_, params)| params.over(&all))
    }
}

/// A URL as it is compared: in lower case, without the slash at its end.
fn plain(url: &str) -> String {
    url.trim_end_matches('/').to_ascii_lowercase()
}

/// The name of a balancer in a URL.
pub(super) fn balancer(url: &str) -> Option<String> {
    match super::target::target(url) {
        super::target::Target::Balancer(name) => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_with_their_units_and_flags() {
        let mut params = Params::default();
        let place = Place::default();
        let words = ["timeout=5", "connectiontimeout=300ms", "retry=0", "status=+H-D", "max=20"];
        params.take(&words.map(str::to_owned), &place);
        assert_eq!(params.time("timeout").map(|t| t.value), Some(5_000));
        assert_eq!(params.time("connectiontimeout").map(|t| t.value), Some(300));
        let server = params.server();
        assert_eq!((server.fail_timeout_secs, server.backup, server.down), (0, true, false));
        assert_eq!(params.idle(true), 20);
        assert_eq!(params.idle(false), 0);
        assert_eq!(time_ms("2mi"), Some(120_000));
        assert_eq!(time_ms("x"), None);
    }
}
