//! The evidence log in folders: one writer a process, and what auditors need.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use enforcecore::audit::{
    self, EntryLine, Log, LogError, LogFindingKind, LogParts, LogReport, LogVerdict, VerifyOptions,
};
use enforcecore::ports::{Anchor, Clock, LogStore, Random, StoreError};
use enforcecore::session::State;

use crate::anchor::FileAnchor;
use crate::file_log::{FileLog, LOG_FILE, open_for_reading};
use crate::files::{Folder, How, MadeBy, are_same};
use crate::keys::{load_or_create_keyer, load_or_create_signer, load_signer};

/// Bytes read at a time.
const READ_BYTES: usize = 256 * 1024;

/// Where a log and what belongs to it lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFolders {
    /// The lines.
    pub log: PathBuf,
    /// The signing key and the secret of names.
    pub keys: PathBuf,
    /// The last checkpoint, if it is to be remembered elsewhere.
    pub anchor: Option<PathBuf>,
    /// The log's name in its checkpoints, and its key's: no spaces, no plus sign.
    pub origin: String,
}

/// Opens the log of these folders, or joins the writer that this process already has for it.
pub fn open_log(
    folders: &LogFolders,
    session_idle: Duration,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> Result<Arc<Log<State>>, LogError> {
    let store = FileLog::open(&folders.log)?;
    let place = folders.log.canonicalize().map_err(|error| StoreError::new("open the log folder", error))?;
    // A child of fork opens for itself: its parent's writers are not its own.
    let place = (std::process::id(), place);
    let mut writers = WRITERS.lock().unwrap_or_else(PoisonError::into_inner);
    writers.retain(|_, (_, writer)| writer.strong_count() > 0);
    if let Some((theirs, writer)) = writers.get(&place)
        && let Some(writer) = writer.upgrade()
    {
        if theirs != folders {
            let why = "it is open in this process with other keys, another anchor or another name";
            return Err(StoreError::new("open the log", why).into());
        }
        return Ok(writer);
    }
    let idle_us = i64::try_from(session_idle.as_micros()).unwrap_or(i64::MAX);
    let anchor = folders.anchor.as_deref().map(|folder| Box::new(FileAnchor::new(folder)) as Box<dyn Anchor>);
    let parts = LogParts {
        store: Box::new(store),
        signer: Box::new(load_or_create_signer(&folders.keys, &folders.origin)?),
        anchor,
        clock,
        random,
        keyer: load_or_create_keyer(&folders.keys)?,
        origin: folders.origin.clone(),
    };
    let writer = Arc::new(Log::open(parts, State::with_session_idle(idle_us))?);
    writers.insert(place, (folders.clone(), Arc::downgrade(&writer)));
    Ok(writer)
}

/// Checks the log of a folder without the right to write. If its last signature is wrong, every signature is checked, to name
/// the first seal that is not genuine.
pub fn verify_folder(folder: &Path, options: &VerifyOptions) -> io::Result<LogReport> {
    verify_watched(folder, options, |_| {})
}

/// Does what [`verify_folder`] does, and says now and then how many bytes it has read.
pub fn verify_watched(folder: &Path, options: &VerifyOptions, mut watch: impl FnMut(u64)) -> io::Result<LogReport> {
    let mut read = |options: &VerifyOptions| -> io::Result<LogReport> {
        let file = Watched { file: open_for_reading(folder)?, read: 0, watch: &mut watch };
        Ok(audit::verify(&mut BufReader::with_capacity(READ_BYTES, file), options))
    };
    let report = read(options)?;
    let forged = |kind| matches!(kind, LogFindingKind::BadSignature | LogFindingKind::WrongKey);
    if !options.all_signatures && report.findings.iter().any(|finding| forged(finding.kind)) {
        return read(&VerifyOptions { all_signatures: true, ..options.clone() });
    }
    Ok(report)
}

/// A file that says how much of it was read.
struct Watched<'a, R> {
    file: R,
    read: u64,
    watch: &'a mut dyn FnMut(u64),
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read += read as u64;
        (self.watch)(self.read);
        Ok(read)
    }
}

/// The checkpoint an anchor folder remembers, for [`VerifyOptions::anchors`]. Ask before reading the log: a writer at work
/// moves both, and the anchor never runs ahead.
pub fn anchored_checkpoint(folder: &Path) -> Result<Option<String>, StoreError> {
    FileAnchor::new(folder).latest()
}

/// The result of anchoring a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anchored {
    /// The anchor remembers it as it stands.
    Now(LogReport),
    /// The anchor remembered it already.
    Already(LogReport),
    /// The log is not what was written, or not what the anchor remembers, and nothing was done.
    Refused(LogReport),
}

