//! Which look is which.

use crate::{diagnosis::Diagnosis, evidence::CaseFile, remedy::CheckId};

use super::{
    About, Measured, backend, config, logs, network, prevention, resources,
    sight::{Sight, Tally},
};

/// Looks once: at what a finding concerns, or at everything.
pub fn look(
    id: CheckId,
    case: &CaseFile,
    diagnosis: &Diagnosis,
    about: Option<About<'_>>,
) -> Measured {
    let sight = Sight::new(case, diagnosis, about);
    match id {
        CheckId::BackendRuns => backend::runs(&sight),
        CheckId::BackendStays => backend::stays(&sight),
        CheckId::GatewayRuns => backend::gateway(&sight),
        CheckId::Containers => backend::containers(&sight),
        CheckId::AddressMatches => network::address(&sight),
        CheckId::Reachable => network::reachable(&sight),
        CheckId::SocketAccess => network::socket(&sight),
        CheckId::Queue => network::queue(&sight),
        CheckId::Tls => network::tls(&sight),
        CheckId::Names => network::names(&sight),
        CheckId::Firewall => network::firewall(&sight),
        CheckId::GatewayLog => logs::gateway(&sight),
        CheckId::BackendLog => logs::backend(&sight),
        CheckId::Requests => logs::requests(&sight),
        CheckId::WhoseError => logs::whose(&sight),
        CheckId::Memory => resources::memory(&sight),
        CheckId::MemoryLimit => resources::limit(&sight),
        CheckId::Disk => resources::disk(&sight),
        CheckId::Descriptors => resources::descriptors(&sight),
        CheckId::Timeouts => config::timeouts(&sight),
        CheckId::Buffers => config::buffers(&sight),
        CheckId::ConfigValid => config::valid(&sight),
        CheckId::ConfigLoaded => config::loaded(&sight),
        CheckId::CauseGone => gone(&sight),
        CheckId::RestartPolicy => prevention::restart(&sight),
        CheckId::Boot => prevention::boot(&sight),
        CheckId::Limits => prevention::limits(&sight),
        CheckId::HealthChecks => prevention::health(&sight),
        CheckId::Spare => prevention::spare(&sight),
    }
}

fn gone(sight: &Sight<'_>) -> Measured {
    let mut tally = Tally::default();
    match (sight.about, sight.finding) {
        (Some(_), Some(finding)) if finding.current => tally.bad(finding.summary.clone()),
        (Some(about), _) => tally.good(format!("{} is no longer seen", about.cause)),
        (None, _) => {
            for finding in &sight.diagnosis.findings {
                tally.bad(finding.summary.clone());
            }
            if tally.is_empty() {
                tally.good("no cause is named any more");
            }
        }
    }
    tally.command(&["gatemedic", "diagnose"]);
    tally.measured("")
}
