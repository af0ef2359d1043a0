//! The fingerprints of `assets/fingerprints/`: how the answers of gateways, load balancers, content
//! networks and platforms look.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use crate::observation::Reply;

const FILES: [&str; 5] = [
    include_str!("../../../assets/fingerprints/gateways.toml"),
    include_str!("../../../assets/fingerprints/aws.toml"),
    include_str!("../../../assets/fingerprints/cdns.toml"),
    include_str!("../../../assets/fingerprints/clouds.toml"),
    include_str!("../../../assets/fingerprints/servers.toml"),
];

/// What kind of hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HopKind {
    /// A program that runs on one's own servers.
    Gateway,
    /// A load balancer of a cloud.
    LoadBalancer,
    /// A content network.
    Cdn,
    /// A platform that runs the application.
    Platform,
}

impl HopKind {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::LoadBalancer => "load-balancer",
            Self::Cdn => "cdn",
            Self::Platform => "platform",
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    hop: Vec<Hop>,
}

/// One kind of hop.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hop {
    name: String,
    title: String,
    kind: HopKind,
    #[serde(default)]
    console: Vec<String>,
    mark: Vec<Mark>,
}

/// One form of answer. Everything that it names must fit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Its name.
    pub id: String,
    /// Which mark counts when several fit, the heaviest first.
    weight: u8,
    /// Whether the hop made the answer; else it only shows that the hop is on the way.
    pub made: bool,
    /// Whether the page itself says that those behind the hop answered so.
    #[serde(default)]
    pub behind: bool,
    /// Why it is told by this, in a sentence fragment.
    pub why: String,
    /// Statuses that it is for; all when empty.
    #[serde(default)]
    status: Vec<u16>,
    /// Header (several names stand with `|` between) and what its value must fit; a header that is
    /// missing counts as empty.
    #[serde(default)]
    header: Vec<(String, String)>,
    /// What the body must fit.
    #[serde(default)]
    body: Vec<String>,
    /// Whether the body must be empty.
    #[serde(default)]
    empty: bool,
    /// What the host of the URL must fit.
    #[serde(default)]
    host: Option<String>,
    /// Causes that it may be.
    #[serde(default)]
    pub may_be: Vec<String>,
    /// Real answers; only tests read them.
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "samples are read by tests"))]
    sample: Vec<Sample>,
    #[serde(skip)]
    compiled: Compiled,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(not(test), expect(dead_code, reason = "samples are read by tests"))]
struct Sample {
    status: u16,
    #[serde(default)]
    host: String,
    headers: Vec<(String, String)>,
    body: String,
}

#[derive(Debug, Default)]
struct Compiled {
    headers: Vec<(Vec<String>, Regex)>,
    body: Vec<Regex>,
    host: Option<Regex>,
}

/// All of them.
#[derive(Debug)]
pub struct Fingerprints {
    hops: Vec<Hop>,
}

/// A mark that fits an answer.
#[derive(Clone, Copy, Debug)]
pub struct MarkMatch {
    /// The hop's name, for scripts.
    pub hop: &'static str,
    /// The hop's name, for people.
    pub title: &'static str,
    /// Its kind.
    pub kind: HopKind,
    /// What only its own console shows.
    pub console: &'static [String],
    /// The mark.
    pub mark: &'static Mark,
}

impl Fingerprints {
    /// Those that are built in.
    ///
    /// What is malformed is left out; a test holds the files to being whole.
    pub fn embedded() -> &'static Self {
        static ALL: LazyLock<Fingerprints> = LazyLock::new(|| {
            let files = FILES.iter().filter_map(|text| toml::from_str::<File>(text).ok());
            let mut hops: Vec<Hop> = files.flat_map(|file| file.hop).collect();
            for mark in hops.iter_mut().flat_map(|hop| &mut hop.mark) {
                mark.compiled = mark.compile().unwrap_or_default();
            }
            Fingerprints { hops }
        });
        &ALL
    }

    /// The hop that made an answer, if it is known by its form, and the hops that show that they
    /// are on the way; `host` is that of the URL.
    pub fn read(&'static self, reply: &Reply, host: &str) -> (Option<MarkMatch>, Vec<MarkMatch>) {
        let mut fits: Vec<MarkMatch> = Vec::new();
        for hop in &self.hops {
            for mark in hop.mark.iter().filter(|mark| mark.fits(reply, host)) {
                let (title, kind, console) = (hop.title.as_str(), hop.kind, hop.console.as_slice());
                fits.push(MarkMatch { hop: &hop.name, title, kind, console, mark });
            }
        }
        // The sort is stable: of equal weights the first in the files wins.
        fits.sort_by_key(|fit| std::cmp::Reverse(fit.mark.weight));
        let maker = fits.iter().find(|fit| fit.mark.made && reply.status >= 500).copied();
        let mut passed: Vec<MarkMatch> = Vec::new();
        for fit in fits {
            let known = passed.iter().any(|other| other.hop == fit.hop)
                || maker.is_some_and(|maker| maker.hop == fit.hop);
            if !fit.mark.made && !known {
                passed.push(fit);
            }
        }
        (maker, passed)
    }
}

