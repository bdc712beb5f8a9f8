//! `enforcecore init`: a first policy, its tests and a configuration, fitting what stands in a folder.
//!
//! `found` (what the folder says of servers, frameworks and agents) · `settings` (the servers in each agent's own settings) ·
//! `python` (the tools a program declares) · `draft` (the policy they come to) · `report` (what is left to do). Nothing is run, nothing is fetched and nothing
//! is overwritten.

mod draft;
mod found;
mod python;
mod report;
mod settings;

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use enforcecore_host::config::{CONFIG_FILE, Given};

use crate::dispatch::{Command, Invocation};
use crate::error::{CommandError, Exit};
use crate::output::Output;
use draft::{Draft, POLICY_FILE};
use found::Found;
use report::report;

/// Write a first policy, its tests and a configuration that fit this folder
#[derive(Debug, Args)]
#[command(after_help = "\
It looks for the MCP servers that agents start here (.mcp.json, .vscode/mcp.json
and claude_desktop_config.json; the settings in .claude, .codex, .cursor,
.gemini, .amazonq, .roo and .zed), for Python agent frameworks and the functions
they call tools, and for coding agents. It runs nothing and overwrites nothing.

Examples:
  enforcecore init
  enforcecore init path/to/project")]
pub struct Init {
    /// The folder
    #[arg(default_value = ".", value_name = "DIR")]
    folder: PathBuf,
}

const CONFIG: &str = "\
# What `enforcecore` does in this folder and below; `enforcecore config show` prints each value and
# where it comes from. Paths are relative to this file.
policy = \"policy.yaml\"     # what is allowed
log = \".enforcecore/log\"   # the evidence: what was decided, signed
keys = \".enforcecore/keys\" # the key that signs it: keep it out of version control
workspace = \".\"            # the folder that `session.workspace` means in the policy
# A folder that the agent cannot write to; it remembers how far the log has come, so that a log
# that is cut or rewritten does not pass as whole:
# anchor = \"/path/elsewhere\"
";

impl Command for Init {
    fn enforces(&self) -> bool {
        false
    }

    fn give(&self, _: &mut Given) {}

    fn run(self, _: Invocation, output: &mut Output) -> Result<Exit, CommandError> {
        let folder = self.folder.canonicalize().map_err(|error| {
            CommandError::usage(format!("cannot use the folder `{}`: {error}", self.folder.display()))
        })?;
        for name in [POLICY_FILE, CONFIG_FILE] {
            if folder.join(name).symlink_metadata().is_ok() {
                return Err(CommandError::usage(format!("`{}` is there already", self.folder.join(name).display()))
                    .help("nothing is overwritten: move it away, or change it and run `enforcecore policy check`"));
            }
        }
        let found = Found::look(&folder);
        let draft = Draft::of(&found, &folder);
        let policy = draft.policy(&name_of(&folder))?;
        write_new(&folder.join(POLICY_FILE), &policy)?;
        write_new(&folder.join(CONFIG_FILE), CONFIG)?;
        report(&folder, &found, &draft).iter().try_for_each(|line| output.line(line))?;
        output.flush()?;
        Ok(Exit::Clean)
    }
}

fn write_new(file: &Path, text: &str) -> Result<(), CommandError> {
    let open = || OpenOptions::new().write(true).create_new(true).open(file);
    let written = open().and_then(|mut file: File| file.write_all(text.as_bytes()));
    written.map_err(|error| CommandError::failed(format!("cannot write `{}`: {error}", file.display())))
}

/// The policy's name: the folder's, as far as it is plain.
fn name_of(folder: &Path) -> String {
    let name = folder.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let plain = plain.trim_matches('-');
    if plain.starts_with(|c: char| c.is_ascii_alphabetic()) { plain.to_owned() } else { "agent".to_owned() }
}
