//! Wakes a reader when something is written, renamed or removed in one of some folders.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

/// Most folders watched; what lies in others is found by looking now and then.
const FOLDERS: usize = 256;

/// A set of watched folders. The wake-up is a hint and never trusted alone: where it cannot be
/// had (no more inotify instances, a file system without events), looking now and then remains.
#[derive(Debug)]
pub struct FolderWatch {
    watcher: Option<RecommendedWatcher>,
    folders: BTreeSet<PathBuf>,
    wake: Arc<Notify>,
}

impl Default for FolderWatch {
    fn default() -> Self {
        let wake = Arc::new(Notify::new());
        let bell = Arc::clone(&wake);
        let ring = move |event: notify::Result<Event>| {
            // Our own reading is an access, and an access changes nothing.
            if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_))) {
                bell.notify_one();
            }
        };
        // The library starts a thread, does not look whether it did, and fails without it.
        let threads = thread::Builder::new().spawn(|| ()).is_ok_and(|one| one.join().is_ok());
        let watcher = threads.then(|| notify::recommended_watcher(ring).ok()).flatten();
        Self { watcher, folders: BTreeSet::new(), wake }
    }
}

impl FolderWatch {
    /// Watches these folders and no others.
    pub fn follow(&mut self, folders: impl IntoIterator<Item = PathBuf>) {
        let wanted: BTreeSet<PathBuf> = folders.into_iter().take(FOLDERS).collect();
        let Some(watcher) = &mut self.watcher else { return };
        for gone in self.folders.difference(&wanted) {
            drop(watcher.unwatch(gone));
        }
        for new in wanted.difference(&self.folders) {
            drop(watcher.watch(Path::new(new), RecursiveMode::NonRecursive));
        }
        self.folders = wanted;
    }

    /// Waits until something changed in one of the folders since the last wait.
    pub async fn changed(&self) {
        self.wake.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_written_in_a_followed_folder_wakes_the_reader() {
        let dir = tempfile::tempdir().unwrap();
        let mut watch = FolderWatch::default();
        watch.follow([dir.path().to_owned()]);
        std::fs::write(dir.path().join("site.conf"), "server {}").unwrap();
        let bound = std::time::Duration::from_secs(20);
        assert!(tokio::time::timeout(bound, watch.changed()).await.is_ok());
    }
}
