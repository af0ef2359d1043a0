//! Where the parts of a world are: the folder, the ports, the sockets. Texts of a setup name them as
//! `@port.shop@`, and get them when the world is built.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::TcpListener,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::setup::SetupError;

/// Longest name of a place.
const NAME: usize = 60;

/// Folder, ports and what follows from them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    /// The folder of the world.
    pub folder: PathBuf,
    /// Port by name.
    pub ports: BTreeMap<String, u16>,
}

impl Places {
    /// Finds a free port of this host's loopback for every port that `texts` name, and one for the
    /// gateway. What is free now may be taken by somebody else a moment later: whoever binds it says so.
    ///
    /// # Errors
    /// When the system has no port.
    pub fn find(folder: &Path, texts: &[&str]) -> io::Result<Self> {
        let mut names: BTreeSet<String> = std::iter::once("gateway".to_owned()).collect();
        for text in texts {
            for part in Parts(text) {
                if let Part::Place(name) = part
                    && let Some(port) = name.strip_prefix("port.")
                {
                    names.insert(port.to_owned());
                }
            }
        }
        // All are held until all are found, so that no two are the same.
        let mut held = Vec::new();
        let mut ports = BTreeMap::new();
        for name in names {
            let (listener, port) = free()?;
            ports.insert(name, port);
            held.push(listener);
        }
        Ok(Self { folder: folder.to_owned(), ports })
    }

    /// The folder of the logs.
    pub fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// The folder of sockets and pid files.
    pub fn run(&self) -> PathBuf {
        self.folder.join("run")
    }

    /// The gateway's configuration.
    pub fn config(&self) -> PathBuf {
        self.folder.join("nginx").join("nginx.conf")
    }

    /// Where the gateway listens.
    pub fn gateway_port(&self) -> u16 {
        self.ports.get("gateway").copied().unwrap_or_default()
    }

    /// Puts the places into a text.
    ///
    /// # Errors
    /// The name that is no place.
    pub fn fill(&self, text: &str) -> Result<String, SetupError> {
        self.fill_with(text, |_| None)
    }

    /// As [`Self::fill`]; `more` knows further names.
    ///
    /// # Errors
    /// The name that is no place.
    pub fn fill_with(
        &self,
        text: &str,
        more: impl Fn(&str) -> Option<String>,
    ) -> Result<String, SetupError> {
        let mut filled = String::with_capacity(text.len());
        for part in Parts(text) {
            match part {
                Part::Text(plain) => filled.push_str(plain),
                Part::Place(name) => {
                    let known = self.place(name).or_else(|| more(name));
                    filled.push_str(&known.ok_or_else(|| SetupError::Place(name.to_owned()))?);
                }
            }
        }
        Ok(filled)
    }

    fn place(&self, name: &str) -> Option<String> {
        let shown = |path: PathBuf| path.display().to_string();
        match name.split_once('.') {
            Some(("port", port)) => self.ports.get(port).map(u16::to_string),
            Some(("sock", socket)) => Some(shown(self.run().join(format!("{socket}.sock")))),
            Some(_) => None,
            None => match name {
                "folder" => Some(shown(self.folder.clone())),
                "logs" => Some(shown(self.logs())),
                "run" => Some(shown(self.run())),
                _ => None,
            },
        }
    }
}

/// A listener on a port of the loopback of both families, where there are both.
fn free() -> io::Result<(Vec<TcpListener>, u16)> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..32 {
        let four = TcpListener::bind(("127.0.0.1", 0))?;
        let port = four.local_addr()?.port();
        match TcpListener::bind(("::1", port)) {
            Ok(six) => return Ok((vec![four, six], port)),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
            // There is no IPv6 here.
            Err(_) => return Ok((vec![four], port)),
        }
    }
    Err(last)
}

/// A piece of a text.
enum Part<'t> {
    Text(&'t str),
    Place(&'t str),
}

/// The pieces of a text, in order.
struct Parts<'t>(&'t str);

impl<'t> Iterator for Parts<'t> {
    type Item = Part<'t>;

    fn next(&mut self) -> Option<Part<'t>> {
        if self.0.is_empty() {
            return None;
        }
        let is_name = |name: &str| {
            let valid = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
            (1..=NAME).contains(&name.len())
                && name.bytes().all(valid)
                && name.starts_with(|c: char| c.is_ascii_lowercase())
        };
        if let Some((name, rest)) = self.0.strip_prefix('@').and_then(|rest| rest.split_once('@'))
            && is_name(name)
        {
            self.0 = rest;
            return Some(Part::Place(name));
        }
        let from = usize::from(self.0.starts_with('@'));
        let end = self.0.get(from..).and_then(|rest| rest.find('@')).map(|at| at + from);
        let (text, rest) = self.0.split_at_checked(end.unwrap_or(self.0.len()))?;
        self.0 = rest;
        Some(Part::Text(text))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn places() -> Places {
        Places { folder: "/p".into(), ports: [("shop".to_owned(), 4001)].into() }
    }

    #[test]
    fn places_are_put_in_and_everything_else_stays() {
        let fill = |text: &str| places().fill(text);
        assert_eq!(
            fill("http://127.0.0.1:@port.shop@; @sock.a@ @logs@/x").unwrap(),
            "http://127.0.0.1:4001; /p/run/a.sock /p/logs/x"
        );
        assert_eq!(fill("me@host.org and @ and @@x").unwrap(), "me@host.org and @ and @@x");
        assert_eq!(fill("@port.no@"), Err(SetupError::Place("port.no".into())));
        assert_eq!(
            places().fill_with("@now-5@", |name| Some(format!("<{name}>"))).unwrap(),
            "<now-5>"
        );
    }

    #[test]
    fn every_port_that_is_named_is_found_once() {
        let found = Places::find(Path::new("/p"), &["@port.a@ @port.b@", "@port.a@"]).unwrap();
        assert_eq!(found.ports.len(), 3);
        let different: BTreeSet<&u16> = found.ports.values().collect();
        assert_eq!(different.len(), 3);
    }

    proptest! {
        #[test]
        fn no_text_is_lost(text in "[a-z@. -]{0,60}") {
            let whole: String = Parts(&text)
                .map(|part| match part {
                    Part::Text(plain) => plain.to_owned(),
                    Part::Place(name) => format!("@{name}@"),
                })
                .collect();
            prop_assert_eq!(whole, text);
        }
    }
}
