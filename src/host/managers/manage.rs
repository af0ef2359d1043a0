//! What changes one program of a manager. Never all of them: there is no word for that here.

use std::time::Duration;

use serde_json::json;

use super::{Door, TalkError, Value, pm2, supervisor};

/// Longest wait for a program that is stopped or started: PM2 and Supervisor give a program some ten
/// seconds to end before they kill it.
const ORDER: Duration = Duration::from_secs(40);

/// What PM2 is told about one of its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pm2Order {
    /// Start what is stopped.
    Start,
    /// Stop and start; what is stopped is only started.
    Restart,
    /// Start a new process, then stop the old one; only in cluster mode is nothing cut off.
    Reload,
    /// Stop.
    Stop,
}

/// Gives PM2 an order about one number.
///
/// # Errors
/// [`TalkError`]; after [`TalkError::Late`] it may still happen.
pub async fn pm2_order(door: &Door, order: Pm2Order, number: u32) -> Result<(), TalkError> {
    let by_id = json!({ "id": number });
    let (method, argument) = match order {
        Pm2Order::Start => ("startProcessId", json!(number)),
        Pm2Order::Restart => ("restartProcessId", by_id),
        Pm2Order::Reload => ("reloadProcessId", by_id),
        Pm2Order::Stop => ("stopProcessId", json!(number)),
    };
    pm2::call(door, method, &argument, ORDER).await.map(drop)
}

/// What Supervisor is told about one of its programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SupervisorOrder {
    /// Start it and wait until it has run for its `startsecs`.
    Start,
    /// Stop it and wait until it has ended.
    Stop,
}

/// Gives Supervisor an order about one program, `name` or `group:name`.
///
/// # Errors
/// [`TalkError`]; after [`TalkError::Late`] it may still happen.
pub async fn supervisor_order(
    door: &Door,
    order: SupervisorOrder,
    name: &str,
) -> Result<(), TalkError> {
    let method = match order {
        SupervisorOrder::Start => "supervisor.startProcess",
        SupervisorOrder::Stop => "supervisor.stopProcess",
    };
    let arguments = [Value::Text(name.to_owned()), Value::Bool(true)];
    supervisor::call(door, method, &arguments, ORDER).await.map(drop)
}
