//! A folder in which the command runs, and what it said there.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod log;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// A small policy: reading is allowed, paying is allowed, asked or denied by amount.
pub const POLICY: &str = r#"enforcecore: 1
name: shop
version: "1"
tools:
  read_note:
    does: reads
    args: {name: string}
    returns: trusted
  pay:
    does: pays
    args: {amount: {type: money, currency: USD}, "note?": text}
    returns: trusted
rules:
  - allow: read_note
    id: reading
  - allow: pay
    id: small
    when: {amount: {at_most: 50}}
  - ask: pay
    id: large
    when: {amount: {more_than: 50}}
    approval: lead
    reason: more than 50 USD
  - deny: pay
    id: huge
    when: {amount: {more_than: 1000}}
approvals:
  lead: {from: {role: lead}, valid: 15m}
budgets:
  - budget: pay
    id: a-day
    sum: USD
    at_most: 100
    per: day UTC
    for_each: everyone
redact: {args: {every_string: [email]}}
tests:
  - {call: {tool: read_note, args: {name: a}}, expect: allow by reading}
  - {call: {tool: pay, args: {amount: 50}}, expect: allow by small}
"#;

/// An empty folder of its own; everything the command sees of the machine lies in it.
pub struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Place {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    /// A folder with these files.
    pub fn with(files: &[(&str, &str)]) -> Place {
        let place = Place::new();
        files.iter().for_each(|(name, text)| place.write(name, text));
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The command with these arguments, in this folder, without anything of the caller's environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_enforcecore"));
        command.args(args).current_dir(self.folder.path()).env_clear();
        command.env("HOME", self.path("home")).env("COLUMNS", "100").env("TZ", "UTC");
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(output(&mut self.command(args)))
    }

    pub fn run_with_stdin(&self, args: &[&str], stdin: impl AsRef<[u8]>) -> Ran {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let text = stdin.as_ref().to_vec();
        // The command may end before it has read everything.
        let feeder = thread::spawn(move || drop(pipe.write_all(&text)));
        let ran = Ran::of(end_of(child, &args.join(" ")));
        feeder.join().unwrap();
        ran
    }

    /// The output of these commands in a terminal, one after the other.
    pub fn transcript(&self, commands: &[&[&str]]) -> String {
        commands.iter().fold(String::new(), |mut text, args| {
            text.push_str(&self.entry(args, &self.run(args)));
            text
        })
    }

    /// One command of a transcript.
    pub fn entry(&self, args: &[&str], ran: &Ran) -> String {
        let mut text = format!("$ enforcecore {}\n", args.iter().map(|arg| quoted(arg)).collect::<Vec<_>>().join(" "));
        text.push_str(&ran.stdout);
        ran.stderr.lines().for_each(|line| writeln!(text, "stderr| {line}").unwrap());
        writeln!(text, "status {}\n", ran.status).unwrap();
        text.replace(&self.folder.path().display().to_string(), "[folder]")
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }
}

/// No command in these tests takes longer, however busy the machine; what does, hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so; fails, with what it waited for, if it never is.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited {} seconds in vain until {what}", PATIENCE.as_secs());
        thread::sleep(Duration::from_millis(5));
    }
}

/// Runs a command without input to its end, which must come by itself.
pub fn output(command: &mut Command) -> Output {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    end_of(child, &format!("{command:?}"))
}

/// What a process that was started says until its end, which must come by itself.
pub fn end_of(child: Child, what: &str) -> Output {
    let id = child.id().to_string();
    let (ended, end) = channel();
    thread::spawn(move || ended.send(child.wait_with_output().unwrap()));
    end.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        let _ = Command::new("kill").args(["-9", &id]).status();
        panic!("waited {} seconds in vain until it ended: {what}", PATIENCE.as_secs())
    })
}

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(output: Output) -> Ran {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { status: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The one JSON object on stdout.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

fn quoted(arg: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@".contains(c);
    if !arg.is_empty() && arg.chars().all(plain) { arg.to_owned() } else { format!("'{arg}'") }
}
