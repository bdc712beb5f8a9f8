//! Where a path really points.
//!
//! A path is walked as the kernel walks it: `..` is judged after the symbolic link before it was followed. What a path means
//! is the core's to decide, which asks here.
//!
//! Absent on purpose: hard links and case-insensitive file systems. They cannot be seen from a path; isolation holds the same
//! root. Also Windows, whose drives and short names give one file many paths.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use enforcecore::path::PathError;
use enforcecore::ports::PathResolver;

/// Symbolic links followed in one path at most: the kernel's own limit.
pub(crate) const LINKS_MAX: usize = 40;

/// Whether paths can be resolved on this system. Where they cannot, a policy that needs it does not load.
pub const RESOLVES: bool = cfg!(unix);

/// The file system of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileSystem;

impl PathResolver for FileSystem {
    fn follow(&self, path: &Path) -> Result<PathBuf, PathError> {
        if RESOLVES { Ok(walk(path)?.end) } else { Err(PathError::NoResolver) }
    }

    fn is_there(&self, path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok()
    }
}

/// Where an absolute path points as the kernel reads it.
pub(crate) struct FollowedPath {
    /// The symbolic links that were followed: exchanging one leads the path elsewhere.
    pub(crate) links: Vec<PathBuf>,
    /// Where it ends.
    pub(crate) end: PathBuf,
}

/// Walks an absolute path.
pub(crate) fn walk(path: &Path) -> Result<FollowedPath, PathError> {
    let mut resolved = PathBuf::from("/");
    let mut ahead = parts(path);
    let mut links = Vec::new();
    while let Some(part) = ahead.pop_front() {
        if part == ".." {
            resolved.pop();
            continue;
        }
        let next = resolved.join(&part);
        check_magic(&next)?;
        let metadata = match fs::symlink_metadata(&next) {
            // What does not exist yet may be created there.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                resolved = next;
                continue;
            }
            Err(error) => return Err(PathError::Unreadable(error.kind().to_string())),
            Ok(metadata) => metadata,
        };
        if !metadata.is_symlink() {
            resolved = next;
            continue;
        }
        let target = fs::read_link(&next).map_err(|error| PathError::Unreadable(error.kind().to_string()))?;
        links.push(next);
        if links.len() > LINKS_MAX {
            return Err(PathError::TooManyLinks);
        }
        if target.is_absolute() {
            resolved = PathBuf::from("/");
        }
        parts(&target).into_iter().rev().for_each(|part| ahead.push_front(part));
    }
    Ok(FollowedPath { links, end: resolved })
}

/// The links below `/proc/PID` are not text: the kernel jumps, and our own process is not the tool's.
fn check_magic(path: &Path) -> Result<(), PathError> {
    let text = path.to_string_lossy();
    let mut parts = text.split('/').skip(1);
    let process = |part: &str| part == "self" || part == "thread-self" || part.bytes().all(|b| b.is_ascii_digit());
    if parts.next() == Some("proc") && parts.next().is_some_and(process) {
        return Err(PathError::Ambiguous("a path below `/proc/PID`".to_owned()));
    }
    Ok(())
}

fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    use std::os::unix::fs::symlink;

    use super::*;

    /// By its text, so that it holds where the kernel does not show these as links.
    #[test]
    fn a_process_is_known_by_the_name_of_its_folder() {
        for path in [
            "/proc/self",
            "/proc/self/root",
            "/proc/self/fd/3",
            "/proc/thread-self",
            "/proc/thread-self/root",
            "/proc/thread-self/cwd/a",
            "/proc/1",
            "/proc/1/cwd",
            "/proc/12345/task/12346/root",
        ] {
            assert!(matches!(check_magic(Path::new(path)), Err(PathError::Ambiguous(_))), "{path}");
        }
        for path in [
            "/proc",
            "/proc/cpuinfo",
            "/proc/selfish",
            "/proc/thread",
            "/proc/1a",
            "/proc/sys/1",
            "/procs/1",
            "/a/proc/self",
        ] {
            assert_eq!(check_magic(Path::new(path)), Ok(()), "{path}");
        }
    }

    #[cfg(not(unix))]
    #[test]
    fn where_paths_cannot_be_resolved_none_is() {
        assert_eq!(FileSystem.follow(&std::env::temp_dir()), Err(PathError::NoResolver));
    }

    /// Where a path argument leads from a folder, as the core decides it on this file system.
    #[cfg(unix)]
    fn decided(folder: &Path, path: &str) -> Result<PathBuf, PathError> {
        use enforcecore::call::{Call, CallId, Context, Freezing, FrozenCall};
        use enforcecore::path::{Base, PathArg, Resolve, Send};
        use enforcecore::value::{Map, Value};

        let base = Some(Base::Folder(folder.to_str().unwrap().to_owned()));
        let arg = PathArg { name: "p".to_owned(), base, resolve: Resolve::Links, send: Send::Absolute };
        let args = Map::from_iter([("p".to_owned(), Value::from(path))]);
        let id = CallId::from_random([0; 16]);
        let call = Call { id, parent: None, tool: "t".to_owned(), args, context: Context::default() };
        let call = FrozenCall::freeze(call, Freezing { paths: &[arg], resolver: &FileSystem, rewrites: true }).unwrap();
        call.path("p").unwrap().clone().map(|path| {
            assert_eq!(call.args()["p"].as_text(), path.target().to_str(), "the tool gets what was found");
            path.target().to_path_buf()
        })
    }

    #[cfg(unix)]
    #[test]
    fn paths_are_judged_by_where_they_point() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir_all(root.join("work/deep")).unwrap();
        fs::create_dir_all(root.join("out/side")).unwrap();
        fs::write(root.join("work/file"), "").unwrap();
        for (link, target) in [
            ("work/abs", root.join("out/side").display().to_string()),
            ("work/rel", "../out".to_owned()),
            ("work/twice", "rel/side".to_owned()),
            ("work/dangling", "../out/not-yet".to_owned()),
            ("work/loop", "loop".to_owned()),
            ("work/same", "deep".to_owned()),
            ("work/self", "/proc/self/root/etc".to_owned()),
        ] {
            symlink(target, root.join(link)).unwrap();
        }
        let work = root.join("work");
        let check = |path: &str, expected: Result<&str, &str>| {
            let got = decided(&work, path);
            match expected {
                Ok(place) => assert_eq!(got, Ok(root.join(place)), "{path}"),
                Err(kind) => assert!(format!("{got:?}").starts_with(&format!("Err({kind}")), "{path}: {got:?}"),
            }
        };
        check("file", Ok("work/file"));
        check("./deep/../file", Ok("work/file"));
        check("new/folder/file", Ok("work/new/folder/file"));
        check("../out/side", Ok("out/side"));
        check("../../../../../../../../../..", Ok("/"));
        check("abs/x", Ok("out/side/x"));
        check("rel/x", Ok("out/x"));
        check("twice", Ok("out/side"));
        check("dangling", Ok("out/not-yet"));
        check("same/../file", Ok("work/file"));
        check("abs/../x", Err("Ambiguous"));
        check("rel/../work/file", Err("Ambiguous"));
        check("loop", Err("TooManyLinks"));
        check("file/below", Err("Unreadable"));
        check("self/passwd", Err("Ambiguous"));
        check("/proc/self/root/etc/passwd", Err("Ambiguous"));
        check("/proc/1/cwd", Err("Ambiguous"));
        check("/dev/fd/3", Err("Ambiguous"));
        check("~/x", Err("Ambiguous"));
        check("", Err("Ambiguous"));
        check("C:\\x", Err("Ambiguous"));
        check("file:///etc/passwd", Err("Ambiguous"));
        check("C:/x", Err("Ambiguous"));
        check("/proc/thread-self/root/etc/passwd", Err("Ambiguous"));
        assert_eq!(decided(Path::new("relative"), "file"), Err(PathError::Relative));
        assert!(FileSystem.is_there(&work.join("loop")) && FileSystem.is_there(&work.join("file")));
        assert!(!FileSystem.is_there(&work.join("nothing")));
    }
}
