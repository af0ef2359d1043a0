//! A player that reads the screen and presses the keys that it names.

use std::time::{Duration, Instant};

use crate::pty::Pty;

/// How the player comes to the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It tries the names of the list until one is right.
    Tries,
    /// It pays for the ranking.
    Pays,
}

/// Repairs that it tries at most.
const REPAIRS: usize = 6;
/// How long it looks for an offer before it acts on its own.
const PATIENCE: Duration = Duration::from_secs(12);

pub struct Player {
    pub pty: Pty,
    /// Id of the cause that it takes for the right one.
    cause: String,
}

impl Player {
    pub fn start(program: &str, words: &[&str], size: (u16, u16)) -> Self {
        Self::behind(&[program], words, size, &[])
    }

    /// As [`Player::start`], with words before the program's own and variables.
    pub fn behind(
        before: &[&str],
        words: &[&str],
        size: (u16, u16),
        variables: &[(&str, &str)],
    ) -> Self {
        let all = [before, &["practice", "--watch-secs", "1"][..], words].concat();
        Self { pty: Pty::start_sized(all[0], &all[1..], size, variables), cause: String::new() }
    }

    fn text(&self) -> String {
        self.pty.screen.screen().contents()
    }

    fn footer(&self) -> String {
        let (rows, _) = self.pty.screen.screen().size();
        let text = self.text();
        text.lines().nth(usize::from(rows.get()) - 1).unwrap_or_default().to_owned()
    }

    pub fn until(&mut self, words: &[&str]) {
        self.pty.until(&words.join(" and "), |pty| {
            let text = pty.screen.screen().contents();
            words.iter().all(|word| text.contains(word))
        });
    }

    fn until_any(&mut self, words: &[&str]) {
        self.pty.until(&words.join(" or "), |pty| {
            let text = pty.screen.screen().contents();
            words.iter().any(|word| text.contains(word))
        });
    }

    /// Reads the story, and begins.
    pub fn begin(&mut self) {
        self.until(&["Practice, level", "Enter begin"]);
        self.pty.send(b"\r");
        // What is wrong is seen before a key is pressed.
        self.pty.until("the beginning", |pty| {
            let text = pty.screen.screen().contents();
            text.contains("p name the cause")
                && (text.contains("FAILING") || text.contains("DEGRADED"))
        });
    }

    /// Looks at the way of a request and at the logs.
    pub fn read(&mut self) {
        for (key, words) in [(b"2", "[2 "), (b"4", "[4 "), (b"7", "[7 "), (b"1", "[1 ")] {
            self.pty.send(key);
            self.until(&[words]);
            assert!(!self.text().contains("confirmed"), "a secret is out:\n{}", self.text());
        }
    }

    /// Comes to the cause.
    pub fn find(&mut self, way: Way) {
        match way {
            Way::Pays => {
                self.pty.send(b"p");
                self.until(&["show the ranking"]);
                self.pty.send(b"s");
                self.pty.until("the ranking", |pty| {
                    !pty.screen.screen().contents().contains("name the cause")
                });
            }
            Way::Tries => self.try_names(),
        }
        self.pty.send(b"3");
        self.until(&["[3 "]);
        // What is only starting is no cause yet: the screen says that it ends by itself. And in the
        // first seconds not everything has been looked at again.
        self.pty.until("a cause that is sure", |pty| {
            let text = pty.screen.screen().contents();
            let sure = text.contains("confirmed") || text.contains("likely");
            let head = text.lines().next().unwrap_or_default();
            let fresh = head.contains("FAILING") && head.contains("  now  ");
            sure && !fresh && !text.contains("It ends by itself")
        });
        if way == Way::Pays {
            self.cause = self.settled();
        } else {
            let cause = self.cause.clone();
            self.until(&[&cause]);
        }
        self.pty.send(b"1");
        self.until(&["[1 "]);
    }

    /// The first cause, once it has stood still for a few seconds: what was just reloaded or killed is
    /// looked at again meanwhile.
    fn settled(&mut self) -> String {
        let (mut cause, mut still) = (title_beside(&self.text()), 0);
        for _ in 0..30 {
            self.pty.read_for(Duration::from_secs(1));
            let now = title_beside(&self.text());
            still = if now == cause { still + 1 } else { 0 };
            cause = now;
            if still >= 4 {
                break;
            }
        }
        cause
    }

    /// Tries one name after the other: those that were wrong are not listed again.
    fn try_names(&mut self) {
        self.pty.send(b"p");
        self.until(&["name the cause (a wrong one"]);
        for _ in 0..8 {
            self.pty.send(b"c");
            self.until(&["What is the cause?"]);
            let text = self.text();
            let chosen = text.lines().find(|line| line.starts_with('▸')).unwrap_or_default();
            let id = chosen.split_whitespace().last().unwrap_or_default().to_owned();
            self.pty.send(b"\r");
            let (right, wrong) = (format!("✓ Right"), format!("({id})."));
            self.pty.until("an answer", |pty| {
                let text = pty.screen.screen().contents().replace('\n', " ");
                text.contains(&wrong) || text.contains(&right)
            });
            if self.text().contains("✓ Right") {
                self.cause = id;
                self.pty.send(b"\x1b");
                self.pty.until("the console", |pty| {
                    !pty.screen.screen().contents().contains("✓ Right")
                });
                return;
            }
        }
        panic!("no name is right:\n{}", self.text());
    }

