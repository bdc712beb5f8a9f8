//! The server's process: started in a session of its own, ended with all it started.

use std::ffi::OsStr;
use std::io::Write;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enforcecore::redact::{ClassSet, redact_text};
use enforcecore::traits::StoreError;
use enforcecore_host::spawn::{Pipes, Tree, spawn};
use tokio::io::BufReader;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::task::JoinHandle;

use super::frame::{FRAME_BYTES_MAX, next_line};

/// A running server.
pub struct Server {
    pub(super) process: Process,
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

/// The process alone, to be ended from anywhere.
#[derive(Clone)]
pub(super) struct Process {
    tree: Arc<Mutex<Tree>>,
}

impl Server {
    /// Starts a server; needs a tokio runtime. It ends with the thread that calls this.
    pub fn start(program: &OsStr, args: &[impl AsRef<OsStr>]) -> Result<Server, StoreError> {
        let (tree, Pipes { stdin, stdout, stderr }) = spawn(program, args)?;
        let unusable = |error| StoreError::new("use the server's streams", error);
        Ok(Server {
            process: Process { tree: Arc::new(Mutex::new(tree)) },
            stdin: ChildStdin::from_std(stdin).map_err(unusable)?,
            stdout: ChildStdout::from_std(stdout).map_err(unusable)?,
            stderr: ChildStderr::from_std(stderr).map_err(unusable)?,
        })
    }
}

impl Process {
    /// Ends the server and all it started, and says how it had ended. Blocks until they are gone.
    pub(super) fn end(&self) -> Result<Option<ExitStatus>, StoreError> {
        let mut tree = self.tree();
        tree.kill()?;
        tree.exit_status().map_err(|error| StoreError::new("read how the server ended", error))
    }

    fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Passes on what the server complains about, line by line, redacted, and without characters that steer a terminal.
pub(super) fn pass_on(
    stderr: ChildStderr,
    classes: impl Fn() -> ClassSet + Send + 'static,
    mut to: Box<dyn Write + Send>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut input = BufReader::new(stderr);
        while let Some((line, bytes)) = next_line(&mut input).await {
            let text = if bytes > FRAME_BYTES_MAX {
                format!("(a line of {bytes} bytes)")
            } else {
                redact_text(&String::from_utf8_lossy(&line), classes()).text
            };
            let plain: String = text.chars().filter(|c| *c == '\t' || !c.is_control()).collect();
            if writeln!(to, "{plain}").is_err() {
                break;
            }
        }
    })
}
