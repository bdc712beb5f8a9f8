//! A name walked component by component, with the folder at hand held open.
//!
//! The file that is checked is the file that is opened: each component is opened below the folder before it, never through a link, and links are
//! read and walked here. A folder passes if it and its names are this user's or the system's; on a mount that is read-only
//! every folder passes, because there no name can be exchanged.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf, absolute};

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, StatVfsMountFlags};
use rustix::io::Errno;

use super::access::{How, MadeBy, NotOurs, Opened, Refused, not_ours, others};
use super::system::{ANOTHERS, belongs_to_another, each_their_own, is_anothers, written_by_all, written_by_others};
use crate::paths::LINKS_MAX;

/// How a folder is held open: to name what is in it, which needs no right to list it.
#[cfg(any(target_os = "linux", target_os = "android"))]
const HOLD: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const HOLD: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The permissions of a folder and a file that are made.
const OWNERS_FOLDER: Mode = Mode::RWXU;
const OWNERS_FILE: Mode = Mode::RUSR.union(Mode::WUSR);

/// A folder that is held open.
#[derive(Debug)]
pub struct Folder {
    held: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// The folder of a name that a person gives, links followed.
    pub fn open(path: &Path, made_by: MadeBy) -> Result<Folder, Refused> {
        Walk::new(made_by)?.folder(&absolute(path)?)
    }

    /// The same, and it is made where there is none, for its owner alone.
    pub fn open_or_make(path: &Path, made_by: MadeBy) -> Result<Folder, Refused> {
        let walk = Walk::new(made_by)?;
        Walk { makes: true, ..walk }.folder(&absolute(path)?)
    }

    /// The same, and only this user and the system's may write in it: others may not even put in what is theirs.
    pub(crate) fn open_or_make_own(path: &Path) -> Result<Folder, Refused> {
        Folder::open_or_make(path, MadeBy::Us)?.own()
    }

    /// A folder of this one that only this user and the system's may write in, made where there is none.
    pub(crate) fn own_folder(&self, name: &str) -> Result<Folder, Refused> {
        let walk = Walk::within(self, MadeBy::Us)?;
        Walk { makes: true, ..walk }.folder(Path::new(name))?.own()
    }

    /// Its name, without links where the system knows them.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file of this folder; no link is followed.
    pub fn file(&self, name: &str, how: How) -> Result<File, Refused> {
        Ok(Walk::within(self, MadeBy::Anyone)?.file(Path::new(name), how)?.file)
    }

    /// A file of this folder to read, links followed as in a name that a person gives.
    pub fn linked_file(&self, name: &str) -> Result<File, Refused> {
        let walk = Walk::within(self, MadeBy::Us)?;
        Ok(Walk { follows: true, ..walk }.file(Path::new(name), How::Read)?.file)
    }

    /// A file below this folder to read; no link is followed.
    pub(super) fn below(&self, path: &Path) -> Result<File, Refused> {
        Ok(Walk::within(self, MadeBy::Us)?.file(path, How::Read)?.file)
    }

    /// Gives a file of this folder another name, in place of what has it.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(fs::renameat(&self.held, from, &self.held, to)?)
    }

    /// Gives a file of this folder a second name, unless something has it.
    pub fn link(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(fs::linkat(&self.held, from, &self.held, to, AtFlags::empty())?)
    }

    /// Takes a name away.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        Ok(fs::unlinkat(&self.held, name, AtFlags::empty())?)
    }

    /// Makes the names in the folder durable.
    pub fn sync(&self) -> io::Result<()> {
        sync(self.held.as_fd())
    }

    fn own(self) -> Result<Folder, Refused> {
        let held = File::from(self.held);
        let metadata = held.metadata()?;
        match not_ours(&metadata) {
            Some(why) if !is_read_only(&held) => Err(others("folder", &self.path, &metadata, why)),
            _ => Ok(Folder { held: held.into(), path: self.path }),
        }
    }
}

pub(super) fn open(path: &Path, made_by: MadeBy, how: How) -> Result<Opened, Refused> {
    Walk::new(made_by)?.file(&absolute(path)?, how)
}

/// Cuts a file that is open for appending and has this name.
pub(crate) fn cut(file: &File, _: &Path, bytes: u64) -> io::Result<()> {
    file.set_len(bytes)
}

