//! A checkpoint in a file of another folder: so that a log that was cut or rolled back is noticed.
//!
//! It is worth as much as the folder is apart from the log: another device or another owner, best both. So the folder may be
//! anyone's; what is read there is judged by its signature.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use enforcecore::ports::{Anchor, StoreError};

use crate::files::{Folder, How, MadeBy, in_turn, read_text};

/// The name of the file with the last checkpoint.
const ANCHOR_FILE: &str = "checkpoint";
/// Bytes in a checkpoint at most.
pub const ANCHOR_BYTES_MAX: u64 = 64 * 1024;

/// Remembers a log's last checkpoint in a folder.
#[derive(Clone, Debug)]
pub struct FileAnchor {
    folder: PathBuf,
    /// A checkpoint was there: from then on its absence is no beginning.
    was_there: Arc<AtomicBool>,
}

impl FileAnchor {
    /// Uses this folder, which is made when something is first remembered.
    pub fn new(folder: &Path) -> FileAnchor {
        FileAnchor { folder: folder.to_owned(), was_there: Arc::default() }
    }

    fn read(&self) -> io::Result<Option<String>> {
        let open = || Ok(Folder::open(&self.folder, MadeBy::Anyone)?.file(ANCHOR_FILE, How::Read)?);
        match in_turn(open) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            file => {
                let note = read_text(file?, ANCHOR_BYTES_MAX)?;
                self.was_there.store(true, Ordering::Relaxed);
                Ok(Some(note))
            }
        }
    }

    /// Whole or not at all: written beside, made durable, put in place, the place made durable.
    fn write(&self, checkpoint: &str) -> io::Result<()> {
        if self.was_there.load(Ordering::Relaxed) && self.read()?.is_none() {
            let why = format!("the checkpoint in `{}` was taken away since it was last written", self.folder.display());
            return Err(io::Error::other(why));
        }
        let folder = Folder::open_or_make(&self.folder, MadeBy::Anyone)?;
        // Only who holds the log's turn writes here, so one name is enough, and a crash leaves at most one file. It is made
        // anew, so that nothing that was put there is opened.
        let fresh = format!(".{ANCHOR_FILE}.new");
        match folder.remove(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = folder.file(&fresh, How::MakeNew)?;
        file.write_all(checkpoint.as_bytes())?;
        file.sync_all()?;
        // Windows moves no file that is open.
        drop(file);
        in_turn(|| folder.rename(&fresh, ANCHOR_FILE))?;
        self.was_there.store(true, Ordering::Relaxed);
        folder.sync()
    }
}

impl Anchor for FileAnchor {
    fn latest(&self) -> Result<Option<String>, StoreError> {
        self.read().map_err(|error| StoreError::new("read the log's anchor", error))
    }

    fn remember(&self, checkpoint: &str) -> Result<(), StoreError> {
        self.write(checkpoint).map_err(|error| StoreError::new("write the log's anchor", error))
    }

    fn name(&self) -> String {
        self.folder.display().to_string()
    }
}
