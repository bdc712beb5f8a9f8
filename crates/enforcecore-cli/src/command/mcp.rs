//! `enforcecore mcp`: puts a policy in front of an MCP server.

use std::ffi::OsString;

use clap::Args;
use enforcecore::audit::hex;
use enforcecore::call::Context;
use enforcecore::ports::Random;
use enforcecore::value::Value;
use enforcecore_gateway::mcp::{Ended, FACE, MESSAGE_BYTES, Proxy, Server, explain};
use enforcecore_host::assembly::enforcer;
use enforcecore_host::clock::SystemRandom;
use enforcecore_host::config::{Config, Given, Key, SIZE_FORM, bytes_of};
use enforcecore_host::process::{Spawn, adopt_orphans};
use enforcecore_host::stderr::Stderr;

use crate::dispatch::{Command, Invocation};
use crate::error::{CommandError, Exit};
use crate::output::Output;
use crate::settings::{self, EvidenceFlags, PolicyFlags, WorkspaceFlags, checked};

const EXAMPLES: &str = "\
Examples:
  enforcecore mcp --policy policy.yaml -- \\
    npx -y @modelcontextprotocol/server-filesystem .
  enforcecore mcp --policy policy.yaml --log-level info -- mcp-server-git
  enforcecore mcp --explain

In an agent's settings, put it in front of the server's own command:
  {\"command\": \"enforcecore\",
   \"args\": [\"mcp\", \"--policy\", \"policy.yaml\", \"--\", \"npx\", \"...\"]}

The server gets only what the policy allows, and is ended with all it started
when its client leaves. An overdue call is cancelled. A server that does not
react to that is ended, and started again if the policy says `restart: true`.

Exit status: 0 the client left, 2 wrong usage, 5 enforcement failed: a file that
cannot be read, a policy or configuration with mistakes, a server that ended.";

/// Put a policy in front of an MCP server (stdio)
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Mcp {
    #[command(flatten)]
    policy: PolicyFlags,
    #[command(flatten)]
    evidence: EvidenceFlags,
    #[command(flatten)]
    workspace: WorkspaceFlags,
    /// The session's name, by which budgets and facts are kept; a fresh one if not given
    #[arg(long, value_name = "NAME")]
    session: Option<String>,
    /// How long the server may take to answer a `ping` after an overdue call was cancelled [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = |text: &str| checked(Key::CancelGrace, text))]
    cancel_grace: Option<String>,
    /// Bytes of one message at most, such as `32MiB` (64KiB to 64MiB) [default: 16MiB]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    mcp_message_max: Option<String>,
    /// Say what passes between a client and a server, and start nothing
    #[arg(long)]
    explain: bool,
    /// The server's command
    #[arg(last = true, required_unless_present = "explain", value_name = "SERVER")]
    server: Vec<OsString>,
}

impl Command for Mcp {
    fn enforces(&self) -> bool {
        true
    }

    fn give(&self, given: &mut Given) {
        self.policy.give(given);
        self.evidence.give(given);
        self.workspace.give(given);
        given.add(Key::McpMessageMax, self.mcp_message_max.as_ref());
        given.add(Key::CancelGrace, self.cancel_grace.as_ref());
    }

    /// Stdout belongs to the protocol from here on.
    fn run(self, invocation: Invocation, output: &mut Output) -> Result<Exit, CommandError> {
        let config = invocation.config?;
        let message_max = bytes_of(config.text(Key::McpMessageMax)).unwrap_or(MESSAGE_BYTES);
        if self.explain {
            output.line(&explain(message_max))?;
            return Ok(Exit::Clean);
        }
        let context = context(&config, self.session)?;
        let enforcer = enforcer(settings::setup(&config, FACE)?)?;
        // Nothing but the server is started here, so whatever is below us is the server's.
        adopt_orphans().map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let ended = runtime.block_on(async {
            // Started from the thread that stays to the end.
            let (program, arguments) = self.server.split_first().ok_or_else(|| CommandError::usage("no server"))?;
            let server = Server::start(&Spawn::new(program).args(arguments)).map_err(failed)?;
            let stderr = Box::new(Stderr);
            let proxy = Proxy { enforcer, context, stderr, cancel_grace: config.cancel_grace(), message_max };
            let stop = told_to_stop()?;
            proxy.run(tokio::io::stdin(), tokio::io::stdout(), server, stop).await.map_err(failed)
        });
        // A thread that still waits for the client's next line is left behind.
        runtime.shutdown_background();
        match ended? {
            Ended::ClientLeft | Ended::Stopped => Ok(Exit::Clean),
            Ended::ServerLeft(status) => {
                let how = status.map_or_else(|| "and the reason is unknown".to_owned(), |status| status.to_string());
                Err(CommandError::failed(format!("the server ended while its client was there: {how}"))
                    .help("what it said last stands above; `--log-level info` shows each call"))
            }
        }
    }
}

/// A size that a message may have.
fn size(text: &str) -> Result<String, String> {
    bytes_of(text).map(|_| text.to_owned()).ok_or_else(|| format!("a size is {SIZE_FORM}"))
}

fn context(config: &Config, session: Option<String>) -> Result<Context, CommandError> {
    let workspace = config.path(Key::Workspace).unwrap_or_default();
    let workspace = workspace.canonicalize().map_err(|error| {
        CommandError::failed(format!("the workspace `{}` cannot be used: {error}", workspace.display()))
    })?;
    let workspace = workspace.to_str().ok_or_else(|| CommandError::usage("the workspace's name is not UTF-8"))?;
    let session_id = session.map_or_else(fresh_name, Ok)?;
    // From which folder the server reads a relative path is not known: only its tools' `base:` says it.
    let session = [("workspace".to_owned(), Value::from(workspace))].into_iter().collect();
    Ok(Context { session_id, session, ..Context::default() })
}

fn fresh_name() -> Result<String, CommandError> {
    let mut bytes = [0; 16];
    SystemRandom.fill(&mut bytes).map_err(failed)?;
    Ok(format!("mcp-{}", hex(&bytes)))
}

/// Resolves when the process is asked to end.
#[cfg(unix)]
fn told_to_stop() -> Result<impl Future<Output = ()>, CommandError> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn told_to_stop() -> Result<impl Future<Output = ()>, CommandError> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

fn failed(error: impl std::fmt::Display) -> CommandError {
    CommandError::failed(error.to_string())
}
