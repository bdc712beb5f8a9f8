//! Stderr for programs that enforce: a call is settled even if the parent process does not read it.
//!
//! What cannot be written within a moment is dropped; from then on nothing waits until it is read again.

use std::io::{self, Write};

/// The process's stderr. A value is a handle and costs nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
fn write(bytes: &[u8]) -> io::Result<usize> {
    use std::sync::{Mutex, PoisonError};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    /// Bytes that a pipe takes at once where it takes any (pipe(7)).
    const PIPE_BYTES: usize = 512;
    /// How long a reader is waited for that has read so far.
    const PATIENCE: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
    const NO_PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
    /// Whether the last write found a reader. Held over look and write, so that no other thread takes the room between them.
    static IS_READ: Mutex<bool> = Mutex::new(true);

    let mut is_read = IS_READ.lock().unwrap_or_else(PoisonError::into_inner);
    let stderr = io::stderr();
    let patience = if *is_read { PATIENCE } else { NO_PATIENCE };
    *is_read = poll(&mut [PollFd::new(&stderr, PollFlags::OUT)], Some(&patience))? > 0;
    if !*is_read {
        return Ok(bytes.len());
    }
    stderr.lock().write(bytes.get(..PIPE_BYTES).unwrap_or(bytes))
}

#[cfg(not(unix))]
fn write(bytes: &[u8]) -> io::Result<usize> {
    io::stderr().write(bytes)
}
