//! A program and everything it starts, held so that all of it can be ended.
//!
//! A tree is the program, its descendants, and whoever is in its session. A descendant whose parent ends (a daemon) is handed to
//! the program's keeper, the process between us and it, which takes the ends of those that end while the program runs. Once
//! the program has ended they are handed on to the next reaper; a program whose only children are trees calls
//! [`adopt_orphans`] once, and those are found too. Ending a tree first stops every member, so that none can start another while the others are
//! killed. Absent on purpose: a polite signal. Whoever wants the program to end by itself closes its input and waits.

use std::ffi::OsStr;
use std::io;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use enforcecore::traits::StoreError;

/// How long the end of a tree is waited for. A member that is still there then is stuck in the kernel, and said to be.
pub const KILL_WAIT_MAX: Duration = Duration::from_secs(5);

/// A running program with all it started. Dropping it ends them.
///
/// The program's end is looked at and not taken until all it started is gone: as long as it is not taken, the kernel gives its
/// id to nobody else, so whatever is signalled belongs to the tree.
#[derive(Debug)]
pub struct Tree {
    child: Child,
    /// How the program ended, once nothing is left of the tree.
    ended: Option<ExitStatus>,
}

/// The program's three streams, each a pipe.
#[derive(Debug)]
pub struct Pipes {
    /// What it reads.
    pub stdin: ChildStdin,
    /// What it says.
    pub stdout: ChildStdout,
    /// What it complains about.
    pub stderr: ChildStderr,
}

/// Starts a program in a session of its own. It is killed when the thread that calls this ends, so call it from one that
/// lives as long as the program should.
pub fn spawn(program: &OsStr, args: &[impl AsRef<OsStr>]) -> Result<(Tree, Pipes), StoreError> {
    let name = || format!("start `{}`", program.to_string_lossy());
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    own_session(&mut command);
    let mut child = command.spawn().map_err(|error| StoreError::new(name(), error))?;
    let pipes = child.stdin.take().zip(child.stdout.take()).zip(child.stderr.take());
    let tree = Tree { child, ended: None };
    let ((stdin, stdout), stderr) = pipes.ok_or_else(|| StoreError::new(name(), "its streams are not pipes"))?;
    Ok((tree, Pipes { stdin, stdout, stderr }))
}

impl Tree {
    /// The process id of the program's keeper, which on Linux is the program's parent and ends as it does.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How the program ended, if it did. What it started may still run.
    pub fn exit_status(&mut self) -> io::Result<Option<ExitStatus>> {
        match self.ended {
            Some(status) => Ok(Some(status)),
            None => look_at_end(&mut self.child),
        }
    }

    /// Ends the program and all it started, at once; returns when they are gone.
    pub fn kill(&mut self) -> Result<(), StoreError> {
        if self.ended.is_some() {
            return Ok(());
        }
        end(self).map_err(|why| StoreError::new(format!("end the process {} with all it started", self.id()), why))
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            tracing::error!(%error, "a program outlives its enforcement");
        }
    }
}

