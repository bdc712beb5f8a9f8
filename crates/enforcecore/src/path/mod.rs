//! Path arguments: what one means is decided once, and that is what the tool gets.
//!
//! A path in a call is text that some program resolves against some folder. Decided in one folder and opened in another, it is
//! two files. So each path argument is resolved when the call is frozen, conditions look at what was found, and the text in
//! the arguments is replaced by it: the object that was decided is the object the tool gets (invariant 13). Just before the
//! tool starts the path is resolved again, and a difference ends the call.
//!
//! Spelling is decided in `spelling`, the file system is asked through [`PathResolver`], and everything between is here. Absent
//! on purpose: hard links, which no path shows, and file systems that do not tell cases apart.

mod error;
mod spelling;

use std::path::{Component, Path, PathBuf};

use unicode_normalization::UnicodeNormalization;

pub use self::error::PathError;
use crate::value::Map;

/// How a tool reads one of its path arguments, as the policy declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathArg {
    /// The argument's name.
    pub name: String,
    /// What a relative path is relative to, where the policy says it.
    pub base: Option<Base>,
    /// Which links are followed.
    pub resolve: Resolve,
    /// What the tool gets.
    pub send: Send,
}

/// The folder that relative paths start from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// An absolute path.
    Folder(String),
    /// What the host says of the session: `session.workspace`.
    Session(String),
}

/// Which symbolic links of a path are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolve {
    /// All of them: the tool opens what the path leads to.
    Links,
    /// All but the last component: the tool acts on the name itself. Name and target are both decided.
    Parent,
    /// None: the path is not one of this machine's file system.
    Lexical,
}

/// In which form a tool gets a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Send {
    /// As an absolute path.
    Absolute,
    /// As a path below its base, for tools that take no other.
    Relative,
}

impl Resolve {
    /// Every word of the policy language with its meaning.
    pub(crate) const WORDS: [(&str, Resolve); 3] =
        [("links", Resolve::Links), ("parent", Resolve::Parent), ("lexical", Resolve::Lexical)];
}

impl Send {
    /// Every word of the policy language with its meaning.
    pub(crate) const WORDS: [(&str, Send); 2] = [("absolute", Send::Absolute), ("relative", Send::Relative)];
}

/// Looks at the file system, without opening a file.
pub trait PathResolver: std::marker::Send + Sync {
    /// Where an absolute path leads as the kernel walks it, with no `.`, `..` or symbolic link left in it; components that do
    /// not exist yet are kept as they are.
    fn follow(&self, path: &Path) -> Result<PathBuf, PathError>;
    /// Whether there is an entry of exactly this name; a link counts, whatever it leads to.
    fn is_there(&self, path: &Path) -> bool;
}

/// What a path argument came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidedPath {
    /// Where it leads, every link followed that the tool follows.
    target: PathBuf,
    /// The name itself, where the tool acts on the name and it is a link.
    name: Option<PathBuf>,
    /// Whether it lies in a git repository's own folder that is not called `.git`.
    repository: bool,
    /// What the tool gets.
    sent: String,
}

impl DecidedPath {
    /// Where the path leads.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Everything that has to be allowed: the name itself where the tool acts on it, and where it leads.
    pub(crate) fn readings(&self) -> impl Iterator<Item = &Path> {
        self.name.iter().chain([&self.target]).map(PathBuf::as_path)
    }

    /// Whether the path lies inside a repository's own folder, whatever that is called.
    pub(crate) fn in_repository(&self) -> bool {
        self.repository
    }
}

/// A path argument of a frozen call: what was asked for, how it is read, what was found.
#[derive(Clone, Debug)]
pub(crate) struct FrozenPath {
    asked: String,
    base: Option<PathBuf>,
    arg: PathArg,
    rewrites: bool,
    workspace: Option<PathBuf>,
    pub(crate) decided: Result<DecidedPath, PathError>,
}