/// Checks the log of these folders against its key, every signature, and writes where it stands into its anchor: for a log
/// whose anchor is gone, or new. No writer moves it meanwhile, and neither a log nor a key is made.
pub fn anchor_log(folders: &LogFolders) -> Result<Anchored, StoreError> {
    const DOING: &str = "anchor the log";
    let folder = folders.anchor.as_deref().ok_or_else(|| StoreError::new(DOING, "no anchor is named"))?;
    let failed = |error: &dyn std::fmt::Display| StoreError::new(DOING, error);
    let open = || Folder::open(&folders.log, MadeBy::Us).and_then(|folder| folder.file(LOG_FILE, How::Read));
    open().map_err(|refused| failed(&refused))?;
    let signer = load_signer(&folders.keys, &folders.origin)?;
    let no_key = || failed(&format!("there is no key in `{}` to check it with", folders.keys.display()));
    let key = Some(audit::public_key(&signer.ok_or_else(no_key)?));
    let store = FileLog::open(&folders.log)?;
    let _turn = store.turn()?;
    let anchor = FileAnchor::new(folder);
    let kept = anchor.latest()?;
    let origin = Some(folders.origin.clone());
    let options = VerifyOptions { key, origin, anchors: kept.iter().cloned().collect(), all_signatures: true };
    let log = open().map_err(|refused| failed(&refused))?;
    let report = audit::verify(&mut BufReader::with_capacity(READ_BYTES, log), &options);
    // What a crash left behind the last seal was never acknowledged: the next writer sets it aside.
    let Some(checkpoint) = report.checkpoint.clone().filter(|_| report.verdict != LogVerdict::Invalid) else {
        return Ok(Anchored::Refused(report));
    };
    if kept.as_ref() == Some(&checkpoint) {
        return Ok(Anchored::Already(report));
    }
    anchor.remember(&checkpoint)?;
    Ok(Anchored::Now(report))
}

/// The entries of a folder's log in order, for showing: parsed, not verified.
pub fn entries(folder: &Path) -> io::Result<impl Iterator<Item = Result<EntryLine, String>> + use<>> {
    Ok(audit::entries(BufReader::with_capacity(READ_BYTES, open_for_reading(folder)?)))
}

/// A folder's log as it is written: each look reads the groups that became whole since the last one.
#[derive(Debug)]
pub struct Followed {
    folder: PathBuf,
    file: Option<File>,
    at: u64,
}

/// What a look found beside entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// Nothing else.
    On,
    /// The file of the log is another one since: it was moved away and begun anew, and is read from its beginning.
    Anew,
    /// There is no log now.
    Gone,
    /// What follows can be no group, or the file is shorter than what was read of it. While it is written, or what a crash left
    /// is moved away, that may be so for a moment.
    Odd(String),
}

impl Followed {
    /// The log of this folder, from its beginning.
    pub fn begin(folder: &Path) -> io::Result<Followed> {
        let log = open_for_reading(folder)?;
        Ok(Followed { folder: folder.to_owned(), file: Some(log.into_inner()), at: 0 })
    }

    /// Hands on the entries of groups that became whole. A log that was exchanged is read to its end first.
    pub fn look<E: From<io::Error>>(
        &mut self,
        each: &mut dyn FnMut(Result<EntryLine, String>) -> Result<(), E>,
    ) -> Result<Looked, E> {
        let now = match open_for_reading(&self.folder) {
            Ok(now) => Some(now),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let same = match (&self.file, &now) {
            (Some(file), Some(now)) => are_same(file, now.get_ref())?,
            _ => false,
        };
        match (self.file.take(), now) {
            (None, None) => Ok(Looked::Gone),
            (Some(_), Some(now)) if same => self.read(now, each),
            (None, Some(now)) => {
                self.at = 0;
                self.read(now, each).map(|looked| if looked == Looked::On { Looked::Anew } else { looked })
            }
            // No one writes to it any more, so what is not whole in it now never will be.
            (Some(file), _) => {
                let bytes = file.metadata()?.len();
                self.read(file.take(bytes), each)?;
                (self.file, self.at) = (None, 0);
                Ok(Looked::On)
            }
        }
    }

    fn read<E: From<io::Error>>(
        &mut self,
        log: io::Take<File>,
        each: &mut dyn FnMut(Result<EntryLine, String>) -> Result<(), E>,
    ) -> Result<Looked, E> {
        let (bytes, mut file) = (log.limit(), log.into_inner());
        let from = file.seek(SeekFrom::Start(self.at))?;
        let read = match bytes.checked_sub(from) {
            Some(rest) => {
                let input = BufReader::with_capacity(READ_BYTES, (&file).take(rest));
                audit::read_groups(input, from, each)?
            }
            None => {
                let odd = Some(format!("{bytes} bytes are left of the {from} that were read"));
                audit::GroupsRead { end: from, odd }
            }
        };
        (self.file, self.at) = (Some(file), read.end);
        Ok(read.odd.map_or(Looked::On, Looked::Odd))
    }
}

/// The writers of this process by process id and folder.
type Writers = BTreeMap<(u32, PathBuf), (LogFolders, Weak<Log<State>>)>;

static WRITERS: Mutex<Writers> = Mutex::new(BTreeMap::new());
