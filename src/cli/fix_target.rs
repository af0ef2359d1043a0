//! What a person asks `fix` for by name: one unit, one container or the gateway.

use clap::ValueEnum;

use crate::{
    observation::{Clean, ContainerId, UnitName},
    remedy::{Plan, Target, manual},
    session::Model,
};

use super::{Exit, output};

/// On whom to act and how. Names are types: what is no name gets no further.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct TargetArguments {
    /// Act on this unit, whatever is found
    #[arg(long, value_name = "NAME", value_parser = unit_name, requires = "deed")]
    #[arg(conflicts_with_all = ["container", "gateway", "cause", "plan", "undo"])]
    pub unit: Option<UnitName>,

    /// Act on this container, whatever is found
    #[arg(long, value_name = "NAME|ID", requires = "deed")]
    #[arg(conflicts_with_all = ["gateway", "cause", "plan", "undo"])]
    pub container: Option<String>,

    /// Act on the gateway, whatever is found
    #[arg(long, requires = "deed", conflicts_with_all = ["cause", "plan", "undo"])]
    pub gateway: bool,

    /// What to do with it
    #[arg(long = "do", id = "deed", value_enum, value_name = "WHAT")]
    #[arg(conflicts_with_all = ["cause", "plan", "undo"])]
    pub deed: Option<Deed>,
}

/// What a person may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Deed {
    /// Start it
    Start,
    /// Stop and start it
    Restart,
    /// Have it read its configuration again
    Reload,
    /// Stop it
    Stop,
    /// Have a unit started at boot
    Enable,
    /// Clear a unit's failed state
    ResetFailed,
    /// Let a paused container go on
    Unpause,
    /// Have a container made as its Compose files say
    ComposeUp,
    /// Raise its memory limit
    RaiseMemory,
    /// Raise a unit's limit on open files, and restart it
    RaiseFiles,
    /// Raise a unit's limit on tasks
    RaiseTasks,
    /// Have a unit started again when it fails
    RestartOnFailure,
}

fn unit_name(text: &str) -> Result<UnitName, String> {
    UnitName::new(text).map_err(|error| format!("{error}; write it whole, as in nginx.service"))
}

impl TargetArguments {
    /// Whether somebody is named.
    pub(super) const fn is_given(&self) -> bool {
        self.deed.is_some()
    }

    /// Complains about what makes no sense whatever is found.
    pub(super) fn check(&self) -> Result<(), Exit> {
        let Some(deed) = self.deed else { return Ok(()) };
        let whom = match (&self.unit, &self.container, self.gateway) {
            (Some(_), ..) => "a unit",
            (_, Some(_), _) => "a container",
            (_, _, true) => "the gateway",
            _ => {
                output::note(
                    "--do says what, not with whom: add --unit, --container or --gateway; try \
                     'gatemedic fix --help'",
                );
                return Err(Exit::Usage);
            }
        };
        if self.remedy(deed).is_some() {
            return Ok(());
        }
        let word = deed.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default();
        output::note(&format!(
            "--do {word} is nothing that is done with {whom}; try 'gatemedic fix --help'"
        ));
        Err(Exit::Usage)
    }

    /// The remedy that is meant.
    const fn remedy(&self, deed: Deed) -> Option<&'static str> {
        Some(match (deed, self.unit.is_some(), self.container.is_some()) {
            (Deed::Start, true, _) => "start-unit",
            (Deed::Restart, true, _) => "restart-unit",
            (Deed::Reload, true, _) => "reload-unit",
            (Deed::Stop, true, _) => "stop-unit",
            (Deed::Enable, true, _) => "enable-unit",
            (Deed::ResetFailed, true, _) => "reset-failed",
            (Deed::RaiseMemory, true, _) => "raise-memory-limit",
            (Deed::RaiseFiles, true, _) => "raise-open-files",
            (Deed::RaiseTasks, true, _) => "raise-tasks",
            (Deed::RestartOnFailure, true, _) => "restart-policy",
            (Deed::Start, _, true) => "start-container",
            (Deed::Restart, _, true) => "restart-container",
            (Deed::Unpause, _, true) => "unpause-container",
            (Deed::ComposeUp, _, true) => "compose-up",
            (Deed::RaiseMemory, _, true) => "raise-container-memory",
            (Deed::Reload, false, false) => "reload-gateway",
            (Deed::Restart, false, false) => "restart-gateway",
            _ => return None,
        })
    }

    /// The plan that is meant, on the host as it is now.
    pub(super) fn choose(&self, model: &Model) -> Result<Plan, Exit> {
        let target = self.target(model)?;
        let mut plans = manual(&target, &model.case, &model.diagnosis);
        let wanted = self.deed.and_then(|deed| self.remedy(deed));
        if let Some(at) = plans.iter().position(|plan| Some(plan.remedy.as_str()) == wanted) {
            return Ok(plans.swap_remove(at));
        }
        let known: Vec<&str> = plans.iter().map(|plan| plan.remedy.as_str()).collect();
        let state = state(&target, model);
        output::note(&if known.is_empty() {
            format!("{state}: nothing can be done with it here")
        } else {
            format!("{state}: what makes sense now is {}", known.join(", "))
        });
        Err(Exit::Refused)
    }

    fn target(&self, model: &Model) -> Result<Target, Exit> {
        let unknown = |why: String| {
            output::note(&why);
            Exit::NotKnown
        };
        if let Some(unit) = &self.unit {
            let seen = model.case.units.contains_key(unit);
            return if seen {
                Ok(Target::Unit(unit.clone()))
            } else {
                Err(unknown(format!("no unit {unit} is known here")))
            };
        }
        if let Some(name) = &self.container {
            return container(name, model);
        }
        let mut gateways = model.case.gateways.keys();
        match (gateways.next(), gateways.next()) {
            (None, _) => Err(unknown("no gateway is found here".to_owned())),
            (Some(id), None) => Ok(Target::Gateway(id.clone())),
            (Some(_), Some(_)) => {
                output::note("there are several gateways: name the unit or the container of one");
                Err(Exit::Refused)
            }
        }
    }
}

