//! Looking changes nothing, as the kernel saw it.
//!
//! Allowed: reading; `/dev/null`; the ledger of the probe budget (a 0700 folder of the user's own
//! below `/run`); netlink; unbound or kernel-chosen local addresses; connections to Docker's and
//! D-Bus' sockets, to upstreams and to name servers; asking whether a process lives (signal 0);
//! and the programs listed in `PROGRAMS`, none of which changes anything with these arguments.

use std::{fs, path::Path, process::Command};

use super::trace::{CALLS, effects};
use super::world::{Backend, NGINX, PROGRAM, World, document, skip};

#[test]
fn looking_changes_nothing() {
    if !Path::new("/usr/bin/strace").exists() {
        skip!("there is no /usr/bin/strace");
    }
    let world = match World::new() {
        Ok(world) => world,
        Err(why) => skip!("{why}"),
    };
    let backend = Backend::start();
    world.proxy_to(&[backend.port, super::free_port()]);
    let trace = world.path("trace");
    let trace_name = trace.display().to_string();
    let arguments = [
        "-f",
        "-qq",
        "-s",
        "256",
        "-e",
        CALLS,
        "-e",
        "signal=none",
        "-o",
        &trace_name,
        PROGRAM,
        "diagnose",
        "-o",
        "json",
        "--deadline",
        "20s",
    ];
    let output = world.command(NGINX, "/usr/bin/strace", &arguments).output().unwrap();
    if output.stdout.is_empty() {
        skip!("strace cannot trace here: {}", String::from_utf8_lossy(&output.stderr));
    }
    document(&output);
    let text = fs::read_to_string(&trace).unwrap();
    assert!(text.contains("openat"), "nothing was traced: {text}");
    let wrong = effects(&text);
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(backend.received(), 0);
    let config = Command::new("find").arg(world.path("tmp")).args(["-type", "f"]).output().unwrap();
    assert!(config.stdout.is_empty());
}
