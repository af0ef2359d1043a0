//! What a Caddyfile means.

use std::{collections::BTreeMap, path::Path};

use crate::{
    observation::{
        AccessFormat, AccessSyntax, HealthCheck, LogKind, OwnAnswer, Route, Setting, Site, Text,
    },
    source::config::{include::path_text, reading::Reading, scope::whole, start, values},
};

use super::{
    address::{duration_ms, key, location},
    control,
    proxy::Proxy,
    tree::{Directive, Loader},
};

/// Nesting of directives that are looked into.
const DEPTH: usize = 32;

/// What counts for the whole file.
struct Options {
    http_port: u16,
    https_port: u16,
    automatic: bool,
    /// Where the default log goes.
    log: String,
}

/// A site while its body is walked.
struct Here<'d> {
    names: Vec<Text>,
    listens: Vec<Text>,
    matchers: BTreeMap<&'d str, Matcher>,
    named: &'d BTreeMap<String, Directive>,
}

/// What a named matcher asks for, as far as it is about hosts and paths.
#[derive(Clone, Debug, Default)]
struct Matcher {
    paths: Vec<String>,
    hosts: Vec<Text>,
    /// Whether it asks for more.
    more: bool,
}

/// Reads a Caddyfile.
pub(super) fn read(path: &Path, reading: &mut Reading<'_>) {
    let from = whole(path_text(path));
    let Some(list) = Loader::new(reading).file(path, &from) else { return };
    let mut sites = list.iter().peekable();
    let global = sites.next_if(|first| first.words.is_empty() && first.block.is_some());
    let options = options(global, path, reading);
    let named: BTreeMap<String, Directive> = list
        .iter()
        .filter(|d| d.name().starts_with("&("))
        .map(|d| (d.name().trim_matches(['&', '(', ')']).to_owned(), d.clone()))
        .collect();
    // Without braces the whole file is one site, whose first line is its key.
    let rest: Vec<&Directive> = sites.filter(|d| !d.name().starts_with("&(")).collect();
    if let Some((first, body)) = rest.split_first()
        && first.block.is_none()
    {
        let body = body.iter().map(|d| (*d).clone()).collect();
        let site = Directive { block: Some(body), ..(*first).clone() };
        return self::site(&site, &options, &named, reading);
    }
    for site in rest {
        self::site(site, &options, &named, reading);
    }
}

fn options(global: Option<&Directive>, path: &Path, reading: &mut Reading<'_>) -> Options {
    let own = |name: &str| global.and_then(|global| global.child(name));
    let port = |name: &str, default: u16| {
        own(name).and_then(|d| d.word(1).parse().ok()).unwrap_or(default)
    };
    let options = Options {
        http_port: port("http_port", 80),
        https_port: port("https_port", 443),
        automatic: own("auto_https").is_none_or(|d| d.word(1) != "off"),
        log: global
            .into_iter()
            .flat_map(Directive::inner)
            .filter(|d| d.name() == "log" && matches!(d.word(1), "" | "default"))
            .find_map(output)
            .map_or_else(|| "stderr".to_owned(), |file| full(reading, &file)),
    };
    let place = own("admin").map_or_else(|| whole(path_text(path)), |d| d.place.clone());
    control(own("admin").map_or("", |d| d.word(1)), place, reading);
    let place = global.map_or_else(|| whole(path_text(path)), |d| d.place.clone());
    reading.log(&options.log.clone(), LogKind::Error, &place);
    options
}

/// `output file PATH` of a `log` block; `None` for a stream.
fn output(log: &Directive) -> Option<String> {
    let output = log.child("output")?;
    match output.word(1) {
        "file" => Some(output.word(2).to_owned()),
        "discard" => Some("/dev/null".to_owned()),
        "net" => Some(format!("syslog:server={}", output.word(2))),
        _ => None,
    }
}

fn full(reading: &Reading<'_>, path: &str) -> String {
    if path.starts_with("syslog:") {
        return path.to_owned();
    }
    start::absolute(reading.setup(), path).display().to_string()
}

