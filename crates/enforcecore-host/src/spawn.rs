//! A program and everything it starts, held so that all of it can be ended.
//!
//! A tree is the program, its descendants, and whoever is in its session. A descendant whose parent ends (a daemon) is handed to
//! the program's keeper, the process between us and it, which stays until nobody is left and takes the ends of those that end
//! before. It is what kills them, because only their parent knows that it misses none, however fast they start others; from
//! here every member is stopped beside that, so that those far below start none either. Whoever can signal the keeper can kill
//! it. Then the kernel kills the program, and those it kept are handed on to the next reaper: a program whose only children are
//! trees calls [`adopt_orphans`] once, and ends those too; without that, such an end is an error. Absent on purpose: a polite
//! signal. Whoever wants the program to end by itself closes its input and waits.

use std::ffi::OsStr;
use std::io;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
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
    held: Held,
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

/// Starts a program in a session of its own. It is killed with all it started when the thread that calls this ends, so call it
/// from one that lives as long as the program should. A program that ignores the ends of its children (SIGCHLD) gets an error.
pub fn spawn(program: &OsStr, args: &[impl AsRef<OsStr>]) -> Result<(Tree, Pipes), StoreError> {
    let name = || format!("start `{}`", program.to_string_lossy());
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut held = start(&mut command).map_err(|error| StoreError::new(name(), error))?;
    let pipes = held.child.stdin.take().zip(held.child.stdout.take()).zip(held.child.stderr.take());
    let tree = Tree { held, ended: None };
    let ((stdin, stdout), stderr) = pipes.ok_or_else(|| StoreError::new(name(), "its streams are not pipes"))?;
    Ok((tree, Pipes { stdin, stdout, stderr }))
}

impl Tree {
    /// The process id of the program's keeper, which on Linux is the program's parent and ends after all it started.
    pub fn id(&self) -> u32 {
        self.held.child.id()
    }

    /// How the program ended, if it did. What it started may still run.
    pub fn exit_status(&mut self) -> io::Result<Option<ExitStatus>> {
        match self.ended {
            Some(status) => Ok(Some(status)),
            None => look_at_end(self),
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
mod linux;
#[cfg(target_os = "linux")]
mod processes;
#[cfg(target_os = "linux")]
pub use linux::adopt_orphans;
#[cfg(target_os = "linux")]
use linux::{Held, end, look_at_end, start};

#[cfg(not(target_os = "linux"))]
pub use elsewhere::adopt_orphans;
#[cfg(not(target_os = "linux"))]
use elsewhere::{Held, end, look_at_end, start};

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

    #[derive(Debug)]
    pub(super) struct Held {
        pub(super) child: Child,
    }

    pub(super) fn start(command: &mut Command) -> io::Result<Held> {
        Ok(Held { child: command.spawn()? })
    }

    pub(super) fn look_at_end(tree: &mut Tree) -> io::Result<Option<ExitStatus>> {
        tree.held.child.try_wait()
    }

    pub(super) fn end(tree: &mut Tree) -> Result<(), String> {
        let ended = tree.held.child.kill().and_then(|()| tree.held.child.wait());
        tree.ended = Some(ended.map_err(|error| error.to_string())?);
        Ok(())
    }
}
