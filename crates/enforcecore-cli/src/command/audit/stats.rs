//! `enforcecore audit stats`: how many entries there are of what.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use enforcecore::diagnostic::one_line;
use enforcecore_host::config::{Config, Given};
use enforcecore_host::evidence;
use serde_json::{Map, Value as Json, json};

use super::reading::{cannot_read, warn_if_altered, warn_without_secret};
use super::select::{Calls, Filters, Row};
use crate::dispatch::{Command, Invocation};
use crate::error::{CommandError, Exit};
use crate::output::{Output, Progress, complain, counted};

/// Different names that are counted in one table at most; the entries with others are counted together.
const NAMES_MAX: usize = 1000;
/// Characters of a name.
const NAME_CHARS_MAX: usize = 128;
/// Names of a table that people are shown.
const SHOWN_MAX: usize = 20;

/// Count the entries by kind, tool, decision, code, rule and principal
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  enforcecore audit stats
  enforcecore audit stats --since 24h --decision deny --json

Tools, decisions, rules and principals are counted in the entries about a
decision (intent, denial, pending), so each attempt counts once; kinds and codes
in every entry. Of more than 1000 different names in a table the later ones are
counted together, as `not_listed`. Memory does not grow with the log.

Exit status: 0 counted, 1 the log is altered, 2 it cannot be read.")]
pub struct Stats {
    /// The log's folder [default: the configured one]
    log: Option<PathBuf>,
    #[command(flatten)]
    filters: Filters,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Command for Stats {
    fn enforces(&self) -> bool {
        false
    }

    fn give(&self, given: &mut Given) {
        self.filters.give(given);
    }

    fn run(mut self, invocation: Invocation, output: &mut Output) -> Result<Exit, CommandError> {
        let config = invocation.config?;
        let log = self.log.take().unwrap_or(config.folders().log);
        stats(&log, &self, &config, output)
    }
}

/// The tables, in the order in which they are shown.
const TABLES: [&str; 6] = ["kind", "tool", "decision", "code", "rule", "principal"];

/// How often each name was met.
#[derive(Default)]
struct Table {
    counts: BTreeMap<String, u64>,
    not_listed: u64,
}

impl Table {
    fn add(&mut self, name: &str) {
        let name: String = name.chars().take(NAME_CHARS_MAX).collect();
        if self.counts.len() < NAMES_MAX || self.counts.contains_key(&name) {
            *self.counts.entry(name).or_default() += 1;
        } else {
            self.not_listed += 1;
        }
    }
}

#[derive(Default)]
struct Counts {
    entries: u64,
    unreadable: u64,
    first: Option<String>,
    last: Option<String>,
    tables: [Table; TABLES.len()],
}

impl Counts {
    fn add(&mut self, row: &Row) {
        self.entries += 1;
        let time = row.time();
        self.first.get_or_insert_with(|| time.clone());
        self.last = Some(time);
        let entry = &row.entry;
        let [kind, tool, decision, code, rule, principal] = &mut self.tables;
        kind.add(&row.kind());
        entry.code.iter().for_each(|name| code.add(name));
        if let Some(decided) = &entry.decision {
            decision.add(decided);
            tool.add(row.shown_tool());
            entry.rules.iter().for_each(|name| rule.add(name));
            row.principal_name().or(row.principal()).iter().for_each(|name| principal.add(name));
        }
    }
}

fn stats(log: &Path, options: &Stats, config: &Config, output: &mut Output) -> Result<Exit, CommandError> {
    let wanted = options.filters.wanted(config)?;
    warn_without_secret(&wanted, config);
    let (mut counts, mut calls, mut read) = (Counts::default(), Calls::default(), 0);
    let mut progress = Progress::of("entries read");
    for entry in evidence::entries(log).map_err(|error| cannot_read(log, &error))? {
        read += 1;
        progress.reached(read);
        match entry.map(|entry| calls.row(entry)) {
            Ok(row) if wanted.has(&row) => counts.add(&row),
            Ok(_) => {}
            Err(place) => {
                counts.unreadable += 1;
                complain(&format!("warning: {place}"));
            }
        }
    }
    drop(progress);
    let path = log.display().to_string();
    if options.json {
        output.json(&machine(&path, &counts))?;
    } else {
        human(&path, &counts).iter().try_for_each(|line| output.line(line))?;
    }
    output.flush()?;
    let altered = warn_if_altered(log)?;
    Ok(if altered || counts.unreadable > 0 { Exit::Findings } else { Exit::Clean })
}

fn machine(path: &str, counts: &Counts) -> Json {
    let tables = || TABLES.into_iter().zip(&counts.tables);
    let by: Map<String, Json> = tables().map(|(name, table)| (name.to_owned(), json!(table.counts))).collect();
    let not_listed: Map<String, Json> =
        tables().map(|(name, table)| (name.to_owned(), json!(table.not_listed))).collect();
    json!({
        "v": 1,
        "log": path,
        "entries": counts.entries,
        "unreadable": counts.unreadable,
        "first": counts.first,
        "last": counts.last,
        "by": by,
        "not_listed": not_listed,
    })
}

fn human(path: &str, counts: &Counts) -> Vec<String> {
    let number = usize::try_from(counts.entries).unwrap_or(usize::MAX);
    let entries = if number == 1 { "1 entry".to_owned() } else { format!("{number} entries") };
    let mut lines = vec![format!("{path}: {entries}")];
    if let (Some(first), Some(last)) = (&counts.first, &counts.last) {
        lines.push(format!("  from {first} to {last}"));
    }
    for (name, table) in TABLES.into_iter().zip(&counts.tables).filter(|(_, table)| !table.counts.is_empty()) {
        lines.push(format!("by {name}"));
        let mut rows: Vec<(&String, u64)> = table.counts.iter().map(|(name, count)| (name, *count)).collect();
        rows.sort_by_key(|(name, count)| (Reverse(*count), (*name).clone()));
        lines.extend(rows.iter().take(SHOWN_MAX).map(|(name, count)| format!("  {count:>8}  {}", one_line(name))));
        let more: u64 = rows.iter().skip(SHOWN_MAX).map(|(_, count)| count).sum::<u64>() + table.not_listed;
        if more > 0 {
            let others = rows.len().saturating_sub(SHOWN_MAX);
            let at_least = if table.not_listed > 0 { "at least " } else { "" };
            lines.push(format!("  {more:>8}  of {at_least}{}", counted(others, "other")));
        }
    }
    lines
}
