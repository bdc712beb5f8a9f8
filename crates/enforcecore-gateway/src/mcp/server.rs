//! The server's process: started in a session of its own, killed with all its child processes.

use std::io::Write;
use std::ops::ControlFlow;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enforcecore::ports::StoreError;
use enforcecore::redact::{Class, ClassSet, RedactedText, redact_text, unfinished_key};
use enforcecore_host::process::{Pipes, Spawn, Tree};
use tokio::io::BufReader;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};

use super::frame::Line;
use super::stage::{Stage, stage};

/// A running server.
pub struct Server {
    /// How it is started again.
    pub(super) program: Spawn,
    pub(super) tree: Tree,
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
    pub fn start(program: &Spawn) -> Result<Server, StoreError> {
        let (tree, Pipes { stdin, stdout, stderr }) = program.start()?;
        let unusable = |error| StoreError::new("use the server's streams", error);
        Ok(Server {
            program: program.clone(),
            tree,
            stdin: ChildStdin::from_std(stdin).map_err(unusable)?,
            stdout: ChildStdout::from_std(stdout).map_err(unusable)?,
            stderr: ChildStderr::from_std(stderr).map_err(unusable)?,
        })
    }
}

impl Process {
    /// The process of a server.
    pub(super) fn of(tree: Tree) -> Process {
        Process { tree: Arc::new(Mutex::new(tree)) }
    }

    /// From here on it is the process of the server that was started again.
    pub(super) fn replace(&self, tree: Tree) {
        *self.tree() = tree;
    }

    /// Kills the server and all its child processes if that is still to be, which is asked while no other can kill or replace
    /// it; none if not. Blocks until they are gone.
    pub(super) fn end_if(&self, is_to_end: impl FnOnce() -> bool) -> Option<Result<(), StoreError>> {
        let mut tree = self.tree();
        is_to_end().then(|| tree.kill())
    }

    /// Kills the server and all its child processes, and says how it had ended. Blocks until they are gone.
    pub(super) fn end(&self) -> Result<Option<ExitStatus>, StoreError> {
        let mut tree = self.tree();
        tree.kill()?;
        tree.exit_status().map_err(|error| StoreError::new("read how the server ended", error))
    }

    fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Passes on what the server complains about, line by line, redacted, and without characters that steer a terminal. The stage
/// says nothing, and ends with the server's stderr or with the reader of ours.
pub(super) fn pass_on(
    stderr: ChildStderr,
    classes: impl Fn() -> ClassSet + Send + 'static,
    to: Arc<Mutex<Box<dyn Write + Send>>>,
) -> Stage<()> {
    let mut key = None;
    stage(BufReader::new(stderr), COMPLAINT_BYTES_MAX, move |Line { text: line, bytes, outline }| {
        let text = if outline.is_some() {
            format!("(a line of {bytes} bytes)")
        } else {
            // First the characters that could stand between the halves of a secret.
            String::from_utf8_lossy(&line).chars().filter(|c| *c == '\t' || !c.is_control()).collect()
        };
        match seen(&text, &mut key, classes()) {
            Some(seen) if writeln!(to.lock().unwrap_or_else(PoisonError::into_inner), "{seen}").is_err() => {
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(None),
        }
    })
}

/// What may be seen of a line. A private key has many: `key` keeps its BEGIN line, and of the lines behind it the first and the
/// last say that there is a key, and those between say nothing.
fn seen(line: &str, key: &mut Option<String>, classes: ClassSet) -> Option<String> {
    let begun = key.take().unwrap_or_default();
    let text = format!("{begun}{line}\n");
    let RedactedText { text: seen, findings } = redact_text(&text, classes);
    let mut keys = findings.iter().filter(|found| found.class == Class::PRIVATE_KEY);
    let in_key = keys.clone().any(|found| found.start < begun.len() && begun.len() < found.end);
    let unfinished = unfinished_key(&text);
    *key = unfinished.map(|start| match text.get(start..) {
        Some(begin) if start >= begun.len() => opened(begin, keys.any(|found| found.start == start)),
        Some(_) | None => opened(&begun, in_key),
    });
    let seen = if in_key { seen } else { redact_text(line, classes).text };
    let between = in_key && begun.contains(KEY_BODY) && unfinished == Some(0);
    (!between).then(|| seen.trim_end_matches('\n').to_owned())
}

/// What stands before each further line of a key that begins so: no more than its first line, and whether it has a body.
fn opened(begin: &str, body: bool) -> String {
    let line = begin.lines().next().unwrap_or_default();
    let line = line.get(..line.floor_char_boundary(BEGIN_BYTES_MAX)).unwrap_or(line);
    let body = if body && !line.contains(KEY_BODY) { KEY_BODY } else { "" };
    format!("{line}{body}\n")
}

/// Bytes of the line that begins a key at most: the dashes around it, the longest words between them, and a body's beginning.
const BEGIN_BYTES_MAX: usize = 120;
/// Bytes of a line that the server complains with at most: a person reads it.
const COMPLAINT_BYTES_MAX: usize = 1 << 20;

/// What stands for the lines of a key that went by.
const KEY_BODY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_key_is_withheld_over_all_its_lines() {
        let check = |lines: &[&str], expected: &[&str]| {
            let mut key = None;
            let seen: Vec<String> = lines.iter().filter_map(|line| seen(line, &mut key, ClassSet::all())).collect();
            assert_eq!(seen, expected, "{lines:?}");
        };
        let begin = concat!("-----BEGIN RSA PRIVATE", " KEY-----");
        let (body, end) = ("MIIEpAIBAAKCAQEAsecret", "-----END RSA PRIVATE KEY-----");
        check(&["a", "b"], &["a", "b"]);
        let placeholder = "EC_PRIVATE_KEY_1";
        check(&["", begin, body, body, end, "after"], &["", begin, placeholder, placeholder, "after"]);
        let (first, last) = (format!("key: {begin}{body}"), format!("{body}{end} and more"));
        check(&[&first, body, &last, "after"], &["key: EC_PRIVATE_KEY_1", "EC_PRIVATE_KEY_1 and more", "after"]);
        check(&[&format!("{begin} {body} {end}"), "after"], &["EC_PRIVATE_KEY_1", "after"]);
        let again = format!("{end} {begin}");
        check(&[begin, &again, body, body], &[begin, &again, placeholder]);
        check(&[begin, body], &[begin, placeholder]);
        check(&[begin, "", "Proc-Type: 4,ENCRYPTED", body, body], &[begin, "", "Proc-Type: 4,ENCRYPTED", placeholder]);
        check(&[begin, body, "it ends here", body], &[begin, placeholder, "it ends here", body]);
        let mention = format!("a key begins with {begin} and ends");
        check(&[&mention, "what follows", body], &[&mention, "what follows", body]);
        let long = format!("{begin}{}", "-".repeat(1 << 16));
        check(&[&long, body, end, "after"], &[&long, placeholder, placeholder, "after"]);
        let mut key = None;
        seen(&long, &mut key, ClassSet::all());
        assert!(key.unwrap().len() < 200, "a long line is not looked at again with each line that follows");
    }
}
