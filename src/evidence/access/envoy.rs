//! Envoy's format strings
//! (<https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage>).

use super::{
    field::{Field, Unit},
    template::Template,
};

const DEFAULT: &str = r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%""#;
/// The default of Istio's proxies.
pub(super) const ISTIO: &str = r#"[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%"#;

/// Reads a format; Envoy's default when it is empty.
pub(super) fn template(pattern: &str) -> Template {
    let pattern = pattern.trim_end_matches(['\n', '\r']);
    let pattern = pattern.strip_suffix("\\n").unwrap_or(pattern);
    let mut rest = if pattern.trim().is_empty() { DEFAULT } else { pattern };
    let mut out = Template::default();
    while let Some(at) = rest.find('%') {
        let (text, tail) = rest.split_at(at);
        out.text(text);
        let tail = tail.get(1..).unwrap_or_default();
        if let Some(after) = tail.strip_prefix('%') {
            out.text("%");
            rest = after;
            continue;
        }
        let Some((name, argument, after)) = command(tail) else {
            out.text("%");
            rest = tail;
            continue;
        };
        rest = after;
        match (name, argument) {
            ("START_TIME", "") => out.value(Field::TimeZoned),
            ("START_TIME", format) => start(&mut out, format),
            _ => out.value(field(name, argument)),
        }
    }
    out.text(rest);
    out
}

/// `NAME(ARGUMENT):LENGTH%`, with what follows.
fn command(text: &str) -> Option<(&str, &str, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))?;
    let (name, rest) = text.split_at_checked(end)?;
    let (argument, rest) = match rest.strip_prefix('(') {
        Some(inner) => inner.split_once(')')?,
        None => ("", rest),
    };
    let (_, after) = rest.split_once('%')?;
    (!name.is_empty()).then_some((name, argument, after))
}

/// A time in Envoy's own `strftime`: `%3f` are three digits of the fraction, `%s` are seconds.
fn start(out: &mut Template, format: &str) {
    let mut plain = format.to_owned();
    for digits in ["%1f", "%2f", "%3f", "%4f", "%5f", "%6f", "%7f", "%8f", "%9f"] {
        plain = plain.replace(digits, "%f");
    }
    match plain.as_str() {
        "%s" | "%s.%f" => out.value(Field::Epoch(Unit::Seconds)),
        // Envoy writes UTC.
        _ => out.time(&plain, true),
    }
}

fn field(name: &str, argument: &str) -> Field {
    match name {
        "RESPONSE_CODE" => Field::LooseStatus,
        "RESPONSE_FLAGS" => Field::Flags,
        "RESPONSE_CODE_DETAILS" => Field::Details,
        "UPSTREAM_HOST" => Field::UpstreamAddr,
        "UPSTREAM_CLUSTER" => Field::Backend,
        "UPSTREAM_REQUEST_ATTEMPT_COUNT" => Field::Attempts,
        "DURATION" => Field::RequestTime(Unit::Millis),
        "RESP" if argument.eq_ignore_ascii_case("x-envoy-upstream-service-time") => {
            Field::UpstreamTime(Unit::Millis)
        }
        "REQ" => match argument.to_ascii_lowercase().as_str() {
            ":method" => Field::Method,
            ":path" | "x-envoy-original-path?:path" => Field::Uri,
            ":authority" | "host" => Field::Host,
            "user-agent" => Field::Agent,
            _ => Field::Other,
        },
        _ => Field::Other,
    }
}
