//! `enforcecore demo`: the main job on embedded defaults, with real effects.
//!
//! `world` (the folder, and what is found in it) · `script` (the calls) · `server` (the MCP server, a process of its own) ·
//! `client` (the agent's side of the protocol) · `ledger` (what the log says of each call) · `tampering` (what verification
//! says of damaged copies) · `report`. The proxy in the middle is `enforcecore mcp`, started like anybody would.

mod client;
mod ledger;
mod report;
mod script;
pub mod server;
mod tampering;
mod world;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use enforcecore::policy::DOCUMENT_BYTES_MAX;
use enforcecore_host::config::{CONFIG_FILE, VARIABLE_PREFIX};
use enforcecore_host::files::{self, How, MadeBy, read_text};
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::error::{CommandError, Exit};
use crate::output::Output;
use client::{Client, PATIENCE};
use ledger::Call;
use report::{Report, Row};
use script::SCRIPT;
use tampering::Evidence;
use world::World;

/// The policy of the demo.
const POLICY: &str = include_str!("../../../../../policies/demo.yaml");

/// Where the demo keeps what it needs, as any project would say it.
const CONFIG: &str = "policy = \"policy.yaml\"\nlog = \"log\"\nkeys = \"keys\"\nanchor = \"anchor\"\n";

/// See the main job: a scripted agent, a real tool server, real effects in a temporary folder
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  enforcecore demo                    play the script through the proxy
  enforcecore demo --unprotected      play it without, to see what would happen
  enforcecore demo --keep /tmp/demo   keep policy, log and effects to look at

Exit status: 0 every call ended as scripted and the tampering was named, 1 not,
5 the demo could not be played.")]
pub struct Options {
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Keep everything in this folder, which must be empty or not exist
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Play the script against the bare server
    #[arg(long, conflicts_with = "policy")]
    unprotected: bool,
    /// Another policy than the demo's
    #[arg(long, value_name = "FILE", hide = true)]
    policy: Option<PathBuf>,
}

/// Runs the command.
pub fn run(options: &Options, output: &mut Output) -> Result<Exit, CommandError> {
    let stage = Stage::set(options)?;
    let report = play(&stage, options.unprotected)?;
    if options.json {
        output.json(&report.json())?;
    } else {
        report.print(output)?;
    }
    output.flush()?;
    Ok(if report.is_as_scripted() { Exit::Clean } else { Exit::Findings })
}

/// The folders of one demo. Unless they are kept they go away with it.
struct Stage {
    root: PathBuf,
    world: World,
    temporary: Option<TempDir>,
}

impl Stage {
    fn set(options: &Options) -> Result<Stage, CommandError> {
        let (root, temporary) = match &options.keep {
            Some(folder) => (empty_folder(folder)?, None),
            None => {
                let folder = tempfile::Builder::new().prefix("enforcecore-demo-").tempdir()?;
                (folder.path().canonicalize()?, Some(folder))
            }
        };
        let policy = match &options.policy {
            Some(file) => policy_text(file)
                .map_err(|error| CommandError::usage(format!("cannot read `{}`: {error}", file.display())))?,
            None => POLICY.to_owned(),
        };
        fs::write(root.join("policy.yaml"), policy)?;
        fs::write(root.join(CONFIG_FILE), CONFIG)?;
        let world = World::create(&root.join("world"))?;
        Ok(Stage { root, world, temporary })
    }

    /// The server behind the proxy, or on its own.
    fn command(&self, unprotected: bool) -> io::Result<Command> {
        let program = std::env::current_exe()?;
        let mut command = Command::new(&program);
        // Where the server works, so that a relative path means the same to it and to the proxy.
        command.current_dir(self.world.files());
        // The demo plays on its own defaults, whatever is configured where it is played.
        let names = std::env::vars_os().map(|(name, _)| name);
        for name in names.filter(|name| name.as_encoded_bytes().starts_with(VARIABLE_PREFIX.as_bytes())) {
            command.env_remove(name);
        }
        // Nobody's own file lies there.
        command.env("XDG_CONFIG_HOME", &self.root);
        if !unprotected {
            command.arg("--config").arg(self.root.join(CONFIG_FILE)).args(["mcp", "--"]).arg(&program);
        }
        command.arg("demo-server").arg(self.world.folder());
        Ok(command)
    }
}

fn policy_text(file: &Path) -> io::Result<String> {
    read_text(files::open(file, MadeBy::Us, How::Read)?.file, DOCUMENT_BYTES_MAX as u64)
}

fn empty_folder(folder: &Path) -> Result<PathBuf, CommandError> {
    fs::create_dir_all(folder)?;
    if fs::read_dir(folder)?.next().is_some() {
        return Err(CommandError::usage(format!("`{}` is not empty", folder.display()))
            .help("name a folder that is empty or does not exist"));
    }
    Ok(folder.canonicalize()?)
}

/// Plays the whole script, then looks at what is there.
fn play(stage: &Stage, unprotected: bool) -> Result<Report, CommandError> {
    for step in &SCRIPT {
        if stage.world.has(step.effect, "")? {
            return Err(CommandError::failed(format!("the effect of \"{}\" is there beforehand", step.title)));
        }
    }
    let mut client = Client::start(stage.command(unprotected)?, stage.root.join("stderr.txt"), PATIENCE)?;
    let tools = client.initialize()?;
    let answers = SCRIPT.iter().map(|step| client.call(step.tool, step.args)).collect::<Result<Vec<_>, _>>()?;
    let heard = client.finish()?;
    let calls = match unprotected {
        true => SCRIPT.iter().map(|_| Call::default()).collect(),
        false => ledger::read(&stage.root.join("log"))?,
    };
    if calls.len() != SCRIPT.len() {
        let (calls, steps) = (calls.len(), SCRIPT.len());
        return Err(CommandError::failed(format!("the log accounts for {calls} calls, and {steps} were made")));
    }
    let mut rows = Vec::with_capacity(SCRIPT.len());
    for ((step, answer), call) in SCRIPT.iter().zip(answers).zip(calls) {
        let effect_happened = stage.world.has(step.effect, &heard)?;
        let rest_happened = step.rest.map(|rest| stage.world.has(rest, &heard)).transpose()?;
        let reason = refusal(&answer).to_owned();
        rows.push(Row { step, call, reason, effect_happened, rest_happened: rest_happened.unwrap_or(true) });
    }
    let evidence = if unprotected { None } else { Some(Evidence::gather(&stage.root)?) };
    let kept = stage.temporary.is_none().then(|| stage.root.clone());
    Ok(Report { tools, rows, evidence, kept })
}

/// Why the agent was told that a call was refused.
fn refusal(answer: &Json) -> &str {
    let reason = answer.pointer("/result/structuredContent/enforcecore/reason");
    reason.or_else(|| answer.pointer("/error/message")).and_then(Json::as_str).unwrap_or_default()
}
