//! The process between us and a program: what the program's descendants leave behind is handed to it, and it reaps them.
//!
//! A process that has ended keeps its id until its parent reaps it, and there are only so many ids. A
//! library cannot reap, because it must not reap a child that the program around it waits for. A reaper has no children
//! but these, so it alone knows when no process is left: the kernel reports that there are no children, and a process that loses its
//! parent is handed on in the same instant in which the parent ends.
//!
//! It is a fork of us that makes system calls and nothing else; it holds two files, takes one signal, and its memory, a copy of
//! ours, cannot be read by other processes. It reports how its program ended, and ends once no process is left. Told to, or when
//! the thread that started it ends, it kills its children. If it is killed, the kernel kills the program.

use std::ffi::c_int;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, pread, write};
use rustix::process::{
    DumpableBehavior, Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, set_dumpable_behavior,
    set_parent_process_death_signal, setpgid, setsid, wait,
};

/// How long the end of a tree is waited for. A member that is still there then is stuck in the kernel, and said to be.
pub(super) const KILL_WAIT_MAX: Duration = Duration::from_secs(5);

/// What a reaper takes as the order to kill what it has. Hardly a program sends its parent this one.
pub(super) const KILL_REQUEST: Signal = Signal::POWER;

/// What is reported in place of an end where the program has no reaper.
pub(super) const NO_REAPER: i32 = -1;

/// The status of a reaper that could not do its work.
const FAILED: c_int = 127;

/// Pause between two looks at children that do not go away.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Between fork and exec: the process that calls this becomes a reaper in a session of its own, and it returns in the one that
/// is to become the program. The reaper writes to `report` how the program ended, as wait(2) encodes it. An emulator that knows
/// no reapers has none here either: nothing can adopt there, and [`NO_REAPER`] is written.
pub(super) fn start_reaper(report: BorrowedFd<'_>) -> io::Result<()> {
    setsid()?;
    stop_ignoring_ends();
    match set_child_subreaper(Some(getpid())) {
        Err(Errno::INVAL) => {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            write(report, &NO_REAPER.to_ne_bytes())?;
            return Ok(());
        }
        became => became?,
    }
    // Before the program starts, so that it finds nothing to look into; its own exec undoes it there.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let mask = block_signals()?;
    set_parent_process_death_signal(Some(KILL_REQUEST))?;
    #[expect(unsafe_code, reason = "there is no safe way to fork")]
    // SAFETY: this process was just forked and has one thread, and both sides go on with system calls only.
    let program = unsafe { libc::fork() };
    match program {
        ..0 => Err(io::Error::last_os_error()),
        0 => {
            // A program that signals its group signals no reaper.
            setpgid(None, None)?;
            set_parent_process_death_signal(Some(Signal::KILL))?;
            set_mask(&mask)
        }
        _ => {
            let children = open(c"/proc/thread-self/children", OFlags::RDONLY, Mode::empty()).ok();
            Reaper { program: Pid::from_raw(program), report, children }.watch()
        }
    }
}

struct Reaper<'a> {
    /// The program, until its end is taken.
    program: Option<Pid>,
    report: BorrowedFd<'a>,
    /// The kernel's list of this process's children; none where the kernel makes no such list.
    children: Option<OwnedFd>,
}

impl Reaper<'_> {
    fn watch(mut self) -> ! {
        if !close_inherited([Some(self.report.as_raw_fd()), self.children.as_ref().map(AsRawFd::as_raw_fd)]) {
            end(FAILED)
        }
        loop {
            self.reap();
            if next_signal() == KILL_REQUEST.as_raw() {
                self.kill_all()
            }
        }
    }

    /// Kills every child until there is none, and with each those that its end makes children. No other process reaps a
    /// child, so each of their ids is still theirs.
    fn kill_all(&mut self) -> ! {
        let begin = Instant::now();
        loop {
            if let Some(program) = self.program {
                let _ = kill_process(program, Signal::KILL);
            }
            if let Some(children) = &self.children {
                kill_listed(children.as_fd());
            }
            self.reap();
            // Until then nothing is faster than this loop but what forks as it ends.
            if begin.elapsed() > KILL_WAIT_MAX {
                std::thread::sleep(LOOK_AGAIN);
            }
        }
    }

    /// Reaps all children that ended, and ends where no child is left.
    fn reap(&mut self) {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((ended, status))) if Some(ended) == self.program => {
                    self.program = None;
                    // The reader may be gone.
                    let _ = write(self.report, &status.as_raw().to_ne_bytes());
                }
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => return,
                Err(Errno::CHILD) => end(0),
                Err(_) => end(FAILED),
            }
        }
    }
}

