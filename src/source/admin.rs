//! Asks Caddy what it works with: its files may have been changed since, or there are none.

use std::{path::Path, time::Duration};

use futures_util::{StreamExt, stream};

use super::config::{Setup, caddy};
use crate::{
    host::{
        control::{self, ControlError, Question},
        netns,
    },
    observation::{Address, ControlPoint, Gateway, GatewayConfig, GatewayId},
};

/// Longest conversation.
const DEADLINE: Duration = Duration::from_secs(1);
/// Gateways asked at the same time, and in one look.
const TOGETHER: usize = 8;
const MOST: usize = 32;
/// Places of one gateway that are asked.
const PLACES: usize = 2;

/// One gateway to ask.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) gateway: Gateway,
    pub(super) setup: Setup,
    pub(super) controls: Vec<ControlPoint>,
}

/// Asks them, and gives what they said; `None` where nothing came that could be read.
pub(super) async fn ask(all: Vec<Ask>) -> Vec<(GatewayId, Option<GatewayConfig>)> {
    let one = |ask: Ask| async move {
        let said = of_gateway(&ask).await;
        (ask.gateway.id, said)
    };
    stream::iter(all.into_iter().take(MOST)).map(one).buffered(TOGETHER).collect().await
}

async fn of_gateway(ask: &Ask) -> Option<GatewayConfig> {
    let pid = ask.gateway.master?;
    let here = ask.gateway.netns.is_some() && ask.gateway.netns == netns::own();
    for point in ask.controls.iter().take(PLACES) {
        let question = Question::CaddyConfig;
        let answer = match &point.address {
            Address::Unix(path) => {
                let path = Path::new(path.raw());
                control::ask_unix(&ask.setup.root, path, pid, question, DEADLINE).await
            }
            Address::Tcp(at) if at.ip().is_loopback() && here => {
                control::ask_tcp(*at, pid, question, DEADLINE).await
            }
            _ => Err(ControlError::Stranger),
        };
        // What is cut is no JSON. It holds secrets: nothing of it is kept but what is understood.
        if let Ok(answer) = answer
            && let Some(config) = caddy::loaded(&ask.setup, &answer.bytes)
        {
            return Some(config);
        }
    }
    None
}
