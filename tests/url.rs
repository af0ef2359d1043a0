//! Asking a URL: servers that redirect, never end, break off, say nothing or have bad certificates,
//! and the answers of real gateways.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::allow_attributes,
    reason = "a test may fail loudly, and this one runs servers of its own"
)]

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use gatemedic::{
    diagnosis::url::Fingerprints,
    host::visit::{self, BODY_LIMIT, Target, Token},
    observation::{Reply, Visit, VisitFailure},
};
use rustls::{
    ServerConfig, ServerConnection, Stream,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// A server that hands each connection, its request read, to `answer`.
struct Server {
    port: u16,
    requests: Arc<AtomicUsize>,
}

fn serve(answer: impl Fn(&mut TcpStream) + Send + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            counter.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4096]);
            answer(&mut stream);
        }
    });
    Server { port, requests }
}

fn says(text: &'static str) -> Server {
    serve(move |stream| drop(stream.write_all(text.as_bytes())))
}

fn ask_within(url: &str, limit: Duration) -> Visit {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(visit::public(&Target::parse(url).unwrap(), &Token::new(), limit))
}

fn ask(port: u16) -> Visit {
    ask_within(&format!("http://127.0.0.1:{port}/a?b=c"), Duration::from_secs(10))
}

fn reply(visit: Visit) -> Reply {
    visit.outcome.unwrap_or_else(|failure| panic!("{failure}"))
}

#[test]
fn a_redirect_is_told_and_not_followed() {
    let other = says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let to = other.port;
    let server = serve(move |stream| {
        let _ = write!(
            stream,
            "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:{to}/\r\nContent-Length: 0\r\n\r\n"
        );
    });
    let found = reply(ask(server.port));
    assert_eq!(found.status, 301);
    assert!(found.header("location").is_some());
    assert_eq!(server.requests.load(Ordering::SeqCst), 1);
    assert_eq!(other.requests.load(Ordering::SeqCst), 0);
}

#[test]
fn a_body_without_end_is_cut_and_one_that_breaks_off_says_so() {
    let endless = serve(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n");
        while stream.write_all(&[b'x'; 8192]).is_ok() {}
    });
    let found = reply(ask(endless.port));
    assert_eq!((found.status, found.body.len()), (502, BODY_LIMIT));
    let torn = says("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 100\r\n\r\nhalf");
    let found = reply(ask(torn.port));
    assert_eq!((found.status, found.body.as_str()), (502, "half"));
    assert!(found.cut.raw().contains("breaks off"), "{}", found.cut);
}

#[test]
fn a_server_that_says_nothing_or_trickles_is_given_up() {
    let limit = Duration::from_millis(300);
    let silent = serve(|_| thread::park());
    let found = ask_within(&format!("http://127.0.0.1:{}/", silent.port), limit);
    assert_eq!(found.outcome, Err(VisitFailure::Late(300)));
    let trickles = serve(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 504 Gateway Time-out\r\n\r\nbegin");
        thread::park();
    });
    let found = reply(ask_within(&format!("http://127.0.0.1:{}/", trickles.port), limit));
    assert_eq!((found.status, found.body.as_str()), (504, "begin"));
    assert!(found.cut.raw().contains("not whole"), "{}", found.cut);
}

#[test]
fn garbage_a_closed_door_and_a_server_that_hangs_up_are_told_apart() {
    for text in ["SSH-2.0-OpenSSH_9.2\r\n", "\u{1}\u{2}\u{3}", ""] {
        let found = ask(says(text).port);
        assert!(matches!(found.outcome, Err(VisitFailure::Broken(_))), "{text:?}: {found:?}");
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert!(matches!(ask(port).outcome, Err(VisitFailure::Connect(_))));
    let found = ask_within("http://no-such-name.invalid/", Duration::from_secs(10));
    assert!(matches!(found.outcome, Err(VisitFailure::Name(_) | VisitFailure::Late(_))));
}

#[test]
fn the_request_is_marked_and_carries_nothing_of_a_persons() {
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = vec![0; 4096];
        let n = stream.read(&mut request).unwrap();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        tell.send(String::from_utf8_lossy(&request[..n]).to_ascii_lowercase()).unwrap();
    });
    reply(ask(port));
    let request = told.recv().unwrap();
    assert!(request.starts_with("get /a?b=c http/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nuser-agent: gatemedic/"), "{request}");
    assert!(request.contains("\r\nx-502-probe: "), "{request}");
    for header in ["cookie:", "authorization:", "referer:", "accept-language:"] {
        assert!(!request.contains(header), "{request}");
    }
}

