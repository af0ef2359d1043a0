//! What runtimes say.

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    host::clock,
    practice::{net::Peer, setup::Runtime},
};

fn stamp(format: &str) -> String {
    let now = Timestamp::from_microsecond(clock::now().wall.0).unwrap_or_default();
    now.to_zoned(TimeZone::system()).strftime(format).to_string()
}

/// A line of Gunicorn's log.
fn gunicorn(level: &str, words: &str) -> String {
    let pid = std::process::id();
    format!("[{}] [{pid}] [{level}] {words}", stamp("%Y-%m-%d %H:%M:%S %z"))
}

fn fpm(words: &str) -> String {
    format!("[{}] {words}", stamp("%d-%b-%Y %H:%M:%S"))
}

/// What a runtime says once it listens.
pub(super) fn listening(runtime: Runtime, peer: &Peer) -> Vec<String> {
    let at = shown(peer);
    match runtime {
        Runtime::Python => vec![
            gunicorn("INFO", "Starting gunicorn 23.0.0"),
            gunicorn("INFO", &format!("Listening at: http://{at} ({})", std::process::id())),
        ],
        Runtime::Node => vec![format!("listening on {at}")],
        Runtime::Php => {
            vec![fpm("NOTICE: fpm is running, pid 1"), fpm("NOTICE: ready to handle connections")]
        }
    }
}

fn shown(peer: &Peer) -> String {
    match peer {
        Peer::Tcp(address) => address.to_string(),
        Peer::Unix(path) => format!("unix:{}", path.display()),
    }
}

/// What it says when its address is taken, and the status that it exits with.
pub(super) fn taken(runtime: Runtime, peer: &Peer) -> (Vec<String>, u8) {
    let python = match peer {
        Peer::Tcp(address) => format!("('{}', {})", address.ip(), address.port()),
        Peer::Unix(path) => path.display().to_string(),
    };
    match runtime {
        Runtime::Python => (
            vec![
                gunicorn("ERROR", &format!("Connection in use: {python}")),
                gunicorn("ERROR", &format!("Can't connect to {python}")),
            ],
            1,
        ),
        Runtime::Node => (
            vec![
                "node:events:497".to_owned(),
                "      throw er; // Unhandled 'error' event".to_owned(),
                format!("Error: listen EADDRINUSE: address already in use {}", shown(peer)),
                "Node.js v20.11.1".to_owned(),
            ],
            1,
        ),
        Runtime::Php => (
            vec![
                fpm(&format!(
                    "ERROR: unable to bind listening socket for address '{}': Address already in use (98)",
                    shown(peer)
                )),
                fpm("ERROR: FPM initialization failed"),
            ],
            78,
        ),
    }
}

/// What it says when it cannot begin.
pub(super) fn boot(runtime: Runtime) -> Vec<String> {
    match runtime {
        Runtime::Python => vec![
            "Traceback (most recent call last):".to_owned(),
            "  File \"/srv/app/main.py\", line 3, in <module>".to_owned(),
            "    import flask".to_owned(),
            "ModuleNotFoundError: No module named 'flask'".to_owned(),
        ],
        Runtime::Node => vec![
            "node:internal/modules/cjs/loader:1145".to_owned(),
            "  throw err;".to_owned(),
            "Error: Cannot find module 'express'".to_owned(),
            "Node.js v20.11.1".to_owned(),
        ],
        Runtime::Php => vec![
            fpm("ERROR: [/etc/php/8.2/fpm/pool.d/www.conf:12] unknown entry 'pm.max'"),
            fpm(
                "ERROR: Unable to include /etc/php/8.2/fpm/pool.d/www.conf from /etc/php/8.2/fpm/php-fpm.conf at line 12",
            ),
            fpm("ERROR: failed to load configuration file '/etc/php/8.2/fpm/php-fpm.conf'"),
            fpm("ERROR: FPM initialization failed"),
        ],
    }
}

/// What it says when a request is its last.
pub(super) fn fall(runtime: Runtime, path: &str) -> Vec<String> {
    match runtime {
        Runtime::Python => vec![
            gunicorn("ERROR", &format!("Error handling request {path}")),
            "Traceback (most recent call last):".to_owned(),
            "  File \"/srv/app/main.py\", line 41, in handle".to_owned(),
            "RuntimeError: the connection pool is closed".to_owned(),
        ],
        Runtime::Node => vec![
            "/srv/app/main.js:41".to_owned(),
            "    throw new Error('the connection pool is closed')".to_owned(),
            "Error: the connection pool is closed".to_owned(),
            "    at handle (/srv/app/main.js:41:11)".to_owned(),
            "Node.js v20.11.1".to_owned(),
        ],
        Runtime::Php => vec![fpm(&format!(
            "WARNING: [pool www] child {} exited on signal 11 (SIGSEGV) after 0.337477 seconds from start",
            std::process::id()
        ))],
    }
}

/// What it says when it answers with an error of its own.
pub(super) fn failed(runtime: Runtime, path: &str) -> Vec<String> {
    match runtime {
        Runtime::Python => vec![gunicorn("ERROR", &format!("Error handling request {path}"))],
        Runtime::Node => vec![format!("Error: {path} failed: the database does not answer")],
        Runtime::Php => vec![fpm(&format!(
            "WARNING: [pool www] child {} said into stderr: \"NOTICE: PHP message: PHP Fatal error:  \
             Uncaught PDOException: {path}\"",
            std::process::id()
        ))],
    }
}
