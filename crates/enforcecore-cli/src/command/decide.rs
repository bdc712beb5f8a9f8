//! `enforcecore decide`: what a policy says about calls, without running anything.

mod session;

use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use enforcecore::call::Malformed;
use enforcecore::decision::{Decision, Verdict};
use enforcecore::value::{VALUE_BYTES_MAX, Value};
use enforcecore_host::config::Given;
use enforcecore_host::files::{self, How, MadeBy};

use crate::dispatch::{Command, Invocation};
use crate::error::{CommandError, Exit};
use crate::output::{Output, Progress};
use crate::render::decision;
use crate::settings::{self, PolicyFlags};
use session::{Decider, FACE};

/// Decide calls without running them
#[derive(Debug, Args)]
#[command(after_help = "\
A call is an object with the members id, tool, args, principal, session, facts
and tenant. Tool and args are required; the others are taken as given, as
a host would authenticate them.

Examples:
  enforcecore decide --policy policy.yaml --call '{\"tool\":\"pay\",\"args\":{}}'
  enforcecore decide --policy policy.yaml --calls calls.jsonl
  enforcecore decide --policy policy.yaml --session past.jsonl --call -

Exit status: 0 allow, 3 deny, 4 ask, 2 the calls or the session cannot be read,
5 enforcement failed, also where the policy cannot be read or has mistakes;
with --calls 0, or 5 if any line failed.")]
#[command(group(clap::ArgGroup::new("what").required(true).args(["call", "calls"])))]
pub struct Decide {
    #[command(flatten)]
    policy: PolicyFlags,
    /// One call as JSON, or `-` to read it from stdin
    #[arg(long, value_name = "JSON")]
    call: Option<String>,
    /// A file with one call a line, or `-` for stdin
    #[arg(long, value_name = "FILE")]
    calls: Option<PathBuf>,
    /// Decide as at the end of this session (JSON lines: calls, outcomes, facts, grants)
    #[arg(long, value_name = "FILE")]
    session: Option<PathBuf>,
    /// What is printed of each decision
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// Append the decided calls to the session's file
    #[arg(long, requires = "session")]
    save: bool,
}

/// What is printed of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One object a line, for programs
    Json,
    /// One line for people: the verdict, the code, the reason and the explanation
    Text,
}

impl Format {
    fn print(self, id: &str, decided: &Decision, output: &mut Output) -> Result<(), CommandError> {
        match self {
            Format::Json => output.json(&decision::json(id, decided)),
            Format::Text => output.line(&decision::text(id, decided)),
        }
    }
}

impl Command for Decide {
    fn enforces(&self) -> bool {
        true
    }

    fn give(&self, given: &mut Given) {
        self.policy.give(given);
    }

    fn run(self, invocation: Invocation, output: &mut Output) -> Result<Exit, CommandError> {
        let mut decider =
            Decider::open(&settings::setup(&invocation.config?, FACE)?, self.session.as_deref(), self.save)?;
        match (&self.call, &self.calls) {
            (Some(call), _) => {
                let text = if call == "-" { read_stdin()? } else { call.clone().into_bytes() };
                let (id, decided) = decide(&mut decider, &text)?;
                self.format.print(&id, &decided, output)?;
                output.flush()?;
                Ok(exit(decided.verdict))
            }
            (None, Some(file)) if file.as_os_str() == "-" => {
                batch(&mut decider, io::stdin().lock(), self.format, output)
            }
            (None, Some(file)) => {
                // Calls are what is judged, so anyone may have written them.
                let opened = files::open(file, MadeBy::Anyone, How::Read).map_err(|refused| {
                    CommandError::usage(format!("cannot read `{}`: {refused}", file.display()))
                        .help("calls come from a file, or from stdin with `--calls -`")
                })?;
                batch(&mut decider, BufReader::new(opened.file), self.format, output)
            }
            (None, None) => Err(CommandError::usage("give --call or --calls")),
        }
    }
}

/// Decides line by line; memory does not grow with the input.
fn batch(
    decider: &mut Decider,
    mut input: impl BufRead,
    format: Format,
    output: &mut Output,
) -> Result<Exit, CommandError> {
    let mut line = Vec::new();
    let mut progress = Progress::of("calls decided");
    for done in 0.. {
        progress.reached(done);
        line.clear();
        // One byte more than a call may have, so that a longer one is seen to be too large.
        let read = input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        if line.last() != Some(&b'\n') && read as u64 == LINE_BYTES_MAX {
            skip_line(&mut input)?;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let (id, decided) = decide(decider, &line)?;
        format.print(&id, &decided, output)?;
    }
    output.flush()?;
    Ok(Exit::Clean)
}

/// Bytes read of a line at most: a whole call, its line's end and one more.
const LINE_BYTES_MAX: u64 = VALUE_BYTES_MAX as u64 + 2;

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => {
                input.consume(at + 1);
                return Ok(());
            }
            None if buffer.is_empty() => return Ok(()),
            None => {
                let length = buffer.len();
                input.consume(length);
            }
        }
    }
}

/// The call's id and what is decided about it.
fn decide(decider: &mut Decider, text: &[u8]) -> Result<(String, Decision), CommandError> {
    match Value::from_json(text.trim_ascii()) {
        Ok(value) => decider.decide(&value),
        Err(error) => Ok((String::new(), Decision::malformed(Malformed::from(error)))),
    }
}

fn read_stdin() -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    io::stdin().lock().take(LINE_BYTES_MAX).read_to_end(&mut text)?;
    Ok(text)
}

fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Allow => Exit::Clean,
        Verdict::Ask => Exit::Ask,
        Verdict::Deny => Exit::Deny,
    }
}
