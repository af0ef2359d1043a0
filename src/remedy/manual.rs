//! What a person may ask for without a finding: every power over one unit, container or gateway that
//! makes sense in its present state.

use crate::{
    diagnosis::{Diagnosis, UpstreamRow},
    evidence::CaseFile,
    observation::{
        Container, ContainerId, ContainerState, Gateway, GatewayId, ManagedProgram, Manager,
        ManagerKind, ProgramId, ProgramState, Unit, UnitActive, UnitLoad, UnitName, UpstreamId,
    },
};

use super::{
    Action, Daemon, Plan, ProgramCall, UnitSetting, limits,
    promise::{self, Concern, works},
    reload,
};

/// Sites named before the rest is only counted.
const NAMED: usize = 3;

/// On whom a person wants to act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A unit.
    Unit(UnitName),
    /// A container.
    Container(ContainerId),
    /// A program of PM2 or Supervisor.
    Program(ProgramId),
    /// A gateway, by its unit, its container or its master.
    Gateway(GatewayId),
}

/// Every plan that makes sense for a target as it is now; none when it is not known here. Their
/// remedies are named as the actions are.
pub fn manual(target: &Target, case: &CaseFile, diagnosis: &Diagnosis) -> Vec<Plan> {
    let bench = Bench { case, diagnosis };
    let (concern, all) = match target {
        Target::Unit(name) => match case.units.get(name) {
            Some(unit) => (bench.about_unit(unit), bench.unit(unit)),
            None => return Vec::new(),
        },
        Target::Container(id) => match case.containers.get(id) {
            Some(container) => (bench.about_container(container), bench.container(container)),
            None => return Vec::new(),
        },
        Target::Program(id) => match case.program(id) {
            Some((manager, program)) => {
                (bench.about_program(program), program_ways(manager, program))
            }
            None => return Vec::new(),
        },
        Target::Gateway(id) => match case.gateways.get(id) {
            Some(gateway) => (bench.about_gateway(gateway), bench.gateway(gateway)),
            None => return Vec::new(),
        },
    };
    all.into_iter().map(|(remedy, steps)| promise::plan(remedy, steps, &concern)).collect()
}

/// A remedy and its steps.
type Way = (&'static str, Vec<Action>);

struct Bench<'a> {
    case: &'a CaseFile,
    diagnosis: &'a Diagnosis,
}

