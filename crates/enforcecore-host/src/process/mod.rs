//! A program with all its child processes, held so that all can be killed.
//!
//! A tree is the program, its descendants, and the processes of its session. A descendant whose parent ends (a daemon) is handed to
//! the program's reaper, the process between us and it, which stays until no process is left and reaps those that end before. It is
//! what kills them, because only their parent knows that it misses none, however fast they start others; from here every member
//! is stopped beside that, so that those far below start none either. A process that can signal the reaper can kill it. Then the kernel
//! kills the program, and those it had are handed on to the next reaper: a program whose only children are trees calls
//! [`adopt_orphans`] once, and ends those too; without that, such an end is an error. Absent on purpose: a polite signal.
//! A caller that wants the program to end by itself closes its input and waits.

#[cfg(target_os = "linux")]
mod procfs;
#[cfg(target_os = "linux")]
mod reaper;
mod spawn;
#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "elsewhere.rs")]
mod system;
mod tree;

pub use spawn::{Isolation, Limits, Pipes, Spawn};
pub use system::adopt_orphans;
pub use tree::Tree;
