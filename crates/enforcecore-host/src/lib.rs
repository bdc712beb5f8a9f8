//! The operating system, blocking: files, locks, keys, paths, clocks, processes. The only crate that may hold unsafe code.

pub mod anchor;
pub mod assembly;
pub mod clock;
pub mod evidence;
pub mod file_log;
pub mod keys;
pub mod paths;
pub mod policy_files;
