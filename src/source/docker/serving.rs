//! The logs of the containers that matter, and what containers say they serve inside.

use std::sync::Arc;

use super::{
    fleet::ask,
    lines::Line,
    live::Talk,
    logs::{self, Role, Wanted},
    run::Watch,
    stats,
};
use crate::{
    observation::{Claim, ClaimKind, Container, ContainerId, ContainerState, Origin, Program},
    session::Attention,
    source::{Closed, claims::address_in_log},
};

/// Lines of a log that are asked what is served.
const TELLING: usize = 50;

impl Talk<'_> {
    /// Reads the logs that are asked for and new here, or whose container started again.
    pub(super) async fn read_logs(
        &self,
        watch: &mut Watch,
        attention: &Attention,
    ) -> Result<(), Closed> {
        let wanted = attention.containers.iter().filter_map(|id| {
            let container = watch.fleet.get(id)?;
            Some(Wanted { id: id.clone(), role: role(attention, id), runs: runs(container) })
        });
        let wanted: Vec<Wanted> = wanted.collect();
        let Watch { logs, outlet, spots, .. } = watch;
        let read = logs.sweep(self.engine, wanted, &self.started, outlet, spots).await?;
        for (id, lines) in read {
            self.claim(watch, &id, &lines).await?;
        }
        Ok(())
    }

    /// Asks a container's log and, where its pid is not visible here, its processes what is served.
    async fn claim(
        &self,
        watch: &mut Watch,
        id: &ContainerId,
        lines: &[Line],
    ) -> Result<(), Closed> {
        let Some(container) = watch.fleet.get(id) else { return Ok(()) };
        let started = container.started;
        // A first line may be stamped a moment before the engine notes the start.
        let of_this_run =
            |line: &&Line| line.at().is_none_or(|at| Some(at.plus_secs(2)) >= started);
        let mut claims: Vec<Claim> = lines
            .iter()
            .rev()
            .take(TELLING)
            .filter(of_this_run)
            .filter_map(|line| address_in_log(line.text.raw()))
            .map(|address| {
                let origin = Origin::ContainerLog(id.clone());
                Claim { address, kind: ClaimKind::Log, origin }
            })
            .collect();
        if runs(container) && !container.pid_visible {
            let path = format!("/containers/{}/top", id.as_str());
            let top = ask(self.engine, &path).await.map(|answer| stats::served(&answer));
            claims.extend(top.unwrap_or_default().into_iter().map(|address| {
                let origin = Origin::Docker(id.clone());
                Claim { address, kind: ClaimKind::Command, origin }
            }));
        }
        claims.sort_unstable();
        claims.dedup();
        watch.fleet.claim(id, claims, &watch.outlet).await
    }

    /// Asks containers that started since the last pulse what they serve now.
    pub(super) async fn ask_started(&mut self, watch: &mut Watch) -> Result<(), Closed> {
        let attention = Arc::clone(&watch.attention.borrow());
        for id in std::mem::take(&mut self.started) {
            if !attention.containers.contains(&id) {
                continue;
            }
            let lines = logs::history(self.engine, &id, 0, TELLING).await;
            self.claim(watch, &id, &lines.unwrap_or_default()).await?;
        }
        Ok(())
    }
}

/// Whether it has, or will soon have, processes.
pub(super) fn runs(container: &Container) -> bool {
    matches!(
        container.state,
        ContainerState::Running | ContainerState::Paused | ContainerState::Restarting
    )
}

/// A gateway in a container writes its logs to standard output and error.
fn role(attention: &Attention, id: &ContainerId) -> Role {
    let gateway = attention.gateways.iter().find(|view| view.container.as_ref() == Some(id));
    match gateway {
        Some(view) => Role { program: view.kind.program(), gateway: Some(view.id.clone()) },
        None => Role { program: Program::Application, gateway: None },
    }
}
