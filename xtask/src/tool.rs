//! Running programs and finding the tree they run in.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Lines of a program's output shown when it fails: enough for a page of test failures.
const LINES_SHOWN_MAX: usize = 200;

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

/// `cargo`, the one that runs us.
pub fn cargo(folder: &Path, arguments: &[&str]) -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), folder, arguments)
}

/// Runs a program that prints for the person who watches; fails if it does.
pub fn watch(mut command: Command) -> Result<()> {
    let name = name_of(&command);
    let status = command.status().with_context(|| format!("cannot start `{name}`"))?;
    if !status.success() {
        bail!("`{name}` failed ({status})");
    }
    Ok(())
}

/// Runs a program and gives its standard output; fails, with what it said, if it does.
pub fn read(mut command: Command) -> Result<String> {
    let name = name_of(&command);
    let output = command.output().with_context(|| format!("cannot start `{name}`"))?;
    if !output.status.success() {
        bail!("`{name}` failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{name}` printed something that is not text"))
}

/// What a program printed, both streams in the order they came, and whether it succeeded.
pub struct Transcript {
    /// Each line, without its end.
    pub lines: Vec<String>,
    /// True when the program ended with status 0.
    pub success: bool,
}

impl Transcript {
    /// Prints the last lines, for a program that failed.
    pub fn show_end(&self) {
        let skipped = self.lines.len().saturating_sub(LINES_SHOWN_MAX);
        self.lines.iter().skip(skipped).for_each(|line| say(&format!("    {line}")));
    }

    /// Fails, having shown the end of the output, if the program failed.
    pub fn require(&self, what: &str) -> Result<()> {
        if !self.success {
            self.show_end();
            bail!("{what} failed");
        }
        Ok(())
    }
}

/// Runs a program, passes the lines `shown` picks on to the person who watches and keeps all of them.
pub fn follow(mut command: Command, shown: impl Fn(&str) -> bool) -> Result<Transcript> {
    let name = name_of(&command);
    let (reader, writer) = std::io::pipe().context("cannot make a pipe")?;
    command.stdout(writer.try_clone().context("cannot copy a pipe")?).stderr(writer);
    let mut child = command.spawn().with_context(|| format!("cannot start `{name}`"))?;
    // The command holds our ends of the pipe; while they are open the reader never sees the end.
    drop(command);

    let mut lines = Vec::new();
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.with_context(|| format!("cannot read what `{name}` prints"))?;
        let line = String::from_utf8_lossy(&line).into_owned();
        if shown(&line) {
            say(&format!("    {}", line.trim()));
        }
        lines.push(line);
    }
    let status = child.wait().with_context(|| format!("cannot wait for `{name}`"))?;
    Ok(Transcript { lines, success: status.success() })
}

/// The command as one would type it.
fn name_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
