//! Which repairs a finding calls for, or why none is made.

use crate::{
    diagnosis::{Confidence, Diagnosis, Finding, words::CauseText},
    evidence::CaseFile,
    observation::{Place, Unit, UnitExit, UnitName, UnitResult},
};

use super::{
    Action, Plan, ProgramCall, UnitSetting, edits, limits,
    promise::{self, Concern},
};

/// Every remedy that causes and playbooks may name.
pub const REMEDIES: [&str; 19] = [
    "edit-config",
    "enable-unit",
    "fix-socket-permission",
    "open-directory",
    "raise-container-memory",
    "raise-memory-limit",
    "raise-open-files",
    "raise-tasks",
    "reload-gateway",
    "reset-failed-start",
    "restart-container",
    "restart-policy",
    "restart-unit",
    "start-container",
    "start-enable-unit",
    "start-program",
    "start-unit",
    "stop-port-owner",
    "unpause-container",
];

/// Restarts by themselves after which one more is no cure.
const LOOP: u32 = 3;

/// Why nothing is done, and what a person can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// In a sentence.
    pub why: String,
    /// What a person does instead, one step after the other.
    pub by_hand: Vec<String>,
}

/// What can be done about one finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Id of the cause.
    pub cause: &'static str,
    /// Whom it concerns.
    pub whom: String,
    /// Repairs, the best first.
    pub plans: Vec<Plan>,
    /// Why there is none.
    pub refusal: Option<Refusal>,
    /// The line at which a person would begin to edit, when a configuration is at fault.
    pub edit_at: Option<Place>,
}

/// What can be done about every present finding, in their order.
pub fn offers(diagnosis: &Diagnosis, case: &CaseFile) -> Vec<Offer> {
    diagnosis.findings.iter().map(|finding| propose(finding, diagnosis, case)).collect()
}

/// What can be done about a finding. What is merely possible calls for its next check, and what is
/// over for nothing.
pub fn propose(finding: &Finding, diagnosis: &Diagnosis, case: &CaseFile) -> Offer {
    let mut offer = Offer {
        cause: finding.cause,
        whom: finding.subject.whom(),
        plans: Vec::new(),
        refusal: None,
        edit_at: edits::place(finding),
    };
    let Some(text) = CauseText::get(finding.cause) else { return offer };
    if !finding.current || finding.confidence < Confidence::Likely {
        let check = finding.next_check.clone().unwrap_or_else(|| text.next_check.clone());
        offer.refusal = Some(Refusal {
            why: "it is not sure enough that this is the cause: look at the next check first"
                .to_owned(),
            by_hand: vec![check],
        });
        return offer;
    }
    let bench = Bench { finding, diagnosis, case };
    let concern = bench.concern();
    for remedy in &text.remedies {
        for steps in bench.steps(remedy) {
            offer.plans.push(promise::plan(remedy, steps, &concern));
        }
    }
    offer.refusal = bench.refusal(text, &offer.plans);
    if offer.refusal.is_some() {
        offer.plans.retain(|plan| !is_mere_start(plan));
        if !offer.plans.is_empty() {
            offer.refusal = None;
        }
    }
    offer
}

/// Whether a plan only starts again what has ended, and so cures nothing that made it end.
fn is_mere_start(plan: &Plan) -> bool {
    plan.steps.iter().all(|step| {
        matches!(
            step,
            Action::StartUnit { .. }
                | Action::RestartUnit { .. }
                | Action::ResetFailed { .. }
                | Action::StartContainer { .. }
                | Action::RestartContainer { .. }
                | Action::StartProgram { .. }
                | Action::RestartProgram { .. }
        )
    })
}

/// Everything that a repair is made from.
pub(super) struct Bench<'a> {
    pub(super) finding: &'a Finding,
    pub(super) diagnosis: &'a Diagnosis,
    pub(super) case: &'a CaseFile,
}

impl<'a> Bench<'a> {
    pub(super) fn concern(&self) -> Concern<'a> {
        let Finding { cause, subject, summary, instead, .. } = self.finding;
        Concern {
            case: self.case,
            diagnosis: self.diagnosis,
            cause,
            whom: subject.whom(),
            why: summary.clone(),
            upstreams: subject.upstreams.clone(),
            gateway: subject.gateway.clone(),
            instead: instead.clone(),
        }
    }
}

