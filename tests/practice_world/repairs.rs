//! What is repaired is seen to be repaired, by the same hands as anywhere.

use crate::bench::{failures, first_finding, shop, start, verb, wait};

fn stopped() -> String {
    shop("[[happens]]\nafter_ms = 100\nwhat = { kind = 'stop', app = 'shop' }\n")
}

#[test]
fn a_program_is_started_and_clients_are_answered_again() {
    let world = start(&stopped());
    failures(&world, 1);
    first_finding(&world, &["app-stopped-by-operator"]);
    let (status, said) = verb(world.folder(), &["--watch-secs", "1", "fix", "--yes"]);
    assert_eq!(status, 0, "{said}");
    wait("clients are not answered", || world.pulse().is_well(3).then_some(()));
    let pulse = world.pulse();
    let shop = pulse.programs.iter().find(|program| program.name == "shop").unwrap();
    assert_eq!((shop.starts, shop.ordered, shop.state.as_str()), (2, 1, "RUNNING"));
    assert!(world.folder().join("state").is_dir(), "the record of it lies in the world");
}

#[test]
fn a_gateway_is_reloaded_and_its_workers_are_new() {
    let world = start(&shop(""));
    let (status, said) =
        verb(world.folder(), &["--watch-secs", "1", "fix", "--yes", "--gateway", "--do", "reload"]);
    assert_eq!(status, 0, "{said}");
    wait("the workers are the old ones", || (world.pulse().reloads == 1).then_some(()));
}

#[test]
fn a_header_that_is_too_big_gets_a_buffer_that_it_fits_in() {
    let world = start(&shop("does = { kind = 'big-header', kib = 6 }"));
    failures(&world, 1);
    first_finding(&world, &["response-header-too-big"]);
    let (status, said) = verb(world.folder(), &["--watch-secs", "1", "fix", "--yes"]);
    assert_eq!(status, 0, "{said}");
    wait("clients are not answered", || world.pulse().is_well(3).then_some(()));
}

#[test]
fn a_port_that_is_wrong_is_corrected_in_the_configuration() {
    let text =
        shop("").replacen("listen = '127.0.0.1:@port.shop@'", "listen = '127.0.0.1:@port.new@'", 1);
    let world = start(&text);
    failures(&world, 1);
    first_finding(&world, &["upstream-port-wrong"]);
    let (status, said) = verb(world.folder(), &["--watch-secs", "1", "fix", "--yes"]);
    assert_eq!(status, 0, "{said}");
    wait("clients are not answered", || world.pulse().is_well(3).then_some(()));
}

#[test]
fn a_folder_that_is_no_world_is_no_scope() {
    let dir = tempfile::tempdir().unwrap();
    let (status, said) = verb(dir.path(), &["diagnose"]);
    assert_eq!(status, 64, "{said}");
    assert!(said.contains("no practice world"), "{said}");
}