#[cfg(target_os = "linux")]
pub use linux::adopt_orphans;
#[cfg(target_os = "linux")]
use linux::{end, look_at_end, own_session};

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashSet;
    use std::fs;
    use std::io;
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Child, Command, ExitStatus};
    use std::thread;
    use std::time::{Duration, Instant};

    use enforcecore::traits::StoreError;
    use rustix::process::{
        Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitOptions, getpid, pidfd_open, pidfd_send_signal,
        set_child_subreaper, waitid, waitpid,
    };

    use super::{KILL_WAIT_MAX, Tree};
    use crate::keeper::keep;

    /// Pause between two looks at a tree that is being ended.
    const LOOK_AGAIN: Duration = Duration::from_millis(2);

    /// Makes this process the reaper of everything below it: a program whose every child is a [`Tree`] calls it once, and no
    /// descendant gets away by leaving its parent.
    pub fn adopt_orphans() -> Result<(), StoreError> {
        set_child_subreaper(Some(getpid())).map_err(|error| StoreError::new("become the reaper of orphans", error))
    }

    pub(super) fn own_session(command: &mut Command) {
        #[expect(unsafe_code, reason = "there is no safe way to run code between fork and exec")]
        // SAFETY: it makes system calls, which are async-signal-safe, and allocates nothing.
        unsafe {
            command.pre_exec(keep);
        }
    }

    /// One process as it was seen: a process id alone may since mean another one.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    struct Process {
        id: i32,
        parent: i32,
        session: i32,
        started: u64,
    }

    pub(super) fn end(tree: &mut Tree) -> Result<(), String> {
        let give_up = Instant::now() + KILL_WAIT_MAX;
        let mut stopped = HashSet::new();
        loop {
            let members = members(tree)?;
            let fresh: Vec<_> = members.iter().filter(|process| !stopped.contains(*process)).copied().collect();
            match (members.is_empty(), fresh.is_empty()) {
                (true, _) => {
                    reap_orphans(tree)?;
                    tree.ended = Some(tree.child.wait().map_err(|error| error.to_string())?);
                    return Ok(());
                }
                // Nobody new since the last look, and a stopped process starts none.
                (false, true) => members.iter().for_each(|process| signal(process, Signal::KILL)),
                (false, false) => fresh.iter().for_each(|process| signal(process, Signal::STOP)),
            }
            stopped.extend(fresh);
            reap_orphans(tree)?;
            if Instant::now() > give_up {
                return Err(format!("{} processes do not go away", members.len()));
            }
            if members.iter().all(|process| stopped.contains(process)) {
                thread::sleep(LOOK_AGAIN);
            }
        }
    }

    /// How the program ended, left for [`end`] to take.
    pub(super) fn look_at_end(child: &mut Child) -> io::Result<Option<ExitStatus>> {
        let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let Some(ended) = waitid(WaitId::Pid(id), options)? else { return Ok(None) };
        // As wait(2) encodes it: the status in the second byte, or the signal in the first.
        let raw = ended.exit_status().map_or_else(|| ended.terminating_signal().unwrap_or_default(), |code| code << 8);
        Ok(Some(ExitStatus::from_raw(raw)))
    }

    /// Takes the ends of adopted orphans, so that their ids are free again.
    fn reap_orphans(tree: &Tree) -> Result<(), String> {
        if adopts() {
            let own = i32::try_from(tree.id()).unwrap_or_default();
            for orphan in all()?.filter(|process| process.parent == own_id() && process.id != own) {
                if let Some(id) = Pid::from_raw(orphan.id) {
                    let _ = waitpid(Some(id), WaitOptions::NOHANG);
                }
            }
        }
        Ok(())
    }

    /// Everybody alive in the tree.
    fn members(tree: &Tree) -> Result<Vec<Process>, String> {
        let root = i32::try_from(tree.id()).map_err(|error| error.to_string())?;
        let everyone: Vec<Process> = all()?.collect();
        let mut inside: HashSet<i32> = HashSet::from([root]);
        if adopts() {
            inside.extend(everyone.iter().filter(|process| process.parent == own_id()).map(|process| process.id));
        }
        inside.extend(everyone.iter().filter(|process| process.session == root).map(|process| process.id));
        loop {
            let before = inside.len();
            inside.extend(
                everyone
                    .iter()
                    .filter(|process| inside.contains(&process.parent))
                    .map(|process| process.id)
                    .collect::<Vec<_>>(),
            );
            if inside.len() == before {
                break;
            }
        }
        Ok(everyone.into_iter().filter(|process| inside.contains(&process.id)).collect())
    }

    /// Sends a signal to the process that was seen, and to no other one that has its id by now. One that is gone is fine.
    fn signal(process: &Process, signal: Signal) {
        let Some(id) = Pid::from_raw(process.id) else { return };
        let Ok(handle) = pidfd_open(id, PidfdFlags::empty()) else { return };
        if look_at(process.id).is_some_and(|now| now.started == process.started) {
            let _ = pidfd_send_signal(handle, signal);
        }
    }

    fn adopts() -> bool {
        rustix::process::child_subreaper().is_ok_and(|reaper| reaper.is_some())
    }

    fn own_id() -> i32 {
        getpid().as_raw_nonzero().get()
    }

    /// Every process of this machine that still runs.
    fn all() -> Result<impl Iterator<Item = Process>, String> {
        let listed = fs::read_dir("/proc").map_err(|error| format!("/proc cannot be read: {error}"))?;
        Ok(listed.flatten().filter_map(|entry| look_at(entry.file_name().to_str()?.parse().ok()?)))
    }

    /// Reads `/proc/ID/stat` (proc(5)); none for a process that has ended, waited for or not.
    fn look_at(id: i32) -> Option<Process> {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name in parentheses may hold anything; the fields after it are counted from 3.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3).copied();
        if matches!(field(3)?, "Z" | "X") {
            return None;
        }
        let (parent, session) = (field(4)?.parse().ok()?, field(6)?.parse().ok()?);
        Some(Process { id, parent, session, started: field(22)?.parse().ok()? })
    }
}

#[cfg(not(target_os = "linux"))]
pub use elsewhere::adopt_orphans;
#[cfg(not(target_os = "linux"))]
use elsewhere::{end, look_at_end, own_session};

/// Systems without `/proc`: the program is ended, and nothing is promised about what it started.
#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::io;
    use std::process::{Child, Command, ExitStatus};

    use enforcecore::traits::StoreError;

    use super::Tree;

    /// Orphans cannot be adopted here.
    pub fn adopt_orphans() -> Result<(), StoreError> {
        Ok(())
    }

    pub(super) fn own_session(_: &mut Command) {}

    pub(super) fn look_at_end(child: &mut Child) -> io::Result<Option<ExitStatus>> {
        child.try_wait()
    }

    pub(super) fn end(tree: &mut Tree) -> Result<(), String> {
        let ended = tree.child.kill().and_then(|()| tree.child.wait());
        tree.ended = Some(ended.map_err(|error| error.to_string())?);
        Ok(())
    }
}
