//! Flags that lie over the configuration, and what enforcing commands take from it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use enforcecore::capabilities::Face;
use enforcecore_host::assembly::Setup;
use enforcecore_host::config::{Config, Given, Key};

use crate::error::CommandError;

/// How commands that enforce take a policy.
const POLICY_FLAG: &str = "give --policy FILE";

/// Which policy is enforced.
#[derive(Debug, Args)]
pub struct PolicyFlags {
    /// The policy
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

impl PolicyFlags {
    /// Adds what these flags say.
    pub fn give(&self, given: &mut Given) {
        given.add(Key::Policy, self.policy.as_ref());
    }
}

/// Where the evidence goes, and how.
#[derive(Debug, Args)]
pub struct EvidenceFlags {
    /// Where the evidence goes [default: .enforcecore/log]
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
    /// Where the signing key is [default: .enforcecore/keys]
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// The folder for the last checkpoint, outside the log
    #[arg(long, value_name = "DIR")]
    anchor: Option<PathBuf>,
    /// The log's name in its checkpoints [default: enforcecore.local/log]
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
    /// When an entry counts as written: `strict` (on stable storage, the default) or `buffered`
    #[arg(long, value_name = "HOW")]
    durability: Option<Acknowledged>,
    /// How the log names principals and sessions: `keyed` (the default) or `clear`, which cannot be erased
    #[arg(long, value_name = "HOW")]
    identities: Option<Named>,
    /// After how long without a call a session's state leaves memory [default: 24h]
    #[arg(long, value_name = "TIME", value_parser = |text: &str| checked(Key::SessionIdle, text))]
    session_idle: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Acknowledged {
    Strict,
    Buffered,
}

/// How the log names who calls.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Named {
    /// By keyed names alone.
    Keyed,
    /// In clear as well.
    Clear,
}

impl EvidenceFlags {
    /// Adds what these flags say.
    pub fn give(&self, given: &mut Given) {
        given.add(Key::Log, self.log.as_ref());
        given.add(Key::Keys, self.keys.as_ref());
        given.add(Key::Anchor, self.anchor.as_ref());
        given.add(Key::Origin, self.origin.as_ref());
        given.add(Key::Durability, word(self.durability));
        given.add(Key::Identities, word(self.identities));
        given.add(Key::SessionIdle, self.session_idle.as_ref());
    }
}

/// Where the agent works.
#[derive(Debug, Args)]
pub struct WorkspaceFlags {
    /// The folder that `session.workspace` means [default: .]
    #[arg(long, value_name = "DIR")]
    workspace: Option<PathBuf>,
}

impl WorkspaceFlags {
    /// Adds what these flags say.
    pub fn give(&self, given: &mut Given) {
        given.add(Key::Workspace, self.workspace.as_ref());
    }
}

/// A flag's value, as the key takes it.
pub fn checked(key: Key, text: &str) -> Result<String, String> {
    key.check(text).map(|()| text.to_owned()).map_err(|why| format!("`{}` {why}", key.name()))
}

/// The word of a flag that takes one of several.
pub fn word(value: Option<impl ValueEnum>) -> Option<String> {
    value.and_then(|value| value.to_possible_value()).map(|value| value.get_name().to_owned())
}

/// The policy to use; `way` is how the command takes one.
pub fn policy(config: &Config, way: &str) -> Result<PathBuf, CommandError> {
    config.path(Key::Policy).ok_or_else(|| no_policy(way))
}

/// The parts of an enforcer.
pub fn setup(config: &Config, face: Face) -> Result<Setup, CommandError> {
    config.setup(face).ok_or_else(|| no_policy(POLICY_FLAG))
}

fn no_policy(way: &str) -> CommandError {
    CommandError::usage("no policy is named")
        .help(format!("{way}, or write `policy = \"policy.yaml\"` into enforcecore.toml"))
}
