//! A managed program as an action takes it: complete, so that nothing is left to choose.

use serde::{Deserialize, Serialize};

use crate::observation::{ManagedProgram, Manager, ManagerKind, ProgramId, Text};

/// One program of a manager that takes orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramCall {
    /// Which.
    pub program: ProgramId,
    /// PM2's numbers of its processes.
    pub numbers: Vec<u32>,
    /// Socket of its manager.
    pub socket: Text,
    /// As whom its manager runs.
    pub uid: u32,
    /// That user's name.
    pub user: Text,
    /// Configuration of its manager.
    pub config: Text,
}

impl ProgramCall {
    /// A program that can be told what to do: its manager runs and takes orders, and its name means
    /// this one program and never a group or all of them.
    pub fn new(manager: &Manager, program: &ManagedProgram) -> Option<Self> {
        let known = manager.running && manager.kind.takes_orders();
        let uid = manager.uid.filter(|_| known && !manager.socket.is_empty())?;
        let single = match manager.kind {
            ManagerKind::Pm2 => !program.numbers.is_empty(),
            _ => is_one(program.id.name.raw()),
        };
        single.then(|| Self {
            program: program.id.clone(),
            numbers: program.numbers.clone(),
            socket: manager.socket.clone(),
            uid,
            user: manager.user.clone(),
            config: manager.config.clone(),
        })
    }

    /// The same by hand. PM2 is told numbers: a program may be called `all`.
    pub(super) fn command(&self, verb: &str) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        // Both run what the files of their user say.
        if self.uid != 0 {
            words.extend(["runuser", "-u"].map(str::to_owned));
            words.extend([self.user.to_string(), "--".to_owned()]);
        }
        match self.program.manager {
            ManagerKind::Pm2 => {
                let home = format!("PM2_HOME={}", self.program.home);
                words.extend(["env".to_owned(), home, "pm2".to_owned(), verb.to_owned()]);
                words.extend(self.numbers.iter().map(ToString::to_string));
            }
            _ => {
                words.push("supervisorctl".to_owned());
                if self.config.is_empty() {
                    words.extend(["-s".to_owned(), format!("unix://{}", self.socket)]);
                } else {
                    words.extend(["-c".to_owned(), self.config.to_string()]);
                }
                words.extend([verb.to_owned(), self.program.name.to_string()]);
            }
        }
        words
    }

    /// What stops it again, by hand.
    pub fn stop_command(&self) -> Vec<String> {
        self.command("stop")
    }
}

/// Whether Supervisor takes a name for one program: `group:*` and `group:` are all of a group.
fn is_one(name: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || "_-.+@:".contains(c);
    !name.is_empty()
        && name.len() <= 255
        && !name.starts_with('-')
        && !name.ends_with(':')
        && name.chars().all(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::{
            testing::Host,
            testing_programs::{ProgramSeen, pm2, supervisor},
        },
        observation::ProgramState,
        remedy::spoken,
    };

    fn call(seen: ProgramSeen) -> Option<ProgramCall> {
        let case = Host::new().programs(seen).case();
        let (manager, program) = case.all_programs().next().unwrap();
        ProgramCall::new(manager, program)
    }

    #[test]
    fn a_command_names_one_program_by_what_cannot_mean_all() {
        let all = call(pm2("all")).unwrap();
        assert_eq!(spoken(&all.command("restart")), "env PM2_HOME=/root/.pm2 pm2 restart 0");
        let ann = pm2("shop").manager(|m| {
            m.uid = Some(1000);
            m.user = "ann".into();
        });
        let ann = call(ann.with(|p| p.numbers = vec![1, 4])).unwrap();
        let line = "runuser -u ann -- env PM2_HOME=/root/.pm2 pm2 restart 1 4";
        assert_eq!(spoken(&ann.command("restart")), line);
        let line = "supervisorctl -c /etc/supervisor/supervisord.conf stop web:shop_00";
        assert_eq!(spoken(&call(supervisor("web:shop_00")).unwrap().stop_command()), line);
        let ann = supervisor("shop").manager(|m| {
            m.uid = Some(1000);
            m.user = "ann".into();
        });
        let line = "runuser -u ann -- supervisorctl -c /etc/supervisor/supervisord.conf stop shop";
        assert_eq!(spoken(&call(ann).unwrap().stop_command()), line);
    }

    #[test]
    fn what_names_a_group_or_is_no_name_cannot_be_told_anything() {
        for name in ["web:*", "web:", "-x", "a b", "", "*"] {
            assert_eq!(call(supervisor(name)), None, "{name}");
        }
        assert_eq!(call(pm2("shop").with(|p| p.numbers.clear())), None);
        assert_eq!(call(pm2("shop").state(ProgramState::Absent, "").down()), None);
    }
}
