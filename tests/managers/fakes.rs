//! Managers that hang, trickle, send garbage or too much, or want a password.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use gatemedic::observation::{BlindSpot, Manager, ManagerKind, ProgramState, Seen};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
};

use super::bench::Bench;

const CONFIG: &str = "[unix_http_server]\nfile=/run/s.sock\n[program:shop]\n\
                      command=/opt/shop --port 3000\n";

/// A host with a home of PM2 and a Supervisor, of which nobody listens yet.
struct Host {
    dir: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        let host = Self { dir: tempfile::tempdir().unwrap() };
        let uid = std::fs::metadata(host.dir.path()).unwrap().uid();
        host.put("etc/passwd", &format!("ann:x:{uid}:{uid}::/home/ann:/bin/sh\n"));
        host
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn socket(&self, name: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    /// PM2 whose every connection is handled by `behave`.
    fn pm2<F, Fut>(self, behave: F) -> Self
    where
        F: Fn(UnixStream) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        serve(&self.socket("home/ann/.pm2/rpc.sock"), behave);
        self
    }

    fn supervisor<F, Fut>(self, behave: F) -> Self
    where
        F: Fn(UnixStream) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.put("etc/supervisor/supervisord.conf", CONFIG);
        serve(&self.socket("run/s.sock"), behave);
        self
    }

    async fn first_sweep(&self) -> Vec<Seen> {
        Bench::below(self.dir.path()).first_sweep().await
    }
}

fn serve<F, Fut>(socket: &Path, behave: F)
where
    F: Fn(UnixStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = UnixListener::bind(socket).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(behave(stream));
        }
    });
}

async fn hear(stream: &mut UnixStream) {
    let mut question = [0; 4096];
    let _ = stream.read(&mut question).await;
}

async fn hang(mut stream: UnixStream) {
    hear(&mut stream).await;
    std::future::pending::<()>().await;
}

/// Answers with some bytes and closes.
fn say(
    bytes: Vec<u8>,
) -> impl Fn(UnixStream) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
    move |mut stream| {
        let bytes = bytes.clone();
        Box::pin(async move {
            hear(&mut stream).await;
            let _ = stream.write_all(&bytes).await;
        })
    }
}

fn amp(json: &str) -> Vec<u8> {
    let mut bytes = vec![0x12];
    for part in [format!("j:{json}"), "s:gatemedic:0".to_owned()] {
        bytes.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
        bytes.extend(part.as_bytes());
    }
    bytes
}