impl FrozenPath {
    /// Decides one argument, for a face that can give the tool other arguments than it was asked for (`rewrites`), or not.
    pub(crate) fn of(
        arg: PathArg,
        asked: &str,
        session: &Map,
        rewrites: bool,
        resolver: &dyn PathResolver,
    ) -> FrozenPath {
        let base = base(&arg, session, rewrites);
        let workspace = session.get("workspace").and_then(|value| value.as_text()).map(PathBuf::from);
        let folders = Folders { base: base.as_deref(), workspace: workspace.as_deref() };
        let decided = decide(&arg, asked, folders, rewrites, resolver);
        FrozenPath { asked: asked.to_owned(), base, arg, rewrites, workspace, decided }
    }

    /// The text in the call as its caller wrote it.
    pub(crate) fn asked(&self) -> &str {
        &self.asked
    }

    /// What the tool gets instead of it.
    pub(crate) fn sent(&self) -> Option<&str> {
        self.decided.as_ref().ok().filter(|_| self.rewrites).map(|path| path.sent.as_str())
    }

    /// Whether the path still leads where it led.
    pub(crate) fn is_unchanged(&self, resolver: &dyn PathResolver) -> bool {
        let folders = Folders { base: self.base.as_deref(), workspace: self.workspace.as_deref() };
        decide(&self.arg, &self.asked, folders, self.rewrites, resolver) == self.decided
    }
}

/// The folder a relative path starts from: the policy's word, or where the host says its tools work. A tool that gets the text
/// as it was written resolves it by itself, so only the policy can know its folder.
fn base(arg: &PathArg, session: &Map, rewrites: bool) -> Option<PathBuf> {
    let said = |name: &str| session.get(name).and_then(|value| value.as_text());
    let folder = match &arg.base {
        Some(Base::Folder(folder)) => Some(folder.as_str()),
        Some(Base::Session(name)) => said(name),
        None if rewrites => said("cwd"),
        None => None,
    };
    folder.map(PathBuf::from).filter(|folder| folder.has_root())
}

/// The folders that a path is decided in.
#[derive(Clone, Copy)]
struct Folders<'a> {
    base: Option<&'a Path>,
    workspace: Option<&'a Path>,
}

fn decide(
    arg: &PathArg,
    asked: &str,
    Folders { base, workspace }: Folders<'_>,
    rewrites: bool,
    resolver: &dyn PathResolver,
) -> Result<DecidedPath, PathError> {
    if arg.resolve != Resolve::Lexical {
        resolver.follow(Path::new("/"))?;
    }
    spelling::check(asked)?;
    let relative = rewrites && arg.send == Send::Relative;
    let (target, name) = match arg.resolve {
        Resolve::Lexical => (lexical(asked, base, arg.send)?, None),
        Resolve::Links | Resolve::Parent => real(asked, base, arg.resolve, resolver)?,
    };
    let shown = name.as_deref().unwrap_or(&target);
    let sent = match (rewrites, relative) {
        (false, _) => asked.to_owned(),
        (true, false) => text(shown)?.to_owned(),
        (true, true) => {
            let base = base.ok_or(PathError::Relative)?;
            let base = if arg.resolve == Resolve::Lexical { plain(base)? } else { resolver.follow(base)? };
            match text(shown.strip_prefix(base).map_err(|_| PathError::Outside)?)? {
                "" => ".".to_owned(),
                below => below.to_owned(),
            }
        }
    };
    // What the tool gets is looked at as well: `./~/x` is `~/x` once it is resolved and relative again.
    match (rewrites, relative) {
        (true, false) => spelling::check_end(&sent)?,
        _ => spelling::check(&sent).and_then(|()| spelling::check_as_sent(&sent))?,
    }
    let repository = arg.resolve != Resolve::Lexical
        && name.iter().chain([&target]).any(|path| is_in_repository(path, workspace, resolver));
    Ok(DecidedPath { name: name.filter(|name| *name != target), target, repository, sent })
}

