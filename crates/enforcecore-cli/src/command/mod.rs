//! One file per command, and one row.

pub mod audit;
pub mod completions;
pub mod config;
pub mod decide;
#[cfg(feature = "demo")]
pub mod demo;
#[cfg(feature = "demo")]
pub mod demo_server;
pub mod explain;
pub mod init;
pub mod man;
pub mod mcp;
pub mod policy;
pub mod session;

use crate::dispatch::commands;

// A doc comment would stand in the program's help.
commands! {
    pub enum Commands {
        #[command(subcommand)]
        Audit(audit::AuditCommands),
        Completions(completions::Completions),
        #[command(subcommand)]
        Config(config::ConfigCommands),
        Decide(decide::Decide),
        #[cfg(feature = "demo")]
        Demo(demo::Demo),
        #[cfg(feature = "demo")]
        DemoServer(demo_server::DemoServer),
        Explain(explain::Explain),
        Init(init::Init),
        Man(man::Man),
        Mcp(mcp::Mcp),
        #[command(subcommand)]
        Policy(policy::PolicyCommands),
        #[command(subcommand)]
        Session(session::SessionCommands),
    }
}
