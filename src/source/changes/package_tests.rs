use proptest::prelude::*;

use super::*;

const ALL: [Manager; 6] =
    [Manager::Dpkg, Manager::Apt, Manager::Dnf, Manager::Zypper, Manager::Pacman, Manager::Apk];

fn told(manager: Manager, text: &str) -> Vec<String> {
    let events = manager.read(text, &TimeZone::UTC);
    let line = |e: &PackageEvent| format!("{} {} [{}]", e.at, e.words(), e.by);
    events.iter().map(line).collect()
}

const DPKG: &str = "\
2026-11-20 14:01:27 startup archives unpack
2026-11-20 14:01:28 upgrade php8.2-fpm:amd64 8.2.28-1~deb12u1 8.2.29-1~deb12u1
2026-11-20 14:01:28 status half-configured php8.2-fpm:amd64 8.2.28-1~deb12u1
2026-11-20 14:01:29 install libargon2-1:amd64 <none> 0~20171227-0.3
2026-11-20 14:01:30 remove apache2:amd64 2.4.65-1 <none>
2026-11-20 14:01:31 purge apache2:amd64 2.4.65-1 <none>
2026-11-20 14:01:32 purge old:all <none> <none>
2026-11-20 14:01:33 configure php8.2-fpm:amd64 8.2.29-1~deb12u1 <none>
2026-11-20 14:0";

#[test]
fn dpkg_tells_versions_and_a_torn_line_is_passed_over() {
    assert_eq!(
        told(Manager::Dpkg, DPKG),
        [
            "2026-11-20T14:01:28Z php8.2-fpm upgraded 8.2.28-1~deb12u1 → 8.2.29-1~deb12u1 []",
            "2026-11-20T14:01:29Z libargon2-1 0~20171227-0.3 installed []",
            "2026-11-20T14:01:30Z apache2 2.4.65-1 removed []",
            "2026-11-20T14:01:31Z apache2 2.4.65-1 removed []",
        ]
    );
}

const APT: &str = "
Start-Date: 2026-11-20  14:01:25
Commandline: apt-get upgrade -y
Requested-By: alice (1000)
Upgrade: php8.2-fpm:amd64 (8.2.28-1, 8.2.29-1), php8.2-cli:amd64 (8.2.28-1, 8.2.29-1)
End-Date: 2026-11-20  14:01:40

Start-Date: 2026-11-20  15:00:00
Commandline: /usr/bin/unattended-upgrade
Install: linux-image-6.1.0-40-amd64:amd64 (6.1.153-1, automatic)
Remove: old:amd64 (1.0)
End-Date: 2026-11-20  15:00:09

Start-Date: 2026-11-21  09:00:00
Upgrade: torn:amd64 (1";

#[test]
fn apt_tells_who_asked_with_which_command() {
    assert_eq!(
        told(Manager::Apt, APT),
        [
            "2026-11-20T14:01:25Z php8.2-fpm upgraded 8.2.28-1 → 8.2.29-1 [alice: apt-get upgrade -y]",
            "2026-11-20T14:01:25Z php8.2-cli upgraded 8.2.28-1 → 8.2.29-1 [alice: apt-get upgrade -y]",
            "2026-11-20T15:00:00Z linux-image-6.1.0-40-amd64 6.1.153-1 installed [/usr/bin/unattended-upgrade]",
            "2026-11-20T15:00:00Z old 1.0 removed [/usr/bin/unattended-upgrade]",
            "2026-11-21T09:00:00Z torn 1 upgraded []",
        ]
    );
}

#[test]
fn dnf_joins_the_new_version_with_the_old_one() {
    let text = "\
2026-11-20T14:01:28+0100 INFO --- logging initialized ---
2026-11-20T14:01:28+0100 SUBDEBUG Upgrade: nginx-core-1:1.20.1-16.el9.x86_64
2026-11-20T14:01:29+0100 SUBDEBUG Installed: php-fpm-8.0.30-1.el9.x86_64
2026-11-20T14:01:30+0100 SUBDEBUG Upgraded: nginx-core-1:1.20.1-14.el9.x86_64
2026-11-20T14:01:31+0100 SUBDEBUG Erase: httpd-2.4.57-8.el9.x86_64
";
    assert_eq!(
        told(Manager::Dnf, text),
        [
            "2026-11-20T13:01:28Z nginx-core upgraded 1:1.20.1-14.el9 → 1:1.20.1-16.el9 []",
            "2026-11-20T13:01:29Z php-fpm 8.0.30-1.el9 installed []",
            "2026-11-20T13:01:31Z httpd 2.4.57-8.el9 removed []",
        ]
    );
}

#[test]
fn zypper_pacman_and_apk_tell_the_command_before_what_it_did() {
    let zypper = "\
# 2026-11-20 14:01:28 nginx-1.21.5-1.x86_64.rpm installed ok
2026-11-20 14:01:20|command|root@web1|'zypper' '-n' 'up'|
2026-11-20 14:01:28|install|nginx|1.21.5-1|x86_64|root@web1|repo-oss|abc|
2026-11-20 14:01:29|remove |apache2|2.4.51-1|x86_64|root@web1|
";
    assert_eq!(
        told(Manager::Zypper, zypper),
        [
            "2026-11-20T14:01:28Z nginx 1.21.5-1 installed [root: zypper -n up]",
            "2026-11-20T14:01:29Z apache2 2.4.51-1 removed [root: zypper -n up]",
        ]
    );
    let pacman = "\
[2026-11-20T14:01:20+0100] [PACMAN] Running 'pacman -Syu'
[2026-11-20T14:01:28+0100] [ALPM] transaction started
[2026-11-20T14:01:28+0100] [ALPM] upgraded nginx (1.24.0-1 -> 1.24.0-2)
[2026-11-20T14:01:29+0100] [ALPM] removed apache (2.4.58-1)
";
    assert_eq!(
        told(Manager::Pacman, pacman),
        [
            "2026-11-20T13:01:28Z nginx upgraded 1.24.0-1 → 1.24.0-2 [pacman -Syu]",
            "2026-11-20T13:01:29Z apache 2.4.58-1 removed [pacman -Syu]",
        ]
    );
    let apk = "
Running `apk upgrade` at 2026-11-20 14:01:28
(1/2) Upgrading nginx (1.26.1-r0 -> 1.26.2-r0)
(2/2) Purging old (1.0-r0)
OK: 10 MiB in 20 packages
";
    assert_eq!(
        told(Manager::Apk, apk),
        [
            "2026-11-20T14:01:28Z nginx upgraded 1.26.1-r0 → 1.26.2-r0 [apk upgrade]",
            "2026-11-20T14:01:28Z old 1.0-r0 removed [apk upgrade]",
        ]
    );
}

proptest! {
    #[test]
    fn any_text_is_read_without_harm_and_within_bounds(text in "(.{0,60}\n?){0,12}", at in 0..6_usize) {
        prop_assert!(ALL[at].read(&text, &TimeZone::UTC).len() <= EVENTS);
    }

    #[test]
    fn a_log_that_is_cut_anywhere_is_read_without_harm(cut in 0..=APT.len().min(DPKG.len())) {
        for (manager, text) in [(Manager::Apt, APT), (Manager::Dpkg, DPKG)] {
            let whole = manager.read(text, &TimeZone::UTC).len();
            prop_assert!(manager.read(text.get(..cut).unwrap_or_default(), &TimeZone::UTC).len() <= whole);
        }
    }
}
