//! A real nginx in namespaces of its own, and the executor that repairs it, held as a screen holds it.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use gatemedic::{
    observation::{GatewayId, Text},
    remedy::{Action, Blast, Change, ConfigTest, Ending, FileEdit, Order, Plan, Progress},
    verification::{Clause, Expectation, Proof},
};

use super::world::{Backend, PROGRAM, World, free_port};

/// Where the configuration stands in its namespace: a folder that only root can write to.
pub(crate) const CONFIG: &str = "/run/conf/nginx.conf";

/// Everything before the program: nginx runs with a configuration in a folder of root's own.
pub(crate) const BEFORE: &str = r#"set -e
D=$1; shift
mount --bind "$D/hidden" /etc/nginx
mount -t tmpfs -o mode=755 none /run
mkdir /run/conf /run/state; chmod 700 /run/state
cp "$D/nginx.conf" /run/conf/nginx.conf
/usr/sbin/nginx -p "$D" -c /run/conf/nginx.conf 2>"$D/logs/start.log"
set +e
"$@"
echo $? >"$D/exit"
cp /run/conf/nginx.conf "$D/after.conf"
cp -r /run/state "$D/state"
ls -a /run/conf >"$D/listing"
"#;

/// A world whose nginx passes to a port where nobody listens, while the application listens on
/// another one.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) wrong: u16,
    pub(crate) app: Backend,
}

pub(crate) fn stage() -> Result<Stage, String> {
    let world = World::new()?;
    let (app, wrong) = (Backend::start(), free_port());
    world.config(&format!(
        "server {{ listen 127.0.0.1:{}; location / {{\n    proxy_pass http://127.0.0.1:{wrong};\n}} }}",
        world.front
    ));
    Ok(Stage { world, wrong, app })
}

impl Stage {
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]);
        command.args(["sh", "-c", BEFORE, "sh"]).arg(self.world.path(""));
        command.arg(PROGRAM).args(["--state", "/run/state", "--watch-secs", "1"]);
        command.args(arguments).stderr(Stdio::piped());
        command
    }

    /// The line of the pass directive.
    pub(crate) fn line(&self) -> u32 {
        let text = fs::read_to_string(self.world.path("nginx.conf")).unwrap();
        let at = text.lines().position(|line| line.contains("proxy_pass")).unwrap();
        u32::try_from(at).unwrap() + 1
    }

    /// A plan that makes a change and has it loaded.
    pub(crate) fn plan(&self, change: Change) -> Plan {
        let pid = await_text(&self.world.path("nginx.pid"));
        let gateway = GatewayId(Text::new(format!("nginx:{CONFIG}")));
        let edit = FileEdit {
            file: CONFIG.into(),
            root: Text::default(),
            change,
            test: Some(ConfigTest::Nginx { gateway: gateway.clone() }),
        };
        let reload =
            Action::ReloadGateway { gateway: gateway.clone(), master: pid.trim().parse().unwrap() };
        let proof = Proof {
            gateway: gateway.clone(),
            listen: ([127, 0, 0, 1], self.world.front).into(),
            tls: false,
            host: "localhost".into(),
            path: "/".into(),
            times: 3,
        };
        Plan {
            remedy: "edit-config".into(),
            cause: String::new(),
            whom: gateway.to_string(),
            why: "a test".into(),
            steps: vec![Action::EditFile(edit), reload],
            expect: Expectation {
                within_secs: 8,
                stable_secs: 1,
                clauses: vec![
                    Clause::NewWorkers { gateway: gateway.clone() },
                    Clause::NoEmerg { gateway },
                ],
                proofs: vec![proof],
            },
            blast: Blast::default(),
        }
    }

    pub(crate) fn right(&self) -> Change {
        Change::Replace {
            line: self.line(),
            find: format!("127.0.0.1:{}", self.wrong),
            put: format!("127.0.0.1:{}", self.app.port),
        }
    }

    pub(crate) fn file(&self, name: &str) -> String {
        fs::read_to_string(self.world.path(name)).unwrap_or_default()
    }

    pub(crate) fn status(&self) -> u16 {
        status(self.world.front)
    }
}

/// Reads a file that appears soon.
pub(crate) fn await_text(path: &Path) -> String {
    for _ in 0..2_000 {
        match fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text,
            _ => std::thread::yield_now(),
        }
        std::thread::park_timeout(std::time::Duration::from_millis(5));
    }
    panic!("{} never came", path.display());
}

pub(crate) fn status(port: u16) -> u16 {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return 0 };
    stream.write_all(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    let text = String::from_utf8_lossy(&answer);
    text.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// The executor, as the screen holds it.
pub(crate) struct Executor {
    pub(crate) child: Child,
    pub(crate) orders: Option<ChildStdin>,
    pub(crate) said: BufReader<ChildStdout>,
}

impl Executor {
    pub(crate) fn start(stage: &Stage) -> Self {
        let mut command = stage.command(&["carry-out"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let orders = child.stdin.take();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self { child, orders, said }
    }

    pub(crate) fn order(&mut self, order: &Order) {
        let mut line = serde_json::to_vec(order).unwrap();
        line.push(b'\n');
        self.orders.as_mut().unwrap().write_all(&line).unwrap();
    }

    pub(crate) fn next(&mut self) -> Option<Progress> {
        let mut line = String::new();
        let read = self.said.read_line(&mut line).unwrap();
        (read > 0).then(|| serde_json::from_str(&line).unwrap())
    }

    /// Everything until a word that fits.
    pub(crate) fn until(&mut self, fits: impl Fn(&Progress) -> bool) -> Vec<Progress> {
        let mut all = Vec::new();
        while let Some(progress) = self.next() {
            let done = fits(&progress);
            all.push(progress);
            if done {
                return all;
            }
        }
        panic!("it never came; it said {all:#?}");
    }

    /// Prepares a plan and says yes to it.
    pub(crate) fn confirm(&mut self, plan: Plan) {
        self.order(&Order::Prepare { plan: Box::new(plan), rehearsal: false });
        let said = self.until(|p| matches!(p, Progress::Ready { .. } | Progress::End { .. }));
        let Some(Progress::Ready { digest, nonce, .. }) = said.last().cloned() else {
            panic!("not ready: {said:#?}");
        };
        self.order(&Order::Confirm { digest, nonce, typed: None });
    }

    pub(crate) fn ending(&mut self) -> (Ending, Vec<Progress>) {
        let said = self.until(|p| matches!(p, Progress::End { .. }));
        let Some(Progress::End { ending }) = said.last() else { unreachable!() };
        (*ending, said)
    }

    /// Goes away as a terminal does, and waits for what is left behind to end.
    pub(crate) fn leave(mut self) {
        self.orders = None;
        while self.next().is_some() {}
        self.child.wait().unwrap();
    }

    pub(crate) fn finish(mut self) {
        self.orders = None;
        self.child.wait().unwrap();
    }
}