impl<'a> Bench<'a> {
    fn concern(&self, whom: String, what: &str, upstreams: Vec<UpstreamId>) -> Concern<'a> {
        let why = format!("asked for; {}", self.behind(what, &upstreams));
        Concern {
            case: self.case,
            diagnosis: self.diagnosis,
            cause: "",
            whom,
            why,
            upstreams,
            gateway: None,
            instead: None,
        }
    }

    /// Which sites lead to it.
    fn behind(&self, what: &str, upstreams: &[UpstreamId]) -> String {
        let configs = self.case.configs.values().flat_map(|config| &config.upstreams);
        let routes = configs.filter(|u| upstreams.contains(&u.id)).flat_map(|u| &u.routes);
        let mut sites: Vec<String> = routes.map(|r| promise::name_of(&r.server_names)).collect();
        sites.sort();
        sites.dedup();
        let more = sites.len().saturating_sub(NAMED);
        sites.truncate(NAMED);
        match (sites.is_empty(), more) {
            (true, _) => format!("no site is known that leads to {what}"),
            (false, 0) => format!("{what} stands behind {}", sites.join(", ")),
            (false, more) => format!("{what} stands behind {} and {more} more", sites.join(", ")),
        }
    }

    fn rows(&self, ours: impl Fn(&UpstreamRow) -> bool) -> Vec<UpstreamId> {
        let rows = self.diagnosis.upstreams.iter().filter(|row| ours(row));
        rows.map(|row| row.id.clone()).collect()
    }

    fn gateway_of(&self, unit: &UnitName) -> Option<&'a Gateway> {
        self.case.gateways.values().find(|gateway| gateway.unit.as_ref() == Some(unit))
    }

    fn about_unit(&self, unit: &Unit) -> Concern<'a> {
        if let Some(gateway) = self.gateway_of(&unit.name) {
            return Concern { whom: unit.name.to_string(), ..self.about_gateway(gateway) };
        }
        let rows = self.rows(|row| row.unit.as_ref() == Some(&unit.name));
        self.concern(unit.name.to_string(), unit.name.as_str(), rows)
    }

    fn about_container(&self, container: &Container) -> Concern<'a> {
        let own = self.case.gateways.values().find(|g| g.container.as_ref() == Some(&container.id));
        if let Some(gateway) = own {
            return Concern { whom: container.id.to_string(), ..self.about_gateway(gateway) };
        }
        let is_its =
            |row: &UpstreamRow| row.container.as_ref().is_some_and(|(id, _)| *id == container.id);
        let what = format!("container {}", container.name);
        self.concern(container.id.to_string(), &what, self.rows(is_its))
    }

    fn about_program(&self, program: &ManagedProgram) -> Concern<'a> {
        let rows = self.rows(|row| row.program.as_ref() == Some(&program.id));
        self.concern(program.id.to_string(), &program.id.to_string(), rows)
    }

    /// What did not work before is not promised: a gateway does not cure what stands behind it.
    fn about_gateway(&self, gateway: &Gateway) -> Concern<'a> {
        let rows = self.rows(|row| row.gateway == gateway.id && works(row));
        let all = self.rows(|row| row.gateway == gateway.id).len();
        let concern = self.concern(gateway.id.to_string(), "it", rows);
        Concern { why: format!("asked for; {all} upstreams stand behind this gateway"), ..concern }
    }

    fn unit(&self, unit: &Unit) -> Vec<Way> {
        let name = || unit.name.clone();
        // Mounts, slices, scopes and devices are not a service's to repair.
        if !unit.name.is_service() && !unit.name.as_str().ends_with(".socket") {
            return Vec::new();
        }
        let fit = unit.load == UnitLoad::Loaded;
        let mut all: Vec<Way> = Vec::new();
        match unit.active {
            UnitActive::Inactive if fit => {
                all.push(("start-unit", vec![Action::StartUnit { unit: name() }]));
            }
            UnitActive::Failed => {
                let reset = Action::ResetFailed { unit: name() };
                let start = Action::StartUnit { unit: name() };
                if fit {
                    all.push(("start-unit", vec![reset.clone(), start]));
                }
                all.push(("reset-failed", vec![reset]));
            }
            UnitActive::Active | UnitActive::Reloading => {
                all.extend(self.reload(unit).map(|step| ("reload-unit", vec![step])));
                if fit {
                    all.push(("restart-unit", vec![limits::restart(self.case, &unit.name)]));
                }
                all.push(("stop-unit", vec![Action::StopUnit { unit: name() }]));
            }
            UnitActive::Activating => {
                all.push(("stop-unit", vec![Action::StopUnit { unit: name() }]));
            }
            UnitActive::Inactive | UnitActive::Deactivating => {}
        }
        if fit && unit.file_state.raw() == "disabled" {
            all.push(("enable-unit", vec![Action::EnableUnit { unit: name() }]));
        }
        if fit && unit.name.is_service() && unit.is_up() {
            all.extend(self.limits(unit));
        }
        all
    }

    /// The gateway's own reload where it is one, so that its workers are looked at. Others only
    /// where it is known what a reload does to them.
    fn reload(&self, unit: &Unit) -> Option<Action> {
        if let Some(gateway) = self.gateway_of(&unit.name) {
            return reload(gateway);
        }
        let program = |line: &crate::observation::Text| {
            line.raw()
                .split_ascii_whitespace()
                .next()
                .is_some_and(|p| Daemon::of_program(p).is_some())
        };
        let known = unit.commands.iter().any(program);
        known.then(|| Action::ReloadUnit { unit: unit.name.clone() })
    }

    /// A running process keeps its limit on open files; the others count at once.
    fn limits(&self, unit: &Unit) -> Vec<Way> {
        let set = |setting| Action::LimitUnit { unit: unit.name.clone(), settings: vec![setting] };
        let mut all: Vec<Way> = Vec::new();
        let memory = limits::memory(self.case, &unit.name);
        all.extend(memory.map(|setting| ("raise-memory-limit", vec![set(setting)])));
        let files = limits::files(self.case, &unit.name);
        let restart = || limits::restart(self.case, &unit.name);
        all.extend(files.map(|setting| ("raise-open-files", vec![set(setting), restart()])));
        let tasks = limits::tasks(self.case, &unit.name);
        all.extend(tasks.map(|setting| ("raise-tasks", vec![set(setting)])));
        if unit.restart_policy.raw() == "no" {
            let settings = vec![UnitSetting::RestartOnFailure, UnitSetting::RestartSec(5)];
            let step = Action::LimitUnit { unit: unit.name.clone(), settings };
            all.push(("restart-policy", vec![step]));
        }
        all
    }

    fn container(&self, seen: &Container) -> Vec<Way> {
        let (container, name) = (seen.id.clone(), seen.name.clone());
        let restart = Action::RestartContainer { container: container.clone(), name: name.clone() };
        let mut all: Vec<Way> = Vec::new();
        match seen.state {
            ContainerState::Running => all.push(("restart-container", vec![restart])),
            ContainerState::Paused => {
                let step = Action::UnpauseContainer { container, name };
                all.push(("unpause-container", vec![step]));
                all.push(("restart-container", vec![restart]));
            }
            ContainerState::Created | ContainerState::Exited => {
                all.push(("start-container", vec![Action::StartContainer { container, name }]));
            }
            // What is started again all the time is not cured by one more start.
            ContainerState::Restarting => {}
            ContainerState::Other => return all,
        }
        if let Some((project, service)) = &seen.compose
            && !seen.compose_files.is_empty()
        {
            let step = Action::ComposeUp {
                container: seen.id.clone(),
                project: project.clone(),
                service: service.clone(),
                files: seen.compose_files.clone(),
                folder: seen.compose_folder.clone(),
            };
            all.push(("compose-up", vec![step]));
        }
        if seen.state == ContainerState::Running {
            let limit = limits::container_memory(self.case, seen);
            all.extend(limit.map(|step| ("raise-container-memory", vec![step])));
        }
        all
    }

    fn gateway(&self, gateway: &Gateway) -> Vec<Way> {
        let mut all: Vec<Way> = Vec::new();
        all.extend(reload(gateway).map(|step| (step.kind(), vec![step])));
        let unit = gateway.unit.as_ref();
        let container = gateway.container.as_ref().and_then(|id| self.case.containers.get(id));
        match (container, unit, gateway.running) {
            (Some(seen), ..) if seen.state == ContainerState::Running => {
                let (container, name) = (seen.id.clone(), seen.name.clone());
                let step = Action::RestartContainer { container, name };
                all.push(("restart-gateway", vec![step]));
            }
            (None, Some(unit), true) => {
                let (gateway, unit) = (gateway.id.clone(), unit.clone());
                let step = Action::RestartGateway { gateway, unit };
                all.push(("restart-gateway", vec![step]));
            }
            (None, Some(unit), false) => {
                let step = Action::StartUnit { unit: unit.clone() };
                all.push(("start-unit", vec![Action::ResetFailed { unit: unit.clone() }, step]));
            }
            _ => {}
        }
        all
    }
}

