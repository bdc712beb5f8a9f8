//! Running programs and finding the tree they run in.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, PipeReader, Read, Seek, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::limits::{due, end_group, end_of};

/// Lines of a program's output shown when it fails: enough for a page of test failures.
const LINES_SHOWN_MAX: usize = 200;

/// Lines of a program that wait to be looked at, at most.
const LINES_AHEAD_MAX: usize = 1024;

/// What cargo does with the packages of a lock file: a lock file that is not up to date is an error and never made anew.
const LOCKED: [&str; 9] = ["bench", "build", "check", "clippy", "doc", "metadata", "run", "test", "tree"];

/// Prints one line at once; a reader who closed the pipe is no reason to fail.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// The folder of the workspace.
pub fn root() -> Result<PathBuf> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(package.parent().context("the package has no parent folder")?.to_owned())
}

/// A program to be run in `folder`, without input.
pub fn command(program: impl AsRef<OsStr>, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command
}

/// `cargo`, the one that runs us, with the lock file as it is.
pub fn cargo(folder: &Path, arguments: &[&str]) -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), folder, &locked(arguments))
}

fn locked<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    match arguments.split_first() {
        Some((task, rest)) if LOCKED.contains(task) && !rest.contains(&"--locked") => {
            [&[*task, "--locked"], rest].concat()
        }
        _ => arguments.to_vec(),
    }
}

/// Runs a program that prints for the person who watches; fails if it does.
pub fn watch(mut command: Command) -> Result<()> {
    let name = name_of(&command);
    let mut child = start(&mut command)?;
    require_success(end_of(&mut child, due())?, &name, "")
}

/// Runs a program and gives its standard output; fails, with what it said, if it does.
pub fn read(mut command: Command) -> Result<String> {
    let name = name_of(&command);
    let (mut out, mut err) = (tempfile::tempfile()?, tempfile::tempfile()?);
    command.stdout(out.try_clone()?).stderr(err.try_clone()?);
    let mut child = start(&mut command)?;
    let ended = end_of(&mut child, due())?;
    require_success(ended, &name, &String::from_utf8_lossy(&whole(&mut err)?))?;
    String::from_utf8(whole(&mut out)?).with_context(|| format!("`{name}` printed something that is not text"))
}

/// What a program printed, both streams in the order they came, and whether it succeeded.
pub struct Transcript {
    /// Each line, without its end.
    pub lines: Vec<String>,
    /// True when the program ended with status 0.
    pub success: bool,
    /// True when the program was ended, because it or a part of it took too long.
    pub overdue: bool,
}

impl Transcript {
    /// Prints the last lines, for a program that failed.
    pub fn show_end(&self) {
        // What passed is named for us, and would hide what did not.
        let lines: Vec<&String> = self.lines.iter().filter(|line| !line.starts_with("PASSED ")).collect();
        let skipped = lines.len().saturating_sub(LINES_SHOWN_MAX);
        lines.iter().skip(skipped).for_each(|line| say(&format!("    {line}")));
    }

    /// Fails, having shown the end of the output, if the program failed.
    pub fn require(&self, what: &str) -> Result<()> {
        if !self.success {
            self.show_end();
            bail!("{what} {}", if self.overdue { "took too long, and was ended" } else { "failed" });
        }
        Ok(())
    }
}

/// A part of what a program does, and how long it may take.
pub struct Part {
    /// True for a line with which a part begins.
    pub begins: fn(&str) -> bool,
    /// How long a part may take, and what comes before the first.
    pub time: Duration,
}

/// Runs a program, passes the lines `shown` picks on to the person who watches and keeps all of them.
pub fn follow(command: Command, shown: impl Fn(&str) -> bool) -> Result<Transcript> {
    follow_parts(command, shown, None)
}

/// Does what [`follow`] does, and ends the program when a part of it takes too long.
pub fn follow_parts(mut command: Command, shown: impl Fn(&str) -> bool, part: Option<&Part>) -> Result<Transcript> {
    let name = name_of(&command);
    let (reader, writer) = std::io::pipe().context("cannot make a pipe")?;
    command.stdout(writer.try_clone().context("cannot copy a pipe")?).stderr(writer);
    let mut child = start(&mut command)?;
    // The command holds our ends of the pipe; while they are open the reader never sees the end.
    drop(command);

    let said = lines_of(reader);
    let mut lines = Vec::new();
    let mut part_due = part.map(|part| Instant::now() + part.time);
    loop {
        let limit = [due(), part_due].into_iter().flatten().min();
        match next(&said, limit) {
            Ok(line) => {
                let line = line.with_context(|| format!("cannot read what `{name}` prints"))?;
                let line = String::from_utf8_lossy(&line).into_owned();
                if shown(&line) {
                    say(&format!("    {}", line.trim()));
                }
                if let Some(part) = part.filter(|part| (part.begins)(&line)) {
                    part_due = Some(Instant::now() + part.time);
                }
                lines.push(line);
            }
            Err(RecvTimeoutError::Timeout) => {
                end_group(&mut child)?;
                return Ok(Transcript { lines, success: false, overdue: true });
            }
            Err(RecvTimeoutError::Disconnected) => {
                let ended = end_of(&mut child, limit)?;
                let success = ended.is_some_and(|status| status.success());
                return Ok(Transcript { lines, success, overdue: ended.is_none() });
            }
        }
    }
}

