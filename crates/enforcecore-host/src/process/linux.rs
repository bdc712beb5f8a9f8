//! Trees by reapers, `/proc` and handles of processes.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use enforcecore::ports::StoreError;
use rustix::io::{Errno, fcntl_dupfd_cloexec, read};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitOptions, child_subreaper, getpid, kill_process, pidfd_open,
    pidfd_send_signal, set_child_subreaper, waitid, waitpid,
};

use super::procfs::{members, own_children};
use super::reaper::{KILL_REQUEST, KILL_WAIT_MAX, NO_REAPER, start_reaper, stop_ignoring_ends};

/// Pause between two looks at a tree that is being ended.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// How often orphans are killed between two looks at all processes, which take a hundred times as long.
const ORPHAN_ROUNDS: u32 = 200;

/// Whether this program said that its every child is a tree. That it is a reaper may have another reason.
static ADOPTS: AtomicBool = AtomicBool::new(false);

/// The reapers of this program's trees. Held while one is started and while orphans are killed, who are told from reapers by it.
static REAPERS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// What is held of a tree: its root is the reaper, or the program itself where it has none.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) child: Child,
    /// Refers to the root, even if its id has been given to another process.
    root: OwnedFd,
    /// Where the reaper writes how the program ended.
    report: OwnedFd,
    has_reaper: bool,
    /// How the program ended, once that was read.
    program: Option<ExitStatus>,
}

/// Makes this process the reaper of everything below it: a program whose every child is a [`Tree`](super::Tree) calls it once, and no
/// descendant gets away by killing its reaper. Children that ended wait to be reaped from here on, even if they were ignored.
pub fn adopt_orphans() -> Result<(), StoreError> {
    if ends_are_ignored() {
        stop_ignoring_ends();
    }
    set_child_subreaper(Some(getpid())).map_err(|error| StoreError::new("become the reaper of orphans", error))?;
    ADOPTS.store(true, Ordering::Relaxed);
    Ok(())
}

/// Kills those whose reaper was killed and who came to us, and reaps them. Says whether there still were any.
fn end_orphans() -> Result<bool, String> {
    if !adopts() {
        return Ok(false);
    }
    let reapers = reapers();
    for _ in 0..ORPHAN_ROUNDS {
        let mut orphans = own_children()?;
        orphans.retain(|child| !reapers.contains(child));
        if orphans.is_empty() {
            return Ok(false);
        }
        for orphan in orphans.into_iter().filter_map(Pid::from_raw) {
            let _ = kill_process(orphan, Signal::KILL);
            let _ = waitpid(Some(orphan), WaitOptions::NOHANG);
        }
    }
    Ok(true)
}

impl Held {
    pub(super) fn start(command: &mut Command) -> io::Result<Held> {
        if ends_are_ignored() {
            return Err(io::Error::other(
                "this program ignores SIGCHLD, so another process could get the id of one that ended: set it to its default",
            ));
        }
        let (report, reports) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        // The program's own streams take the place of the first three.
        let reports = fcntl_dupfd_cloexec(reports, 3)?;
        #[expect(unsafe_code, reason = "there is no safe way to run code between fork and exec")]
        // SAFETY: it makes system calls, which are async-signal-safe, and allocates nothing.
        unsafe {
            command.pre_exec(move || start_reaper(reports.as_fd()));
        }
        let mut reapers = reapers();
        let mut child = command.spawn()?;
        let id = i32::try_from(child.id()).unwrap_or_default();
        let root = Pid::from_raw(id).ok_or(Errno::SRCH).and_then(|id| pidfd_open(id, PidfdFlags::empty()));
        match root {
            Ok(root) => {
                reapers.insert(id);
                let mut held = Held { child, root, report, has_reaper: true, program: None };
                // Written before the program started, if at all.
                held.read_report();
                Ok(held)
            }
            Err(error) => {
                child.kill()?;
                child.wait()?;
                Err(error.into())
            }
        }
    }

    /// How the program ended, left for [`Held::end`] to take.
    pub(super) fn look_at_end(&mut self) -> io::Result<Option<ExitStatus>> {
        // A reaper that ended has reported before.
        let root = self.root_end()?;
        self.read_report();
        Ok(self.program.or(root))
    }