#[test]
fn plain_speech_on_a_tls_port_fails_as_tls() {
    let plain = says("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    let url = format!("https://127.0.0.1:{}/", plain.port);
    let found = ask_within(&url, Duration::from_secs(10));
    assert!(matches!(found.outcome, Err(VisitFailure::Tls(_))), "{found:?}");
}

#[test]
fn a_certificate_that_nobody_trusts_is_told_and_the_answer_too() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name).display().to_string();
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"])
        .args(["-subj", "/CN=localhost", "-keyout", &file("key"), "-out", &file("cert")])
        .stderr(Stdio::null())
        .status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no openssl");
        return;
    }
    let cert = CertificateDer::from_pem_file(file("cert")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut tls = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut both = Stream::new(&mut tls, &mut stream);
            if both.read(&mut [0; 4096]).is_ok_and(|n| n > 0) {
                counter.fetch_add(1, Ordering::SeqCst);
                let _ = both.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
            }
        }
    });
    let found = ask_within(&format!("https://127.0.0.1:{port}/"), Duration::from_secs(10));
    assert!(found.untrusted.raw().contains("certificate"), "{found:?}");
    assert_eq!(reply(found).status, 502);
    assert_eq!(requests.load(Ordering::SeqCst), 1, "only one connection carries a request");
    let url = format!("https://127.0.0.1:{port}/reset?code=s3cret");
    let found = ask_within(&url, Duration::from_secs(10));
    assert!(matches!(&found.outcome, Err(VisitFailure::Tls(why)) if why.raw().contains("query")));
    assert_eq!(requests.load(Ordering::SeqCst), 1, "a query is not sent to whom nobody trusts");
}

#[test]
fn a_gateway_of_this_host_is_asked_without_the_query() {
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = vec![0; 4096];
        let n = stream.read(&mut request).unwrap();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        tell.send(String::from_utf8_lossy(&request[..n]).into_owned()).unwrap();
    });
    let target = Target::parse("http://shop.example/reset?code=s3cret").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let place = visit::Local { listen, tls: false, from: gatemedic::host::connect::From::Here };
    let found = runtime.block_on(visit::local(&target, &Token::new(), place));
    assert_eq!(found.status(), Some(200));
    let request = told.recv().unwrap();
    assert!(request.starts_with("GET /reset HTTP/1.1\r\n"), "{request}");
    assert!(!request.contains("s3cret"), "{request}");
}

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn start(program: &str, arguments: &[&str], home: &Path, port: u16) -> Option<Running> {
    if !Path::new(program).exists() {
        eprintln!("skipped: there is no {program}");
        return None;
    }
    let child = Command::new(program)
        .args(arguments)
        .env("HOME", home)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let running = Running(child);
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(began.elapsed() < Duration::from_secs(20), "{program} does not listen");
        thread::yield_now();
    }
    Some(running)
}

/// The maker of an answer, by its form.
fn maker(port: u16) -> (u16, Option<&'static str>) {
    let found = reply(ask(port));
    let (maker, _) = Fingerprints::embedded().read(&found, "127.0.0.1");
    (found.status, maker.map(|maker| maker.hop))
}

#[test]
fn real_gateways_are_known_by_the_answers_they_make() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path().display();
    let write = |name: &str, text: String| {
        fs::write(dir.path().join(name), text).unwrap();
        dir.path().join(name).display().to_string()
    };
    let dead = free_port();
    let port = free_port();
    let conf = write(
        "nginx.conf",
        format!(
            "daemon off; master_process off; pid {d}/nginx.pid; error_log {d}/nginx.err; events {{}}\n\
             http {{ access_log off; client_body_temp_path {d}/b; proxy_temp_path {d}/p;\n\
             fastcgi_temp_path {d}/f; uwsgi_temp_path {d}/u; scgi_temp_path {d}/s;\n\
             server {{ listen 127.0.0.1:{port}; server_tokens off;\n\
             location / {{ proxy_pass http://127.0.0.1:{dead}; }} }} }}"
        ),
    );
    if let Some(_nginx) = start("/usr/sbin/nginx", &["-c", &conf], dir.path(), port) {
        assert_eq!(maker(port), (502, Some("nginx")));
    }
    let port = free_port();
    let conf = write(
        "haproxy.cfg",
        format!(
            "defaults\n mode http\n timeout connect 1s\n timeout client 5s\n timeout server 5s\n\
             frontend f\n bind 127.0.0.1:{port}\n default_backend b\nbackend b\n retries 0\n\
             server s 127.0.0.1:{dead}\n"
        ),
    );
    if let Some(_haproxy) = start("/usr/sbin/haproxy", &["-f", &conf], dir.path(), port) {
        assert_eq!(maker(port), (503, Some("haproxy")));
    }
    let port = free_port();
    let conf = write(
        "Caddyfile",
        format!(
            "{{\n admin off\n auto_https off\n}}\nhttp://127.0.0.1:{port} {{\n \
             reverse_proxy 127.0.0.1:{dead}\n}}\n"
        ),
    );
    let caddy = ["run", "--config", &conf, "--adapter", "caddyfile"];
    if let Some(_caddy) = start("/usr/bin/caddy", &caddy, dir.path(), port) {
        assert_eq!(maker(port), (502, Some("caddy")));
    }
    let port = free_port();
    let modules = "/usr/lib/apache2/modules";
    let load = ["mpm_event", "authz_core", "proxy", "proxy_http"]
        .map(|name| format!("LoadModule {name}_module {modules}/mod_{name}.so\n"))
        .concat();
    let conf = write(
        "apache.conf",
        format!(
            "ServerRoot {d}\nPidFile {d}/apache.pid\nListen 127.0.0.1:{port}\nErrorLog {d}/apache.err\n\
             {load}ServerName x\nProxyPass / http://127.0.0.1:{dead}/\n"
        ),
    );
    if let Some(_apache) = start("/usr/sbin/apache2", &["-X", "-f", &conf], dir.path(), port) {
        assert_eq!(maker(port), (503, Some("apache")));
    }
}
