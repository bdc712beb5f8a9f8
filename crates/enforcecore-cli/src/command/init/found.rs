//! What a folder says of MCP servers, agent frameworks and coding agents.

use std::fs;
use std::path::{Path, PathBuf};

use enforcecore::diagnostic::one_line;
use enforcecore_host::files::{self, How, MadeBy, read_text};

use super::python::{self, Function};
use super::settings::{SETTINGS, Server, Settings};

/// Bytes read of a file at most: settings and sources that people write are smaller.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Python files looked into at most.
const FILES_MAX: usize = 2000;
/// Tools taken at most: each is checked together with those before it.
const FUNCTIONS_MAX: usize = 300;
/// Levels of folders looked into at most.
const DEPTH_MAX: usize = 8;

/// Python packages whose tools are functions.
const FRAMEWORKS: [(&str, &str); 9] = [
    ("langchain", "LangChain"),
    ("langgraph", "LangGraph"),
    ("crewai", "CrewAI"),
    ("openai-agents", "the OpenAI Agents SDK"),
    ("pydantic-ai", "Pydantic AI"),
    ("smolagents", "smolagents"),
    ("llama-index", "LlamaIndex"),
    ("autogen-agentchat", "AutoGen"),
    ("fastmcp", "FastMCP"),
];

/// Coding agents by what they leave in a project.
const AGENTS: [(&str, &str); 8] = [
    (".claude/settings.json", "Claude Code"),
    (".codex", "Codex"),
    (".cursor", "Cursor"),
    (".gemini", "Gemini CLI"),
    (".amazonq", "Amazon Q"),
    (".roo", "Roo Code"),
    (".zed", "Zed"),
    ("AGENTS.md", "instructions for coding agents"),
];

/// Folders that hold other people's code.
const NOT_OURS: [&str; 6] = ["node_modules", "site-packages", "__pycache__", "venv", "build", "dist"];

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Found {
    /// MCP servers that a command starts.
    pub servers: Vec<Server>,
    /// Whether a Python agent framework is required.
    pub python: bool,
    /// Functions that are tools.
    pub functions: Vec<Function>,
    /// What was found, in words.
    pub notes: Vec<String>,
}

impl Found {
    /// Looks at the folder. What cannot be read is said, and not an error: a first policy can do without.
    pub fn look(folder: &Path) -> Found {
        let mut found = Found::default();
        SETTINGS.iter().for_each(|settings| found.look_at_settings(folder, settings));
        found.look_at_python(folder);
        for (file, agent) in AGENTS {
            if folder.join(file).exists() {
                let limit = "its own tools (shell, editing) are not covered by this policy";
                found.notes.push(format!("{agent} in {file}; {limit}"));
            }
        }
        found
    }

    fn look_at_settings(&mut self, folder: &Path, settings: &'static Settings) {
        let file = settings.file;
        if !folder.join(file).exists() {
            return;
        }
        let Some(entries) = read(&folder.join(file)).and_then(|text| settings.entries(&text)) else {
            let format = settings.format.name();
            return self.notes.push(format!("{file}, which cannot be read as {format} (comments?)"));
        };
        for (name, entry) in entries {
            let name = one_line(&name);
            let said = match settings.server(&name, &entry) {
                None => ", which no command starts; it is not covered",
                Some(server) if server.is_behind_a_policy() => ", which is behind a policy already",
                Some(server) => {
                    self.servers.push(server);
                    ""
                }
            };
            self.notes.push(format!("MCP server `{name}` in {file}{said}"));
        }
    }

    fn look_at_python(&mut self, folder: &Path) {
        let mut named = Vec::new();
        for file in requirements(folder) {
            let text = read(&folder.join(&file)).unwrap_or_default().to_lowercase().replace('_', "-");
            let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').collect();
            let needs =
                |package: &str| words.iter().any(|word| *word == package || word.starts_with(&format!("{package}-")));
            for (_, framework) in FRAMEWORKS.iter().filter(|(package, _)| needs(package)) {
                if !named.contains(framework) {
                    self.notes.push(format!("{framework} in {}", one_line(&file)));
                    named.push(*framework);
                }
            }
        }
        self.python = !named.is_empty();
        if !self.python {
            return;
        }
        let mut files = Vec::new();
        python_files(folder, 0, &mut files);
        for file in files {
            let name = one_line(&file.strip_prefix(folder).unwrap_or(&file).display().to_string());
            self.functions.extend(python::tools(&name, &read(&file).unwrap_or_default()));
        }
        if self.functions.len() > FUNCTIONS_MAX {
            self.notes.push(format!("{} tools, of which the first {FUNCTIONS_MAX} are taken", self.functions.len()));
            self.functions.truncate(FUNCTIONS_MAX);
        }
        let places = self.functions.iter().map(|function| format!("tool `{}` in {}", function.name, function.place));
        self.notes.extend(places.collect::<Vec<_>>());
    }
}

fn requirements(folder: &Path) -> Vec<String> {
    let names = entries(folder).into_iter().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let lists =
        |name: &String| name == "pyproject.toml" || (name.starts_with("requirements") && name.ends_with(".txt"));
    names.filter(lists).collect()
}

fn python_files(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    for path in entries(folder) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let link = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
        if link || name.starts_with('.') || NOT_OURS.contains(&name.as_str()) || files.len() >= FILES_MAX {
            continue;
        }
        if path.is_dir() && depth < DEPTH_MAX {
            python_files(&path, depth + 1, files);
        } else if name.ends_with(".py") && path.is_file() {
            files.push(path);
        }
    }
}

/// What lies in a folder, in order of its name.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// The text of a file of people, if that is what it is.
fn read(file: &Path) -> Option<String> {
    let opened = files::open(file, MadeBy::Anyone, How::Read).ok()?;
    read_text(opened.file, FILE_BYTES_MAX).ok()
}
