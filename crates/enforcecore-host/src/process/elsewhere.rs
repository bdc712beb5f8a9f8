//! Systems without `/proc`: the program is ended, and nothing is promised about what it started.

use std::io;
use std::process::{Child, Command, ExitStatus};

use enforcecore::ports::StoreError;

/// Orphans cannot be adopted here.
pub fn adopt_orphans() -> Result<(), StoreError> {
    Ok(())
}

#[derive(Debug)]
pub(super) struct Held {
    pub(super) child: Child,
}

impl Held {
    pub(super) fn start(command: &mut Command) -> io::Result<Held> {
        Ok(Held { child: command.spawn()? })
    }

    pub(super) fn look_at_end(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    pub(super) fn end(&mut self) -> Result<ExitStatus, String> {
        self.child.kill().and_then(|()| self.child.wait()).map_err(|error| error.to_string())
    }
}