/// What its manager can be told about a program in its present state.
fn program_ways(manager: &Manager, program: &ManagedProgram) -> Vec<Way> {
    let Some(call) = ProgramCall::new(manager, program) else { return Vec::new() };
    let start = || ("start-program", vec![Action::StartProgram { call: call.clone() }]);
    let restart = || ("restart-program", vec![Action::RestartProgram { call: call.clone() }]);
    match program.state {
        ProgramState::Running => {
            // Only in cluster mode a reload is more than a restart.
            let graceful = manager.kind == ManagerKind::Pm2 && program.shares_sockets;
            let reload = ("reload-program", vec![Action::ReloadProgram { call: call.clone() }]);
            graceful.then_some(reload).into_iter().chain([restart()]).collect()
        }
        ProgramState::Stopped | ProgramState::Exited | ProgramState::GaveUp => vec![start()],
        // It is started again all the time, or moves already.
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::{
            testing::{ContainerSeen, Host, UnitSeen, container, container_id, name, unit},
            testing_programs::{ProgramSeen, pm2, program_id, supervisor},
        },
        observation::{CgroupSample, MemorySample, Owner, Seen, SourceId},
    };

    const AT: &str = "127.0.0.1:8000";
    const UNIT: &str = "shop.service";

    fn on(target: &Target, host: &Host) -> Vec<Plan> {
        manual(target, &host.case(), &host.diagnose())
    }

    fn of_unit(host: &Host) -> Vec<Plan> {
        on(&Target::Unit(name(UNIT)), host)
    }

    fn of_container(seen: ContainerSeen) -> Vec<Plan> {
        let host = Host::passing_to(AT).container(seen.publishes(8000, 80));
        on(&Target::Container(container_id('c')), &host)
    }

    fn of_gateway(host: &Host) -> Vec<Plan> {
        on(&Target::Gateway(host.gateway.id.clone()), host)
    }

    fn remedies(plans: &[Plan]) -> Vec<&str> {
        plans.iter().map(|plan| plan.remedy.as_str()).collect()
    }

    fn plan<'a>(plans: &'a [Plan], remedy: &str) -> &'a Plan {
        plans.iter().find(|plan| plan.remedy == remedy).unwrap_or_else(|| panic!("{plans:#?}"))
    }

    fn with(seen: UnitSeen) -> Host {
        Host::passing_to(AT).unit(seen.claims(AT))
    }

    fn running() -> Host {
        Host::passing_to(AT).serves(UNIT, AT, 100)
    }

    #[test]
    fn only_what_makes_sense_in_its_state_is_possible_for_a_unit() {
        let kept = |u: UnitSeen| u.restarts(0, "always");
        let of = |seen| of_unit(&with(kept(seen)));
        assert_eq!(remedies(&of(unit(UNIT))), ["restart-unit", "stop-unit"]);
        assert_eq!(remedies(&of(unit(UNIT).stopped(60))), ["start-unit"]);
        let disabled = unit(UNIT).stopped(60).with(|u| u.file_state = "disabled".into());
        assert_eq!(remedies(&of(disabled)), ["start-unit", "enable-unit"]);
        let failed = of(unit(UNIT).exited(1, 60));
        assert_eq!(remedies(&failed), ["start-unit", "reset-failed"]);
        assert_eq!(
            failed[0].words(),
            "clear the failed state of shop.service, then start shop.service"
        );
        let masked = unit(UNIT).stopped(60).with(|u| u.load = UnitLoad::Masked);
        assert_eq!(remedies(&of(masked)), [""; 0]);
        assert_eq!(remedies(&of(unit(UNIT).waiting())), ["stop-unit"], "systemd restarts it");
    }

    #[test]
    fn a_unit_that_is_no_service_or_is_not_known_is_left_alone() {
        for of in ["home.mount", "user.slice", "x.scope", "sda.device"] {
            let host = Host::new().unit(unit(of));
            assert!(on(&Target::Unit(name(of)), &host).is_empty(), "{of}");
        }
        assert!(on(&Target::Unit(name("other.service")), &running()).is_empty());
    }

    #[test]
    fn a_reload_is_offered_only_where_it_is_known_what_it_does() {
        let runs = |line: &'static str| {
            let seen = unit(UNIT).with(|u| u.commands = vec![line.into()]);
            of_unit(&with(seen)).iter().any(|plan| plan.remedy == "reload-unit")
        };
        assert!(runs("/usr/sbin/php-fpm8.2 --nodaemonize"));
        assert!(!runs("/usr/bin/gunicorn shop:app"));
    }

    #[test]
    fn a_restart_promises_that_what_it_serves_is_reached_and_answers() {
        let plans = of_unit(&running());
        let restart = plan(&plans, "restart-unit");
        assert_eq!((restart.cause.as_str(), restart.whom.as_str()), ("", UNIT));
        assert_eq!(restart.why, "asked for; shop.service stands behind shop.lan");
        let promises = restart.expect.words().join("\n");
        for promise in [
            "shop.service is active and does not restart",
            "127.0.0.1:8000 takes connections",
            "no request fails any more",
            "GET http://shop.lan/",
        ] {
            assert!(promises.contains(promise), "{promises}");
        }
        assert_eq!(restart.blast.sites, ["shop.lan"]);
    }

    #[test]
    fn up_to_three_routes_are_asked_those_of_every_upstream_first() {
        let host = Host::passing_to(AT).serves(UNIT, AT, 100).config(|config| {
            let routes = &mut config.upstreams[0].routes;
            for name in ["b.lan", "c.lan", "d.lan"] {
                let mut route = routes[0].clone();
                route.server_names = vec![name.into()];
                routes.push(route);
            }
        });
        let plans = of_unit(&host);
        let proofs = &plan(&plans, "restart-unit").expect.proofs;
        let hosts: Vec<&str> = proofs.iter().map(|proof| proof.host.raw()).collect();
        assert_eq!(hosts, ["shop.lan", "b.lan", "c.lan"]);
    }

    #[test]
    fn a_stop_promises_that_it_is_down_and_names_every_site_that_it_takes_away() {
        let two = running().upstream_with(AT, |u| {
            u.routes[0].server_names = vec!["blog.lan".into()];
        });
        let plans = of_unit(&two);
        let stop = plan(&plans, "stop-unit");
        assert_eq!(stop.expect.words(), ["shop.service is stopped and stays so"]);
        assert_eq!(stop.blast.sites, ["blog.lan", "shop.lan"]);
        assert!(stop.is_typed() && stop.reversible());
        assert_eq!(stop.name_to_type(), UNIT);
        assert!(!plan(&of_unit(&running()), "stop-unit").is_typed());
    }

    #[test]
    fn what_does_not_touch_what_runs_is_proven_by_its_own_state() {
        let disabled = unit(UNIT).with(|u| u.file_state = "disabled".into());
        let plans = of_unit(&with(disabled));
        let expect = &plan(&plans, "enable-unit").expect;
        assert_eq!(expect.words(), ["shop.service is started at boot"]);
        assert_eq!(expect.stable_secs, 0);
        let plans = of_unit(&with(unit(UNIT).exited(1, 60)));
        let expect = &plan(&plans, "reset-failed").expect;
        assert_eq!(expect.words(), ["shop.service is not failed any more"]);
    }

    #[test]
    fn a_unit_that_is_a_gateway_is_reloaded_and_restarted_as_one() {
        let host = running().unit(unit("nginx.service"));
        let plans = on(&Target::Unit(name("nginx.service")), &host);
        let reload = plan(&plans, "reload-unit");
        assert!(matches!(reload.steps[0], Action::ReloadGateway { master: 10, .. }));
        let restart = plan(&plans, "restart-unit");
        let promises = restart.expect.words().join("\n");
        assert!(promises.contains("new workers") && promises.contains("shop.lan"), "{promises}");
        assert_eq!(restart.blast.sites, ["shop.lan"], "whoever stops it stops the site");
        assert_eq!(plan(&plans, "stop-unit").blast.sites, ["shop.lan"]);
    }

    #[test]
    fn a_gateway_does_not_promise_what_did_not_work_before() {
        let host = running().upstream("127.0.0.1:9000").refused(10, "127.0.0.1:9000");
        let plans = of_gateway(&host);
        assert_eq!(remedies(&plans), ["reload-gateway", "restart-gateway"]);
        for plan in &plans {
            let promises = plan.expect.words().join("\n");
            assert!(promises.contains("127.0.0.1:8000 takes"), "{promises}");
            assert!(!promises.contains("127.0.0.1:9000"), "{promises}");
        }
        let down = host.gateway(|g| {
            g.running = false;
            g.master = None;
            g.workers.clear();
        });
        let plans = of_gateway(&down);
        assert_eq!(remedies(&plans), ["start-unit"]);
        let promises = plans[0].expect.words().join("\n");
        assert!(promises.contains("the gateway has workers"), "{promises}");
    }

    #[test]
    fn only_what_makes_sense_in_its_state_is_possible_for_a_container() {
        let of = |state| {
            let plans = of_container(container("shop").with(|c| c.state = state));
            plans.into_iter().map(|plan| plan.remedy).collect::<Vec<_>>()
        };
        assert_eq!(of(ContainerState::Running), ["restart-container"]);
        assert_eq!(of(ContainerState::Paused), ["unpause-container", "restart-container"]);
        assert_eq!(of(ContainerState::Created), ["start-container"]);
        assert!(of(ContainerState::Restarting).is_empty(), "one more start is no cure");
        assert!(of(ContainerState::Other).is_empty());
        assert_eq!(remedies(&of_container(container("shop").exited(1, 9))), ["start-container"]);
    }

    #[test]
    fn a_service_of_compose_is_brought_up_as_its_labels_say() {
        let labelled = container("shop").with(|c| {
            c.compose = Some(("shop".into(), "web".into()));
            c.compose_folder = "/srv/shop".into();
            c.compose_files = vec!["/srv/shop/compose.yaml".into()];
        });
        let plans = of_container(labelled.clone());
        let up = plan(&plans, "compose-up");
        assert_eq!(
            up.steps[0].commands()[0].join(" "),
            "docker compose --project-name shop --project-directory /srv/shop --file \
             /srv/shop/compose.yaml up -d --no-deps web"
        );
        assert!(up.expect.words()[0].contains("service web of project shop runs"));
        let bare = labelled.with(|c| c.compose_files.clear());
        assert_eq!(remedies(&of_container(bare)), ["restart-container"]);
    }

    #[test]
    fn only_what_makes_sense_in_its_state_is_possible_for_a_managed_program() {
        let of = |seen: ProgramSeen, kind| {
            let host = Host::passing_to(AT).programs(seen.claims(AT));
            let plans = on(&Target::Program(program_id(kind, "shop")), &host);
            plans.into_iter().map(|plan| plan.remedy).collect::<Vec<_>>()
        };
        let kind = ManagerKind::Pm2;
        assert_eq!(of(pm2("shop").runs(7), kind), ["restart-program"]);
        let cluster = pm2("shop").runs(7).with(|p| p.shares_sockets = true);
        assert_eq!(of(cluster, kind), ["reload-program", "restart-program"]);
        for state in [ProgramState::Stopped, ProgramState::Exited, ProgramState::GaveUp] {
            assert_eq!(of(pm2("shop").state(state, ""), kind), ["start-program"]);
        }
        for state in [ProgramState::Waiting, ProgramState::Starting, ProgramState::Absent] {
            assert!(of(pm2("shop").state(state, ""), kind).is_empty(), "{state:?}");
        }
        let kind = ManagerKind::Supervisor;
        assert!(of(supervisor("shop").down(), kind).is_empty(), "nobody takes the order");
    }

    #[test]
    fn a_restart_of_a_program_promises_that_it_runs_and_answers() {
        let host = Host::passing_to(AT).programs(supervisor("shop").claims(AT).runs(7));
        let plans = on(&Target::Program(program_id(ManagerKind::Supervisor, "shop")), &host);
        let promises = plan(&plans, "restart-program").expect.words().join("\n");
        for promise in ["shop (Supervisor) runs and does not restart", "takes connections", "GET "]
        {
            assert!(promises.contains(promise), "{promises}");
        }
    }

    #[test]
    fn limits_are_raised_where_they_are_known() {
        let group = CgroupSample {
            owner: Owner::Unit(name(UNIT)),
            path: "/system.slice/shop.service".into(),
            memory: None,
            memory_max: None,
            oom_kills: None,
            pids: Some(60),
            pids_max: Some(64),
            throttled_periods: None,
            throttled_us: None,
            cpu_periods: None,
        };
        let memory =
            MemorySample { total: 8 << 30, available: 4 << 30, swap_total: 0, swap_free: 0 };
        let limited = unit(UNIT).with(|u| {
            u.memory_max = Some(64 << 20);
            u.limit_nofile = Some(1_024);
        });
        let host = with(limited)
            .sees(SourceId::Cgroups, Seen::Cgroup(group))
            .sees(SourceId::Pressure, Seen::Memory(memory));
        let plans = of_unit(&host);
        let words = |remedy| plan(&plans, remedy).words();
        assert_eq!(words("raise-memory-limit"), "set MemoryMax=320M for shop.service");
        assert_eq!(
            words("raise-open-files"),
            "set LimitNOFILE=65536 for shop.service, then restart shop.service"
        );
        assert_eq!(words("raise-tasks"), "set TasksMax=256 for shop.service");
        assert_eq!(
            words("restart-policy"),
            "set Restart=on-failure, RestartSec=5s for shop.service"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_plan_acts_on_anything_but_its_target(
            active in 0..5_usize, state in 0..6_usize, program in 0..9_usize, disabled: bool,
            gateway: bool, up: bool,
        ) {
            let seen = unit(UNIT).claims(AT).with(|u| {
                u.active = [
                    UnitActive::Active,
                    UnitActive::Inactive,
                    UnitActive::Failed,
                    UnitActive::Activating,
                    UnitActive::Deactivating,
                ][active];
                u.limit_nofile = Some(1_024);
                if disabled {
                    u.file_state = "disabled".into();
                }
            });
            let box_ = container("shop").publishes(8000, 80).with(|c| {
                c.state = [
                    ContainerState::Running,
                    ContainerState::Paused,
                    ContainerState::Exited,
                    ContainerState::Created,
                    ContainerState::Restarting,
                    ContainerState::Other,
                ][state];
                c.compose = Some(("shop".into(), "web".into()));
                c.compose_files = vec!["/srv/shop/compose.yaml".into()];
            });
            let state = [
                ProgramState::Running,
                ProgramState::Starting,
                ProgramState::Waiting,
                ProgramState::Stopping,
                ProgramState::Stopped,
                ProgramState::Exited,
                ProgramState::GaveUp,
                ProgramState::Absent,
                ProgramState::Unknown,
            ][program];
            let managed = pm2("shop").claims("127.0.0.1:3000").state(state, "");
            let host = Host::passing_to(AT).unit(seen).unit(unit("nginx.service")).container(box_);
            let host = host.programs(managed);
            let host = host.gateway(|g| {
                g.running = up;
                if gateway {
                    g.unit = Some(name(UNIT));
                }
            });
            let id = host.gateway.id.clone();
            let owner = host.gateway.unit.clone();
            for target in [
                Target::Unit(name(UNIT)),
                Target::Unit(name("nginx.service")),
                Target::Container(container_id('c')),
                Target::Gateway(id.clone()),
                Target::Program(program_id(ManagerKind::Pm2, "shop")),
            ] {
                for plan in on(&target, &host) {
                    proptest::prop_assert!(!plan.steps.is_empty() && plan.cause.is_empty());
                    proptest::prop_assert!(!plan.expect.clauses.is_empty(), "{:?}", plan);
                    for step in &plan.steps {
                        let of_gateway = match step {
                            Action::ReloadGateway { gateway, .. }
                            | Action::RestartGateway { gateway, .. } => Some(gateway),
                            _ => None,
                        };
                        proptest::prop_assert!(of_gateway.is_none_or(|of| *of == id));
                        let only = match &target {
                            Target::Unit(name) => {
                                step.unit().is_none_or(|unit| unit == name)
                                    && step.container().is_none()
                                    && (of_gateway.is_none() || owner.as_ref() == Some(name))
                            }
                            Target::Container(id) => {
                                step.container().is_some_and(|(of, _)| of == id)
                            }
                            Target::Program(id) => {
                                step.program().is_some_and(|call| call.program == *id)
                            }
                            Target::Gateway(_) => {
                                step.unit().is_none_or(|unit| Some(unit) == owner.as_ref())
                                    && step.container().is_none()
                            }
                        };
                        proptest::prop_assert!(only, "{:?}: {:?}", target, step);
                    }
                }
            }
        }
    }
}