/// A container by its exact name or its full id; the beginning of an id may be another's tomorrow.
fn container(name: &str, model: &Model) -> Result<Target, Exit> {
    let id = ContainerId::new(name).ok();
    let is_it = |c: &&crate::observation::Container| {
        id.as_ref().map_or_else(|| c.name.raw() == name, |id| c.id == *id)
    };
    let mut all = model.case.containers.values().filter(is_it);
    match (all.next(), all.next()) {
        (Some(one), None) => Ok(Target::Container(one.id.clone())),
        (None, _) => {
            let name = Clean::new(name);
            output::note(&format!("no container {name} is known here, by its name or full id"));
            Err(Exit::NotKnown)
        }
        (Some(_), Some(_)) => {
            let name = Clean::new(name);
            output::note(&format!("there are several containers {name}: say its full id"));
            Err(Exit::Refused)
        }
    }
}

/// How the target stands, for somebody who asked for what makes no sense.
fn state(target: &Target, model: &Model) -> String {
    match target {
        Target::Unit(name) => match model.case.units.get(name) {
            Some(unit) => format!("{name} is {} ({})", word(&unit.active), unit.file_state),
            None => format!("{name} is not loaded"),
        },
        Target::Container(id) => match model.case.containers.get(id) {
            Some(seen) => format!("container {} is {}", seen.name, word(&seen.state)),
            None => format!("container {id} is gone"),
        },
        Target::Program(id) => match model.case.program(id) {
            Some((_, seen)) => format!("{id} is {}", seen.state.as_str()),
            None => format!("{id} is gone"),
        },
        Target::Gateway(id) => match model.case.gateways.get(id) {
            Some(seen) if seen.running => format!("{id} runs"),
            _ => format!("{id} does not run"),
        },
    }
}

fn word(state: &impl std::fmt::Debug) -> String {
    format!("{state:?}").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::testing::{Host, container, name, unit};

    fn asked(deed: Deed) -> TargetArguments {
        TargetArguments { unit: None, container: None, gateway: false, deed: Some(deed) }
    }

    fn model(host: &Host) -> Model {
        let mut model = Model::new();
        (model.case, model.diagnosis) = (host.case(), host.diagnose());
        model
    }

    fn of_unit(of: &str, deed: Deed) -> TargetArguments {
        TargetArguments { unit: Some(name(of)), ..asked(deed) }
    }

    fn of_container(of: &str, deed: Deed) -> TargetArguments {
        TargetArguments { container: Some(of.to_owned()), ..asked(deed) }
    }

    #[test]
    fn what_is_not_known_and_what_makes_no_sense_now_are_told_apart() {
        let model = model(&Host::new().unit(unit("shop.service")));
        let choose = |of, deed| of_unit(of, deed).choose(&model).map(|plan| plan.remedy);
        assert_eq!(choose("shop.service", Deed::Restart).unwrap(), "restart-unit");
        assert_eq!(choose("shop.service", Deed::Start), Err(Exit::Refused), "it runs");
        assert_eq!(choose("other.service", Deed::Restart), Err(Exit::NotKnown));
    }

    #[test]
    fn a_container_is_known_by_its_whole_name_or_its_whole_id() {
        let one = container("shop");
        let model = model(&Host::new().container(one));
        let id = "c".repeat(64);
        let choose = |of: &str| of_container(of, Deed::Restart).choose(&model).map(|p| p.remedy);
        assert_eq!(choose("shop").unwrap(), "restart-container");
        assert_eq!(choose(&id).unwrap(), "restart-container");
        for part in ["sho", &id[..12], ""] {
            assert_eq!(choose(part), Err(Exit::NotKnown), "{part}");
        }
    }

    #[test]
    fn one_of_several_containers_or_gateways_is_not_guessed() {
        let twin = container("shop").with(|c| {
            c.id = crate::diagnosis::testing::container_id('d');
        });
        let mut model = model(&Host::new().container(container("shop")).container(twin));
        assert_eq!(of_container("shop", Deed::Restart).choose(&model), Err(Exit::Refused));
        let gateway = TargetArguments { gateway: true, ..asked(Deed::Reload) };
        assert_eq!(gateway.choose(&model).unwrap().remedy, "reload-gateway");
        let mut other = model.case.gateways.values().next().unwrap().clone();
        other.id = crate::observation::GatewayId("nginx:/other".into());
        model.case.gateways.insert(other.id.clone(), other);
        assert_eq!(gateway.choose(&model), Err(Exit::Refused));
    }

    #[test]
    fn what_is_never_done_with_such_a_thing_is_wrong_usage() {
        assert_eq!(of_container("shop", Deed::Reload).check(), Err(Exit::Usage));
        let gateway = TargetArguments { gateway: true, ..asked(Deed::Stop) };
        assert_eq!(gateway.check(), Err(Exit::Usage));
        assert_eq!(asked(Deed::Stop).check(), Err(Exit::Usage), "with whom?");
        assert_eq!(of_unit("shop.service", Deed::Stop).check(), Ok(()));
    }
}
