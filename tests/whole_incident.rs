//! One incident from the first look to the last key, in a real terminal against a real nginx: what
//! is wrong is found without a key, read, repaired with the keys that the footer shows, proven,
//! and left behind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::allow_attributes,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail loudly, and this one runs the program from outside"
)]

#[path = "terminal/pty.rs"]
mod pty;
#[path = "contract/world.rs"]
mod world;

use std::{fs, path::Path};

use pty::Pty;
use world::{PROGRAM, World, skip};

/// Everything before the console: an application on one socket, an nginx that is told of another
/// one, and a client that sees the failure. After it: what became of the configuration.
const SCRIPT: &str = r#"set -e
D=$1; shift
mount --bind "$D/hidden" /etc/nginx
mount -t tmpfs -o mode=755 none /run
mkdir /run/conf /run/state /run/shop; chmod 700 /run/state
cp "$D/nginx.conf" /run/conf/nginx.conf
python3 "$D/app.py" 2>/dev/null &
/usr/sbin/nginx -p "$D" -c /run/conf/nginx.conf 2>"$D/logs/start.log"
while [ ! -S /run/shop/new.sock ]; do :; done
exec 3<>/dev/tcp/127.0.0.1/$FRONT; printf 'GET / HTTP/1.0\r\n\r\n' >&3; cat <&3 >/dev/null
set +e
"$@"
echo $? >"$D/exit"
cp /run/conf/nginx.conf "$D/after.conf"
cp -r /run/state "$D/state"
"#;

/// An application on a socket beside the one that is configured.
const APPLICATION: &str = include_str!("repair/app.py");

/// What nobody should have to look for: the words of the cause.
const CAUSE: &str = "unix-socket-path-mismatch";

fn console(world: &World, size: (u16, u16)) -> Pty {
    let front = world.front.to_string();
    let folder = world.path("").display().to_string();
    let arguments = [
        &["--mount", "--pid", "--fork", "--mount-proc", "--kill-child"][..],
        &["bash", "-c", SCRIPT, "bash", &folder, PROGRAM],
        &["--state", "/run/state", "--watch-secs", "1"],
    ]
    .concat();
    Pty::start_sized("unshare", &arguments, size, &[("FRONT", &front)])
}

fn shows(pty: &Pty, words: &[&str]) -> bool {
    let text = pty.screen.screen().contents();
    words.iter().all(|word| text.contains(word))
}

fn until(pty: &mut Pty, words: &[&str]) {
    pty.until(&words.join(" and "), |pty| shows(pty, words));
}

fn walked(size: (u16, u16)) {
    let world = match World::new() {
        Ok(world) => world,
        Err(why) => skip!("{why}"),
    };
    if !Path::new("/usr/bin/python3").exists() {
        skip!("there is no /usr/bin/python3");
    }
    world.config(&format!(
        "server {{ listen 127.0.0.1:{}; location / {{\n    \
         proxy_pass http://unix:/run/shop/old.sock;\n}} }}",
        world.front
    ));
    world.write("app.py", APPLICATION);
    let mut pty = console(&world, size);

    // Found: no key was pressed.
    until(&mut pty, &["FAILING", "old.sock", "new.sock"]);

    // Read: every view is a digit away, and the broken link is in it.
    pty.send(b"2");
    until(&mut pty, &["[2 ", "old.sock", "no such"]);
    pty.send(b"3");
    until(&mut pty, &["[3 ", CAUSE]);
    pty.send(b"4");
    until(&mut pty, &["[4 ", "connect() to unix:/run/shop/old.sock"]);
    pty.send(b"5");
    until(&mut pty, &["[5 ", "first failure"]);
    pty.send(b"1");
    until(&mut pty, &["[1 ", "FAILING"]);

    // Repaired: the footer names the key, the key asks, and only `y` does it.
    until(&mut pty, &[" r edit"]);
    pty.send(b"r");
    until(&mut pty, &["y = do it", "new.sock"]);
    pty.send(b"y");

    // Proven: by requests, not by an exit code.
    until(&mut pty, &["FIXED"]);
    assert_ne!(fs::read_to_string(world.path("nginx.conf")).unwrap(), "", "there was a file");
    pty.send(b"\x1b");
    pty.until("the panes", |pty| !shows(pty, &["What was promised"]));
    until(&mut pty, &["last failure"]);

    // Left: the record says who did it.
    pty.send(b"9");
    until(&mut pty, &["verified"]);
    pty.send(b"1");
    pty.send(b"q");
    assert_eq!(pty.until_exit(), 0);
    pty.assert_screen_restored();
    let file = |name: &str| fs::read_to_string(world.path(name)).unwrap_or_default();
    assert_eq!(file("exit").trim(), "0");
    assert!(file("after.conf").contains("http://unix:/run/shop/new.sock;"));
    assert!(file("state/audit.jsonl").contains(CAUSE));

    // Remembered: what it was and what fixed it.
    let history = std::process::Command::new(PROGRAM)
        .arg("--state")
        .arg(world.path("state"))
        .arg("history")
        .output()
        .unwrap();
    let history = String::from_utf8(history.stdout).unwrap();
    assert!(history.contains(CAUSE) && history.contains("fixed by"), "{history}");
    assert_eq!(history.matches(CAUSE).count(), 1, "{history}");
}

#[test]
fn an_incident_is_found_read_repaired_proven_and_left_by_keys() {
    walked((120, 40));
}

#[test]
fn the_same_on_a_usual_terminal() {
    walked((80, 24));
}
