//! The log's bytes in a folder: `log.jsonl`, the torn tails beside it in `torn/`, and `lock`, which processes take turns with.
//!
//! The folder belongs to its owner alone. A file that is a symbolic link, or was exchanged under us, is refused rather than
//! written to. Programs that tidy up remove files called `lock`: a lock that lost its name is taken anew, and on Unix the log
//! itself is locked too, so that no two writers overlap even in that moment. Absent on purpose: any retry of a failed write or
//! sync.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use enforcecore::ports::{LogStore, LogTurn, StoreError, TURN_WAIT_MAX};

use crate::files::{Folder, How, MadeBy, Refused, cut, is_still, read_at, read_exact_at};

/// The name of the file with the lines.
pub const LOG_FILE: &str = "log.jsonl";
/// The name of the file that is locked.
pub const LOCK_FILE: &str = "lock";

/// The folder with what crashes left.
const TORN_FOLDER: &str = "torn";
/// Waits between two tries for the lock: short at first, because a group takes a fraction of a millisecond.
const LOCK_WAIT_MIN: Duration = Duration::from_micros(50);
const LOCK_WAIT_MAX: Duration = Duration::from_millis(5);
/// Times that the lock may lose its name in one turn: once is a program that tidies up, eight times is an error of its own.
const LOCKS_LOST_MAX: usize = 8;
/// Bytes copied at a time.
const COPY_BYTES: usize = 64 * 1024;

/// A log in a folder.
#[derive(Debug)]
pub struct FileLog {
    folder: Folder,
    torn: Folder,
    // A turn holds both the mutex and the locks: threads and processes take turns alike.
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
        FileLog::open_files(folder).map_err(|refused| StoreError::new("open the log folder", refused))
    }

    fn open_files(folder: &Path) -> Result<FileLog, Refused> {
        let folder = Folder::open_or_make_own(folder)?;
        let torn = folder.own_folder(TORN_FOLDER)?;
        let log = folder.file(LOG_FILE, How::AppendOrMake)?;
        let lock = folder.file(LOCK_FILE, How::LockOrMake)?;
        log.sync_all()?;
        folder.sync()?;
        Ok(FileLog { folder, torn, files: Mutex::new(Files { log, lock }) })
    }
}

impl LogStore for FileLog {
    fn turn(&self) -> Result<Box<dyn LogTurn + '_>, StoreError> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let deadline = Instant::now() + TURN_WAIT_MAX;
        for _ in 0..LOCKS_LOST_MAX {
            lock_until(|| files.try_lock(), deadline).map_err(|error| StoreError::new("lock the log", error))?;
            // From here on dropping the turn unlocks.
            let turn = FileTurn { store: self, files };
            turn.check_same_file().map_err(|error| StoreError::new("open the log", error))?;
            if is_still(&turn.files.lock, &self.folder.path().join(LOCK_FILE)).unwrap_or(false) {
                return Ok(Box::new(turn));
            }
            // Who comes now locks the file that has the name, so that is the one to hold.
            drop(turn);
            let named = self.folder.file(LOCK_FILE, How::LockOrMake);
            files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            files.lock = named.map_err(|refused| StoreError::new("open the log's lock", refused))?;
        }
        let why = format!("its file was taken away {LOCKS_LOST_MAX} times while it was waited for");
        Err(StoreError::new("lock the log", why))
    }
}

impl Files {
    /// Takes the lock, and the log itself where that keeps out no reader.
    fn try_lock(&self) -> Result<(), TryLockError> {
        self.lock.try_lock()?;
        let taken = if cfg!(unix) { self.log.try_lock() } else { Ok(()) };
        taken.inspect_err(|_| drop(self.lock.unlock()))
    }

    fn unlock(&self) {
        // The locks also end with the process; there is no one to tell.
        let _ = if cfg!(unix) { self.log.unlock() } else { Ok(()) };
        let _ = self.lock.unlock();
    }
}

/// The right to write, held by one process and one thread of it.
struct FileTurn<'a> {
    store: &'a FileLog,
    files: MutexGuard<'a, Files>,
}

impl Drop for FileTurn<'_> {
    fn drop(&mut self) {
        self.files.unlock();
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
        if is_still(&self.files.log, &self.store.folder.path().join(LOG_FILE))? {
            return Ok(());
        }
        Err(io::Error::other("the file is no longer the one that was opened"))
    }

    /// The copy is on stable storage before the original is cut.
    fn move_tail(&self, offset: u64) -> io::Result<String> {
        let end = self.files.log.metadata()?.len();
        let (name, mut copy) = new_file(&self.store.torn, &format!("{offset}-{end}"))?;
        let mut buffer = vec![0; COPY_BYTES];
        let mut at = offset;
        while at < end {
            let count = read_at(&self.files.log, &mut buffer, at)?;
            let part = buffer.get(..count).filter(|part| !part.is_empty());
            copy.write_all(part.ok_or(io::ErrorKind::UnexpectedEof)?)?;
            at += count as u64;
        }
        copy.sync_all()?;
        self.store.torn.sync()?;
        cut(&self.files.log, &self.store.folder.path().join(LOG_FILE), offset)?;
        self.files.log.sync_all()?;
        Ok(format!("{TORN_FOLDER}/{name}"))
    }
}

/// Opens the lines for reading, up to the end of the last whole group if no one is writing for long.
///
/// Needs no right to write, and the folder may be anyone's: its bytes are judged by their signatures. They come with how many of
/// them there are.
pub fn open_for_reading(folder: &Path) -> io::Result<io::Take<File>> {
    let folder = Folder::open(folder, MadeBy::Anyone)?;
    let log = folder.file(LOG_FILE, How::Read)?;
    // Between turns the file ends with a seal. Who may not open the lock reads what is there now.
    let lock = folder.file(LOCK_FILE, How::Read).ok();
    let deadline = Instant::now() + TURN_WAIT_MAX;
    if let Some(lock) = &lock {
        let _ = lock_until(|| lock.try_lock_shared(), deadline);
    }
    // Also where the lock lost its name; and given back at once, because the file stays open for long.
    let locked = cfg!(unix) && lock_until(|| log.try_lock_shared(), deadline).is_ok();
    let bytes = log.metadata()?.len();
    if locked {
        log.unlock()?;
    }
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

fn new_file(folder: &Folder, name: &str) -> io::Result<(String, File)> {
    // The same place can break off again and again; a hundred times is an error of its own.
    for count in 0..100 {
        let name = if count == 0 { name.to_owned() } else { format!("{name}.{count}") };
        match folder.file(&name, How::MakeNew).map_err(io::Error::from) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => return other.map(|file| (name, file)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
