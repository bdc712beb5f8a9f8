//! The MCP servers in the settings of editors and coding agents, and what to change there, each in its file's own format.

use std::path::Path;

use serde_json::{Map, Value as Json, json};
use toml::de::{DeTable, DeValue};

/// Settings in a project, in the order they are looked at.
pub const SETTINGS: [Settings; 10] = [
    Settings { file: ".mcp.json", member: "mcpServers", format: SettingsFormat::Json },
    Settings { file: ".cursor/mcp.json", member: "mcpServers", format: SettingsFormat::Json },
    Settings { file: ".vscode/mcp.json", member: "servers", format: SettingsFormat::Json },
    Settings { file: "claude_desktop_config.json", member: "mcpServers", format: SettingsFormat::Json },
    Settings { file: ".claude/settings.json", member: "mcpServers", format: SettingsFormat::Json },
    Settings { file: ".codex/config.toml", member: "mcp_servers", format: SettingsFormat::Toml },
    Settings { file: ".gemini/settings.json", member: "mcpServers", format: SettingsFormat::Json },
    Settings { file: ".amazonq/mcp.json", member: "mcpServers", format: SettingsFormat::Json },
    Settings { file: ".roo/mcp.json", member: "mcpServers", format: SettingsFormat::Json },
    Settings { file: ".zed/settings.json", member: "context_servers", format: SettingsFormat::Json },
];

/// A file in which MCP servers may stand.
#[derive(Debug)]
pub struct Settings {
    /// The file, relative to the project.
    pub file: &'static str,
    /// Its format.
    pub format: SettingsFormat,
    /// The member that lists the servers by name.
    member: &'static str,
}

/// How a file is written.
#[derive(Clone, Copy, Debug)]
pub enum SettingsFormat {
    /// JSON.
    Json,
    /// TOML.
    Toml,
}

/// An MCP server that a command starts.
#[derive(Debug)]
pub struct Server {
    /// The settings it stands in.
    pub file: &'static str,
    /// Its name there.
    pub name: String,
    /// What starts it.
    command: String,
    /// With these arguments.
    args: Vec<String>,
    spelling: Spelling,
}

/// How an entry says what starts its server.
#[derive(Debug)]
enum Spelling {
    /// `"command": "c", "args": []`
    Members,
    /// `"command": {"path": "c", "args": []}`
    Nested,
    /// `command = "c"` and `args = []`
    Lines,
}

impl Settings {
    /// The entries of the file's text, by name; none if the text is not of the format.
    pub fn entries(&self, text: &str) -> Option<Map<String, Json>> {
        let all = match self.format {
            SettingsFormat::Json => serde_json::from_str(text).ok()?,
            SettingsFormat::Toml => of_table(DeTable::parse(text).ok()?.get_ref()),
        };
        Some(all.get(self.member).and_then(Json::as_object).cloned().unwrap_or_default())
    }

    /// The server of an entry, if a command starts it.
    pub fn server(&self, name: &str, entry: &Json) -> Option<Server> {
        let (command, args, spelling) = match (entry.get("command")?, self.format) {
            (Json::Object(nested), _) => (nested.get("path")?, nested.get("args"), Spelling::Nested),
            (command, SettingsFormat::Json) => (command, entry.get("args"), Spelling::Members),
            (command, SettingsFormat::Toml) => (command, entry.get("args"), Spelling::Lines),
        };
        let args = args.and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
        let (command, args) = (command.as_str()?.to_owned(), args.map(str::to_owned).collect());
        Some(Server { file: self.file, name: name.to_owned(), command, args, spelling })
    }
}

impl SettingsFormat {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            SettingsFormat::Json => "JSON",
            SettingsFormat::Toml => "TOML",
        }
    }
}

impl Server {
    /// A server in the settings that most agents read.
    pub fn example() -> Server {
        let (name, command, args) = ("example".to_owned(), "SERVER".to_owned(), vec!["ARGUMENT".to_owned()]);
        Server { file: ".mcp.json", name, command, args, spelling: Spelling::Members }
    }

    /// Whether it is this package, whatever starts it.
    pub fn is(&self, package: &str) -> bool {
        std::iter::once(&self.command).chain(&self.args).any(|word| Server::names(word, package))
    }

    /// The package in a registry, its program, or a file in its folder.
    fn names(word: &str, package: &str) -> bool {
        let plain = |part: &str| part.split(['@', '=']).next().unwrap_or_default().to_owned();
        word.split('/').map(plain).any(|part| part.strip_prefix("mcp-").unwrap_or(&part) == package || part == package)
    }

    /// The first folder that it is given behind its package's name, as an absolute path: a relative one starts in the project,
    /// where agents start their servers. None for the project itself.
    pub fn folder(&self, package: &str, project: &Path) -> Option<String> {
        let named = self.args.iter().position(|word| Server::names(word, package)).map_or(0, |at| at + 1);
        let given = self.args.iter().skip(named).find(|word| !word.starts_with('-'))?;
        let folder = project.join(given).to_str()?.to_owned();
        // What YAML or a policy could read as anything else is left to a person.
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
        let whole = folder.split('/').skip(1).all(|part| !matches!(part, "" | "." | ".."));
        (folder.starts_with('/') && folder.chars().all(plain) && whole).then_some(folder)
    }

    /// Whether the proxy starts it already.
    pub fn is_behind_a_policy(&self) -> bool {
        self.command.rsplit('/').next() == Some("enforcecore")
    }

    /// The changed members of its entry, which start it behind the policy that the configuration names.
    pub fn behind_policy(&self, config: &str) -> Vec<String> {
        let ours = ["mcp", "--config", config, "--", &self.command];
        let args = json!(ours.into_iter().chain(self.args.iter().map(String::as_str)).collect::<Vec<_>>());
        match self.spelling {
            Spelling::Members => vec![format!("\"command\": \"enforcecore\", \"args\": {args}")],
            Spelling::Nested => vec![format!("\"command\": {{\"path\": \"enforcecore\", \"args\": {args}}}")],
            // A text of JSON and a list of them are written alike in TOML.
            Spelling::Lines => vec!["command = \"enforcecore\"".to_owned(), format!("args = {args}")],
        }
    }
}

/// A table of TOML, as far as settings of servers go: other values than text, lists and tables say nothing here.
fn of_table(table: &DeTable<'_>) -> Json {
    table.iter().map(|(key, value)| (key.get_ref().to_string(), of_value(value.get_ref()))).collect()
}

fn of_value(value: &DeValue<'_>) -> Json {
    match value {
        DeValue::String(text) => json!(text),
        DeValue::Array(items) => items.iter().map(|item| of_value(item.get_ref())).collect(),
        DeValue::Table(table) => of_table(table),
        _ => Json::Null,
    }
}