fn site(
    site: &Directive,
    options: &Options,
    routines: &BTreeMap<String, Directive>,
    reading: &mut Reading<'_>,
) {
    let keys: Vec<_> = site
        .words
        .iter()
        .flat_map(|word| word.split(','))
        .filter(|word| !word.is_empty())
        .map(|word| key(word, options.http_port, options.https_port, options.automatic))
        .collect();
    let mut names: Vec<Text> = Vec::new();
    let mut listens: Vec<Text> = Vec::new();
    for own in &keys {
        if !own.host.is_empty() {
            names.push(Text::new(&own.host));
        }
        for listen in own.listens.iter().map(Text::new) {
            if !listens.contains(&listen) {
                listens.push(listen);
            }
        }
    }
    let binds: Vec<&str> = site
        .inner()
        .filter(|d| d.name() == "bind")
        .flat_map(|d| d.from(1))
        .map(String::as_str)
        .collect();
    if let Some(bind) = binds.first().filter(|bind| !bind.contains('/')) {
        let host = if bind.contains(':') { format!("[{bind}]") } else { (*bind).to_owned() };
        listens =
            listens.iter().map(|listen| Text::new(format!("{host}:{}", listen.raw()))).collect();
    }
    reading.site(Site {
        place: site.place.clone(),
        listens: listens.clone(),
        names: names.clone(),
    });
    for log in site.inner().filter(|d| d.name() == "log") {
        let path = output(log).map_or_else(|| options.log.clone(), |file| full(reading, &file));
        let console = log.child("format").is_some_and(|format| format.word(1) == "console");
        let format = AccessFormat {
            name: Text::new(if console { "console" } else { "json" }),
            pattern: Text::default(),
            syntax: AccessSyntax::Caddy,
        };
        reading.log(&path, LogKind::Access(format), &log.place);
    }
    let here = Here { names, listens, matchers: matchers(site), named: routines };
    let base = keys.iter().map(|key| key.path.as_str()).find(|path| path.len() > 1);
    let outer = base.map_or_else(|| "/".to_owned(), location);
    walk(site, &here, &outer, &[], 0, reading);
}

fn matchers(site: &Directive) -> BTreeMap<&str, Matcher> {
    let mut all = BTreeMap::new();
    for directive in site.inner().filter(|d| d.name().starts_with('@')) {
        let mut matcher = Matcher::default();
        let one_line = (directive.words.len() > 1).then(|| directive.from(1).to_vec());
        let lines = directive.inner().map(|d| d.words.clone()).chain(one_line);
        for line in lines {
            let Some((name, values)) = line.split_first() else { continue };
            match name.as_str() {
                "path" => matcher.paths.extend(values.iter().map(|p| location(p))),
                "path_regexp" => {
                    matcher.paths.extend(values.last().map(|pattern| format!("~ {pattern}")));
                }
                "host" => matcher.hosts.extend(values.iter().map(Text::new)),
                _ => matcher.more = true,
            }
        }
        all.insert(directive.name(), matcher);
    }
    all
}

/// Splits the matcher off the words of a directive: where it leads, hosts, and the rest.
fn matched<'d>(
    directive: &'d Directive,
    here: &Here<'_>,
    outer: &str,
    hosts: &[Text],
) -> (String, Vec<Text>, &'d [String]) {
    let first = directive.word(1);
    if first == "*" {
        return (outer.to_owned(), hosts.to_vec(), directive.from(2));
    }
    if first.starts_with('/') {
        return (inner(outer, &location(first)), hosts.to_vec(), directive.from(2));
    }
    if !first.starts_with('@') {
        return (outer.to_owned(), hosts.to_vec(), directive.from(1));
    }
    let Some(matcher) = here.matchers.get(first) else {
        return (first.to_owned(), hosts.to_vec(), directive.from(2));
    };
    let hosts = if matcher.hosts.is_empty() { hosts.to_vec() } else { matcher.hosts.clone() };
    let location = match matcher.paths.as_slice() {
        _ if matcher.more => first.to_owned(),
        [] => outer.to_owned(),
        [one] => inner(outer, one),
        _ => first.to_owned(),
    };
    (location, hosts, directive.from(2))
}

/// The narrower of two locations.
fn inner(outer: &str, own: &str) -> String {
    if own == "/" { outer.to_owned() } else { own.to_owned() }
}

fn walk(
    block: &Directive,
    here: &Here<'_>,
    outer: &str,
    hosts: &[Text],
    depth: usize,
    reading: &mut Reading<'_>,
) {
    if depth > DEPTH {
        return;
    }
    for directive in block.inner() {
        let (location, hosts, rest) = matched(directive, here, outer, hosts);
        match directive.name() {
            "handle" | "route" => walk(directive, here, &location, &hosts, depth + 1, reading),
            "handle_path" => {
                // Inside, the prefix is cut off: the outer path is what clients ask for.
                let route = location.clone();
                walk(directive, here, &route, &hosts, depth + 1, reading);
            }
            "invoke" => {
                if let Some(named) = rest.first().and_then(|name| here.named.get(name)) {
                    walk(named, here, &location, &hosts, depth + 1, reading);
                }
            }
            "reverse_proxy" | "php_fastcgi" | "forward_auth" => {
                let route = route(directive, here, &location, &hosts);
                proxy(directive, rest).keep(&route, reading);
            }
            "respond" | "error" => answer(directive, rest, here, &location, &hosts, reading),
            _ => {}
        }
    }
}