/// Whether what is open lies on a mount that is read-only.
pub(super) fn is_read_only(held: &impl AsFd) -> bool {
    fs::fstatvfs(held).is_ok_and(|mount| mount.f_flag.contains(StatVfsMountFlags::RDONLY))
}

/// A folder's names are made durable through a handle that may read it, which the one that holds it may not.
fn sync(held: BorrowedFd<'_>) -> io::Result<()> {
    let listed = fs::openat(held, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    File::from(listed).sync_all()
}

/// One step of a path that lies ahead.
enum Step {
    Root,
    Up,
    Down(OsString),
}

/// What a path ends in: a folder, which is the one at hand, or a name in it.
enum End {
    Folder,
    Name(OsString),
    Missing(OsString),
}

/// Whether what is held open lies on a mount that is read-only.
type IsReadOnly = fn(BorrowedFd<'_>) -> bool;

/// A walk, at a folder that passed.
struct Walk {
    held: OwnedFd,
    at: PathBuf,
    made_by: MadeBy,
    follows: bool,
    makes: bool,
    /// Others may put into the folder at hand what is theirs.
    shared: bool,
    links: usize,
    is_read_only: IsReadOnly,
}

impl Walk {
    /// A walk of a person's name from the root, links followed.
    fn new(made_by: MadeBy) -> Result<Walk, Refused> {
        Walk::by(made_by, |held| is_read_only(&held))
    }

    fn by(made_by: MadeBy, is_read_only: IsReadOnly) -> Result<Walk, Refused> {
        let root = Folder { held: fs::open("/", HOLD, Mode::empty())?, path: PathBuf::from("/") };
        Ok(Walk { follows: true, ..Walk::begin(root, made_by, is_read_only)? })
    }

    /// A walk from a folder, no link followed.
    fn within(folder: &Folder, made_by: MadeBy) -> Result<Walk, Refused> {
        let folder = Folder { held: folder.held.try_clone()?, path: folder.path.clone() };
        Walk::begin(folder, made_by, |held| is_read_only(&held))
    }

    fn begin(Folder { held, path: at }: Folder, made_by: MadeBy, is_read_only: IsReadOnly) -> Result<Walk, Refused> {
        let mut walk = Walk { held, at, made_by, follows: false, makes: false, shared: false, links: 0, is_read_only };
        walk.check()?;
        Ok(walk)
    }

    fn folder(mut self, path: &Path) -> Result<Folder, Refused> {
        match self.go(path)? {
            End::Folder => Ok(Folder { held: self.held, path: self.at }),
            End::Name(_) => Err(Errno::NOTDIR.into()),
            End::Missing(_) => Err(Errno::NOENT.into()),
        }
    }

    fn file(mut self, path: &Path, how: How) -> Result<Opened, Refused> {
        match self.go(path)? {
            End::Folder => Err(Refused::irregular()),
            End::Name(name) | End::Missing(name) => {
                let file = self.open(&name, how)?;
                Ok(Opened { file, real: self.at.join(name) })
            }
        }
    }

    /// Walks to the path's end.
    fn go(&mut self, path: &Path) -> Result<End, Refused> {
        let mut ahead: VecDeque<Step> = steps(path).collect();
        while let Some(step) = ahead.pop_front() {
            match step {
                Step::Root => self.enter(OsStr::new("/"))?,
                Step::Up => self.enter(OsStr::new(".."))?,
                Step::Down(name) => match self.kind(&name) {
                    Ok(FileType::Symlink) => {
                        let target = self.follow(&name)?;
                        let rest = std::mem::take(&mut ahead);
                        ahead = steps(&target).chain(rest).collect();
                    }
                    Ok(FileType::Directory) => self.enter(&name)?,
                    Ok(_) if ahead.is_empty() => return Ok(End::Name(name)),
                    Ok(_) => return Err(Errno::NOTDIR.into()),
                    Err(Errno::NOENT) if self.makes => self.make(&name)?,
                    Err(Errno::NOENT) if ahead.is_empty() => return Ok(End::Missing(name)),
                    Err(error) => return Err(error.into()),
                },
            }
        }
        Ok(End::Folder)
    }

    fn kind(&self, name: &OsStr) -> Result<FileType, Errno> {
        Ok(FileType::from_raw_mode(fs::statat(&self.held, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode))
    }

    fn enter(&mut self, name: &OsStr) -> Result<(), Refused> {
        self.held = fs::openat(&self.held, name, HOLD, Mode::empty())?;
        match name.as_encoded_bytes() {
            b"/" => self.at = PathBuf::from("/"),
            b".." => _ = self.at.pop(),
            _ => self.at.push(name),
        }
        self.check()
    }

    fn make(&mut self, name: &OsStr) -> Result<(), Refused> {
        match fs::mkdirat(&self.held, name, OWNERS_FOLDER) {
            // Another process was first.
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        sync(self.held.as_fd())?;
        self.enter(name)
    }

    /// Where a link leads.
    fn follow(&mut self, name: &OsStr) -> Result<PathBuf, Refused> {
        let link = self.at.join(name);
        if !self.follows {
            return Err(Refused::Link(link));
        }
        self.links += 1;
        if self.links > LINKS_MAX {
            return Err(Errno::LOOP.into());
        }
        let stat = fs::statat(&self.held, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if self.made_by == MadeBy::Us && is_anothers(stat.st_uid) && !(self.is_read_only)(self.held.as_fd()) {
            let (owner, mode, why) = (stat.st_uid, 0o777, ANOTHERS);
            return Err(Refused::NotOurs(NotOurs { what: "link", path: link, owner, mode, why }));
        }
        let target = fs::readlinkat(&self.held, name, Vec::new())?;
        Ok(PathBuf::from(OsString::from_vec(target.into_bytes())))
    }

    /// Refuses the folder at hand if others could exchange what is in it.
    fn check(&mut self) -> Result<(), Refused> {
        if self.made_by == MadeBy::Anyone {
            return Ok(());
        }
        let metadata = File::from(self.held.try_clone()?).metadata()?;
        let written = written_by_others(&metadata);
        self.shared = written.is_some() && each_their_own(&metadata);
        let why = belongs_to_another(&metadata).or(written.filter(|_| !self.shared));
        if (why.is_some() || self.shared) && (self.is_read_only)(self.held.as_fd()) {
            self.shared = false;
            return Ok(());
        }
        why.map_or(Ok(()), |why| Err(others("folder", &self.at, &metadata, why)))
    }

    /// Opens a regular file in the folder at hand, and waits for no one.
    fn open(&self, name: &OsStr, how: How) -> Result<File, Refused> {
        match self.kind(name) {
            Ok(FileType::RegularFile) => {}
            Err(Errno::NOENT) if matches!(how, How::AppendOrMake | How::LockOrMake | How::MakeNew) => {}
            Ok(_) if how == How::MakeNew => return Err(Errno::EXIST.into()),
            Ok(_) => return Err(Refused::irregular()),
            Err(error) => return Err(error.into()),
        }
        let never_waiting = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let flags = match how {
            How::Read => OFlags::RDONLY,
            How::ReadAndAppend => OFlags::RDWR | OFlags::APPEND,
            How::AppendOrMake => OFlags::RDWR | OFlags::APPEND | OFlags::CREATE,
            How::LockOrMake => OFlags::RDWR | OFlags::CREATE,
            How::MakeNew => OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL,
        };
        let file = File::from(fs::openat(&self.held, name, flags | never_waiting, OWNERS_FILE)?);
        // It may have been exchanged since it was looked at.
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(Refused::irregular());
        }
        let why = belongs_to_another(&metadata).filter(|_| self.shared).or(written_by_all(&metadata));
        match why.filter(|_| self.made_by == MadeBy::Us) {
            Some(why) if !(self.is_read_only)(self.held.as_fd()) => {
                Err(others("file", &self.at.join(name), &metadata, why))
            }
            _ => Ok(file),
        }
    }
}

impl From<Errno> for Refused {
    fn from(error: Errno) -> Refused {
        Refused::Failed(error.into())
    }
}

fn steps(path: &Path) -> impl Iterator<Item = Step> + use<> {
    let step = |part: Component<'_>| match part {
        Component::RootDir | Component::Prefix(_) => Some(Step::Root),
        Component::ParentDir => Some(Step::Up),
        Component::Normal(name) => Some(Step::Down(name.to_owned())),
        Component::CurDir => None,
    };
    path.components().filter_map(step).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
