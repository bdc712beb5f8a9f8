//! The operating system, blocking: files, locks, keys, paths, clocks, processes. The only crate that may hold unsafe code.