fn route(directive: &Directive, here: &Here<'_>, location: &str, hosts: &[Text]) -> Route {
    Route {
        place: directive.place.clone(),
        server_names: if hosts.is_empty() { here.names.clone() } else { hosts.to_vec() },
        location: Text::new(location),
        listens: here.listens.clone(),
    }
}

/// `respond [BODY] STATUS`, `respond STATUS`, `error [MESSAGE] STATUS` (500 when it says none).
fn answer(
    directive: &Directive,
    words: &[String],
    here: &Here<'_>,
    location: &str,
    hosts: &[Text],
    reading: &mut Reading<'_>,
) {
    let status = words.iter().rev().find_map(|word| word.parse::<u16>().ok());
    let default = if directive.name() == "error" { 500 } else { 200 };
    let route = route(directive, here, location, hosts);
    reading.answer(OwnAnswer {
        place: route.place,
        status: status.unwrap_or(default),
        server_names: route.server_names,
        location: if location == "/" { Text::default() } else { route.location },
    });
}

fn proxy(directive: &Directive, words: &[String]) -> Proxy {
    let place = |d: &Directive| d.place.clone();
    let mut proxy = Proxy {
        place: place(directive),
        fastcgi: directive.name() == "php_fastcgi",
        targets: words.iter().map(|word| (word.clone(), place(directive))).collect(),
        ..Proxy::default()
    };
    // Those of `php_fastcgi` stand without a `transport` around them.
    transport(directive, &mut proxy);
    for option in directive.inner() {
        let value = option.word(1);
        match option.name() {
            "to" => proxy.targets.extend(option.from(1).iter().map(|w| (w.clone(), place(option)))),
            "dynamic" => proxy.dynamic = true,
            "transport" => {
                proxy.fastcgi |= value == "fastcgi";
                transport(option, &mut proxy);
            }
            "health_uri" | "health_path" => check(&mut proxy, option).request = get(value),
            "health_status" => check(&mut proxy, option).expect = Text::new(value),
            "health_port" => proxy.check_port = value.parse().ok(),
            "fail_duration" => proxy.fail_secs = duration_ms(value).unwrap_or(0).div_ceil(1_000),
            "max_fails" => proxy.max_fails = value.parse().ok(),
            _ => {}
        }
    }
    proxy
}

fn get(path: &str) -> Text {
    Text::new(format!("GET {path}"))
}

fn check<'p>(proxy: &'p mut Proxy, option: &Directive) -> &'p mut HealthCheck {
    let begin = || HealthCheck { place: option.place.clone(), ..HealthCheck::default() };
    proxy.check.get_or_insert_with(begin)
}

fn transport(block: &Directive, proxy: &mut Proxy) {
    for option in block.inner() {
        let value = option.word(1);
        let time =
            || duration_ms(value).map(|value| Setting { value, place: Some(option.place.clone()) });
        match option.name() {
            "tls" => proxy.tls = true,
            "tls_insecure_skip_verify" => {
                proxy.tls = true;
                proxy.insecure = true;
            }
            "tls_server_name" => proxy.facts.name = Some(Text::new(value)),
            "tls_trusted_ca_certs" => proxy.facts.trusted = Some(Text::new(value)),
            "tls_trust_pool" if value == "file" => {
                proxy.facts.trusted = Some(Text::new(option.word(2)));
            }
            "tls_client_auth" => proxy.facts.certificate = Some(Text::new(value)),
            "dial_timeout" => proxy.connect = time(),
            "response_header_timeout" => proxy.read = time(),
            "read_timeout" if proxy.read.is_none() => proxy.read = time(),
            "write_timeout" => proxy.write = time(),
            "max_response_header" => {
                let lower = value.to_ascii_lowercase();
                let size = lower.trim_end_matches("ib").trim_end_matches('b');
                proxy.header_buffer = values::size(size.as_bytes())
                    .map(|value| Setting { value, place: Some(option.place.clone()) });
            }
            _ => {}
        }
    }
}