impl Bench<'_> {
    fn unit(&self) -> Option<UnitName> {
        self.finding.subject.unit.clone()
    }

    pub(super) fn unit_seen(&self) -> Option<&Unit> {
        self.case.units.get(self.finding.subject.unit.as_ref()?)
    }

    /// What brings a unit up again; nothing when it serves already.
    fn up(&self, unit: &UnitName) -> Vec<Action> {
        let rows = &self.diagnosis.upstreams;
        if rows.iter().any(|row| row.unit_serves && row.unit.as_ref() == Some(unit)) {
            return Vec::new();
        }
        let unit = unit.clone();
        vec![Action::ResetFailed { unit: unit.clone() }, Action::StartUnit { unit }]
    }

    /// The steps of a remedy, once or several ways; none when what it would act on is not known.
    fn steps(&self, remedy: &str) -> Vec<Vec<Action>> {
        let container = || self.finding.subject.container.clone();
        let one = |action: Option<Action>| action.map(|a| vec![a]).into_iter().collect();
        // What a manager keeps is told by its manager: its unit is that of all its programs.
        if self.unit().is_none()
            && let Some(call) = self.call()
        {
            match remedy {
                "start-unit" | "start-program" | "reset-failed-start" => {
                    return one(Some(Action::StartProgram { call }).filter(|_| !self.serves()));
                }
                "restart-unit" => return one(Some(Action::RestartProgram { call })),
                _ => {}
            }
        }
        match remedy {
            "start-unit" => {
                let unit = self.unit().filter(|unit| !self.up(unit).is_empty());
                one(unit.map(|unit| Action::StartUnit { unit }))
            }
            "restart-unit" => one(self.unit().map(|unit| Action::RestartUnit { unit })),
            "reset-failed-start" => {
                let steps = self.unit().map(|unit| self.up(&unit)).unwrap_or_default();
                if steps.is_empty() { Vec::new() } else { vec![steps] }
            }
            "enable-unit" => one(self.unit().map(|unit| Action::EnableUnit { unit })),
            "start-enable-unit" => {
                let both = |unit: UnitName| {
                    vec![Action::StartUnit { unit: unit.clone() }, Action::EnableUnit { unit }]
                };
                self.unit().map(both).into_iter().collect()
            }
            "restart-policy" => {
                let settings = vec![UnitSetting::RestartOnFailure, UnitSetting::RestartSec(5)];
                let lacks = self.unit_seen().is_some_and(|u| u.restart_policy.raw() == "no");
                let unit = self.unit().filter(|_| lacks);
                let steps = unit.map(|unit| {
                    let mut steps = vec![Action::LimitUnit { unit: unit.clone(), settings }];
                    steps.extend(self.up(&unit));
                    steps
                });
                steps.into_iter().collect()
            }
            "raise-memory-limit" => self.more(limits::memory).into_iter().collect(),
            "raise-open-files" => self.more_files().into_iter().collect(),
            "raise-tasks" => self.more(limits::tasks).into_iter().collect(),
            "raise-container-memory" => self.more_container_memory().into_iter().collect(),
            "reload-gateway" => one(self.reload()),
            "start-container" => {
                one(container().map(|(container, name)| Action::StartContainer { container, name }))
            }
            "restart-container" => {
                one(container()
                    .map(|(container, name)| Action::RestartContainer { container, name }))
            }
            "unpause-container" => {
                one(container()
                    .map(|(container, name)| Action::UnpauseContainer { container, name }))
            }
            "edit-config" => self.edit().into_iter().collect(),
            "fix-socket-permission" => one(self.socket_access()),
            "open-directory" => one(self
                .finding
                .subject
                .path
                .clone()
                .map(|directory| Action::AllowTraverse { directory, root: self.root() })),
            "stop-port-owner" => self.end_holder().into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// Prefix under which the gateway's files are seen.
    pub(super) fn root(&self) -> crate::observation::Text {
        let id = self.finding.subject.gateway.as_ref();
        let gateway = id.and_then(|id| self.case.gateways.get(id));
        gateway.map(|g| g.root.clone()).unwrap_or_default()
    }

    pub(super) fn reload(&self) -> Option<Action> {
        let id = self.finding.subject.gateway.as_ref()?;
        super::reload(self.case.gateways.get(id)?)
    }

    fn edit(&self) -> Option<Vec<Action>> {
        let mut steps = edits::edits(self)?;
        match self.finding.subject.unit.as_ref().filter(|_| edits::is_of_unit(self.finding)) {
            Some(unit) => steps.extend(self.up(unit)),
            None => steps.extend(self.load()?),
        }
        Some(steps)
    }

    /// What makes an edited configuration of the gateway count: a reload, or a start where it does
    /// not run.
    fn load(&self) -> Option<Vec<Action>> {
        if let Some(reload) = self.reload() {
            return Some(vec![reload]);
        }
        let id = self.finding.subject.gateway.as_ref()?;
        let unit = self.case.gateways.get(id)?.unit.clone().or_else(|| self.unit())?;
        Some(vec![Action::ResetFailed { unit: unit.clone() }, Action::StartUnit { unit }])
    }

    /// The managed program that the finding concerns, as it can be told what to do.
    fn call(&self) -> Option<ProgramCall> {
        let (manager, program) = self.case.program(self.finding.subject.program.as_ref()?)?;
        ProgramCall::new(manager, program)
    }

    /// Whether the managed program serves already.
    fn serves(&self) -> bool {
        let program = self.finding.subject.program.as_ref();
        let mut rows = self.diagnosis.upstreams.iter();
        program.is_some() && rows.any(|row| row.unit_serves && row.program.as_ref() == program)
    }

    fn end_holder(&self) -> Option<Vec<Action>> {
        let pid = self.finding.subject.pid?;
        let process = self.case.processes.get(&pid)?;
        let mut steps = vec![Action::EndProcess { pid, name: process.name.clone() }];
        let unit = self.finding.subject.unit.as_ref().map(Self::start_after);
        let program = || self.call().map(|call| vec![Action::StartProgram { call }]);
        steps.extend(unit.or_else(program)?);
        Some(steps)
    }

    /// Starts a unit whose address somebody else serves now.
    fn start_after(unit: &UnitName) -> Vec<Action> {
        let unit = unit.clone();
        vec![Action::ResetFailed { unit: unit.clone() }, Action::StartUnit { unit }]
    }

    /// A higher limit of the unit, and a start where it is down.
    fn more(
        &self,
        setting: impl Fn(&CaseFile, &UnitName) -> Option<UnitSetting>,
    ) -> Option<Vec<Action>> {
        let unit = self.finding.subject.unit.clone()?;
        let settings = vec![setting(self.case, &unit)?];
        let mut steps = vec![Action::LimitUnit { unit: unit.clone(), settings }];
        steps.extend(self.up(&unit));
        Some(steps)
    }

    /// A process keeps the limit that it was started with.
    fn more_files(&self) -> Option<Vec<Action>> {
        let unit = self.finding.subject.unit.clone()?;
        let settings = vec![limits::files(self.case, &unit)?];
        let restart = limits::restart(self.case, &unit);
        Some(vec![Action::LimitUnit { unit, settings }, restart])
    }

    fn more_container_memory(&self) -> Option<Vec<Action>> {
        let (container, name) = self.finding.subject.container.clone()?;
        let seen = self.case.containers.get(&container)?;
        let mut steps = vec![limits::container_memory(self.case, seen)?];
        if seen.state != crate::observation::ContainerState::Running {
            steps.push(Action::StartContainer { container, name });
        }
        Some(steps)
    }

    /// Group and mode that let the gateway's worker write to a socket.
    fn socket_access(&self) -> Option<Action> {
        let path = self.finding.subject.path.clone()?;
        let id = self.finding.subject.gateway.as_ref()?;
        let group = *self.case.gateways.get(id)?.worker_gids.first()?;
        Some(Action::SetSocketAccess {
            path,
            root: self.root(),
            owner: None,
            group: Some(group),
            mode: 0o660,
        })
    }

    /// Why a start would cure nothing, or why nothing is done at all.
    fn refusal(&self, text: &CauseText, plans: &[Plan]) -> Option<Refusal> {
        let check = self.finding.next_check.clone().unwrap_or_else(|| text.next_check.clone());
        let subject = &self.finding.subject;
        let unit = subject.unit.as_ref().map_or("UNIT", UnitName::as_str);
        let name = subject.program.as_ref().map(|id| id.name.to_string());
        let fix = text.fix.replace("UNIT", unit).replace("NAME", name.as_deref().unwrap_or("NAME"));
        let by_hand = vec![check, fix];
        if let Some(why) = &text.no_remedy {
            return Some(Refusal { why: why.clone(), by_hand });
        }
        if let Some(why) = self.futile().or_else(|| self.crash_loop()) {
            return Some(Refusal { why, by_hand });
        }
        plans.is_empty().then(|| Refusal { why: self.nothing(text), by_hand })
    }

    /// Why one more start would end as the last one did.
    fn futile(&self) -> Option<String> {
        let subject = &self.finding.subject;
        let unit = || {
            let unit = subject.unit.as_ref().map(ToString::to_string);
            unit.or_else(|| subject.program.as_ref().map(ToString::to_string))
        };
        match self.finding.cause {
            "pm2-errored" | "supervisor-fatal" => Some(format!(
                "{} ended each time it was started: started again, it ends the same way until what \
                 its log names is cured",
                unit()?
            )),
            "app-boot-failure" => Some(format!(
                "{} cannot load its own code: started again, it ends the same way until that is \
                 repaired or the last deployment taken back",
                unit()?
            )),
            "app-workdir-or-user-missing" if subject.program.is_some() => Some(format!(
                "{} has no such directory or user to run in: started again, it ends the same way \
                 until that is made or corrected",
                unit()?
            )),
            "app-config-invalid" => Some(format!(
                "{} refuses its configuration: started again, it ends the same way until the line \
                 that it names is corrected",
                unit()?
            )),
            "app-port-in-use" => self.finding.subject.pid.map(|pid| {
                format!("process {pid} holds the address: whatever is started there ends again")
            }),
            "app-crash-signal" if self.unit_seen()?.restart_policy.raw() != "no" => Some(format!(
                "{} is restarted by itself already: what makes it crash must be found, a restart \
                 will not help",
                unit()?
            )),
            "container-exited" => self.ends_by_itself(),
            "container-unhealthy" => self.waits_for_another(),
            _ => None,
        }
    }

    /// Why there is no plan although there are remedies.
    fn nothing(&self, text: &CauseText) -> String {
        let place = edits::place(self.finding);
        let starts = text.remedies.iter().any(|id| id.contains("start"));
        let runs = starts && self.unit_seen().is_some_and(Unit::is_up);
        match place {
            Some(place) if text.remedies.iter().any(|id| id == "edit-config") => {
                format!("what should stand in {place} is for a person to say")
            }
            _ if text.remedies.iter().any(|id| id == "raise-open-files") => {
                "the program's own configuration decides how many files it may open \
                 (worker_rlimit_nofile), or its limit is as high as it goes"
                    .to_owned()
            }
            _ if runs => "what it concerns runs again by itself; what is left is to keep it from \
                          happening once more"
                .to_owned(),
            _ if self.finding.subject.program.is_some() => {
                "its manager does not take orders from here, or does not run: the command to type is \
                 below"
                    .to_owned()
            }
            _ if self.finding.subject.unit.is_none()
                && self.finding.subject.container.is_none() =>
            {
                "which unit or container is to serve this address is not known here".to_owned()
            }
            _ => "which value is right here is for a person to say".to_owned(),
        }
    }

    /// A unit that ends each time it is started is not cured by one more start.
    fn crash_loop(&self) -> Option<String> {
        let unit = self.unit_seen()?;
        let ended_well = matches!(unit.exit, UnitExit::Exited(0) | UnitExit::None);
        let limit = unit.result == UnitResult::StartLimitHit;
        let often =
            unit.restarts >= LOOP || (self.finding.cause == "app-start-limit-hit" && !limit);
        if !often || ended_well {
            return None;
        }
        let last = match unit.exit {
            UnitExit::Exited(status) => format!("exit status {status}"),
            UnitExit::Killed(signal) | UnitExit::Dumped(signal) => format!("signal {signal}"),
            UnitExit::None => "unknown".to_owned(),
        };
        Some(format!(
            "{} was restarted {} times, the last end was {last}: a restart will not help",
            unit.name, unit.restarts
        ))
    }

    /// A container that Compose has not started yet would run without what it waits for.
    fn waits_for_another(&self) -> Option<String> {
        let (id, name) = self.finding.subject.container.as_ref()?;
        let made = self.case.containers.get(id)?;
        let waits = made.state == crate::observation::ContainerState::Created;
        (waits && !made.depends_on.is_empty()).then(|| {
            format!("{name} is started by Compose when what it waits for is well: cure that first")
        })
    }

    /// A container that ended with a status of its own will end so again.
    fn ends_by_itself(&self) -> Option<String> {
        let (id, name) = self.finding.subject.container.as_ref()?;
        // 0 is a clean end; 137 and 143 are what a stop gives.
        let code = self.case.containers.get(id)?.exit_code?;
        (![0, 137, 143].contains(&code)).then(|| {
            format!(
                "container {name} ended by itself with exit code {code}: started again, it will \
                 end so again until what its log names is cured"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{Host, container, unit},
        observation::{Seen, SourceId},
    };

    const AT: &str = "127.0.0.1:8000";

    fn offer(host: &Host) -> Offer {
        offers(&host.diagnose(), &host.case()).swap_remove(0)
    }

    fn commands(plan: &Plan) -> Vec<String> {
        plan.steps.iter().flat_map(Action::commands).map(|words| words.join(" ")).collect()
    }

    fn stopped() -> Host {
        Host::passing_to(AT).unit(unit("shop.service").claims(AT).stopped(60)).refused(10, AT)
    }

    #[test]
    fn a_stopped_unit_is_started_and_the_request_that_failed_is_asked_again() {
        let offer = offer(&stopped());
        assert_eq!(commands(&offer.plans[0]), ["systemctl start shop.service"]);
        assert!(offer.plans[0].expect.words().iter().any(|p| p.contains("takes connections")));
        assert_eq!(offer.refusal, None);
    }

    #[test]
    fn what_is_merely_possible_calls_for_its_next_check() {
        let offer = offer(&stopped().blind(SourceId::Units));
        assert!(offer.plans.is_empty());
        assert!(offer.refusal.is_some_and(|refusal| !refusal.by_hand[0].is_empty()));
    }

    #[test]
    fn a_unit_that_ends_each_time_is_not_started_once_more() {
        let crashed = unit("shop.service").claims(AT).exited(1, 20).restarts(6, "always");
        let offer = offer(&Host::passing_to(AT).unit(crashed).refused(10, AT));
        assert!(offer.plans.is_empty(), "{:?}", offer.plans);
        let why = offer.refusal.unwrap().why;
        assert!(why.contains("6 times") && why.contains("exit status 1"), "{why}");
    }

    #[test]
    fn a_memory_limit_is_raised_within_what_the_host_has() {
        let memory = |available: u64| {
            let sample = crate::observation::MemorySample {
                total: 8 << 30,
                available,
                ..Default::default()
            };
            let killed = unit("shop.service")
                .claims(AT)
                .killed(9, 60)
                .with(|u| u.memory_max = Some(64 << 20));
            Host::passing_to(AT)
                .unit(killed)
                .kill("/system.slice/shop.service", 60, true)
                .refused(10, AT)
                .sees(SourceId::Pressure, Seen::Memory(sample))
        };
        let first = |host: &Host| offer(host).plans.first().map(Plan::words);
        assert_eq!(
            first(&memory(4 << 30)).as_deref(),
            Some(
                "set MemoryMax=320M for shop.service, then clear the failed state of \
                 shop.service, then start shop.service"
            )
        );
        // A quarter of 40 MiB is no help: only the start is left.
        let tight = first(&memory(40 << 20)).unwrap();
        assert!(!tight.contains("MemoryMax"), "{tight}");
    }

    #[test]
    fn a_gateway_without_descriptors_is_given_more_unless_its_own_configuration_limits_it() {
        let host = |inherits: bool| {
            let limit = if inherits { 1_024 } else { 4_096 };
            let seen = unit("nginx.service").with(|u| u.limit_nofile = Some(limit));
            let full = crate::observation::ProcessLimits {
                pid: 11,
                open_files: Some(1_024),
                max_open_files: 1_024,
            };
            Host::passing_to(AT)
                .serves("shop.service", AT, 100)
                .process(11, "nginx", "nginx.service")
                .unit(seen)
                .nginx(
                    10,
                    "socket() failed (24: Too many open files) while connecting to upstream",
                    AT,
                )
                .sees(SourceId::Processes, Seen::Limits(full))
        };
        let found = offer(&host(true));
        assert_eq!((found.cause, found.plans.len()), ("proxy-fd-limit", 1));
        assert_eq!(
            found.plans[0].words(),
            "set LimitNOFILE=65536 for nginx.service, then restart nginx.service"
        );
        assert!(matches!(found.plans[0].steps[1], Action::RestartGateway { .. }));
        let own = offer(&host(false));
        assert!(own.plans.is_empty() && own.refusal.is_some(), "worker_rlimit_nofile decides");
    }

    #[test]
    fn a_container_that_ended_by_itself_is_not_started_and_one_that_was_stopped_is() {
        let ended = |code| {
            let shop = container("shop").publishes(8000, 80).exited(code, 40);
            offer(&Host::passing_to(AT).container(shop).refused(10, AT))
        };
        let own = ended(78);
        assert!(own.plans.is_empty() && own.refusal.unwrap().why.contains("exit code 78"));
        assert_eq!(ended(143).plans[0].remedy, "start-container");
    }

    #[test]
    fn the_address_that_answers_is_written_where_the_other_one_stands() {
        let host = Host::new()
            .upstream_with("127.0.0.1:8080", |u| u.written = "http://127.0.0.1:8080/api".into())
            .serves("shop.service", "0.0.0.0:8000", 100)
            .refused(10, "127.0.0.1:8080");
        let words = offer(&host).plans[0].words();
        assert!(words.contains("write 127.0.0.1:8000 instead of 127.0.0.1:8080"), "{words}");
        assert!(words.contains("then reload"), "{words}");
    }

    #[test]
    fn an_address_that_a_variable_decides_is_left_to_a_person() {
        let host = Host::new()
            .upstream_with("127.0.0.1:8080", |u| u.written = "http://$backend:8080".into())
            .serves("shop.service", "127.0.0.1:8000", 100)
            .refused(10, "127.0.0.1:8080");
        let offer = offer(&host);
        assert!(offer.plans.is_empty() && offer.refusal.is_some() && offer.edit_at.is_some());
    }

    #[test]
    fn a_restart_that_interrupts_several_sites_asks_for_the_name_to_be_typed() {
        let mut plan = offer(&stopped()).plans.swap_remove(0);
        assert!(!plan.is_typed());
        plan.blast.sites = vec!["a.example".into(), "b.example".into()];
        assert!(!plan.is_typed(), "a start interrupts nothing");
        plan.steps = vec![Action::RestartUnit { unit: UnitName::new("shop.service").unwrap() }];
        assert!(plan.is_typed());
        assert_eq!(plan.name_to_type(), "shop.service");
    }

    #[test]
    fn another_step_is_another_digest() {
        let plan = offer(&stopped()).plans.swap_remove(0);
        let mut other = plan.clone();
        other.steps.push(Action::EnableUnit { unit: UnitName::new("shop.service").unwrap() });
        assert_eq!(plan.digest(), plan.clone().digest());
        assert_ne!(plan.digest(), other.digest());
        let json = serde_json::to_string(&other).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), other);
    }
}
