//! What each system says about a file, and how it is replaced and read.

#[cfg(unix)]
pub(crate) use unix::*;
#[cfg(windows)]
pub(crate) use windows::*;

/// Why something cannot be trusted: it is another user's.
pub(super) const ANOTHERS: &str = "belongs to another user";
/// Why something cannot be trusted: its mode lets all write.
pub(super) const BY_ALL: &str = "may be written by every user";

#[cfg(unix)]
mod unix {
    use std::fs::{File, Metadata};
    use std::io;
    use std::os::unix::fs::{FileExt, MetadataExt};

    /// Opens or replaces a file that others read and replace. Where the system refuses it while they do, it is tried until they
    /// are done.
    pub(crate) fn in_turn<T>(mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        attempt()
    }

    /// Whether two are one file.
    pub(crate) fn is_same(ours: &Metadata, named: &Metadata) -> bool {
        (ours.dev(), ours.ino()) == (named.dev(), named.ino())
    }

    pub(crate) fn is_owners_alone(metadata: &Metadata, is_read_only: impl FnOnce() -> bool) -> bool {
        let mode = metadata.mode();
        mode & 0o077 == 0 || (mode & 0o037 == 0 && metadata.uid() == 0 && is_read_only())
    }

    pub(crate) fn owner_and_mode(metadata: &Metadata) -> (u32, u32) {
        (metadata.uid(), metadata.mode() & 0o7777)
    }

    pub(crate) fn is_anothers(owner: u32) -> bool {
        owner != 0 && owner != rustix::process::geteuid().as_raw()
    }

    pub(crate) fn belongs_to_another(metadata: &Metadata) -> Option<&'static str> {
        is_anothers(metadata.uid()).then_some(super::ANOTHERS)
    }

    pub(crate) fn written_by_all(metadata: &Metadata) -> Option<&'static str> {
        (metadata.mode() & 0o002 != 0).then_some(super::BY_ALL)
    }

    pub(crate) fn written_by_others(metadata: &Metadata) -> Option<&'static str> {
        let by_group = metadata.mode() & 0o020 != 0 && metadata.gid() != metadata.uid();
        written_by_all(metadata).or_else(|| by_group.then_some("may be written by a group"))
    }

    /// Whether each may exchange only what is theirs, as in `/tmp`.
    pub(crate) fn each_their_own(metadata: &Metadata) -> bool {
        metadata.mode() & 0o1000 != 0
    }

    /// Reads bytes from a place in a file, at least one unless the file ends there.
    pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        file.read_at(buffer, offset)
    }
}

#[cfg(windows)]
mod windows {
    use std::fs::{File, Metadata};
    use std::io;
    use std::os::windows::fs::FileExt;
    use std::thread;
    use std::time::{Duration, Instant};

    use enforcecore::ports::TURN_WAIT_MAX;

    /// Pause between two tries at a file in use.
    const LOOK_AGAIN: Duration = Duration::from_millis(1);

    pub(crate) fn in_turn<T>(mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        let give_up = Instant::now() + TURN_WAIT_MAX;
        loop {
            match attempt() {
                Err(error) if error.raw_os_error().is_some_and(is_in_use) && Instant::now() < give_up => {
                    thread::sleep(LOOK_AGAIN);
                }
                other => return other,
            }
        }
    }

    /// `ERROR_SHARING_VIOLATION`, and `ERROR_ACCESS_DENIED` where a file is to be replaced.
    fn is_in_use(code: i32) -> bool {
        matches!(code, 32 | 5)
    }

    /// It is opened so that it cannot be exchanged.
    pub(crate) fn is_same(_: &Metadata, named: &Metadata) -> bool {
        named.is_file()
    }

    pub(crate) fn is_owners_alone(_: &Metadata, _: impl FnOnce() -> bool) -> bool {
        true
    }

    pub(crate) fn owner_and_mode(_: &Metadata) -> (u32, u32) {
        (0, 0)
    }

    pub(crate) fn belongs_to_another(_: &Metadata) -> Option<&'static str> {
        None
    }

    pub(crate) fn written_by_others(_: &Metadata) -> Option<&'static str> {
        None
    }

    pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        file.seek_read(buffer, offset)
    }
}