/// Starts a program as the first of a process group of its own, so that it can be ended with all it starts.
fn start(command: &mut Command) -> Result<Child> {
    let name = name_of(command);
    command.process_group(0).spawn().with_context(|| format!("cannot start `{name}`"))
}

fn require_success(ended: Option<ExitStatus>, name: &str, said: &str) -> Result<()> {
    let how = match ended {
        Some(status) if status.success() => return Ok(()),
        Some(status) => format!("failed ({status})"),
        None => "took too long, and was ended".to_owned(),
    };
    let said = said.trim();
    bail!("`{name}` {how}{}{said}", if said.is_empty() { "" } else { ": " })
}

fn whole(file: &mut File) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut bytes)).context("cannot read what a program said")?;
    Ok(bytes)
}

type Line = std::io::Result<Vec<u8>>;

/// The lines that come, until no process holds the other end.
fn lines_of(reader: PipeReader) -> Receiver<Line> {
    let (sender, lines) = sync_channel(LINES_AHEAD_MAX);
    thread::spawn(move || BufReader::new(reader).split(b'\n').try_for_each(|line| sender.send(line)));
    lines
}

fn next(lines: &Receiver<Line>, limit: Option<Instant>) -> Result<Line, RecvTimeoutError> {
    match limit {
        None => lines.recv().map_err(|_| RecvTimeoutError::Disconnected),
        Some(limit) => lines.recv_timeout(limit.saturating_duration_since(Instant::now())),
    }
}

/// The command as one would type it.
fn name_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::within;

    fn shell(script: &str) -> Command {
        command("sh", Path::new("/"), &["-c", script])
    }

    #[test]
    fn both_streams_arrive_in_order() {
        let transcript = follow(shell("echo one; echo two >&2; echo three; exit 3"), |_| false).unwrap();
        assert_eq!(transcript.lines, ["one", "two", "three"]);
        assert!(!transcript.success);
    }

    #[test]
    fn a_failure_carries_what_was_said() {
        let error = read(shell("echo why >&2; exit 1")).unwrap_err();
        assert!(error.to_string().contains("why"), "{error}");
        assert_eq!(read(shell("echo fine")).unwrap(), "fine\n");
    }

    /// Starts a child that would outlive it, and says its id.
    const HANGS: &str = "sleep 600 & echo $!; echo on time; wait";

    #[test]
    fn a_program_that_is_due_is_ended_with_what_it_started() {
        let second = Duration::from_secs(1);
        let part = Part { begins: |line| line.contains("on time"), time: 5 * second };
        let by_part = follow_parts(shell(HANGS), |_| false, Some(&part)).unwrap();
        let by_step = within(second, || {
            let transcript = follow(shell(HANGS), |_| false)?;
            assert!(transcript.overdue && !transcript.success);
            watch(shell("exec sleep 600"))
        });
        let late = format!("{:#}", by_step.unwrap_err());
        assert!(late.ends_with("`sh -c exec sleep 600` took too long, and was ended"), "{late}");
        assert!(by_part.overdue && !by_part.success);
        let id = &by_part.lines[0];
        let alive = || {
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
        };
        // It was sent its end, which takes a moment to come.
        let begun = Instant::now();
        while alive() {
            assert!(begun.elapsed() < 60 * second, "waited 60 seconds in vain until {id} ended");
            thread::yield_now();
        }
    }

    #[test]
    fn a_lock_file_is_taken_as_it_is() {
        let check = |arguments: &[&str], expected: &[&str]| assert_eq!(locked(arguments), expected);
        check(&["test", "-p", "a"], &["test", "--locked", "-p", "a"]);
        check(&["build", "--locked"], &["build", "--locked"]);
        check(&["run", "--", "--x"], &["run", "--locked", "--", "--x"]);
        check(&["fmt", "--all"], &["fmt", "--all"]);
        check(&[], &[]);
    }
}
