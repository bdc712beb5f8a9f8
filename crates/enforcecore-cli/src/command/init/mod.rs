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
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use enforcecore_host::config::{CONFIG_FILE, Given, Key};

use crate::dispatch::{Command, Invocation};
use crate::error::{CommandError, Exit};
use crate::output::{Output, ask_line};
use crate::settings::{Named, word};
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

The log names principals and sessions by keyed names, or in clear as well: then
it answers who called what without the secret of names, and the names cannot be
erased from it. Without --identities a person at a terminal is asked; anywhere
else it is `keyed`.

Examples:
  enforcecore init
  enforcecore init path/to/project
  enforcecore init --identities clear")]
pub struct Init {
    /// The folder
    #[arg(default_value = ".", value_name = "DIR")]
    folder: PathBuf,
    /// How the log names principals and sessions
    #[arg(long, value_name = "HOW")]
    identities: Option<Named>,
}

const CONFIG: &str = "\
# What `enforcecore` does in this folder and below; `enforcecore config show` prints each value and
# where it comes from. Paths are relative to this file.
policy = \"policy.yaml\"     # what is allowed
log = \".enforcecore/log\"   # the evidence: what was decided, signed
keys = \".enforcecore/keys\" # the key that signs it: keep it out of version control
workspace = \".\"            # the folder that `session.workspace` means in the policy
# How the log names principals and sessions: \"keyed\" (a person with the secret in `keys` can find a
# name, and no one can read it) or \"clear\" (as they are; they CANNOT BE ERASED from a signed log):
identities = \"IDENTITIES\"
# A folder that the agent cannot write to; it remembers how far the log has come, so that a log
# that is cut or rewritten does not pass as whole:
# anchor = \"/path/elsewhere\"
";

impl Command for Init {
    fn enforces(&self) -> bool {
        false
    }

    fn give(&self, given: &mut Given) {
        given.add(Key::Identities, word(self.identities));
    }

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
        let identities = word(Some(self.identities.map_or_else(ask, Ok)?)).unwrap_or_default();
        write_new(&folder.join(POLICY_FILE), &policy)?;
        write_new(&folder.join(CONFIG_FILE), &CONFIG.replace("IDENTITIES", &identities))?;
        report(&folder, &found, &draft, &identities).iter().try_for_each(|line| output.line(line))?;
        output.flush()?;
        Ok(Exit::Clean)
    }
}

/// Asks a person at the terminal how the log is to name people; where there is none, it names them by keyed names.
fn ask() -> Result<Named, CommandError> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Ok(Named::Keyed);
    }
    ask_line(QUESTION)?;
    answer(&mut io::stdin().lock())
}

const QUESTION: &str = "\
The log names principals and sessions by keyed names. In clear it is easier to
read, and the names CANNOT BE ERASED from it later. Names in clear? [y/N] ";

/// What a person answers: yes in full or by its letter, and no otherwise.
fn answer(input: &mut impl BufRead) -> Result<Named, CommandError> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    let yes = ["y", "yes"].contains(&line.trim().to_lowercase().as_str());
    Ok(if yes { Named::Clear } else { Named::Keyed })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_makes_names_clear() {
        for (typed, clear) in
            [("y\n", true), (" YES \n", true), ("\n", false), ("n\n", false), ("", false), ("yesterday\n", false)]
        {
            assert_eq!(matches!(answer(&mut typed.as_bytes()).unwrap(), Named::Clear), clear, "{typed:?}");
        }
    }
}