fn http(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

fn shop(state: i64, name: &str) -> String {
    format!(
        "<?xml version='1.0'?><methodResponse><params><param><value><array><data><value><struct>\
         <member><name>name</name><value><string>shop</string></value></member>\
         <member><name>group</name><value><string>shop</string></value></member>\
         <member><name>statename</name><value><string>{name}</string></value></member>\
         <member><name>state</name><value><int>{state}</int></value></member>\
         <member><name>exitstatus</name><value><int>1</int></value></member>\
         <member><name>start</name><value><int>1795183200</int></value></member>\
         </struct></value></data></array></value></param></params></methodResponse>"
    )
}

fn managers(seen: &[Seen]) -> Vec<&Manager> {
    let manager = |seen| match seen {
        &Seen::Manager(ref manager) => Some(&**manager),
        _ => None,
    };
    seen.iter().filter_map(manager).collect()
}

fn blind(seen: &[Seen]) -> Vec<&BlindSpot> {
    let spot = |seen| match seen {
        &Seen::Blind(ref spot) => Some(spot),
        _ => None,
    };
    seen.iter().filter_map(spot).collect()
}

/// That PM2's home is out of sight, for this reason, and that the look came to its end all the same.
async fn pm2_is_blind(host: Host, why: &str) {
    let seen = host.first_sweep().await;
    let spots = blind(&seen);
    assert_eq!(spots.len(), 1, "{seen:#?}");
    assert_eq!(spots[0].what.raw(), "/home/ann/.pm2");
    assert!(spots[0].why.raw().contains(why), "{}", spots[0].why);
    assert!(!spots[0].hides.is_empty() && !spots[0].grant.is_empty());
}

#[tokio::test]
async fn a_pm2_that_never_answers_is_a_blind_spot_and_holds_nobody_up() {
    pm2_is_blind(Host::new().pm2(hang), "no answer within 800 ms").await;
}

#[tokio::test]
async fn a_pm2_that_speaks_something_else_is_a_blind_spot() {
    pm2_is_blind(Host::new().pm2(say(b"HTTP/1.1 400\r\n\r\n".to_vec())), "another protocol").await;
    pm2_is_blind(Host::new().pm2(say(amp("{\"args\": [7]}"))), "makes no sense").await;
    pm2_is_blind(Host::new().pm2(say(Vec::new())), "ends in the middle").await;
}

#[tokio::test]
async fn a_pm2_that_announces_more_than_anybody_needs_is_not_listened_to() {
    let host = Host::new().pm2(say(vec![0x12, 0x7f, 0xff, 0xff, 0xff, b'j', b':']));
    pm2_is_blind(host, "longer than").await;
    let endless = |mut stream: UnixStream| async move {
        hear(&mut stream).await;
        let block = vec![0x1f; 64 << 10];
        while stream.write_all(&block).await.is_ok() {}
    };
    pm2_is_blind(Host::new().pm2(endless), "longer than").await;
}

#[tokio::test]
async fn a_pm2_that_trickles_is_given_up_in_time() {
    let trickle = |mut stream: UnixStream| async move {
        hear(&mut stream).await;
        for byte in amp("{\"args\": [[]]}") {
            if stream.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    pm2_is_blind(Host::new().pm2(trickle), "no answer within").await;
}

#[tokio::test]
async fn a_supervisor_that_does_not_answer_is_a_blind_spot_and_its_programs_are_still_known() {
    let garbage: [(Vec<u8>, &str); 3] = [
        (http("401 Unauthorized", ""), "password"),
        (http("200 OK", "<methodResponse><params>"), "makes no sense"),
        (b"\x12\0\0\0".to_vec(), "makes no sense"),
    ];
    for (answer, why) in garbage {
        let seen = Host::new().supervisor(say(answer)).first_sweep().await;
        let spots = blind(&seen);
        assert!(spots[0].why.raw().contains(why), "{}", spots[0].why);
        assert_eq!(spots[0].what.raw(), "/run/s.sock");
    }
    let seen = Host::new().supervisor(hang).first_sweep().await;
    assert!(blind(&seen)[0].why.raw().contains("no answer"));
    let manager = managers(&seen)[0];
    assert_eq!(manager.programs[0].state, ProgramState::Unknown);
    assert_eq!(manager.programs[0].claims[0].address.to_string(), "0.0.0.0:3000");
}

#[tokio::test]
async fn an_answer_in_pieces_on_a_connection_that_stays_open_is_whole_with_its_last_byte() {
    let pieces = |answer: Vec<u8>| {
        move |mut stream: UnixStream| {
            let answer = answer.clone();
            async move {
                hear(&mut stream).await;
                let (most, last) = answer.split_at(answer.len() - 3);
                let _ = stream.write_all(most).await;
                tokio::task::yield_now().await;
                let _ = stream.write_all(last).await;
                std::future::pending::<()>().await;
            }
        }
    };
    let json = r#"{"args":[[{"name":"shop","pm_id":0,"pm2_env":{"status":"errored"}}]]}"#;
    let host = Host::new().pm2(pieces(amp(json)));
    let host = host.supervisor(pieces(http("200 OK", &shop(200, "FATAL"))));
    let seen = host.first_sweep().await;
    assert!(blind(&seen).is_empty(), "{seen:#?}");
    assert!(managers(&seen).iter().all(|m| m.programs[0].state == ProgramState::GaveUp));
}

#[tokio::test]
async fn one_manager_that_hangs_does_not_hide_another() {
    let host = Host::new().pm2(hang).supervisor(say(http("200 OK", &shop(200, "FATAL"))));
    let seen = host.first_sweep().await;
    assert_eq!(blind(&seen).len(), 1);
    let all = managers(&seen);
    let supervisor = all.iter().find(|m| m.kind == ManagerKind::Supervisor).unwrap();
    let shop = &supervisor.programs[0];
    assert_eq!((shop.state, shop.said.raw()), (ProgramState::GaveUp, "FATAL"));
    assert!(supervisor.running);
}

#[tokio::test]
async fn what_a_manager_said_last_is_kept_until_it_answers_again() {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    let asked = Arc::new(AtomicUsize::new(0));
    let behave = move |mut stream: UnixStream| {
        let asked = Arc::clone(&asked);
        async move {
            hear(&mut stream).await;
            match asked.fetch_add(1, Ordering::SeqCst) {
                0 => _ = stream.write_all(&http("200 OK", &shop(20, "RUNNING"))).await,
                1 => {}
                _ => _ = stream.write_all(&http("200 OK", &shop(0, "STOPPED"))).await,
            }
        }
    };
    let host = Host::new().supervisor(behave);
    let mut bench = Bench::below(host.dir.path());
    let seen = bench.first_sweep().await;
    assert_eq!(managers(&seen)[0].programs[0].state, ProgramState::Running);
    let seen = bench.until("blindness", |seen| matches!(seen, Seen::Blind(_))).await;
    assert!(managers(&seen).is_empty(), "nothing new is made up: {seen:#?}");
    let (_, shop) = bench.program("it again", |_, p| p.state == ProgramState::Stopped).await;
    assert_eq!(shop.said.raw(), "STOPPED");
}

#[tokio::test]
async fn no_value_of_an_environment_leaves_the_source_but_the_port() {
    let answer = r#"{"args":[[{"pid":1,"name":"shop","pm_id":0,"pm2_env":{"status":"errored",
        "TOKEN":"CANARY","PORT":"3000","pm_exec_path":"/srv/a.js","env":{"DB":"CANARY"}}}]]}"#;
    let host = Host::new().pm2(say(amp(answer)));
    host.put("home/ann/.pm2/dump.pm2", r#"[{"name":"api","env":{"DB":"CANARY"},"DB":"CANARY"}]"#);
    let seen = host.first_sweep().await;
    assert!(!format!("{seen:?}").contains("CANARY"));
    let manager = managers(&seen)[0];
    assert_eq!(manager.programs[1].claims[0].address.to_string(), "0.0.0.0:3000");
    assert_eq!(manager.programs[0].state, ProgramState::Absent, "only the saved list has it");
}