    /// Kills the program with all its child processes, and frees the root's id.
    pub(super) fn end(&mut self) -> Result<ExitStatus, String> {
        let root = i32::try_from(self.child.id()).map_err(|error| error.to_string())?;
        let give_up = Instant::now() + KILL_WAIT_MAX;
        let mut stopped = HashSet::new();
        // What a root leaves when it ends comes to us between two looks, so the last look begins after its end.
        let mut had_ended = false;
        loop {
            let orphans = end_orphans()?;
            let mut members = members(&HashSet::from([root]))?;
            // Only now, because whose id was still theirs is known from what is seen afterwards.
            let ended = self.root_end().map_err(|error| format!("its end was taken by another: {error}"))?;
            if self.has_reaper {
                members.retain(|process| process.id != root);
                let _ = pidfd_send_signal(&self.root, KILL_REQUEST);
            }
            match ended {
                Some(status) if self.has_reaper && status.success() => return self.finish(root),
                Some(_) if had_ended && members.is_empty() && !orphans => {
                    if self.has_reaper && !adopts() {
                        return Err("its reaper was killed, and its child processes may still run".to_owned());
                    }
                    return self.finish(root);
                }
                _ => {}
            }
            had_ended = ended.is_some();
            let fresh: Vec<_> = members.iter().filter(|process| !stopped.contains(*process)).copied().collect();
            // Once no process is new, none is left to start another: a stopped process starts none.
            match fresh.is_empty() {
                true => members.iter().for_each(|process| process.signal(Signal::KILL)),
                false => fresh.iter().for_each(|process| process.signal(Signal::STOP)),
            }
            if Instant::now() > give_up {
                return Err(format!("{} processes do not go away", members.len().max(1)));
            }
            if fresh.is_empty() && !orphans {
                thread::sleep(LOOK_AGAIN);
            }
            stopped.extend(fresh);
        }
    }

    /// No process is left: frees the root's id, and says how the program had ended.
    fn finish(&mut self, root: i32) -> Result<ExitStatus, String> {
        let status = self.child.wait().map_err(|error| error.to_string())?;
        self.read_report();
        reapers().remove(&root);
        Ok(self.program.unwrap_or(status))
    }

    /// How the root ended, if it did; an error if another process reaped it, so that its id may be another's.
    fn root_end(&self) -> io::Result<Option<ExitStatus>> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let Some(ended) = waitid(WaitId::PidFd(self.root.as_fd()), options)? else { return Ok(None) };
        // As wait(2) encodes it: the status in the second byte, or the signal in the first.
        let raw = ended.exit_status().map_or_else(|| ended.terminating_signal().unwrap_or_default(), |code| code << 8);
        Ok(Some(ExitStatus::from_raw(raw)))
    }

    fn read_report(&mut self) {
        let mut raw = [0; 4];
        if read(&self.report, &mut raw) == Ok(raw.len()) {
            match i32::from_ne_bytes(raw) {
                NO_REAPER => self.has_reaper = false,
                raw => self.program = Some(ExitStatus::from_raw(raw)),
            }
        }
    }
}

/// Whether orphans come to us and are ours to end. A fork of a program that adopts does not.
fn adopts() -> bool {
    ADOPTS.load(Ordering::Relaxed) && child_subreaper().is_ok_and(|reaper| reaper.is_some())
}

fn ends_are_ignored() -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    #[expect(unsafe_code, reason = "there is no safe way to ask for a signal's action")]
    // SAFETY: nothing is set, and what is read is initialised where the call succeeds.
    let action = unsafe {
        match libc::sigaction(libc::SIGCHLD, std::ptr::null(), action.as_mut_ptr()) {
            0 => action.assume_init(),
            _ => return false,
        }
    };
    action.sa_sigaction == libc::SIG_IGN || action.sa_flags & libc::SA_NOCLDWAIT != 0
}

fn reapers() -> MutexGuard<'static, BTreeSet<i32>> {
    REAPERS.lock().unwrap_or_else(PoisonError::into_inner)
}