fn kill_listed(children: BorrowedFd<'_>) {
    let mut list = [0_u8; 4096];
    let length = pread(children, &mut list, 0).unwrap_or_default();
    let mut id: i32 = 0;
    for byte in list.iter().take(length) {
        match byte {
            b'0'..=b'9' => id = id.wrapping_mul(10).wrapping_add(i32::from(byte - b'0')),
            // Only what ends with a space is whole.
            _ => {
                if let Some(child) = Pid::from_raw(std::mem::take(&mut id)) {
                    let _ = kill_process(child, Signal::KILL);
                }
            }
        }
    }
}

/// Has the ends of children wait to be taken, whatever those before us wanted.
pub(super) fn stop_ignoring_ends() {
    #[expect(unsafe_code, reason = "there is no safe way to choose a signal's action")]
    // SAFETY: the default action is no handler, and the call is async-signal-safe.
    unsafe {
        libc::signal(libc::SIGCHLD, libc::SIG_DFL);
    }
}

/// Closes every file but these: a pipe that we held open would never end.
fn close_inherited(mut kept: [Option<RawFd>; 2]) -> bool {
    kept.sort_unstable();
    let mut from: RawFd = 0;
    for file in kept.into_iter().flatten() {
        if file > from && !close_range(from, file - 1) {
            return false;
        }
        from = file + 1;
    }
    close_range(from, RawFd::MAX)
}

fn close_range(first: RawFd, last: RawFd) -> bool {
    #[expect(unsafe_code, reason = "there is no safe way to close files that others opened")]
    // SAFETY: the owner of these files is in another process, and nothing here uses one of them.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    closed == 0
}

fn block_signals() -> io::Result<libc::sigset_t> {
    let mut all = std::mem::MaybeUninit::uninit();
    let mut before = std::mem::MaybeUninit::uninit();
    #[expect(unsafe_code, reason = "there is no safe way to block signals")]
    // SAFETY: `sigfillset` initialises the set that `sigprocmask` reads, which initialises the other; there is one thread.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        match libc::sigprocmask(libc::SIG_BLOCK, all.as_ptr(), before.as_mut_ptr()) {
            0 => Ok(before.assume_init()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

fn set_mask(mask: &libc::sigset_t) -> io::Result<()> {
    #[expect(unsafe_code, reason = "there is no safe way to unblock signals")]
    // SAFETY: the set is initialised; there is one thread.
    let set = unsafe { libc::sigprocmask(libc::SIG_SETMASK, mask, std::ptr::null_mut()) };
    if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Waits for a child's end or for the order; other signals stay where they are.
fn next_signal() -> c_int {
    let mut awaited = std::mem::MaybeUninit::uninit();
    #[expect(unsafe_code, reason = "there is no safe way to wait for a signal")]
    // SAFETY: `sigemptyset` initialises the set that the others use; the signal's details are not asked for.
    unsafe {
        libc::sigemptyset(awaited.as_mut_ptr());
        libc::sigaddset(awaited.as_mut_ptr(), libc::SIGCHLD);
        libc::sigaddset(awaited.as_mut_ptr(), KILL_REQUEST.as_raw());
        libc::sigwaitinfo(awaited.as_ptr(), std::ptr::null_mut())
    }
}

fn end(status: c_int) -> ! {
    #[expect(unsafe_code, reason = "there is no safe way to end without running what the parent registered")]
    // SAFETY: it runs nothing and does not return.
    unsafe {
        libc::_exit(status)
    }
}
