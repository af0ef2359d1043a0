//! Which language a configuration of Caddy is written in.

use std::path::Path;

use crate::{
    host::{gateway_options::value_of, gateways::COMMAND_LINE},
    observation::{Address, ControlPoint, GatewayConfig, LogKind, Place, Route, Text},
    source::config::{
        document::Node,
        reading::Reading,
        scope::whole,
        setup::{Parsed, Setup},
        start,
    },
};

use super::{
    address::{dials, key},
    caddyfile, json,
    proxy::Proxy,
};

/// Reads and understands a configuration of Caddy; never fails: what could not be read or
/// understood is among the problems.
pub(in crate::source::config) fn parse(setup: &Setup) -> Parsed {
    let mut reading = Reading::new(setup);
    let arguments = &setup.start.arguments;
    if setup.config == Path::new(COMMAND_LINE) {
        command_line(arguments, &mut reading);
        return reading.finish();
    }
    for path in start::configs(setup) {
        let adapter = value_of(arguments, &["--adapter"]).unwrap_or_default();
        let ending =
            path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
        let document = matches!(adapter, "json" | "yaml")
            || (adapter.is_empty() && matches!(ending.as_str(), "json" | "json5" | "yaml" | "yml"));
        if document {
            json::read(&path, &mut reading);
        } else {
            caddyfile::read(&path, &mut reading);
        }
    }
    reading.finish()
}

/// What stands for the file of what Caddy said that it works with.
const LOADED: &str = "loaded configuration";

/// What Caddy works with, by the answer of its admin endpoint; `None` when that is no JSON.
pub(in crate::source) fn loaded(setup: &Setup, answer: &[u8]) -> Option<GatewayConfig> {
    let value = serde_json::from_slice::<serde_json::Value>(answer).ok()?;
    let mut reading = Reading::new(setup);
    reading.found();
    json::understand(&Node::of_json(&value, 0), &Text::new(LOADED), &mut reading);
    Some(reading.finish().config)
}

/// Where the admin endpoint is that no file speaks of.
pub(in crate::source) fn controls(setup: &Setup) -> Vec<ControlPoint> {
    let mut reading = Reading::new(setup);
    control("", whole(Text::new(LOADED)), &mut reading);
    reading.controls
}

/// `caddy reverse-proxy --from A --to B`.
fn command_line(arguments: &[String], reading: &mut Reading<'_>) {
    reading.found();
    let place = whole(Text::new(COMMAND_LINE));
    let from = value_of(arguments, &["--from", "-f"]).unwrap_or("localhost");
    let key = key(from, 80, 443, true);
    let mut targets = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.split_once('=') {
            Some(("--to", value)) => targets.push((value.to_owned(), place.clone())),
            None if word == "--to" || word == "-t" => {
                targets.extend(words.next().map(|value| (value.clone(), place.clone())));
            }
            _ => {}
        }
    }
    let insecure = arguments.iter().any(|word| word == "--insecure");
    let route = Route {
        place: place.clone(),
        server_names: Some(key.host)
            .filter(|host| !host.is_empty())
            .map(Text::new)
            .into_iter()
            .collect(),
        location: Text::new("/"),
        listens: key.listens.iter().map(Text::new).collect(),
    };
    Proxy { place: place.clone(), targets, insecure, ..Proxy::default() }.keep(&route, reading);
    reading.log("stderr", LogKind::Error, &place);
}

/// Where the admin endpoint listens; `listen` is empty for its default.
pub(super) fn control(listen: &str, place: Place, reading: &mut Reading<'_>) {
    let default = start::variable(reading.setup(), "CADDY_ADMIN").filter(|at| !at.is_empty());
    let written = match listen {
        "off" => return,
        "" => default.as_deref().unwrap_or("127.0.0.1:2019"),
        other => other,
    };
    // An origin behind a unix socket may carry permissions: `unix//run/x.sock|0220`.
    let written = written.split('|').next().unwrap_or_default();
    let found = dials(written, false).into_iter().next().and_then(|dial| dial.address);
    let address = match found {
        Some(Address::Name { host, port }) if host.raw() == "localhost" => {
            Some(Address::Tcp((std::net::Ipv4Addr::LOCALHOST, port).into()))
        }
        Some(Address::Tcp(addr)) if addr.ip().is_unspecified() => {
            Some(Address::Tcp((std::net::Ipv4Addr::LOCALHOST, addr.port()).into()))
        }
        other => other,
    };
    if let Some(address) = address {
        reading.controls.push(ControlPoint { address, place });
    }
}
