//! What happens in a world, carried out.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    rc::Rc,
    time::Duration,
};

use rustix::fs::{FileType, Mode, Timespec, Timestamps};
use tokio::sync::oneshot;

use crate::{
    host::{files::Root, own_folder::OwnFolder},
    practice::{
        app,
        places::Places,
        setup::{App, Event, GATEWAY},
    },
};

use super::{
    books::{Books, State},
    order::{Order, Reply},
    program::append,
    stamps::{now_secs, stamp},
};

/// Longest configuration that is changed.
const CONFIG: u64 = 1 << 20;
/// Looks at a program that is being started before it gets its signal.
const STARTING: u8 = 200;
/// The signal that has a gateway read its configuration again.
const HANGUP: u8 = 1;

/// Lets it happen. What cannot happen any more, does not.
pub(super) async fn happen(books: &Rc<Books>, apps: &[App], event: &Event) {
    match event {
        Event::Stop { app } => told(books, app, Order::Stop).await,
        Event::Start { app } => told(books, app, Order::Start).await,
        Event::Restart { app } => {
            told(books, app, Order::Stop).await;
            told(books, app, Order::Start).await;
        }
        Event::Kill { app, signal } => {
            // What falls while it is being started is started again, which is another story.
            for _ in 0..STARTING {
                if books.read(app, |entry| entry.state) != Some(State::Starting) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            send(books, app, Order::Signal(*signal)).await;
        }
        Event::Behave { app, does } => {
            if let Some(known) = apps.iter().find(|one| one.name == *app) {
                let new = App { does: does.clone(), ..known.clone() };
                let _ = app::write(&books.places.folder, &new);
            }
        }
        Event::Config { find, replace } => {
            let fill = |text: &str| books.places.fill(text).ok();
            if let Some((find, replace)) = fill(find).zip(fill(replace)) {
                let _ = config(&books.places.config(), &find, &replace);
            }
        }
        Event::Reload => send(books, GATEWAY, Order::Signal(HANGUP)).await,
        Event::Log { file, lines } => {
            if let Some(path) = inside(books, file) {
                let _ = write_lines(&books.places, &path, lines, 0);
            }
        }
        Event::Unlink { path } => {
            if let Some(path) = inside(books, path) {
                let _ = rustix::fs::unlink(&path);
            }
        }
        Event::Chmod { path, mode } => {
            if let Some(path) = inside(books, path) {
                let mode = felt(&path, u32::from(*mode));
                let _ = rustix::fs::chmod(&path, Mode::from_raw_mode(mode));
            }
        }
    }
}

/// The mode by which a gateway feels what root's would: without root its workers are the owner of every
/// socket, and what shuts others out must shut out them.
fn felt(path: &Path, mode: u32) -> u32 {
    let stat = rustix::fs::lstat(path);
    let socket = stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_socket());
    let shut = mode & 0o002 == 0 && socket && !rustix::process::geteuid().is_root();
    if shut { mode & 0o077 } else { mode }
}

async fn send(books: &Books, app: &str, order: Order) {
    if let Some(orders) = books.read(app, |entry| entry.orders.clone()) {
        let _ = orders.send(order).await;
    }
}

/// Gives an order and waits for its end.
async fn told(books: &Books, app: &str, order: impl FnOnce(Reply) -> Order) {
    let (reply, answer) = oneshot::channel();
    send(books, app, order(reply)).await;
    let _ = answer.await;
}

/// A path below the folder of the world.
fn inside(books: &Books, path: &str) -> Option<PathBuf> {
    let filled = books.places.fill(path).ok()?;
    let path = books.places.folder.join(filled);
    let plain = !path.components().any(|part| matches!(part, std::path::Component::ParentDir));
    (plain && path.starts_with(&books.places.folder)).then_some(path)
}

fn config(path: &Path, find: &str, replace: &str) -> io::Result<()> {
    let text = Root::default()
        .read_text(path, CONFIG)
        .map_err(|error| io::Error::other(error.to_string()))?;
    let folder = path.parent().unwrap_or(path);
    let folder = OwnFolder::open(folder).map_err(|error| io::Error::other(error.to_string()))?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    folder.put(name, text.replace(find, replace).as_bytes())?;
    rustix::fs::chmod(path, Mode::from_raw_mode(0o644))?;
    Ok(())
}

/// Adds lines with their times, and sets when the file was last changed.
pub(in crate::practice) fn write_lines(
    places: &Places,
    path: &Path,
    lines: &[String],
    age_secs: u32,
) -> io::Result<()> {
    let mut text = String::new();
    for line in lines {
        text.push_str(&places.fill_with(line, stamp).unwrap_or_else(|_| line.clone()));
        text.push('\n');
    }
    let mut file = append(path)?;
    file.write_all(text.as_bytes())?;
    if age_secs > 0 {
        let secs = now_secs().saturating_sub(i64::from(age_secs));
        let then = Timespec { tv_sec: secs, tv_nsec: 0 };
        let both = Timestamps { last_access: then, last_modification: then };
        rustix::fs::futimens(&file, &both)?;
    }
    Ok(())
}
