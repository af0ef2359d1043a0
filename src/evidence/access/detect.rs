//! Which format lines are in, when nobody says.

use jiff::tz::TimeZone;

use crate::observation::{AccessFormat, AccessSyntax, Text, Wall};

use super::{AccessParser, Reading};

/// A format to read lines by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As a configuration tells it, or as a gateway has it without being told.
    Told(AccessFormat),
    /// The common or combined format of nginx and Apache, with anything behind it.
    Combined,
    /// Named values.
    Pairs,
    /// Values that are told by their look.
    Loose,
}

/// Name of the format of AWS's application load balancers, which is written here as Envoy would
/// (<https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html>).
const ALB: &str = "AWS load balancer";
const ALB_FORMAT: &str = r#"%TYPE% %START_TIME% %ELB% %CLIENT% %UPSTREAM_HOST% %T1% %T2% %T3% %RESPONSE_CODE% %TARGET_STATUS% %BYTES_RECEIVED% %BYTES_SENT% "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" "%REQ(USER-AGENT)%" %REST%"#;

impl Shape {
    /// What it is, in words.
    pub fn words(&self) -> String {
        match self {
            Self::Told(format) => match (format.syntax, format.name.raw()) {
                (AccessSyntax::Json, _) => "JSON".into(),
                (AccessSyntax::Haproxy, "") => "HAProxy, HTTP".into(),
                (AccessSyntax::Envoy, "") => "Envoy".into(),
                (AccessSyntax::Traefik, "") => "Traefik".into(),
                (AccessSyntax::Envoy, ALB) => ALB.into(),
                (syntax, _) => {
                    let gateway = match syntax {
                        AccessSyntax::Nginx => "nginx",
                        AccessSyntax::Apache => "Apache",
                        AccessSyntax::Haproxy => "HAProxy",
                        AccessSyntax::Caddy => "Caddy",
                        AccessSyntax::Traefik => "Traefik",
                        AccessSyntax::Envoy => "Envoy",
                        AccessSyntax::Json => "JSON",
                    };
                    format!("{gateway}, {}", format.name)
                }
            },
            Self::Combined => "common or combined".into(),
            Self::Pairs => "named values".into(),
            Self::Loose => "a format of their own".into(),
        }
    }

    /// The gateway whose own events stand in such a log too.
    pub fn is_haproxy(&self) -> bool {
        matches!(self, Self::Told(format) if format.syntax == AccessSyntax::Haproxy)
    }

    /// Whether it is JSON.
    pub fn is_json(&self) -> bool {
        matches!(
            self,
            Self::Told(AccessFormat { syntax: AccessSyntax::Json | AccessSyntax::Caddy, .. })
        )
    }
}

/// Every format that is tried: the more special one first.
fn candidates() -> Vec<Shape> {
    let told = |syntax, name: &str, pattern: &str| {
        Shape::Told(AccessFormat { name: Text::from(name), pattern: Text::from(pattern), syntax })
    };
    vec![
        told(AccessSyntax::Json, "", ""),
        told(AccessSyntax::Haproxy, "", ""),
        told(AccessSyntax::Haproxy, "httpslog", ""),
        told(AccessSyntax::Haproxy, "clf", ""),
        told(AccessSyntax::Envoy, "istio", ""),
        told(AccessSyntax::Envoy, "", ""),
        told(AccessSyntax::Traefik, "", ""),
        told(AccessSyntax::Envoy, ALB, ALB_FORMAT),
        Shape::Combined,
        Shape::Pairs,
        Shape::Loose,
    ]
}

/// The format that most of these lines are in; `None` when not one of them is a request.
#[expect(clippy::needless_pass_by_value, reason = "an iterator over borrowed lines is small")]
pub fn detect<'a>(lines: impl Iterator<Item = &'a [u8]> + Clone, zone: &TimeZone) -> Option<Shape> {
    let mut best: Option<(usize, Shape)> = None;
    for shape in candidates() {
        let Ok(mut parser) = AccessParser::of(&shape, zone.clone()) else { continue };
        let request =
            |line: &[u8]| matches!(parser.read(line, Wall(i64::MAX)), Reading::Request(_));
        let all = || lines.clone().filter(|line| !line.is_empty());
        let fits = all().map(request).filter(|fits| *fits).count();
        // A program that now and then tells of a request writes no access log.
        if matches!(shape, Shape::Loose) && fits * 2 <= all().count() {
            continue;
        }
        if fits > best.as_ref().map_or(0, |(most, _)| *most) {
            best = Some((fits, shape));
        }
    }
    best.map(|(_, shape)| shape)
}
