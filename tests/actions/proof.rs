//! The request that proves, through real gateways.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::Command,
    sync::mpsc,
    time::Duration,
};

use gatemedic::{
    action::proof,
    evidence::CaseFile,
    observation::{NetNs, Text},
    verification::{Proof, ProofAnswer, Speaker},
};

use super::gateway::Nginx;

/// A wait that only a hang reaches.
const HANG: Duration = Duration::from_secs(5);

/// An application that answers every request with `answer` and tells what it was asked.
fn application(answer: &'static [u8]) -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let (told, asked) = mpsc::sync_channel(64);
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut head = Vec::new();
            let mut chunk = [0; 1024];
            while !head.windows(4).any(|w| w == b"\r\n\r\n") {
                match stream.read(&mut chunk) {
                    Ok(1..) => head.extend_from_slice(&chunk[..]),
                    _ => break,
                }
            }
            head.retain(|b| *b != 0);
            let _ = told.try_send(String::from_utf8_lossy(&head).into_owned());
            let _ = stream.write_all(answer);
        }
    });
    (at, asked)
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn case(nginx: &Nginx) -> (CaseFile, gatemedic::observation::GatewayId) {
    let gateway = nginx.gateway();
    let id = gateway.id.clone();
    let mut case = CaseFile::new();
    case.gateways.insert(id.clone(), gateway);
    (case, id)
}

async fn ask(nginx: &Nginx, listen: SocketAddr, tls: bool, path: &str) -> ProofAnswer {
    let (mut case, gateway) = case(nginx);
    let netns = gatemedic::host::netns::of(nginx.master()).unwrap_or(NetNs(0));
    case.gateways.get_mut(&gateway).unwrap().netns = Some(netns);
    let host = Text::new("shop.lan");
    let proof = Proof { gateway, listen, tls, host, path: Text::new(path), times: 3 };
    proof::ask(&proof, 7, &case, HANG).await
}

#[tokio::test]
async fn an_answer_is_the_applications_or_the_gateways_own() {
    let listen = free();
    let (app, asked) = application(b"HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n");
    let dead = free();
    let Some(nginx) = Nginx::start(&format!(
        "server {{ listen {listen}; server_name shop.lan;\n\
         location / {{ proxy_pass http://{app}; proxy_set_header Host $host; }}\n\
         location /dead {{ proxy_pass http://{dead}; }}\n\
         location /none {{ return 404; }} }}"
    )) else {
        return;
    };
    let answer = ask(&nginx, listen, false, "/cart").await;
    assert_eq!((answer.status, answer.speaker, answer.proof), (Some(302), Speaker::Behind, 7));
    assert!(answer.is_good() && answer.at.boot.0 > 0, "a redirect is not followed: {answer:?}");
    let head = asked.recv_timeout(HANG).unwrap().to_ascii_lowercase();
    assert!(head.starts_with("get /cart http/1."), "{head}");
    for line in ["host: shop.lan\r\n", "user-agent: gatemedic/", "x-502-probe: 1\r\n"] {
        assert!(head.contains(line), "{head}");
    }
    assert!(!head.contains("cookie") && !head.contains("authorization"), "{head}");
    assert!(asked.try_recv().is_err(), "one request only");
    let answer = ask(&nginx, listen, false, "/dead").await;
    assert_eq!((answer.status, answer.speaker), (Some(502), Speaker::Gateway));
    let answer = ask(&nginx, listen, false, "/none").await;
    assert_eq!((answer.status, answer.speaker), (Some(404), Speaker::Gateway));
    let answer = ask(&nginx, dead, false, "/").await;
    assert!(answer.status.is_none() && answer.failure.is_some() && !answer.is_good());
}

#[tokio::test]
async fn a_broken_answer_and_an_endless_one_end() {
    let Some(nginx) = Nginx::start("") else { return };
    let (garbage, _) = application(b"SSH-2.0-OpenSSH\r\n");
    let answer = ask(&nginx, garbage, false, "/").await;
    assert!(answer.status.is_none(), "{answer:?}");
    let (short, _) = application(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf");
    let answer = ask(&nginx, short, false, "/").await;
    assert!(!answer.is_good(), "a body that breaks off proves nothing: {answer:?}");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = listener.local_addr().unwrap();
    let (case, gateway) = case(&nginx);
    let (host, path) = (Text::new("shop.lan"), Text::new("/"));
    let proof = Proof { gateway, listen: silent, tls: false, host, path, times: 1 };
    let answer = proof::ask(&proof, 0, &case, Duration::from_millis(300)).await;
    assert!(answer.failure.unwrap().raw().contains("300 ms"));
    let endless = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = endless.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = endless.accept().unwrap();
        // An answer before the question would be refused.
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        let much = vec![b'a'; 65_536];
        while stream.write_all(&much).is_ok() {}
    });
    assert_eq!(ask(&nginx, at, false, "/").await.status, Some(200));
}

#[tokio::test]
async fn a_certificate_that_nobody_signed_is_no_obstacle_and_the_name_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let (key, cert) = (dir.path().join("key.pem"), dir.path().join("cert.pem"));
    let made = Command::new("/usr/bin/openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=x"])
        .args([Path::new("-keyout"), &key, Path::new("-out"), &cert])
        .output();
    if !made.is_ok_and(|output| output.status.success()) {
        println!("skipped: openssl is not installed");
        return;
    }
    let listen = free();
    let (key, cert) = (key.display(), cert.display());
    let ssl = format!("ssl_certificate {cert}; ssl_certificate_key {key};");
    let Some(nginx) = Nginx::start(&format!(
        "server {{ listen {listen} ssl default_server; {ssl} return 421; }}\n\
         server {{ listen {listen} ssl; server_name shop.lan; {ssl}\n\
         location / {{ return 200 \"by $ssl_server_name\"; }} }}"
    )) else {
        return;
    };
    assert_eq!(ask(&nginx, listen, true, "/").await.status, Some(200));
    assert_eq!(ask(&nginx, listen, false, "/").await.status, Some(400));
}

#[tokio::test]
async fn a_gateway_in_another_network_namespace_is_asked_from_inside() {
    if !super::ground::is_root() {
        return;
    }
    let mut trial = Command::new("/usr/bin/unshare");
    let unshared = trial.args(["-n", "ip", "link", "set", "lo", "up"]).output();
    if !unshared.is_ok_and(|output| output.status.success()) {
        println!("skipped: no network namespace can be made");
        return;
    }
    let listen = SocketAddr::from(([127, 0, 0, 1], 8080));
    let server = format!("server {{ listen {listen}; return 200 inside; }}");
    let Some(nginx) = Nginx::start_in(&server, true) else { return };
    let answer = ask(&nginx, listen, false, "/").await;
    assert_eq!(answer.status, Some(200), "{answer:?}");
}
