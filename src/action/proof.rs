//! The request that proves: one GET through the gateway's own listener, asked only for a plan that
//! was confirmed, and who it was that answered.

use std::time::Duration;

use crate::{
    evidence::CaseFile,
    host::{
        clock,
        connect::From,
        http_get::{self, Answer, Get},
        netns,
    },
    observation::Text,
    verification::{Proof, ProofAnswer, Speaker},
};

/// Longest wait for one answer.
const LONGEST: Duration = Duration::from_secs(5);

/// Asks once, from the network namespace in which the gateway listens. `index` is the place of the
/// proof in its expectation.
pub async fn ask(proof: &Proof, index: usize, case: &CaseFile, deadline: Duration) -> ProofAnswer {
    let get = Get {
        listen: proof.listen,
        tls: proof.tls,
        host: proof.host.raw().to_owned(),
        path: proof.path.raw().to_owned(),
    };
    let answer = http_get::get(get, from(proof, case), deadline.min(LONGEST)).await;
    let at = clock::now();
    match answer {
        Ok(answer) => {
            let speaker = speaker(&answer);
            let status = Some(answer.status);
            ProofAnswer { at, proof: index, status, speaker, failure: None }
        }
        Err(error) => {
            let failure = Some(Text::new(error.to_string()));
            ProofAnswer { at, proof: index, status: None, speaker: Speaker::Gateway, failure }
        }
    }
}

fn from(proof: &Proof, case: &CaseFile) -> From {
    let gateway = case.gateways.get(&proof.gateway);
    let place = gateway.and_then(|gateway| {
        let pid = gateway.master.or_else(|| gateway.workers.first().copied())?;
        // The master that is remembered may have ended in the restart that is being proven.
        let alive = |pid: &u32| netns::of(*pid).is_some();
        let pid =
            Some(pid).filter(alive).or_else(|| gateway.workers.iter().copied().find(alive))?;
        Some((pid, gateway.netns?))
    });
    match place {
        Some((pid, netns)) if netns::own() != Some(netns) => From::Inside { pid, netns },
        _ => From::Here,
    }
}

/// Who made an answer. A gateway is told by the form of its own pages; a page that somebody set
/// with `error_page` cannot be told from the application's.
pub fn speaker(answer: &Answer) -> Speaker {
    let body = String::from_utf8_lossy(&answer.body);
    let server = answer.server.raw().to_ascii_lowercase();
    if body.trim().is_empty() {
        // Without a page the status must do: redirects and errors of gateways have pages, and
        // these three are what a gateway says about what is behind it.
        let own = matches!(answer.status, 502..=504);
        return if own { Speaker::Gateway } else { Speaker::Behind };
    }
    let nginx = ["nginx", "openresty", "angie", "tengine", "freenginx"];
    // ngx_http_special_response.c; with server_tokens off there is no version.
    let signed = nginx.iter().any(|name| body.contains(&format!("<center>{name}")));
    let head = format!("<head><title>{} ", answer.status);
    let framed = body.contains(&head)
        && body.contains("<center><h1>")
        && nginx.iter().any(|name| server.starts_with(name));
    if signed || framed || is_apache(&body) || is_haproxy(&body, answer.status) {
        Speaker::Gateway
    } else {
        Speaker::Behind
    }
}

/// Apache's pages (`http_protocol.c`): `mod_proxy`'s own words, or its frame.
fn is_apache(body: &str) -> bool {
    const WORDS: [&str; 4] = [
        "The proxy server received an invalid",
        "The proxy server could not handle the request",
        "The server is temporarily unable to service your",
        "The gateway did not receive a timely response",
    ];
    body.starts_with("<!DOCTYPE HTML PUBLIC ")
        && (WORDS.iter().any(|words| body.contains(words)) || body.contains("<address>Apache"))
}

/// `HAProxy`'s pages (`http.c`).
fn is_haproxy(body: &str, status: u16) -> bool {
    const WORDS: [&str; 6] = [
        "No server is available to handle this request.",
        "The server returned an invalid or incomplete response.",
        "The server didn't respond in time.",
        "Your browser didn't send a complete request in time.",
        "Your browser sent an invalid request.",
        "Request forbidden by administrative rules.",
    ];
    body.trim_start().starts_with(&format!("<html><body><h1>{status} "))
        && WORDS.iter().any(|words| body.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, server: &str, body: &str) -> Speaker {
        let body = body.as_bytes().to_vec();
        speaker(&Answer { status, server: Text::new(server), body })
    }

    #[test]
    fn pages_that_gateways_make_themselves_are_told_from_those_of_applications() {
        let nginx = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
                     <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.22.1</center>";
        let apache = "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n\
                      <title>502 Proxy Error</title>\n</head><body>\n<h1>Proxy Error</h1>\n\
                      <p>The proxy server received an invalid\r\nresponse from an upstream server.";
        let haproxy = "<html><body><h1>503 Service Unavailable</h1>\n\
                       No server is available to handle this request.\n</body></html>\n";
        for (status, body) in [(502, nginx), (502, apache), (503, haproxy)] {
            assert_eq!(told(status, "", body), Speaker::Gateway, "{body}");
        }
        assert_eq!(
            told(404, "openresty", &nginx.replace("nginx", "my gate").replace("502 ", "404 ")),
            Speaker::Gateway
        );
        assert_eq!(told(504, "nginx", ""), Speaker::Gateway);
        assert_eq!(told(204, "nginx", ""), Speaker::Behind);
        assert_eq!(told(502, "nginx", "{\"error\":\"upstream of mine\"}"), Speaker::Behind);
        assert_eq!(told(404, "nginx", "<h1>404 Not Found</h1><p>shop</p>"), Speaker::Behind);
        assert_eq!(told(200, "nginx", "all about nginx and its <h1>"), Speaker::Behind);
    }
}
