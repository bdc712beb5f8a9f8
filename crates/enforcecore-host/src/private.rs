//! Files and folders for their owner alone, never reached through a symbolic link; each system's own way of saying so.
//!
//! On Windows a new file takes its folder's access list, which this crate does not examine, and the names in a folder are made
//! durable by the file system's journal.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

/// Ways to open a file, of which one is chosen.
pub(crate) trait Private {
    /// A file that is made is its owner's alone, and a symbolic link is an error.
    fn private(&mut self) -> &mut Self;
    /// A pipe is opened at once, whether or not somebody has its other end.
    fn without_waiting(&mut self) -> &mut Self;
    /// As [`Private::without_waiting`], and a symbolic link is an error.
    fn without_waiting_or_link(&mut self) -> &mut Self;
}

impl Private for OpenOptions {
    fn private(&mut self) -> &mut OpenOptions {
        system::private(self)
    }

    fn without_waiting(&mut self) -> &mut OpenOptions {
        system::without_waiting(self)
    }

    fn without_waiting_or_link(&mut self) -> &mut OpenOptions {
        system::without_waiting_or_link(self)
    }
}

/// Makes a folder that only its owner can enter, its parents included; one that is there stays as it is.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    system::folder_builder().recursive(true).create(folder)?;
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
        _ => sync_folder(Path::new(".")),
    }
}

/// Makes a folder as [`make_folder`] does, and refuses one that others than its owner, who is this user or the system's, can
/// write.
pub(crate) fn make_own_folder(folder: &Path) -> io::Result<()> {
    make_folder(folder)?;
    match not_ours(&fs::metadata(folder)?) {
        Some(why) => {
            let way_out = "make it this user's, of mode 700, or name another one";
            Err(io::Error::other(format!("the folder `{}` {why}: {way_out}", folder.display())))
        }
        None => Ok(()),
    }
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    system::sync_folder(folder)
}

/// Cuts a file that is open for appending and has this name.
pub(crate) fn cut(file: &File, name: &Path, bytes: u64) -> io::Result<()> {
    system::cut(file, name, bytes)
}

/// Opens or replaces a file that others read and replace. Where the system refuses it while they do, it is tried until they are
/// done.
pub(crate) fn in_turn<T>(attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    system::in_turn(attempt)
}

/// Whether a name still means the file that is open.
pub(crate) fn is_still(file: &File, name: &Path) -> io::Result<bool> {
    Ok(system::is_same(&file.metadata()?, &fs::symlink_metadata(name)?))
}

/// Whether nobody but its owner can use a file.
pub(crate) fn is_owners_alone(metadata: &Metadata) -> bool {
    system::is_owners_alone(metadata)
}

/// Why what a file says or a folder holds cannot be trusted: others than its owner, who is this user or the system's, can
/// write it. A group counts as others unless it has its owner's number, as a user's own group has.
pub(crate) fn not_ours(metadata: &Metadata) -> Option<&'static str> {
    system::belongs_to_another(metadata).or_else(|| system::written_by_others(metadata))
}

/// Why a folder's names cannot be trusted: others can put something in the place of what is ours. Where each may exchange only
/// what is theirs, as in `/tmp`, nobody can.
pub(crate) fn names_not_ours(metadata: &Metadata) -> Option<&'static str> {
    let exchanged = || system::written_by_others(metadata).filter(|_| !system::each_their_own(metadata));
    system::belongs_to_another(metadata).or_else(exchanged)
}

/// Reads bytes from a place in a file, at least one unless the file ends there.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    system::read_at(file, buffer, offset)
}

/// Fills a buffer from a place in a file.
pub(crate) fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        let count = match read_at(file, buffer, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        let rest = buffer.get_mut(count..).filter(|_| count > 0);
        buffer = rest.ok_or(io::ErrorKind::UnexpectedEof)?;
        offset += count as u64;
    }
    Ok(())
}

#[cfg(unix)]
mod system {
    use std::fs::{DirBuilder, File, Metadata, OpenOptions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
    use std::path::Path;

    use rustix::fs::OFlags;

    pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
        // The flag's value fits every platform's C int.
        options.mode(0o600).custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
    }

