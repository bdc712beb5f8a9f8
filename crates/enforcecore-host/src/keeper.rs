//! The process between us and a program: what the program's descendants leave behind is handed to it, and it takes their ends.
//!
//! Somebody has to: a process that has ended keeps its id until its parent takes its end, and there are only so many ids. A
//! library cannot, because it must not take the end of a child that the program around it waits for. A keeper has no children
//! but these.
//!
//! It is a fork of us that makes system calls and nothing else; it holds no file, takes no signal, and its memory, a copy of
//! ours, can be looked into by nobody. It ends as its program ends, and the program ends with it.

use std::ffi::c_int;
use std::io;

use rustix::io::Errno;
use rustix::process::{
    DumpableBehavior, Pid, Signal, WaitOptions, WaitStatus, getpid, set_child_subreaper, set_dumpable_behavior,
    set_parent_process_death_signal, setpgid, setsid, wait,
};

/// The status of a keeper that could not do its work.
const FAILED: c_int = 127;

/// Between fork and exec: the process that calls this becomes a keeper in a session of its own, and it returns in the one that
/// is to become the program. An emulator that knows no reapers has no keepers either, and no proxy: nothing can adopt there.
pub(crate) fn keep() -> io::Result<()> {
    setsid()?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    match set_child_subreaper(Some(getpid())) {
        Err(Errno::INVAL) => return Ok(()),
        became => became?,
    }
    #[expect(unsafe_code, reason = "there is no safe way to fork")]
    // SAFETY: this process was just forked and has one thread, and both sides go on with system calls only.
    let program = unsafe { libc::fork() };
    match program {
        ..0 => Err(io::Error::last_os_error()),
        0 => {
            // A program that signals its group signals no keeper.
            setpgid(None, None)?;
            Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
        }
        _ => watch(Pid::from_raw(program)),
    }
}

fn watch(program: Option<Pid>) -> ! {
    if mask_signals(libc::SIG_BLOCK).is_ok() && set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok() && let_go()
    {
        loop {
            match wait(WaitOptions::empty()) {
                Ok(Some((ended, status))) if Some(ended) == program => end_like(status),
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
    }
    end(FAILED)
}

/// Closes every file: a pipe that we held open would never end.
fn let_go() -> bool {
    #[expect(unsafe_code, reason = "there is no safe way to close files that others opened")]
    // SAFETY: whoever opened these files is in another process, and nothing here uses a file.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 0, u32::MAX, 0) };
    closed == 0
}

fn end_like(status: WaitStatus) -> ! {
    if let Some(signal) = status.terminating_signal() {
        #[expect(unsafe_code, reason = "there is no safe way to end by a signal")]
        // SAFETY: the default action is no handler, and both calls are async-signal-safe.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
            libc::kill(libc::getpid(), signal);
        }
        let _ = mask_signals(libc::SIG_UNBLOCK);
    }
    end(status.exit_status().unwrap_or(FAILED))
}

fn mask_signals(how: c_int) -> io::Result<()> {
    let mut all = std::mem::MaybeUninit::uninit();
    #[expect(unsafe_code, reason = "there is no safe way to block signals")]
    // SAFETY: `sigfillset` initialises the set that `sigprocmask` reads; there is one thread.
    let masked = unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::sigprocmask(how, all.as_ptr(), std::ptr::null_mut())
    };
    if masked == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn end(status: c_int) -> ! {
    #[expect(unsafe_code, reason = "there is no safe way to end without running what the parent registered")]
    // SAFETY: it runs nothing and does not return.
    unsafe {
        libc::_exit(status)
    }
}
