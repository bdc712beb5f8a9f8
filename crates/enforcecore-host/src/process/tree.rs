//! A running program with all its child processes.

use std::io;
use std::process::ExitStatus;

use enforcecore::ports::StoreError;

use super::system::Held;

/// A running program with all its child processes. Dropping it kills them.
///
/// The program's end is looked at and not taken until all it started is gone: as long as it is not taken, the kernel gives its
/// id to no other process, so each signal reaches a member of the tree.
#[derive(Debug)]
pub struct Tree {
    held: Held,
    /// How the program ended, once nothing is left of the tree.
    ended: Option<ExitStatus>,
}

impl Tree {
    pub(super) fn of(held: Held) -> Tree {
        Tree { held, ended: None }
    }

    /// The process id of the program's reaper, which on Linux is the program's parent and ends after all it started.
    pub fn id(&self) -> u32 {
        self.held.child.id()
    }

    /// How the program ended, if it did. What it started may still run.
    pub fn exit_status(&mut self) -> io::Result<Option<ExitStatus>> {
        match self.ended {
            Some(status) => Ok(Some(status)),
            None => self.held.look_at_end(),
        }
    }

    /// Kills the program with all its child processes; returns when they are gone.
    pub fn kill(&mut self) -> Result<(), StoreError> {
        if self.ended.is_some() {
            return Ok(());
        }
        let id = self.id();
        let failed = |why| StoreError::new(format!("end the process {id} with all it started"), why);
        self.ended = Some(self.held.end().map_err(failed)?);
        Ok(())
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            tracing::error!(%error, "could not kill the program; it is still running");
        }
    }
}