    pub(super) fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
        options.custom_flags(OFlags::NONBLOCK.bits().cast_signed())
    }

    pub(super) fn without_waiting_or_link(options: &mut OpenOptions) -> &mut OpenOptions {
        options.custom_flags((OFlags::NONBLOCK | OFlags::NOFOLLOW).bits().cast_signed())
    }

    pub(super) fn folder_builder() -> DirBuilder {
        let mut builder = DirBuilder::new();
        builder.mode(0o700);
        builder
    }

    pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    pub(super) fn cut(file: &File, _: &Path, bytes: u64) -> io::Result<()> {
        file.set_len(bytes)
    }

    pub(super) fn in_turn<T>(mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        attempt()
    }

    pub(super) fn is_same(ours: &Metadata, named: &Metadata) -> bool {
        (ours.dev(), ours.ino()) == (named.dev(), named.ino())
    }

    pub(super) fn is_owners_alone(metadata: &Metadata) -> bool {
        metadata.mode() & 0o077 == 0
    }

    pub(super) fn belongs_to_another(metadata: &Metadata) -> Option<&'static str> {
        let owner = metadata.uid();
        (owner != 0 && owner != rustix::process::geteuid().as_raw()).then_some("belongs to another user")
    }

    pub(super) fn written_by_others(metadata: &Metadata) -> Option<&'static str> {
        let mode = metadata.mode();
        // What the mode of a link says has no meaning.
        if metadata.is_symlink() {
            None
        } else if mode & 0o002 != 0 {
            Some("may be written by every user")
        } else {
            (mode & 0o020 != 0 && metadata.gid() != metadata.uid()).then_some("may be written by a group")
        }
    }

    pub(super) fn each_their_own(metadata: &Metadata) -> bool {
        metadata.mode() & 0o1000 != 0
    }

    pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        file.read_at(buffer, offset)
    }
}

#[cfg(windows)]
mod system {
    use std::fs::{DirBuilder, File, Metadata, OpenOptions};
    use std::io;
    use std::os::windows::fs::{FileExt, OpenOptionsExt};
    use std::path::Path;
    use std::thread;
    use std::time::{Duration, Instant};

    use enforcecore::traits::TURN_WAIT_MAX;

    /// Pause between two tries at a file in use.
    const LOOK_AGAIN: Duration = Duration::from_millis(1);
    /// `FILE_FLAG_OPEN_REPARSE_POINT`: a link is opened itself, and is then no regular file.
    const OPEN_LINK_ITSELF: u32 = 0x0020_0000;
    /// `FILE_SHARE_READ | FILE_SHARE_WRITE`: while it is open, nobody can move or delete it.
    const SHARED_BUT_NOT_MOVED: u32 = 0x3;

    pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
        options.custom_flags(OPEN_LINK_ITSELF).share_mode(SHARED_BUT_NOT_MOVED)
    }

    /// Pipes have names of their own here, apart from files.
    pub(super) fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }

    pub(super) fn without_waiting_or_link(options: &mut OpenOptions) -> &mut OpenOptions {
        options.custom_flags(OPEN_LINK_ITSELF)
    }

    pub(super) fn folder_builder() -> DirBuilder {
        DirBuilder::new()
    }

    pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
        Ok(())
    }

    /// Whoever may only append may not cut, so it takes another handle. The name means no other file while the first is open.
    pub(super) fn cut(_: &File, name: &Path, bytes: u64) -> io::Result<()> {
        let mut options = OpenOptions::new();
        private(options.write(true)).open(name)?.set_len(bytes)
    }

    pub(super) fn in_turn<T>(mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
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
    pub(super) fn is_same(_: &Metadata, named: &Metadata) -> bool {
        named.is_file()
    }

    pub(super) fn is_owners_alone(_: &Metadata) -> bool {
        true
    }

    pub(super) fn belongs_to_another(_: &Metadata) -> Option<&'static str> {
        None
    }

    pub(super) fn written_by_others(_: &Metadata) -> Option<&'static str> {
        None
    }

    pub(super) fn each_their_own(_: &Metadata) -> bool {
        true
    }

    pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        file.seek_read(buffer, offset)
    }
}
