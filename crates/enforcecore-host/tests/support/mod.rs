//! Folders, a clock and a generator for tests with files.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use enforcecore::audit::{
    Body, CallRecord, Durability, Entry, IntentRecord, Log, LogReport, VerifyOptions, public_key,
};
use enforcecore::ports::{Clock, Random, StoreError};
use enforcecore::session::State;
use enforcecore_host::evidence::{LogFolders, anchored_checkpoint, open_log, verify_folder};
use enforcecore_host::keys::load_or_create_signer;

/// A program and its arguments, if the tests run on another system than they were built for.
const RUNNER: &str = "TEST_RUNNER";

pub const ORIGIN: &str = "example.com/log";

pub struct SystemTime;

impl Clock for SystemTime {
    fn wall_us(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        i64::try_from(since.as_micros()).unwrap()
    }
    fn monotonic_us(&self) -> u64 {
        0
    }
}

pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), StoreError> {
        getrandom::fill(buffer).map_err(|error| StoreError::new("read random bytes", error))
    }
}

pub fn folders(root: &Path) -> LogFolders {
    LogFolders {
        log: root.join("log"),
        keys: root.join("keys"),
        anchor: Some(root.join("anchor")),
        origin: ORIGIN.to_owned(),
    }
}

pub fn open(folders: &LogFolders) -> Result<Arc<Log<State>>, enforcecore::audit::LogError> {
    open_log(folders, std::time::Duration::from_hours(24), Arc::new(SystemTime), Arc::new(SystemRandom))
}

/// Verifies the log with its key and its anchor.
pub fn check(folders: &LogFolders) -> LogReport {
    let anchor = anchored_checkpoint(folders.anchor.as_ref().unwrap()).unwrap();
    let key = public_key(&load_or_create_signer(&folders.keys, ORIGIN).unwrap());
    let options = VerifyOptions { key: Some(key), anchors: anchor.into_iter().collect(), ..VerifyOptions::default() };
    verify_folder(&folders.log, &options).unwrap()
}

/// An intent that says nothing but its call.
pub fn intent(call: &str) -> Entry {
    let record = CallRecord { call: Some(call.to_owned()), ..CallRecord::default() };
    Body::Intent(IntentRecord { record, ..IntentRecord::default() }).into()
}

pub fn intend(log: &Log<State>, call: &str) -> u64 {
    let entry = intent(call);
    let (_, receipt) = log.commit(Durability::Strict, |_, _| Ok::<_, ()>((entry, ()))).unwrap();
    receipt.index.unwrap()
}

/// What starts this program again, through whatever runs programs of its system here.
pub fn own_words() -> Vec<OsString> {
    let runner = std::env::var(RUNNER).unwrap_or_default();
    let mut words: Vec<OsString> = runner.split_whitespace().map(OsString::from).collect();
    words.push(std::env::current_exe().unwrap().into());
    words
}

/// Nothing in these tests takes longer, however busy the machine; what does, hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so; fails, with what it waited for, if it never is.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited {} seconds in vain until {what}", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until a file that another process writes has so many lines.
pub fn wait_for_lines(file: &Path, lines: usize) -> Vec<String> {
    let read = || std::fs::read_to_string(file).unwrap_or_default();
    until(&format!("`{}` has {lines} lines", file.display()), || read().matches('\n').count() >= lines);
    read().lines().map(str::to_owned).collect()
}
