//! Processes and threads that share one log, and are killed while they write to it.
//!
//! The generator behind `writers_are_killed_at_random_moments` runs for seconds here and for as long as one likes in
//! `cargo xtask soak log`. Its seed decides who writes, who is killed and after how much; the moments are the system's.
#![cfg(test)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]
#![allow(clippy::print_stderr, reason = "a repeated run needs its seed")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use enforcecore::audit::{CommitError, Durability, EntryKind, Log, LogError, LogVerdict};
use enforcecore::session::State;
use enforcecore_host::evidence::entries;
#[cfg(unix)]
use support::intend;
use support::{check, folders, intent, open, own_words};

/// Names the folder a child writes to; the child's name and `THREADS CALLS` are the others.
const CHILD_ROOT: &str = "TEST_LOG_ROOT";
const CHILD_NAME: &str = "TEST_LOG_WRITER";
const CHILD_PLAN: &str = "TEST_LOG_PLAN";

/// Runs in a process of its own, started by the tests below: writes calls, and after each acknowledgement its name.
#[test]
fn child_writes() {
    let [Ok(root), Ok(name), Ok(plan)] = [CHILD_ROOT, CHILD_NAME, CHILD_PLAN].map(std::env::var) else { return };
    let (threads, calls) = plan.split_once(' ').unwrap();
    let (threads, calls) = (threads.parse::<u64>().unwrap(), calls.parse::<u64>().unwrap());
    let log = match open(&folders(root.as_ref())) {
        Err(error) if waited_too_long(&error) => return,
        other => other.unwrap(),
    };
    thread::scope(|scope| {
        for thread in 0..threads {
            let (log, root, name) = (&log, &root, &name);
            scope.spawn(move || write_calls(log, root.as_ref(), &format!("{name}.{thread}"), calls));
        }
    });
}

