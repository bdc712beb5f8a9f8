//! The log's bytes in a folder: `log.jsonl`, the torn tails beside it in `torn/`, and `lock`, which processes take turns with.
//!
//! The folder belongs to its owner alone. A file that is a symbolic link, or was exchanged under us, is refused rather than
//! written to. Absent on purpose: any retry of a failed write or sync.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use enforcecore::traits::{LogStore, LogTurn, StoreError, TURN_WAIT_MAX};

use crate::private::{Private, cut, is_still, make_own_folder, read_at, read_exact_at, sync_folder};

/// The name of the file with the lines.
pub const LOG_FILE: &str = "log.jsonl";
/// The name of the file that is locked.
pub const LOCK_FILE: &str = "lock";

/// The folder with what crashes left.
const TORN_FOLDER: &str = "torn";
/// Waits between two tries for the lock: short at first, because a group takes a fraction of a millisecond.
const LOCK_WAIT_MIN: Duration = Duration::from_micros(50);
const LOCK_WAIT_MAX: Duration = Duration::from_millis(5);
/// Bytes copied at a time.
const COPY_BYTES: usize = 64 * 1024;

/// A log in a folder.
#[derive(Debug)]
pub struct FileLog {
    folder: PathBuf,
    // A turn holds both the mutex and the lock: threads and processes take turns alike.
    files: Mutex<Files>,
}

#[derive(Debug)]
struct Files {
    log: File,
    lock: File,
}

impl FileLog {
    /// Opens the folder, and makes it where there is none.
    pub fn open(folder: &Path) -> Result<FileLog, StoreError> {
        let failed = |error| StoreError::new("open the log folder", error);
        make_own_folder(folder).map_err(failed)?;
        make_own_folder(&folder.join(TORN_FOLDER)).map_err(failed)?;
        let folder = folder.canonicalize().map_err(failed)?;
        let log = open_private(&folder.join(LOG_FILE), OpenOptions::new().append(true)).map_err(failed)?;
        let lock = open_private(&folder.join(LOCK_FILE), OpenOptions::new().write(true)).map_err(failed)?;
        log.sync_all().and_then(|()| sync_folder(&folder)).map_err(failed)?;
        Ok(FileLog { folder, files: Mutex::new(Files { log, lock }) })
    }
}

impl LogStore for FileLog {
    fn turn(&self) -> Result<Box<dyn LogTurn + '_>, StoreError> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        lock_until(|| files.lock.try_lock(), Instant::now() + TURN_WAIT_MAX)
            .map_err(|error| StoreError::new("lock the log", error))?;
        // From here on dropping the turn unlocks.
        let turn = FileTurn { folder: &self.folder, files };
        turn.check_same_file().map_err(|error| StoreError::new("open the log", error))?;
        Ok(Box::new(turn))
    }
}

/// The right to write, held by one process and one thread of it.
struct FileTurn<'a> {
    folder: &'a Path,
    files: MutexGuard<'a, Files>,
}

impl Drop for FileTurn<'_> {
    fn drop(&mut self) {
        // The lock also ends with the process; there is nobody to tell.
        let _ = self.files.lock.unlock();
    }
}

impl LogTurn for FileTurn<'_> {
    fn bytes(&mut self) -> Result<u64, StoreError> {
        Ok(self.files.log.metadata().map_err(|error| StoreError::new("measure the log", error))?.len())
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), StoreError> {
        read_exact_at(&self.files.log, buffer, offset).map_err(|error| StoreError::new("read the log", error))
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        (&self.files.log).write_all(bytes).map_err(|error| StoreError::new("append to the log", error))
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.files.log.sync_data().map_err(|error| StoreError::new("sync the log", error))
    }

    fn quarantine(&mut self, offset: u64) -> Result<String, StoreError> {
        self.move_tail(offset).map_err(|error| StoreError::new("move the torn tail away", error))
    }
}

impl FileTurn<'_> {
    /// A log that was moved or exchanged would take what we write with it.
    fn check_same_file(&self) -> io::Result<()> {
        if is_still(&self.files.log, &self.folder.join(LOG_FILE))? {
            return Ok(());
        }
        Err(io::Error::other("the file is no longer the one that was opened"))
    }

    /// The copy is on stable storage before the original is cut.
    fn move_tail(&self, offset: u64) -> io::Result<String> {
        let end = self.files.log.metadata()?.len();
        let torn = self.folder.join(TORN_FOLDER);
        let (name, mut copy) = new_file(&torn, &format!("{offset}-{end}"))?;
        let mut buffer = vec![0; COPY_BYTES];
        let mut at = offset;
        while at < end {
            let count = read_at(&self.files.log, &mut buffer, at)?;
            let part = buffer.get(..count).filter(|part| !part.is_empty());
            copy.write_all(part.ok_or(io::ErrorKind::UnexpectedEof)?)?;
            at += count as u64;
        }
        copy.sync_all()?;
        sync_folder(&torn)?;
        cut(&self.files.log, &self.folder.join(LOG_FILE), offset)?;
        self.files.log.sync_all()?;
        Ok(format!("{TORN_FOLDER}/{name}"))
    }
}

/// Opens the lines for reading, up to the end of the last whole group if nobody is writing for long.
///
/// Needs no right to write. The bytes come with how many of them there are.
pub fn open_for_reading(folder: &Path) -> io::Result<io::Take<File>> {
    let log = OpenOptions::new().read(true).private().open(folder.join(LOG_FILE))?;
    // Between turns the file ends with a seal. Who may not open the lock reads what is there now.
    let lock = File::open(folder.join(LOCK_FILE)).ok();
    if let Some(lock) = &lock {
        let _ = lock_until(|| lock.try_lock_shared(), Instant::now() + TURN_WAIT_MAX);
    }
    let bytes = log.metadata()?.len();
    Ok(log.take(bytes))
}

fn lock_until(try_lock: impl Fn() -> Result<(), TryLockError>, deadline: Instant) -> io::Result<()> {
    let mut wait = LOCK_WAIT_MIN;
    loop {
        match try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "another process holds it for too long"));
            }
            Err(TryLockError::WouldBlock) => {
                thread::sleep(wait);
                wait = (wait * 2).min(LOCK_WAIT_MAX);
            }
        }
    }
}

/// Opens or makes a regular file of the owner's; never through a symbolic link.
fn open_private(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let file = options.read(true).create(true).private().open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a regular file")) }
}

fn new_file(folder: &Path, name: &str) -> io::Result<(String, File)> {
    // The same place can break off again and again; a hundred times is somebody's error.
    for count in 0..100 {
        let name = if count == 0 { name.to_owned() } else { format!("{name}.{count}") };
        let mut options = OpenOptions::new();
        match options.write(true).create_new(true).private().open(folder.join(&name)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => return other.map(|file| (name, file)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
