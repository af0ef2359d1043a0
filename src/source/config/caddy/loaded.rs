//! What Caddy works with beside what its file says.

use std::{collections::BTreeSet, path::Path};

use crate::{
    host::gateways::COMMAND_LINE,
    observation::{
        Address, ConfigProblem, Gateway, GatewayConfig, Loaded, Place, ProblemKind, Text,
    },
    source::config::setup::{Parsed, Setup},
};

/// The configuration to go by: the file's, as long as it tells what Caddy works with or what it was
/// to be changed to; else the loaded one. `loaded` is Caddy's own word.
pub(in crate::source) fn in_force(
    setup: &Setup,
    parsed: &Parsed,
    gateway: &Gateway,
    loaded: &GatewayConfig,
) -> GatewayConfig {
    let file = &parsed.config;
    let resumed = setup.start.arguments.iter().any(|word| word == "--resume")
        || setup.config.file_name().is_some_and(|name| name == "autosave.json");
    let written = parsed.readable && !resumed;
    let (own, other) = (addresses(file), addresses(loaded));
    if written && own == other {
        return GatewayConfig { loaded: Some(Loaded::AsWritten), ..file.clone() };
    }
    let newer = file.modified.is_some_and(|at| gateway.missed(at));
    if written && newer {
        let only = other.difference(&own).filter_map(|address| (*address).cloned()).collect();
        return GatewayConfig { loaded: Some(Loaded::Otherwise(only)), ..file.clone() };
    }
    let mut config = GatewayConfig { loaded: Some(Loaded::AsWritten), ..loaded.clone() };
    if written && setup.config != Path::new(COMMAND_LINE) {
        // It is still what the next reload takes.
        config.files.clone_from(&file.files);
        let what =
            "what is loaded was changed over the admin endpoint: a reload puts this file back";
        config.problems.push(ConfigProblem {
            kind: ProblemKind::Unknown,
            place: Place { file: file.files.first().cloned().unwrap_or_default(), line: 0 },
            what: Text::new(what),
        });
    }
    config
}

fn addresses(config: &GatewayConfig) -> BTreeSet<Option<&Address>> {
    config.upstreams.iter().map(|upstream| upstream.address.as_ref()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::parse::{self, loaded};
    use super::*;
    use crate::{
        host::files::Root,
        observation::{GatewayId, GatewayKind, Wall},
    };

    const ANSWER: &str = r#"{"admin":{"listen":"unix//run/a.sock"},"apps":{"http":{"servers":{"s":{
        "listen":[":80"],"routes":[{"match":[{"host":["shop.lan"]}],"handle":[{"handler":"reverse_proxy",
        "upstreams":[{"dial":"127.0.0.1:8001"}]}]}]}}}}}"#;

    fn gateway(loaded: Wall) -> Gateway {
        Gateway {
            id: GatewayId("caddy:/etc/caddy/Caddyfile".into()),
            kind: GatewayKind::Caddy,
            version: None,
            config: "/etc/caddy/Caddyfile".into(),
            running: true,
            master: Some(1),
            workers: Vec::new(),
            worker_uid: None,
            worker_gids: Vec::new(),
            netns: None,
            root: "".into(),
            unit: None,
            container: None,
            started: Some(loaded),
            loaded: Some(loaded),
        }
    }

    /// What is gone by where the file names this port; the file is new, Caddy began so many seconds
    /// before or behind.
    fn of(port: u16, began: i64, arguments: &[&str]) -> GatewayConfig {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("etc/caddy")).unwrap();
        let text = format!("shop.lan {{\n  reverse_proxy 127.0.0.1:{port}\n}}\n");
        std::fs::write(dir.path().join("etc/caddy/Caddyfile"), text).unwrap();
        let root = Root::new(dir.path());
        let mut setup = Setup::of(GatewayKind::Caddy, root, "/etc/caddy/Caddyfile");
        setup.start.arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
        let parsed = parse::parse(&setup);
        let modified = parsed.config.modified.unwrap();
        let said = loaded(&setup, ANSWER.as_bytes()).unwrap();
        in_force(&setup, &parsed, &gateway(modified.plus_secs(began)), &said)
    }

    fn ports(config: &GatewayConfig) -> Vec<u16> {
        config.upstreams.iter().filter_map(|u| u.address.as_ref()?.port()).collect()
    }

    #[test]
    fn a_file_that_says_the_same_is_gone_by_with_its_lines() {
        let config = of(8001, -100, &[]);
        assert_eq!((ports(&config), config.loaded.clone()), (vec![8001], Some(Loaded::AsWritten)));
        assert_eq!(config.upstreams[0].place.line, 2);
    }

    #[test]
    fn an_edited_file_that_was_never_loaded_is_told_with_what_is_asked_instead() {
        let config = of(8002, -100, &[]);
        let old = Address::parse("127.0.0.1:8001", 80).unwrap();
        assert_eq!(config.loaded, Some(Loaded::Otherwise(vec![old])));
        assert_eq!(ports(&config), [8002]);
    }

    #[test]
    fn what_was_changed_over_the_admin_endpoint_or_taken_up_again_is_what_counts() {
        let config = of(8002, 100, &[]);
        assert_eq!((ports(&config), config.files.len()), (vec![8001], 1));
        assert!(config.problems.iter().any(|p| p.what.raw().contains("admin endpoint")));
        let config = of(8002, -100, &["run", "--resume"]);
        assert_eq!((ports(&config), config.problems.len()), (vec![8001], 0));
        assert_eq!(config.upstreams[0].routes[0].server_names, ["shop.lan".into()]);
    }

    #[test]
    fn an_answer_that_is_no_configuration_is_none() {
        let setup = Setup::of(GatewayKind::Caddy, Root::default(), "/no");
        assert_eq!(loaded(&setup, b"<html>"), None);
        assert_eq!(loaded(&setup, b"null").map(|c| c.upstreams.len()), Some(0));
    }
}