#[tokio::test]
async fn a_socket_that_another_user_listens_on_is_not_believed() {
    let host = Host::new();
    host.put("etc/passwd", "bob:x:4242:4242::/home/ann:/bin/sh\n");
    pm2_is_blind(host.pm2(say(amp("{\"args\":[[]]}"))), "listens on it").await;
}

#[tokio::test]
async fn a_user_makes_us_read_nothing_that_this_user_could_not() {
    use std::os::unix::fs::PermissionsExt;
    let host = Host::new();
    let mode = |name: &str, mode| {
        let path = host.dir.path().join(name);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("", 0o755);
    host.put(
        "etc/passwd",
        "bob:x:4242:4242::/home/bob:/bin/sh\neve:x:4343:4343::/home/eve:/bin/sh\n",
    );
    for (name, bits) in [("shadow", 0o600), ("shown", 0o644), ("bobs", 0o666)] {
        host.put(name, "x");
        mode(name, bits);
    }
    let list = r#"[{"name":"a","pm_err_log_path":"/shadow","pm_out_log_path":"/bobs"},
        {"name":"b","pm_err_log_path":"/shown","pm_out_log_path":"/link"}]"#;
    std::os::unix::fs::symlink("/shadow", host.dir.path().join("link")).unwrap();
    host.put("home/bob/.pm2/dump.pm2", list);
    host.put("private/dump.pm2", list);
    mode("private/dump.pm2", 0o600);
    std::fs::create_dir_all(host.dir.path().join("home/eve/.pm2")).unwrap();
    let link = host.dir.path().join("home/eve/.pm2/dump.pm2");
    std::os::unix::fs::symlink("/private/dump.pm2", link).unwrap();
    let seen = host.first_sweep().await;
    let all = managers(&seen);
    assert_eq!(all.len(), 1, "the list of eve is not hers: {seen:#?}");
    let logs: Vec<_> = all[0].programs.iter().flat_map(|p| &p.logs).map(|l| l.raw()).collect();
    assert_eq!(logs, ["/bobs"]);
}

#[tokio::test]
async fn a_home_whose_daemon_is_gone_has_its_saved_programs() {
    let host = Host::new();
    host.put("home/ann/.pm2/dump.pm2", r#"[{"name":"shop","pm_exec_path":"/srv/a.js"}]"#);
    drop(UnixListener::bind(host.socket("home/ann/.pm2/rpc.sock")).unwrap());
    let seen = host.first_sweep().await;
    assert!(blind(&seen).is_empty(), "{seen:#?}");
    let manager = managers(&seen)[0];
    assert!(!manager.running);
    assert_eq!(manager.programs[0].state, ProgramState::Absent);
}

#[tokio::test]
async fn a_saved_list_that_is_garbage_is_no_reason_to_stop() {
    let host = Host::new();
    host.put("home/ann/.pm2/dump.pm2", "[{\"name\": ");
    let seen = host.first_sweep().await;
    assert!(managers(&seen)[0].programs.is_empty());
}