/// A path of this machine: where it leads, and its name itself where that is what the tool acts on.
fn real(
    asked: &str,
    base: Option<&Path>,
    resolve: Resolve,
    resolver: &dyn PathResolver,
) -> Result<(PathBuf, Option<PathBuf>), PathError> {
    let full = match asked.starts_with('/') {
        true => PathBuf::from(asked),
        false => base.ok_or(PathError::Relative)?.join(asked),
    };
    check_encoded(&full, asked, resolver)?;
    let read = |path: &Path| -> Result<(PathBuf, Option<PathBuf>), PathError> {
        let target = resolver.follow(path)?;
        match (resolve, path.parent(), path.file_name()) {
            (Resolve::Parent, Some(parent), Some(last)) => Ok((target, Some(resolver.follow(parent)?.join(last)))),
            _ => Ok((target, None)),
        }
    };
    let found = read(&full)?;
    // Many programs take `..` from the text before they follow a link, where the kernel follows first.
    let dotted = full.components().any(|part| part == Component::ParentDir);
    if dotted && read(&without_dots(&full))? != found {
        return Err(PathError::Ambiguous("`..` after a symbolic link".to_owned()));
    }
    Ok(found)
}

/// `%2e` is three characters of a name to the kernel and a full stop to who decodes it. A name that is really there is a name.
fn check_encoded(full: &Path, asked: &str, resolver: &dyn PathResolver) -> Result<(), PathError> {
    if !spelling::is_encoded(asked) {
        return Ok(());
    }
    let mut so_far = PathBuf::new();
    for part in full.components() {
        so_far.push(part);
        let named = part.as_os_str().to_str().is_none_or(spelling::is_encoded);
        if named && !resolver.is_there(&so_far) {
            return Err(PathError::Ambiguous("`%` with two hexadecimal digits in a name that is not there".to_owned()));
        }
    }
    Ok(())
}

/// A path of a file system that is not this machine's: by its text alone. Where the tool takes paths below its base only, a
/// leading `/` is that base.
fn lexical(asked: &str, base: Option<&Path>, send: Send) -> Result<PathBuf, PathError> {
    if spelling::is_encoded(asked) {
        return Err(PathError::Ambiguous("`%` with two hexadecimal digits".to_owned()));
    }
    let below = match (send, asked.starts_with('/')) {
        (Send::Absolute, true) => return plain(Path::new(asked)),
        (Send::Relative, true) => asked.trim_start_matches('/'),
        (_, false) => asked,
    };
    Ok(plain(base.ok_or(PathError::Relative)?)?.join(plain(Path::new(below))?))
}

/// A path without `.` and `..`, which may not lead above its beginning.
fn plain(path: &Path) -> Result<PathBuf, PathError> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if plain.file_name().is_none() => return Err(PathError::Outside),
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            Component::RootDir | Component::Normal(_) | Component::Prefix(_) => plain.push(part),
        }
    }
    Ok(plain)
}

fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::Normal(name) => plain.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    plain
}

fn text(path: &Path) -> Result<&str, PathError> {
    path.to_str().ok_or_else(|| PathError::Unreadable("it leads to a name that is not UTF-8".to_owned()))
}

/// What git takes a folder by for a repository's own (`gitrepository-layout(5)`).
const REPOSITORY: [&str; 3] = ["HEAD", "objects", "refs"];

/// Whether a folder on the way is a repository's own, or would be with this path in it. Above the workspace is not looked: a
/// work tree may lie in its bare repository.
fn is_in_repository(path: &Path, workspace: Option<&Path>, resolver: &dyn PathResolver) -> bool {
    let mut below = path;
    while let Some(folder) = below.parent().filter(|_| Some(below) != workspace) {
        let made_now = below.file_name();
        if REPOSITORY.iter().all(|name| made_now == Some(name.as_ref()) || resolver.is_there(&folder.join(name))) {
            return true;
        }
        below = folder;
    }
    false
}

/// The path with each character composed (Unicode NFC); none if composing changes neither it nor what it could equal. Some
/// file systems and servers take both spellings of a name for one.
pub(crate) fn composed(path: &Path) -> Option<PathBuf> {
    let text = path.to_str()?;
    (!text.is_ascii()).then(|| PathBuf::from(composed_text(text)))
}

/// The text with each character composed.
pub(crate) fn composed_text(text: &str) -> String {
    text.nfc().collect()
}