/// Every third call is only buffered, and nothing is promised of it. A writer that is refused its turn for too long gives up.
fn write_calls(log: &Log<State>, root: &Path, writer: &str, calls: u64) {
    // A file for each: not every system appends for two at once without one overwriting the other.
    fs::create_dir_all(root.join("acks")).unwrap();
    let mut acknowledged = fs::File::create_new(root.join("acks").join(writer)).unwrap();
    for n in 0..calls {
        let call = format!("{writer}.{n}");
        let durability = if n % 3 == 2 { Durability::Buffered } else { Durability::Strict };
        let entry = intent(&call);
        match log.commit(durability, |_, _| Ok::<_, ()>((entry, ()))) {
            Ok(_) if durability == Durability::Strict => {
                acknowledged.write_all(format!("{call}\n").as_bytes()).unwrap()
            }
            Ok(_) => {}
            Err(CommitError::Log(error)) if waited_too_long(&error) => return,
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// The one refusal a busy machine may cause; the log says so afterwards.
fn waited_too_long(error: &LogError) -> bool {
    error.to_string().contains("another process holds it for too long")
}

/// A process that writes, and whether the system kills it for writing too much.
struct Writer {
    child: Child,
    cut: bool,
}

impl Writer {
    /// Starts one that writes until it is killed.
    fn endless(root: &Path, name: &str, threads: u64) -> Writer {
        let child = child(root, name, threads, u64::MAX).spawn().unwrap();
        Writer { child, cut: false }
    }

    fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    fn kill(&mut self) {
        let ended = self.child.try_wait().unwrap();
        assert!(self.cut || ended.is_none_or(|status| status.success()), "a writer failed");
        // It may have ended meanwhile.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

/// A test that stops leaves no process behind that writes for ever.
impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn child(root: &Path, name: &str, threads: u64, calls: u64) -> Command {
    let mut words = own_words().into_iter();
    let mut command = Command::new(words.next().unwrap());
    command.args(words);
    with_plan(&mut command, root, name, threads, calls);
    command
}

/// A child whose writes the system cuts, and who is killed by that, once a file is longer than this many blocks.
#[cfg(unix)]
fn cut_child(root: &Path, name: &str, threads: u64, blocks: u64) -> Command {
    let limited = "ulimit -c 0; ulimit -f $1; shift; exec \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", limited, "sh", &blocks.to_string()]).args(own_words()).stderr(Stdio::null());
    with_plan(&mut command, root, name, threads, u64::MAX);
    command
}

fn with_plan(command: &mut Command, root: &Path, name: &str, threads: u64, calls: u64) {
    command.env(CHILD_ROOT, root).env(CHILD_NAME, name).env(CHILD_PLAN, format!("{threads} {calls}"));
    // What stops a child is said on its standard error only if the harness does not keep it.
    command.args(["--exact", "child_writes", "--nocapture"]).stdout(Stdio::null());
}

#[test]
fn processes_take_turns() {
    const CALLS: u64 = 25;
    let root = tempfile::tempdir().unwrap();
    for mut child in ["a", "b", "c"].map(|name| child(root.path(), name, 1, CALLS).spawn().unwrap()) {
        assert!(child.wait().unwrap().success());
    }
    let report = check(&folders(root.path()));
    assert_eq!((report.verdict, report.entries), (LogVerdict::Valid, 1 + 3 * CALLS), "{:?}", report.findings);
    let entries = entries(&root.path().join("log")).unwrap().map(Result::unwrap);
    assert_eq!(entries.map(|entry| entry.writer).collect::<BTreeSet<_>>().len(), 3);
}

/// A program that tidies up takes the lock's name away whenever a call was recorded.
#[cfg(unix)]
#[test]
fn processes_take_turns_whatever_becomes_of_the_lock() {
    const CALLS: u64 = 25;
    let root = tempfile::tempdir().unwrap();
    let mut writers: Vec<Writer> = ["a", "b", "c"]
        .map(|name| Writer { child: child(root.path(), name, 1, CALLS).spawn().unwrap(), cut: false })
        .into();
    let mut seen = 0;
    while writers.iter_mut().any(Writer::runs) {
        let now = acknowledged(root.path()).len();
        if now > seen {
            seen = now;
            let _ = fs::remove_file(root.path().join("log/lock"));
        }
        thread::yield_now();
    }
    for writer in &mut writers {
        assert!(writer.child.wait().unwrap().success());
    }
    let tally = examine(root.path());
    assert_eq!(tally.acknowledged, 3 * (CALLS - CALLS / 3), "every call that was promised, and none lost");
}

/// What a full disk and a kill do at once.
#[cfg(unix)]
#[test]
fn a_write_that_the_system_cuts_is_recovered() {
    let mut recoveries = 0;
    for blocks in 3..=8 {
        let root = tempfile::tempdir().unwrap();
        drop(open(&folders(root.path())).unwrap());
        let status = cut_child(root.path(), "cut", 1, blocks).status().unwrap();
        assert!(!status.success());
        let log = open(&folders(root.path())).unwrap();
        intend(&log, "after.0.0");
        drop(log);
        recoveries += examine(root.path()).recoveries;
    }
    assert!(recoveries > 0, "no write was cut in its middle");
}

/// Seconds of the generator, and its seed.
const SOAK_SECONDS: &str = "TEST_SOAK_SECONDS";
const SOAK_SEED: &str = "TEST_SOAK_SEED";

#[test]
fn writers_are_killed_at_random_moments() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = number(SOAK_SEED).unwrap_or(u64::from(now.subsec_nanos()));
    let time = Duration::from_secs(number(SOAK_SECONDS).unwrap_or(4));
    eprintln!("seed {seed}");
    let mut chance = Chance(seed);
    let mut total = Tally::default();
    let begun = Instant::now();
    let mut logs = 0;
    while logs == 0 || begun.elapsed() < time {
        // A damaged log stays, to be examined.
        let root = tempfile::tempdir().unwrap().keep();
        eprintln!("log {logs} in `{}`", root.display());
        total.add(&one_log(&root, &mut chance));
        fs::remove_dir_all(&root).unwrap();
        logs += 1;
    }
    eprintln!("{logs} logs: {total:?}");
    assert!(total.acknowledged > 0, "nothing was written");
}

/// What was seen.
#[derive(Debug, Default)]
struct Tally {
    killed: u64,
    acknowledged: u64,
    recoveries: u64,
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.killed += other.killed;
        self.acknowledged += other.acknowledged;
        self.recoveries += other.recoveries;
    }
}

/// Writers that are killed and replaced before one log is examined: enough to kill in every state, and few enough for a log
/// that opens at once.
const KILLS: u64 = 16;

/// How long all writers together may get nothing done: a busy machine takes a second.
const PROGRESS_WAIT_MAX: Duration = Duration::from_secs(60);

/// Writers come and go; then the log is examined, and everything acknowledged is in it.
fn one_log(root: &Path, chance: &mut Chance) -> Tally {
    let at_once = 1 + chance.below(4);
    let mut writers: Vec<Writer> = Vec::new();
    for kill in 0..KILLS {
        while (writers.len() as u64) < at_once {
            let name = format!("{kill}-{}", writers.len());
            writers.push(random_writer(root, &name, chance));
        }
        wait(root, &mut writers, chance);
        let chosen = chance.below(at_once);
        writers.swap_remove(usize::try_from(chosen).unwrap()).kill();
        if chance.below(4) == 0 {
            writers.drain(..).for_each(|mut writer| writer.kill());
            examine(root);
        }
    }
    writers.drain(..).for_each(|mut writer| writer.kill());
    Tally { killed: KILLS, ..examine(root) }
}

fn random_writer(root: &Path, name: &str, chance: &mut Chance) -> Writer {
    let threads = 1 + chance.below(4);
    #[cfg(unix)]
    if chance.below(4) == 0 {
        // `sh` counts blocks of 512 bytes.
        let blocks = fs::metadata(root.join("log/log.jsonl")).map_or(0, |log| log.len()) / 512;
        let child = cut_child(root, name, threads, blocks + 2 + chance.below(16)).spawn().unwrap();
        return Writer { child, cut: true };
    }
    Writer::endless(root, name, threads)
}

/// Until some more calls are acknowledged or every writer has ended, or for a moment, in which one may not even have begun.
fn wait(root: &Path, writers: &mut [Writer], chance: &mut Chance) {
    if chance.below(4) == 0 {
        return thread::sleep(Duration::from_millis(chance.below(40)));
    }
    let enough = acknowledged(root).len() as u64 + chance.below(32);
    let give_up = Instant::now() + PROGRESS_WAIT_MAX;
    while (acknowledged(root).len() as u64) < enough && writers.iter_mut().any(Writer::runs) {
        assert!(Instant::now() < give_up, "no call is acknowledged any more");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Opens the log as the next writer would, and looks whether it holds what was promised, once and in order.
fn examine(root: &Path) -> Tally {
    let folders = folders(root);
    drop(open(&folders).unwrap());
    let report = check(&folders);
    assert_eq!(report.verdict, LogVerdict::Valid, "{:?}", report.findings);
    let mut written: BTreeMap<String, u64> = BTreeMap::new();
    let mut recoveries = 0;
    for entry in entries(&folders.log).unwrap().map(Result::unwrap) {
        recoveries += u64::from(entry.kind == EntryKind::Recovery);
        let Some(call) = entry.call else { continue };
        let (thread, n) = split(&call);
        let next = written.entry(thread.to_owned()).or_default();
        assert_eq!(n, *next, "{call} is not where it belongs");
        *next += 1;
    }
    let acknowledged = acknowledged(root);
    for call in &acknowledged {
        let (thread, n) = split(call);
        assert!(written.get(thread).is_some_and(|next| n < *next), "{call} was acknowledged and is gone");
    }
    Tally { killed: 0, acknowledged: acknowledged.len() as u64, recoveries }
}

/// The calls whose writers were told that they are durable; a line without its end was not finished.
fn acknowledged(root: &Path) -> Vec<String> {
    let files = fs::read_dir(root.join("acks")).into_iter().flatten();
    let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let whole = |text: String| -> Vec<String> {
        text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).map(str::to_owned).collect()
    };
    texts.flat_map(whole).collect()
}

/// A call's thread and its number there.
fn split(call: &str) -> (&str, u64) {
    let (thread, n) = call.rsplit_once('.').unwrap();
    (thread, n.parse().unwrap())
}

/// Numbers that only depend on the seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
