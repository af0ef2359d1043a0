//! A gateway whose configuration and log hold what nobody else should read.

use std::fs;

const SECRETS: [&str; 3] = ["hunter2hunter2", "c0ffee5eedc0ffee5eed", "AKIAABCDEFGHIJKLMNOP"];
/// Nobody else has this upstream.
const UPSTREAM: &str = "127.99.88.77:9";

pub(crate) struct Planted {
    folder: tempfile::TempDir,
}

impl Planted {
    pub(crate) fn new() -> Self {
        let planted = Self { folder: tempfile::tempdir().unwrap() };
        let path = |name: &str| planted.folder.path().join(name).display().to_string();
        let config = format!(
            "pid {};\nerror_log {};\nevents {{}}\nhttp {{ upstream planted {{ server {UPSTREAM}; \
             }}\nserver {{ listen 127.0.0.1:1; location / {{ proxy_set_header Authorization \
             \"Bearer {}\"; proxy_pass http://planted; }} }} }}\n",
            path("nginx.pid"),
            path("error.log"),
            SECRETS[1]
        );
        fs::write(planted.config(), config).unwrap();
        let now = jiff::Zoned::now().strftime("%Y/%m/%d %H:%M:%S");
        let line = format!(
            "{now} [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to \
             upstream, client: 203.0.113.9, server: , request: \"GET /planted?token={} \
             HTTP/1.1\", upstream: \"http://{UPSTREAM}/planted?password={}&k={}\", host: \"x\"\n",
            SECRETS[0], SECRETS[1], SECRETS[2]
        );
        fs::write(path("error.log"), line.repeat(5)).unwrap();
        planted
    }

    pub(crate) fn config(&self) -> String {
        self.folder.path().join("nginx.conf").display().to_string()
    }

    pub(crate) const fn mark() -> &'static str {
        UPSTREAM
    }

    pub(crate) fn assert_kept(from: &str, bytes: &[u8]) {
        let bytes = String::from_utf8_lossy(bytes);
        for secret in SECRETS {
            assert!(!bytes.contains(secret), "{secret} reached {from}: {bytes}");
        }
    }
}