impl Mark {
    fn compile(&self) -> Result<Compiled, regex::Error> {
        let headers = self.header.iter().map(|(names, pattern)| {
            let names = names.split('|').map(str::to_owned).collect();
            Ok((names, Regex::new(pattern)?))
        });
        Ok(Compiled {
            headers: headers.collect::<Result<_, regex::Error>>()?,
            body: self.body.iter().map(|p| Regex::new(p)).collect::<Result<_, _>>()?,
            host: self.host.as_deref().map(Regex::new).transpose()?,
        })
    }

    fn fits(&self, reply: &Reply, host: &str) -> bool {
        let Compiled { headers, body, host: pattern } = &self.compiled;
        let nothing = headers.is_empty() && body.is_empty() && pattern.is_none();
        let header = |(names, pattern): &(Vec<String>, Regex)| {
            let named = |(name, _): &&(String, _)| names.contains(name);
            let mut values = reply.headers.iter().filter(named).peekable();
            if values.peek().is_none() {
                return pattern.is_match("");
            }
            values.any(|(_, value)| pattern.is_match(value.raw()))
        };
        !nothing
            && (self.status.is_empty() || self.status.contains(&reply.status))
            && (!self.empty || reply.body.trim().is_empty())
            && pattern.as_ref().is_none_or(|pattern| pattern.is_match(host))
            && headers.iter().all(header)
            && body.iter().all(|pattern| pattern.is_match(&reply.body))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::observation::Text;

    fn reply(sample: &Sample) -> Reply {
        let header = |(name, value): &(String, String)| (name.clone(), Text::new(value));
        Reply {
            status: sample.status,
            headers: sample.headers.iter().map(header).collect(),
            body: sample.body.clone(),
            cut: Text::default(),
        }
    }

    #[test]
    fn every_file_is_whole_and_every_mark_has_its_reason_and_a_sample() {
        let mut ids = BTreeSet::new();
        for text in FILES {
            let file: File = toml::from_str(text).unwrap();
            for mark in file.hop.iter().flat_map(|hop| &hop.mark) {
                mark.compile().unwrap();
                assert!(ids.insert(mark.id.clone()), "{} stands twice", mark.id);
                assert!(!mark.why.is_empty() && !mark.sample.is_empty(), "{}", mark.id);
                for cause in &mark.may_be {
                    assert!(crate::diagnosis::words::CauseText::get(cause).is_some(), "{cause}");
                }
            }
        }
    }

    #[test]
    fn every_sample_is_told_by_its_own_mark() {
        let all = Fingerprints::embedded();
        for mark in all.hops.iter().flat_map(|hop| &hop.mark) {
            for sample in &mark.sample {
                let (maker, passed) = all.read(&reply(sample), &sample.host);
                let told = |m: &MarkMatch| m.mark.id == mark.id;
                if mark.made {
                    assert!(maker.as_ref().is_some_and(told), "{}: {maker:?}", mark.id);
                } else {
                    assert!(passed.iter().any(|m| told(m)), "{}: {passed:?}", mark.id);
                }
            }
        }
    }

    #[test]
    fn a_page_of_the_origin_behind_a_content_network_is_the_origins() {
        let all = Fingerprints::embedded();
        let mark =
            all.hops.iter().flat_map(|hop| &hop.mark).find(|m| m.id == "nginx-page").unwrap();
        let (maker, passed) = all.read(&reply(&mark.sample[1]), "shop.example");
        assert_eq!(maker.unwrap().hop, "nginx");
        assert_eq!(passed.iter().map(|m| m.hop).collect::<Vec<_>>(), ["cloudflare"]);
    }

    #[test]
    fn what_an_application_says_is_nobodys_page() {
        for (status, server, body) in [
            (502, "nginx", "{\"error\":\"upstream of mine\"}"),
            (500, "gunicorn", "<h1>Internal Server Error</h1>"),
            (200, "nginx", "<hr><center>nginx</center><center><h1>502 Bad Gateway</h1></center>"),
            (503, "", "Service Unavailable: we are making a backup"),
        ] {
            let headers = vec![("server".to_owned(), Text::new(server))];
            let body = body.to_owned();
            let reply = Reply { status, headers, body, cut: Text::default() };
            let (maker, _) = Fingerprints::embedded().read(&reply, "shop.example");
            assert!(maker.is_none(), "{maker:?}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_harm(
            status in 0..u16::MAX, body in "(<center>|nginx|.{0,8}){0,9}", name in "(server|via|cf-ray)", value in ".{0,30}"
        ) {
            let headers = vec![(name, Text::new(value))];
            let reply = Reply { status, headers, body, cut: Text::default() };
            let (maker, _) = Fingerprints::embedded().read(&reply, "");
            prop_assert!(status >= 500 || maker.is_none());
        }
    }
}
