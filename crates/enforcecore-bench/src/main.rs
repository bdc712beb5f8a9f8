//! What the line costs on this machine: the part of `cargo xtask bench line` that one process measures about itself.
//!
//! A number of a shared machine means little alone, so each is measured beside a baseline, in turns, and given as the ratio
//! of the two medians: the line against a bare call of the same function, and the durable line against `fdatasync` alone.

use std::fs::File;
use std::hint::black_box;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use enforcecore::audit::Durability;
use enforcecore::call::{Call, Context};
use enforcecore::capabilities::{Capabilities, Capability, Face};
use enforcecore::enforcer::Enforcer;
use enforcecore::outcome::{Completed, Outcome};
use enforcecore::value::{Map, Value};
use enforcecore_host::assembly::{Setup, enforcer};
use enforcecore_host::file_system::kind_of;
use serde_json::{Value as Json, json};

/// Turns: enough for a median that one disturbance does not move.
const ROUNDS: usize = 31;
/// Calls in a turn of the buffered line, and of the durable one.
const BUFFERED_CALLS: u32 = 100;
const STRICT_CALLS: u32 = 8;
/// Bytes of the arguments of every call.
const ARGUMENT_BYTES: usize = 200;
/// Bytes that the baseline of the durable line writes before it synchronises: about a group of the log.
const GROUP_BYTES: usize = 900;

const POLICY: &str = r#"
enforcecore: 1
name: bench
version: "1"
tools:
  save_note:
    does: writes
    args: {title: string, text: text, priority: integer}
    returns: notes
rules:
  - allow: save_note
    id: notes
    when: {priority: {less_than: 10}, title: {prefix: "note "}}
  - deny: save_note
    id: not-drafts
    when: {title: {prefix: "note draft"}}
redact: {args: {text: [email, credit_card, secret]}, result: [secret]}
"#;

const FACE: Face = Face::new("bench", Capabilities::ALL.without(Capability::EndAtDeadline));

/// Measures what enforcement costs here, and prints it as one JSON object.
///
/// A file system in memory is refused: there is nothing to wait for.
#[derive(Debug, Parser)]
struct Options {
    /// The folder whose file system is measured; what is written there is removed
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

/// One comparison.
struct Row {
    name: &'static str,
    baseline: &'static str,
    took: Duration,
    baseline_took: Duration,
}

impl Row {
    fn ratio(&self) -> f64 {
        self.took.as_secs_f64() / self.baseline_took.as_secs_f64().max(1e-12)
    }
}

fn main() -> Result<()> {
    let Options { dir } = Options::parse();
    let kind = kind_of(&dir).with_context(|| format!("cannot use the folder `{}`", dir.display()))?;
    if kind.is_in_memory() {
        bail!(
            "`{}` lies on {}, where nothing is ever durable: give a folder on a disk with `--dir`",
            dir.display(),
            kind.as_str()
        );
    }
    let folder = Scratch::new(&dir)?;
    let rows = [line_against_bare_call(&folder.0)?, durable_line_against_sync(&folder.0)?];
    let rows: Vec<Json> = rows.iter().map(row_json).collect();
    let measured = json!({"v": 1, "file_system": kind.as_str(), "argument_bytes": ARGUMENT_BYTES, "rows": rows});
    Ok(writeln!(io::stdout(), "{measured}")?)
}

/// The whole line with a buffered log, against a call of the tool alone.
fn line_against_bare_call(folder: &Path) -> Result<Row> {
    let enforcer = bench_enforcer(&folder.join("buffered"), Durability::Buffered)?;
    let bare = || {
        for _ in 0..BUFFERED_CALLS {
            black_box(tool(black_box(&arguments())));
        }
        Ok(())
    };
    let (took, baseline_took) = in_turns(BUFFERED_CALLS, || calls(&enforcer, BUFFERED_CALLS), bare)?;
    Ok(Row { name: "the line, log buffered", baseline: "bare call", took, baseline_took })
}

/// The whole line, each entry on stable storage before it counts, against a write and an `fdatasync` in the same folder.
fn durable_line_against_sync(folder: &Path) -> Result<Row> {
    let enforcer = bench_enforcer(&folder.join("strict"), Durability::Strict)?;
    let mut file = File::create(folder.join("plain"))?;
    let bytes = vec![b'x'; GROUP_BYTES];
    let sync = || {
        for _ in 0..STRICT_CALLS {
            file.write_all(&bytes)?;
            file.sync_data()?;
        }
        Ok(())
    };
    let (took, baseline_took) = in_turns(STRICT_CALLS, || calls(&enforcer, STRICT_CALLS), sync)?;
    Ok(Row { name: "the line, log strict (two entries)", baseline: "one write and fdatasync", took, baseline_took })
}

/// Median time for one of `count`, of each of two things that take turns.
fn in_turns(
    count: u32,
    mut measured: impl FnMut() -> Result<()>,
    mut baseline: impl FnMut() -> Result<()>,
) -> Result<(Duration, Duration)> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // The first turn warms up and is not counted.
    for round in 0..=ROUNDS {
        let begun = Instant::now();
        measured()?;
        let between = Instant::now();
        baseline()?;
        if round > 0 {
            ours.push(between.duration_since(begun) / count);
            theirs.push(between.elapsed() / count);
        }
    }
    Ok((median(ours), median(theirs)))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn bench_enforcer(folder: &Path, durability: Durability) -> Result<Enforcer> {
    std::fs::create_dir_all(folder)?;
    let policy = folder.join("policy.yaml");
    std::fs::write(&policy, POLICY)?;
    let mut setup = Setup::new(&policy, FACE);
    setup.folders.log = folder.join("log");
    setup.folders.keys = folder.join("keys");
    setup.durability = durability;
    Ok(enforcer(setup)?)
}

fn calls(enforcer: &Enforcer, count: u32) -> Result<()> {
    for _ in 0..count {
        let id = enforcer.call_id()?;
        let context = Context { session_id: "bench".to_owned(), ..Context::default() };
        let call = Call { id, parent: None, tool: "save_note".to_owned(), args: arguments(), context };
        let done = enforcer.enforce(call, |permit| Outcome::Done(tool(permit.call().args())))?;
        if !matches!(black_box(done), Completed::Released { .. }) {
            bail!("a call of the measurement was not released");
        }
    }
    Ok(())
}

/// What is called: as little as a tool can do.
fn tool(args: &Map) -> Value {
    Value::from(i64::try_from(args.len()).unwrap_or_default())
}

fn arguments() -> Map {
    let words = "an ordinary sentence about nothing that anyone would have to hide, ";
    let text: String = words.chars().cycle().take(ARGUMENT_BYTES - 40).collect();
    Map::from_iter([
        ("title".to_owned(), Value::from("note of the day, 40 byte")),
        ("text".to_owned(), Value::from(text)),
        ("priority".to_owned(), Value::from(5)),
    ])
}

fn row_json(row: &Row) -> Json {
    json!({
        "name": row.name,
        "baseline": row.baseline,
        "median_us": micros(row.took),
        "baseline_median_us": micros(row.baseline_took),
        "ratio": row.ratio(),
    })
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// A folder of our own that is removed in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(dir: &Path) -> Result<Scratch> {
        let folder = dir.join(format!(".enforcecore-bench-{}", std::process::id()));
        std::fs::create_dir(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        Ok(Scratch(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
