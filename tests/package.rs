//! The Debian package: what is in it, and that it goes without a trace.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test may fail loudly, and this one runs the tools of the system"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::LazyLock,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_gatemedic");

struct Built {
    folder: PathBuf,
    package: PathBuf,
    said: String,
}

/// One package for all tests, of the binary that is tested.
static BUILT: LazyLock<Option<Built>> = LazyLock::new(|| {
    if !Path::new("/usr/bin/dpkg-deb").exists() {
        eprintln!("skipped: there is no dpkg-deb");
        return None;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("package");
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/package/build");
    let script = script.to_str().unwrap();
    let output = folder.to_str().unwrap();
    let said = run(script, &["--binary", PROGRAM, "--compress", "none", "--output", output]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let package = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    Some(Built { said: String::from_utf8(said.stdout).unwrap(), folder, package })
});

fn run(program: &str, words: &[&str]) -> Output {
    Command::new(program).args(words).output().unwrap()
}

fn text(program: &str, words: &[&str]) -> String {
    let output = run(program, words);
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The tree of the package below a folder of its own.
fn unpacked(built: &Built) -> PathBuf {
    let tree = built.folder.join("tree");
    if !tree.exists() {
        let next = tempfile::tempdir_in(&built.folder).unwrap().keep();
        let package = built.package.to_str().unwrap();
        text("dpkg-deb", &["-x", package, next.to_str().unwrap()]);
        // Another test may have been first.
        drop(fs::rename(&next, &tree));
    }
    tree
}

#[test]
fn it_holds_the_program_its_page_completions_unit_and_examples() {
    let Some(built) = BUILT.as_ref() else { return };
    let listed = text("dpkg-deb", &["-c", built.package.to_str().unwrap()]);
    for (mode, path) in [
        ("-rwxr-xr-x", "./usr/bin/gatemedic"),
        ("-rw-r--r--", "./usr/share/man/man1/gatemedic.1.gz"),
        ("-rw-r--r--", "./usr/share/bash-completion/completions/gatemedic"),
        ("-rw-r--r--", "./usr/share/zsh/vendor-completions/_gatemedic"),
        ("-rw-r--r--", "./usr/share/fish/vendor_completions.d/gatemedic.fish"),
        ("-rw-r--r--", "./usr/lib/systemd/system/gatemedic-kiosk.service"),
        ("-rw-r--r--", "./usr/share/doc/gatemedic/copyright"),
        ("-rw-r--r--", "./usr/share/doc/gatemedic/examples/sudoers"),
        ("-rw-r--r--", "./usr/share/doc/gatemedic/examples/50-gatemedic.rules"),
    ] {
        let found = listed.lines().find(|line| line.ends_with(path));
        let found = found.unwrap_or_else(|| panic!("{path} is missing in\n{listed}"));
        assert!(found.starts_with(mode) && found.contains(" root/root "), "{found}");
    }
    // Nothing is set-uid, nothing stands where configuration would be read from.
    assert!(!listed.contains("/etc/") && !listed.lines().any(|line| line.starts_with("-rws")));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        text("dpkg-deb", &["-f", built.package.to_str().unwrap(), "Version"]).trim(),
        version
    );
    assert!(built.said.contains("binary") && built.said.contains("libc.so.6"), "{}", built.said);
}

#[test]
fn its_unit_and_examples_name_the_program_where_it_is_installed() {
    let Some(built) = BUILT.as_ref() else { return };
    let tree = unpacked(built);
    for file in [
        "usr/lib/systemd/system/gatemedic-kiosk.service",
        "usr/share/doc/gatemedic/examples/sshd-gatemedic-kiosk.conf",
        "usr/share/doc/gatemedic/examples/sudoers",
    ] {
        let said = fs::read_to_string(tree.join(file)).unwrap();
        assert!(said.contains("/usr/bin/gatemedic"), "{file}");
        assert!(!said.contains("/usr/local/"), "{file}");
    }
}

#[test]
fn the_manual_page_is_read_without_a_complaint() {
    let Some(built) = BUILT.as_ref() else { return };
    if !Path::new("/usr/bin/groff").exists() || !Path::new("/usr/bin/zcat").exists() {
        eprintln!("skipped: there is no groff");
        return;
    }
    let page = unpacked(built).join("usr/share/man/man1/gatemedic.1.gz");
    let line = format!("zcat {} | groff -man -Tutf8 -ww", page.display());
    let read = run("bash", &["-c", &line]);
    assert_eq!(String::from_utf8_lossy(&read.stderr), "");
    assert!(read.stdout.len() > 4_000);
}

#[test]
fn the_rule_for_sudo_allows_whole_command_lines_only() {
    let Some(built) = BUILT.as_ref() else { return };
    let rule = unpacked(built).join("usr/share/doc/gatemedic/examples/sudoers");
    let said = fs::read_to_string(&rule).unwrap();
    let rules = said.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    assert!(!rules.contains('*') && !rules.contains("ALL) ALL"), "{rules}");
    let commands = rules.split([',', '=', '\n']).filter(|word| word.contains("/usr/bin/"));
    for command in commands {
        let words: Vec<&str> = command.split_whitespace().collect();
        assert!(words.len() > 1, "any argument would do: {command}");
    }
    if Path::new("/usr/sbin/visudo").exists() {
        text("/usr/sbin/visudo", &["-cf", rule.to_str().unwrap()]);
    }
}

/// Installs into a folder and purges again. Root only: dpkg gives files to root.
#[test]
fn it_is_purged_without_a_trace() {
    let Some(built) = BUILT.as_ref() else { return };
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: not root");
        return;
    }
    let root = built.folder.join("root");
    let admin = root.join("var/lib/dpkg");
    for folder in ["updates", "info", "triggers"] {
        fs::create_dir_all(admin.join(folder)).unwrap();
    }
    for file in ["status", "available"] {
        fs::write(admin.join(file), "").unwrap();
    }
    let at = format!("--root={}", root.display());
    let dpkg = |words: &[&str]| {
        let always = [&*at, "--force-depends", "--force-script-chrootless", "--log=/dev/null"];
        let done = run("dpkg", &[&always, words].concat());
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    dpkg(&["-i", built.package.to_str().unwrap()]);
    let installed = root.join("usr/bin/gatemedic");
    assert!(text(installed.to_str().unwrap(), &["--version"]).starts_with("gatemedic "));
    let state = root.join("var/lib/gatemedic");
    fs::create_dir_all(&state).unwrap();
    fs::write(state.join("audit.jsonl"), "").unwrap();
    dpkg(&["-r", "gatemedic"]);
    assert!(!installed.exists() && state.join("audit.jsonl").exists(), "the record stays");
    dpkg(&["-P", "gatemedic"]);
    assert!(!state.exists());
    let left = text("find", &[root.to_str().unwrap(), "-name", "*gatemedic*"]);
    assert_eq!(left, "");
}
