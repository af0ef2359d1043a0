//! The door of the supervisor: XML-RPC over HTTP on its unix socket.

use std::rc::Rc;

use tokio::{
    io::AsyncWriteExt,
    sync::oneshot,
    time::{Duration, timeout},
};

use crate::practice::{
    gateway::receive,
    net::{Listener, Stream},
};

use super::{
    books::Books,
    order::{Fault, Order, Reply},
    xml::{self, Answer, Call},
};

/// How long an order may take.
const ORDER: Duration = Duration::from_secs(30);
/// Talks at the same time.
const TALKS: usize = 32;

/// Answers whoever knocks.
pub(super) async fn keep(listener: Listener, books: Rc<Books>) {
    let talks = std::sync::Arc::new(tokio::sync::Semaphore::new(TALKS));
    loop {
        let Ok(stream) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(talk) = std::sync::Arc::clone(&talks).try_acquire_owned() else { continue };
        let books = Rc::clone(&books);
        tokio::task::spawn_local(async move {
            answer(stream, &books).await;
            drop(talk);
        });
    }
}

async fn answer(mut stream: Stream, books: &Books) {
    let Ok((_, body)) = receive(&mut stream).await else { return };
    let answer = match xml::call(&body) {
        Some(call) => follow(&call, books).await,
        None => Answer::Fault(1, "UNKNOWN_METHOD".to_owned()),
    };
    let document = xml::document(&answer);
    let whole = format!(
        "HTTP/1.0 200 OK\r\nServer: Medusa/1.12\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n\
         {document}",
        document.len()
    );
    let _ = stream.write_all(whole.as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn follow(call: &Call, books: &Books) -> Answer {
    match call.method.as_str() {
        "supervisor.getAllProcessInfo" => {
            Answer::All(books.entries.borrow().iter().map(super::books::Entry::members).collect())
        }
        "supervisor.getProcessInfo" => books
            .read(short(&call.name), |entry| Answer::One(entry.members()))
            .unwrap_or_else(|| fault(Fault::bad_name(&call.name))),
        "supervisor.startProcess" => tell(call, books, Order::Start).await,
        "supervisor.stopProcess" => tell(call, books, Order::Stop).await,
        "supervisor.getSupervisorVersion" => Answer::Text("4.2.5".to_owned()),
        _ => Answer::Fault(1, "UNKNOWN_METHOD".to_owned()),
    }
}

/// `group:name` and `name` are the same here: every program is a group of its own.
fn short(name: &str) -> &str {
    match name.split_once(':') {
        Some((group, name)) if group == name => name,
        _ => name,
    }
}

async fn tell(call: &Call, books: &Books, order: impl FnOnce(Reply) -> Order) -> Answer {
    let name = short(&call.name);
    let Some(orders) = books.read(name, |entry| entry.orders.clone()) else {
        return fault(Fault::bad_name(&call.name));
    };
    books.edit(name, |entry| entry.ordered += 1);
    let (reply, answer) = oneshot::channel();
    if orders.send(order(reply)).await.is_err() {
        return fault(Fault::bad_name(&call.name));
    }
    match timeout(ORDER, answer).await {
        Ok(Ok(Ok(()))) => Answer::Yes,
        Ok(Ok(Err(why))) => fault(why),
        _ => fault(Fault::abnormal(name)),
    }
}

fn fault(Fault(code, words): Fault) -> Answer {
    Answer::Fault(code, words)
}
