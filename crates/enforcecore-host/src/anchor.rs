//! A checkpoint in a file of another folder: so that a log that was cut or rolled back is noticed.
//!
//! It is worth as much as the folder is apart from the log: another device or another owner, best both.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use enforcecore::traits::{Anchor, StoreError};

use crate::private::{Private, in_turn, make_folder, sync_folder};

/// The name of the file with the last checkpoint.
pub const ANCHOR_FILE: &str = "checkpoint";
/// Bytes in a checkpoint at most.
const ANCHOR_BYTES_MAX: u64 = 64 * 1024;

/// Remembers a log's last checkpoint in a folder.
#[derive(Clone, Debug)]
pub struct FileAnchor {
    folder: PathBuf,
}

impl FileAnchor {
    /// Uses this folder, which is made when something is first remembered.
    pub fn new(folder: &Path) -> FileAnchor {
        FileAnchor { folder: folder.to_owned() }
    }

    fn read(&self) -> io::Result<Option<String>> {
        let path = self.folder.join(ANCHOR_FILE);
        let file = match in_turn(|| OpenOptions::new().read(true).private().open(&path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let mut note = String::new();
        file.take(ANCHOR_BYTES_MAX).read_to_string(&mut note)?;
        Ok(Some(note))
    }

    /// Whole or not at all: written beside, made durable, put in place, the place made durable.
    fn write(&self, checkpoint: &str) -> io::Result<()> {
        make_folder(&self.folder)?;
        // Only who holds the log's turn writes here, so one name is enough, and a crash leaves at most one file.
        let fresh = self.folder.join(format!(".{ANCHOR_FILE}.new"));
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).private();
        let mut file = options.open(&fresh)?;
        file.write_all(checkpoint.as_bytes())?;
        file.sync_all()?;
        // Windows moves no file that is open.
        drop(file);
        in_turn(|| fs::rename(&fresh, self.folder.join(ANCHOR_FILE)))?;
        sync_folder(&self.folder)
    }
}

impl Anchor for FileAnchor {
    fn latest(&self) -> Result<Option<String>, StoreError> {
        self.read().map_err(|error| StoreError::new("read the log's anchor", error))
    }

    fn remember(&self, checkpoint: &str) -> Result<(), StoreError> {
        self.write(checkpoint).map_err(|error| StoreError::new("write the log's anchor", error))
    }
}