    /// Presses the keys that are offered until requests are answered.
    pub fn repair(&mut self) {
        for _ in 0..REPAIRS {
            if self.offered() {
                self.pty.send(b"r");
            } else if self.is_over() {
                return;
            } else if self.text().contains("Cause") && self.rewrites() {
                // Saved: the question comes as for every other repair.
            } else if !self.by_hand() {
                continue;
            }
            // A repair that is just about to end is shown once more.
            self.until_any(&["y = do it", "of 100 points", "What was promised", "Esc = close"]);
            if self.text().contains("of 100 points") {
                return;
            }
            if self.text().contains("y = do it") {
                self.pty.send(b"y");
                self.watch();
            }
            self.pty.send(b"\x1b");
            self.pty.until("the console again", |pty| {
                let text = pty.screen.screen().contents();
                let open = ["What was promised", "y = do it", "Esc = close"];
                !open.iter().any(|words| text.contains(words))
            });
        }
    }

    /// Watches a repair to its end. Where it is to be kept or taken back, it is kept when this very
    /// route answers: what else is broken still fails.
    fn watch(&mut self) {
        const ENDS: [&str; 7] = [
            "✓ FIXED",
            "✗ NOT FIXED",
            "✗ REFUSED",
            "TAKEN BACK",
            "IMPROVED",
            "CANNOT TELL",
            "needs a person",
        ];
        self.pty.until("the end of a repair, or a question", |pty| {
            let text = pty.screen.screen().contents();
            text.contains("k keep") || ENDS.iter().any(|end| text.contains(end))
        });
        if self.text().contains("k keep") {
            // A key counts once the question could be read.
            self.pty.read_for(Duration::from_millis(600));
            let answers = self.text().contains("✓ 3 of 3 answers");
            self.pty.send(if answers { b"k" } else { b"u" });
            self.pty.until("the end of a repair", |pty| {
                let text = pty.screen.screen().contents();
                !text.contains("k keep") && ENDS.iter().any(|end| text.contains(end))
            });
        }
    }

    fn is_over(&self) -> bool {
        self.text().contains("of 100 points") || self.footer().contains("solved: the score")
    }

    /// Waits until the footer names a repair; false when it names none, or it is over.
    fn offered(&mut self) -> bool {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if self.is_over() {
                return false;
            }
            if self.footer().starts_with(" r ") {
                return true;
            }
            self.pty.read_for(Duration::from_millis(200));
        }
        false
    }

    /// Where the cause says by which directive another one is to be replaced, the player writes it in
    /// the editor at the line that is named; false where it says nothing of the kind.
    fn rewrites(&mut self) -> bool {
        self.pty.send(b"3");
        self.until(&["[3 "]);
        let told = self.text().contains("Replace `proxy_pass` by `fastcgi_pass");
        if !told {
            self.pty.send(b"1");
            self.until(&["[1 "]);
            return false;
        }
        self.pty.send(b"a");
        self.until(&["edit at "]);
        self.pty.send(b"\r");
        let named = |text: &str| {
            let line = text.lines().find(|line| line.contains("proxy_pass http://"));
            line.map(str::to_owned)
        };
        self.pty.until("the line in the editor", |pty| {
            let text = pty.screen.screen().contents();
            text.contains("Ctrl-s save") && named(&text).is_some()
        });
        let line = named(&self.text()).unwrap_or_default();
        let rest = line.split("http://").nth(1).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':');
        let address = rest[..end.unwrap_or(rest.len())].trim_end_matches(':').to_owned();
        self.pty.send(b"\x1b[H\x0b");
        self.pty.send_all(format!("fastcgi_pass {address};").as_bytes());
        self.until(&[&format!("fastcgi_pass {address};")]);
        self.pty.send(b"\x13");
        true
    }

    /// Without an offer: the first thing of the whole list that can be done, or else the program that
    /// is called out of order is restarted; false where nothing can be done yet.
    fn by_hand(&mut self) -> bool {
        self.pty.send(b"7");
        self.until(&["[7 "]);
        self.pty.send(b"a");
        self.until(&["What can be done"]);
        if !self.text().contains('▶') {
            self.pty.send(b"\x1b");
            self.pty.until("the views", |pty| {
                !pty.screen.screen().contents().contains("What can be done")
            });
            return false;
        }
        for _ in 0..20 {
            let text = self.text();
            let row = |mark: &str| text.lines().position(|line| line.contains(mark));
            let (at, goal) = (row("▸").unwrap_or(0), row("▶").expect("something can be done"));
            if at == goal {
                break;
            }
            self.pty.send(if at < goal { b"j" } else { b"k" });
            self.pty.read_for(Duration::from_millis(150));
        }
        self.pty.send(b"\r");
        true
    }

    /// Reads the score: the cause in it is the one that was found.
    pub fn score(&mut self, way: Way) {
        if !self.text().contains("of 100 points") {
            self.until_any(&["of 100 points", "solved: the score"]);
            if !self.text().contains("of 100 points") {
                self.pty.send(b"p");
            }
        }
        self.until(&["of 100 points", "What somebody with experience does"]);
        let text = self.text();
        assert!(text.contains(&format!("({})", self.cause)), "{}:\n{text}", self.cause);
        assert!(text.contains("requests proved it"), "not proved:\n{text}");
        let paid = text.contains("the ranking was shown to you");
        assert_eq!(paid, way == Way::Pays, "{text}");
    }

    /// Leaves from the score.
    pub fn leave(&mut self) {
        self.pty.send(b"q");
        assert_eq!(self.pty.until_exit(), 0);
        self.pty.assert_screen_restored();
        let text = self.pty.screen.screen().contents();
        assert!(text.contains("solved") && text.contains("gatemedic practice"), "{text}");
    }
}

/// The title of the page beside the causes: `─ app-unit-stopped ───`.
fn title_beside(text: &str) -> String {
    let ids = text.lines().flat_map(|line| line.split('─')).map(str::trim);
    ids.filter(|part| {
        part.contains('-') && part.chars().all(|c| c.is_ascii_lowercase() || c == '-')
    })
    .next()
    .unwrap_or_default()
    .to_owned()
}
