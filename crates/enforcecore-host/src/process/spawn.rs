//! How a program is started: one description, and one way.
//!
//! What is asked for and cannot be enforced is an error, and the program does not start.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf, absolute};
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, Stdio};

use enforcecore::ports::StoreError;

use super::system::Held;
use super::tree::Tree;

/// A program to start, with what it gets.
#[derive(Clone, Debug)]
#[must_use = "nothing runs before `start`"]
pub struct Spawn {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    cwd: Option<PathBuf>,
    limits: Limits,
    isolation: Isolation,
}

/// What a program and all it starts may use at most, together. None of it can be enforced yet: a limit that is set is an error
/// at the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of memory.
    pub memory_bytes_max: Option<u64>,
    /// Processes at a time.
    pub processes_max: Option<u64>,
}

/// What keeps a program from what it was not given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isolation {
    /// Nothing: it can do what this user can.
    #[default]
    None,
}

/// The program's three streams, each a pipe.
#[derive(Debug)]
pub struct Pipes {
    /// What it reads.
    pub stdin: ChildStdin,
    /// What it says.
    pub stdout: ChildStdout,
    /// Its stderr.
    pub stderr: ChildStderr,
}

impl Spawn {
    /// A program without arguments, in our environment and working folder.
    pub fn new(program: impl Into<OsString>) -> Spawn {
        let (limits, isolation) = (Limits::default(), Isolation::default());
        Spawn { program: program.into(), args: Vec::new(), env: Vec::new(), cwd: None, limits, isolation }
    }

    /// Adds arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Spawn {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable over our environment.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Spawn {
        self.env.push((name.into(), value.into()));
        self
    }

    /// The folder it works in. A relative path of the program begins in ours all the same.
    pub fn cwd(self, folder: impl Into<PathBuf>) -> Spawn {
        Spawn { cwd: Some(folder.into()), ..self }
    }

    /// What it may use at most.
    pub fn limits(self, limits: Limits) -> Spawn {
        Spawn { limits, ..self }
    }

    /// What keeps it from what it was not given.
    pub fn isolation(self, isolation: Isolation) -> Spawn {
        Spawn { isolation, ..self }
    }

    /// Starts the program in a session of its own. It is killed with all it started when the thread that calls this ends, so
    /// call it from one that lives as long as the program should. A program that ignores the ends of its children (SIGCHLD)
    /// gets an error.
    pub fn start(&self) -> Result<(Tree, Pipes), StoreError> {
        self.started().map_err(|error| StoreError::new(format!("start `{}`", self.program.to_string_lossy()), error))
    }

    fn started(&self) -> io::Result<(Tree, Pipes)> {
        let Spawn { program, args, env, cwd, limits, isolation: Isolation::None } = self;
        if let Some(limit) = limits.unenforced() {
            return Err(io::Error::other(format!("this build cannot enforce `{limit}`")));
        }
        let mut command = match cwd {
            // Where it would begin differs between systems.
            Some(_) if Path::new(program).parent().is_some_and(|folder| folder != "") => {
                Command::new(absolute(program)?)
            }
            _ => Command::new(program),
        };
        command.args(args).envs(env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(folder) = cwd {
            command.current_dir(folder);
        }
        let mut held = Held::start(&mut command)?;
        let pipes = held.child.stdin.take().zip(held.child.stdout.take()).zip(held.child.stderr.take());
        let tree = Tree::of(held);
        let ((stdin, stdout), stderr) = pipes.ok_or_else(|| io::Error::other("its streams are not pipes"))?;
        Ok((tree, Pipes { stdin, stdout, stderr }))
    }
}

impl Limits {
    /// A limit that is set and cannot be enforced.
    fn unenforced(&self) -> Option<&'static str> {
        let Limits { memory_bytes_max, processes_max } = self;
        let limits = [(memory_bytes_max, "memory_bytes_max"), (processes_max, "processes_max")];
        limits.into_iter().find(|(limit, _)| limit.is_some()).map(|(_, name)| name)
    }
}
