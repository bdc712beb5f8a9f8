//! The agent's side of the protocol: JSON-RPC, a message a line, to a process of our own.
//!
//! Every wait is bounded, and a client that is dropped takes its process along, so that the demo never hangs and leaves
//! nothing behind.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::error::DemoError;
use crate::server::PROTOCOL_VERSION;

/// How long one message may take to be answered, and the process to end.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Lines that wait to be read at most; then the process waits.
const LINES_AHEAD_MAX: usize = 64;

const ENDED: &str = "ended before it answered";

/// A client with its process.
pub struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<io::Result<String>>,
    /// Everything the process has sent.
    heard: String,
    /// Where the process complains.
    complaints: PathBuf,
    /// How long anything may take.
    patience: Duration,
    requests: u64,
}

impl Client {
    /// Starts the process; what it says on stderr goes to `complaints`.
    pub fn start(mut command: Command, complaints: PathBuf, patience: Duration) -> Result<Client, DemoError> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&complaints)?);
        let mut child = command.spawn()?;
        let stdin = child.stdin.take();
        let (send, lines) = sync_channel(LINES_AHEAD_MAX);
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || BufReader::new(stdout).lines().try_for_each(|line| send.send(line)));
        }
        Ok(Client { child, stdin, lines, heard: String::new(), complaints, patience, requests: 0 })
    }

    /// Opens the session; returns the names of the tools there are.
    pub fn initialize(&mut self) -> Result<Vec<String>, DemoError> {
        let hello = json!({
            "protocolVersion": PROTOCOL_VERSION,
            "capabilities": {},
            "clientInfo": {"name": "demo", "version": env!("CARGO_PKG_VERSION")},
        });
        self.request("initialize", &hello.to_string())?;
        self.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)?;
        let list = self.request("tools/list", "{}")?;
        let tools = list.pointer("/result/tools").and_then(Json::as_array).into_iter().flatten();
        Ok(tools.filter_map(|tool| tool.get("name")?.as_str().map(str::to_owned)).collect())
    }

    /// Calls a tool; the arguments are sent as they are written, so that they may be wrong.
    pub fn call(&mut self, tool: &str, args: &str) -> Result<Json, DemoError> {
        self.request("tools/call", &format!(r#"{{"name":"{tool}","arguments":{args}}}"#))
    }

    /// Hangs up, waits for the process to end, and returns everything it ever sent.
    pub fn finish(mut self) -> Result<String, DemoError> {
        self.stdin = None;
        let due = Instant::now() + self.patience;
        while let Some(line) = self.receive(due)? {
            self.hear(&line);
        }
        while self.child.try_wait()?.is_none() {
            if Instant::now() > due {
                return Err(self.failed("did not end when its client hung up"));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(std::mem::take(&mut self.heard))
    }

    fn request(&mut self, method: &str, params: &str) -> Result<Json, DemoError> {
        self.requests += 1;
        let id = self.requests;
        self.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#))?;
        let due = Instant::now() + self.patience;
        loop {
            let Some(line) = self.receive(due)? else { return Err(self.failed(ENDED)) };
            self.hear(&line);
            let message: Json =
                serde_json::from_str(&line).map_err(|error| self.failed(&format!("sent no JSON: {error}")))?;
            // A message that could not be read is answered without its id.
            let ours = message.get("id").is_some_and(|own| own.is_null() || own.as_u64() == Some(id));
            if ours && message.get("method").is_none() {
                return Ok(message);
            }
        }
    }

    fn send(&mut self, message: &str) -> Result<(), DemoError> {
        let sent = self.stdin.as_mut().map(|stdin| writeln!(stdin, "{message}").and_then(|()| stdin.flush()));
        match sent {
            Some(Ok(())) => Ok(()),
            _ => Err(self.failed(ENDED)),
        }
    }

    /// The next line, or `None` at the end.
    fn receive(&self, due: Instant) -> Result<Option<String>, DemoError> {
        match self.lines.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Ok(line) => Ok(Some(line?)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(self.failed(&format!("did not answer within {:?}", self.patience))),
        }
    }

    fn hear(&mut self, line: &str) {
        self.heard.push_str(line);
        self.heard.push('\n');
    }

    fn failed(&self, what: &str) -> DemoError {
        let complaints = std::fs::read_to_string(&self.complaints).unwrap_or_default();
        DemoError::Server { what: what.to_owned(), complaints }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // A process that has ended already is no error here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(script: &str, patience: Duration, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let mut client = Client::start(command, folder.path().join("stderr.txt"), patience).unwrap();
        let process = client.child.id();
        let error = client.initialize().unwrap_err();
        let said = format!("{error}\n  help: {}", error.help().unwrap_or_default());
        assert!(said.contains(expected), "{script}: {said}");
        drop(client);
        assert!(!std::path::Path::new(&format!("/proc/{process}")).exists(), "{script} still runs");
    }

    #[test]
    fn a_process_that_does_not_answer_is_given_up_and_ended() {
        let (short, long) = (Duration::from_millis(50), Duration::from_secs(60));
        check("exec sleep 60", short, "did not answer within 50ms");
        check("exec yes '{}'", short, "did not answer within 50ms");
        check("echo out of order >&2; read line; exit 3", long, "ended before it answered\n  help: out of order");
        check("read line; echo hello; exec sleep 60", long, "sent no JSON");
    }
}
