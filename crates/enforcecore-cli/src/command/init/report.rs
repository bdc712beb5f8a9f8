//! What `init` says: what was found, what the policy leaves unprotected, and what is left to do.

use std::path::Path;

use enforcecore::redact::{ClassSet, redact_text};
use enforcecore_host::config::CONFIG_FILE;

use super::draft::{ASYNC, COLUMNS, Draft, NOT_SEEN, POLICY_FILE, UNDECLARED};
use super::found::Found;
use super::settings::Server;
use crate::render::hanging;

/// The lines of the report.
pub fn report(folder: &Path, found: &Found, draft: &Draft, identities: &str) -> Vec<String> {
    let mut lines = vec![format!("wrote {POLICY_FILE} and {CONFIG_FILE}"), String::new()];
    lines.extend(found.notes.iter().map(|note| prose(&format!("found {note}"))));
    lines.extend(draft.refused.iter().map(|tool| prose(&format!("left out {tool}"))));
    let nothing = found.servers.is_empty() && found.functions.is_empty();
    if nothing {
        lines.push(prose(NOTHING));
    }
    let names = if identities == "clear" { CLEAR } else { KEYED };
    lines.push(prose(names));
    lines.push("\nnext:".to_owned());
    lines.push("  enforcecore policy test     run the tests that stand in the policy".to_owned());
    lines.push("  enforcecore policy check    after each change".to_owned());
    lines.push("  keep .enforcecore out of version control: the signing key is in there".to_owned());
    for server in &found.servers {
        lines.push(format!("\nin {}, put the policy in front of `{}`:", server.file, server.name));
        lines.extend(changed_setting(folder, server));
    }
    if nothing {
        lines.push("\nin your agent's settings, put the policy in front of an MCP server:".to_owned());
        lines.extend(changed_setting(folder, &Server::example()));
    }
    if nothing || found.python {
        lines.extend(in_python(draft));
    }
    lines
}

const KEYED: &str = "the log names principals and sessions by keyed names (`identities = \"keyed\"`); with `clear` it names them as \
    they are, and clear names cannot be erased from a log";

const CLEAR: &str =
    "the log names principals and sessions in clear (`identities = \"clear\"`): these names CANNOT BE ERASED from it";

const NOTHING: &str = "found no tool: no MCP server that the settings of an agent start here, and no Python function \
    under `@tool` in a project whose requirements*.txt or pyproject.toml names an agent framework; policy.yaml declares \
    two examples, to be replaced by your own tools";

/// What to do in a Python program, and what is unprotected until then.
fn in_python(draft: &Draft) -> Vec<String> {
    let mut lines = vec!["\nin Python, a function is NOT PROTECTED until the policy is in front of it:".to_owned()];
    lines.push("  from enforcecore import enforce".to_owned());
    lines.push("  @enforce(policy=\"policy.yaml\")    # nearest to the `def`, below `@tool`".to_owned());
    lines.extend(draft.functions.iter().map(|function| format!("  {function}")));
    lines.push("and say around a run of the agent where paths may lead:".to_owned());
    lines.push("  from enforcecore import session".to_owned());
    lines.push("  with session(workspace=\".\"): ...".to_owned());
    for (tools, what) in [(&draft.undeclared, UNDECLARED), (&draft.asynchronous, ASYNC)] {
        if !tools.is_empty() {
            lines.push(format!("\n{}", hanging("", "", what, COLUMNS)));
            lines.extend(tools.iter().map(|tool| hanging("  ", "    ", tool, COLUMNS)));
        }
    }
    if !draft.asks.is_empty() {
        let asks = format!("{ASKS} {}", draft.asks.join(", "));
        lines.push(format!("\n{}", hanging("", "", &asks, COLUMNS)));
    }
    lines.push(format!("\n{}", hanging("", "", NOT_SEEN, COLUMNS)));
    lines
}

const ASKS: &str = "The policy says `ask` of what changes something. Nobody can be asked yet, neither from Python nor \
    through `enforcecore mcp`, so every call of these is refused (`enforcecore explain no_approver`) until you write an \
    `allow` for the good ones:";

fn prose(text: &str) -> String {
    hanging("", "  ", text, COLUMNS)
}

/// What to write into the server's settings. A secret in its arguments is not printed.
fn changed_setting(folder: &Path, server: &Server) -> Vec<String> {
    let secrets = ClassSet::named("secret").unwrap_or(ClassSet::all());
    let lines = server.behind_policy(&folder.join(CONFIG_FILE).to_string_lossy());
    lines.iter().map(|line| format!("  {}", redact_text(line, secrets).text)).collect()
}
