//! `enforcecore audit show`: the entries, oldest first, in several forms.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use clap::{Args, ValueEnum};
use enforcecore::audit::EntryLine;
use enforcecore_host::config::{Config, Given};
use enforcecore_host::evidence::{self, Followed, Looked};
use jiff::Timestamp;
use serde_json::Value as Json;

use super::reading::{cannot_read, warn_if_altered, warn_without_secret};
use super::select::{Calls, Filters, Row, Wanted};
use super::{csv, ocsf};
use crate::dispatch::{Command, Invocation};
use crate::error::{CommandError, Exit};
use crate::output::{Output, complain};

/// Waits between two looks at a log that is followed.
const LOOK_PAUSE: Duration = Duration::from_millis(200);
/// Looks in a row that may find what can be no group: while a log is written or mended, the next one does not.
const ODD_LOOKS_MAX: u32 = 25;

/// Print the entries, oldest first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  enforcecore audit show .enforcecore/log --tail 20
  enforcecore audit show --since 24h --decision deny
  enforcecore audit show --since 2026-11-25T00:00:00Z --principal ann
  enforcecore audit show --since 48h --until 24h --format csv
  enforcecore audit show --format ocsf --follow
  enforcecore audit show --call 5f0c6d0a9b1e4a7788990a0b0c0d0e0f --json

Each entry has its number, its time, its kind, and what there is of tool,
decision, code, call, rules, caller, recorded arguments and redactions. The end
of a call is shown with its call. The log is checked as it is shown, by its own
key; what --follow shows later is checked against the hashes in its seals.

Exit status: 0 shown, 1 the log is altered or has no such call, 2 it cannot be
read.")]
pub struct ShowLog {
    /// The log's folder [default: the configured one]
    log: Option<PathBuf>,
    /// Only the entries of this call
    #[arg(long, value_name = "ID")]
    call: Option<String>,
    #[command(flatten)]
    filters: Filters,
    /// Only the last N entries
    #[arg(long, value_name = "N")]
    tail: Option<usize>,
    /// Go on with entries as they are written, until --until or an interrupt
    #[arg(long)]
    follow: bool,
    /// The form: lines for people, `jsonl` (the entries as they stand in the log), `csv` (RFC 4180) or `ocsf` (1.3.0)
    #[arg(long, value_name = "FORM", default_value = "human")]
    format: Form,
    /// The same as --format jsonl
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Human,
    Jsonl,
    Csv,
    Ocsf,
}

impl Command for ShowLog {
    fn enforces(&self) -> bool {
        false
    }

    fn give(&self, given: &mut Given) {
        self.filters.give(given);
    }

    fn run(mut self, invocation: Invocation, output: &mut Output) -> Result<Exit, CommandError> {
        let config = invocation.config?;
        let log = self.log.take().unwrap_or(config.folders().log);
        show(&log, &self, &config, output)
    }
}

/// What is shown, and what was seen so far.
struct Shown<'a> {
    options: &'a ShowLog,
    output: &'a mut Output,
    wanted: Wanted,
    calls: Calls,
    /// The last entries, where no more than these are to be shown.
    last: Option<VecDeque<Row>>,
    count: usize,
    unreadable: bool,
}

impl Shown<'_> {
    fn entry(&mut self, entry: Result<EntryLine, String>) -> Result<(), CommandError> {
        let row = match entry {
            Ok(entry) => self.calls.row(entry),
            Err(place) => {
                self.unreadable = true;
                complain(&format!("warning: {place}"));
                return Ok(());
            }
        };
        let of_call = self.options.call.is_none() || self.options.call == row.entry.call;
        if !of_call || !self.wanted.has(&row) {
            return Ok(());
        }
        self.count += 1;
        match (&mut self.last, self.options.tail) {
            (Some(last), Some(most)) => {
                last.push_back(row);
                if last.len() > most {
                    last.pop_front();
                }
                Ok(())
            }
            _ => self.print(&row),
        }
    }

    fn print(&mut self, row: &Row) -> Result<(), CommandError> {
        match self.options.form() {
            Form::Human => self.output.line(&row.describe()),
            Form::Jsonl => self.output.json(&serde_json::to_value(&row.entry).unwrap_or(Json::Null)),
            Form::Csv => self.output.record(&csv::record(row)),
            Form::Ocsf => self.output.json(&ocsf::event(row)),
        }
    }

    /// Prints the last entries; from here on each is printed as it comes.
    fn print_last(&mut self) -> Result<(), CommandError> {
        let last = self.last.take().unwrap_or_default();
        last.iter().try_for_each(|row| self.print(row))?;
        self.output.flush()
    }
}

impl ShowLog {
    fn form(&self) -> Form {
        if self.json { Form::Jsonl } else { self.format }
    }
}

fn show(log: &Path, options: &ShowLog, config: &Config, output: &mut Output) -> Result<Exit, CommandError> {
    let wanted = options.filters.wanted(config)?;
    warn_without_secret(&wanted, config);
    if options.form() == Form::Csv {
        output.record(&csv::header())?;
    }
    let last = options.tail.map(|_| VecDeque::new());
    let (calls, count, unreadable) = (Calls::default(), 0, false);
    let mut shown = Shown { options, output, wanted, calls, last, count, unreadable };
    if options.follow {
        let altered = warn_if_altered(log)?;
        follow(log, options, &mut shown)?;
        return Ok(if altered || shown.unreadable { Exit::Findings } else { Exit::Clean });
    }
    let mut entries = evidence::entries(log).map_err(|error| cannot_read(log, &error))?;
    entries.try_for_each(|entry| shown.entry(entry))?;
    shown.print_last()?;
    let unknown = options.call.as_ref().filter(|_| shown.count == 0);
    if let Some(call) = unknown {
        complain(&format!("no call `{call}` is in the log `{}`", log.display()));
    }
    let altered = warn_if_altered(log)?;
    Ok(if shown.unreadable || altered || unknown.is_some() { Exit::Findings } else { Exit::Clean })
}

/// Shows whole groups as they are written, until the time that is meant is over.
fn follow(log: &Path, options: &ShowLog, shown: &mut Shown<'_>) -> Result<(), CommandError> {
    let mut followed = Followed::begin(log).map_err(|error| cannot_read(log, &error))?;
    let mut odd_looks = 0;
    loop {
        // Before the look, so that what is written until then is still shown.
        let over = options.filters.until().is_some_and(|until| until <= Timestamp::now());
        let looked = followed.look(&mut |entry| shown.entry(entry))?;
        shown.print_last()?;
        match looked {
            Looked::On | Looked::Gone => odd_looks = 0,
            Looked::Anew => {
                odd_looks = 0;
                complain(&format!("the log `{}` was begun anew", log.display()));
            }
            Looked::Odd(what) => {
                odd_looks += 1;
                if odd_looks > ODD_LOOKS_MAX || over {
                    shown.unreadable = true;
                    complain(&format!("warning: the log is not what was written: {what}"));
                    return Ok(());
                }
            }
        }
        if over {
            return Ok(());
        }
        thread::sleep(LOOK_PAUSE);
    }
}
