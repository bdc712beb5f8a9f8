//! The demo: the main job on embedded defaults, with real effects.
//!
//! `world` (the folder, and what is found in it) · `script` (the calls) · `server` (the MCP server, a process of its own) ·
//! `client` (the agent's side of the protocol) · `ledger` (what the log says of each call) · `tampering` (what verification
//! says of damaged copies) · `report`. The proxy in the middle is `enforcecore mcp`, started as a user starts it.
//!
//! Absent on purpose: a terminal and a command line. The program that plays the demo has both, and is started again as proxy
//! and as server: by its commands `mcp` and `demo-server`, which calls [`serve`].

mod client;
mod error;
mod ledger;
mod report;
mod script;
mod server;
mod tampering;
mod world;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use enforcecore::policy::DOCUMENT_BYTES_MAX;
use enforcecore_host::config::{CONFIG_FILE, VARIABLE_PREFIX};
use enforcecore_host::files::{self, How, MadeBy, read_text};
use serde_json::Value as Json;
use tempfile::TempDir;

use client::{Client, PATIENCE};
use ledger::Call;
use report::Row;
use script::SCRIPT;
use tampering::Evidence;
use world::World;

pub use error::DemoError;
pub use report::Report;
pub use server::serve;

/// The policy of the demo.
const POLICY: &str = include_str!("../../../policies/demo.yaml");

/// Where the demo keeps what it needs, as any project would say it.
const CONFIG: &str = "policy = \"policy.yaml\"\nlog = \"log\"\nkeys = \"keys\"\nanchor = \"anchor\"\n";

/// How the demo is played.
#[derive(Debug, Default)]
pub struct Options {
    /// Keep everything in this folder, which must be empty or not exist.
    pub keep: Option<PathBuf>,
    /// Run the script against the server without a policy.
    pub unprotected: bool,
    /// Another policy than the demo's.
    pub policy: Option<PathBuf>,
}

/// Plays the whole script, then looks at what is there.
pub fn play(options: &Options) -> Result<Report, DemoError> {
    let stage = Stage::set(options)?;
    for step in &SCRIPT {
        if stage.world.has(step.effect, "")? {
            return Err(DemoError::Unjudged(format!("the effect of \"{}\" is there beforehand", step.title)));
        }
    }
    let mut client = Client::start(stage.command(options.unprotected)?, stage.root.join("stderr.txt"), PATIENCE)?;
    let tools = client.initialize()?;
    let answers = SCRIPT.iter().map(|step| client.call(step.tool, step.args)).collect::<Result<Vec<_>, _>>()?;
    let heard = client.finish()?;
    let calls = match options.unprotected {
        true => SCRIPT.iter().map(|_| Call::default()).collect(),
        false => ledger::read(&stage.root.join("log"))?,
    };
    if calls.len() != SCRIPT.len() {
        let (calls, steps) = (calls.len(), SCRIPT.len());
        return Err(DemoError::Unjudged(format!("the log accounts for {calls} calls, and {steps} were made")));
    }
    let mut rows = Vec::with_capacity(SCRIPT.len());
    for ((step, answer), call) in SCRIPT.iter().zip(answers).zip(calls) {
        let effect_happened = stage.world.has(step.effect, &heard)?;
        let rest_happened = step.rest.map(|rest| stage.world.has(rest, &heard)).transpose()?;
        let reason = refusal(&answer).to_owned();
        rows.push(Row { step, call, reason, effect_happened, rest_happened: rest_happened.unwrap_or(true) });
    }
    let evidence = if options.unprotected { None } else { Some(Evidence::gather(&stage.root)?) };
    let kept = stage.temporary.is_none().then(|| stage.root.clone());
    Ok(Report { tools, rows, evidence, kept })
}

/// The folders of one demo. Unless they are kept they go away with it.
struct Stage {
    root: PathBuf,
    world: World,
    temporary: Option<TempDir>,
}

impl Stage {
    fn set(options: &Options) -> Result<Stage, DemoError> {
        let (root, temporary) = match &options.keep {
            Some(folder) => (empty_folder(folder)?, None),
            None => {
                let folder = tempfile::Builder::new().prefix("enforcecore-demo-").tempdir()?;
                (folder.path().canonicalize()?, Some(folder))
            }
        };
        let policy = match &options.policy {
            Some(file) => policy_text(file).map_err(|error| DemoError::Policy(file.clone(), error))?,
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
        // No user's own file lies there.
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

fn empty_folder(folder: &Path) -> Result<PathBuf, DemoError> {
    fs::create_dir_all(folder)?;
    if fs::read_dir(folder)?.next().is_some() {
        return Err(DemoError::NotEmpty(folder.to_owned()));
    }
    Ok(folder.canonicalize()?)
}

/// Why the agent was told that a call was refused.
fn refusal(answer: &Json) -> &str {
    let reason = answer.pointer("/result/_meta/enforcecore~1decision/reason");
    reason.or_else(|| answer.pointer("/error/message")).and_then(Json::as_str).unwrap_or_default()
}
