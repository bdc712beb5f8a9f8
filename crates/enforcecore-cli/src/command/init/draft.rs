//! The policy that a folder's tools come to.
//!
//! What only looks is allowed, inside the workspace where it takes a path; what changes something asks first. A tool whose
//! arguments have no type in the policy language is left out; a comment says which, why, and what becomes of its calls.

use std::fmt::Write;
use std::path::Path;

use enforcecore::inline_tests::run_tests;
use enforcecore::policy::Policy;
use enforcecore::ports::{PolicySource, PolicyText, StoreError};
use enforcecore_host::paths::FileSystem;

use super::found::Found;
use super::python::{Function, Param};
use super::settings::Server;
use crate::error::CommandError;
use crate::render::hanging;

/// MCP servers whose tools are known.
const KNOWN: [(&str, &str); 2] = [
    ("server-filesystem", include_str!("fragments/filesystem.yaml")),
    ("mcp-server-git", include_str!("fragments/git.yaml")),
];

const GENERIC: &str = include_str!("fragments/generic.yaml");

/// Where the policy goes.
pub const POLICY_FILE: &str = "policy.yaml";

/// Columns of a comment, and of what is said in a terminal.
pub const COLUMNS: usize = 100;

/// Tools of Python that no simple reading finds.
pub const NOT_SEEN: &str = "Tools made without `@tool` are not seen by `init` and NOT PROTECTED either: \
    subclasses of `BaseTool`, `StructuredTool.from_function(f)`, plain functions in a list of tools.";

/// A policy in the making.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    tools: String,
    rules: String,
    tests: String,
    looks: Vec<String>,
    python: bool,
    /// Only servers are found, and their tools are known.
    known_servers_alone: bool,
    /// Tools that ask first.
    pub asks: Vec<String>,
    /// Python functions in the policy that can be decorated, with their places.
    pub functions: Vec<String>,
    /// Python functions that cannot be decorated, because they are asynchronous.
    pub asynchronous: Vec<String>,
    /// Python functions that are not in the policy, each with the reason.
    pub undeclared: Vec<String>,
    /// Tools of MCP servers that are not in the policy, each with the reason.
    pub refused: Vec<String>,
}

impl Draft {
    /// What is found, as a policy.
    pub fn of(found: &Found, project: &Path) -> Draft {
        let known = |server: &&Server| KNOWN.iter().any(|(package, _)| server.is(package));
        let mut draft = Draft {
            python: found.python,
            known_servers_alone: found.functions.is_empty()
                && !found.servers.is_empty()
                && found.servers.iter().all(|server| known(&server)),
            ..Draft::default()
        };
        for (package, fragment) in KNOWN {
            if let Some(server) = found.servers.iter().find(|server| server.is(package)) {
                let base = server.folder(package, project).unwrap_or_else(|| "session.workspace".to_owned());
                draft.add_fragment(&fragment.replace("BASE", &base));
            }
        }
        for server in found.servers.iter().filter(|server| !known(server)) {
            draft.refused.push(on_one_line(&format!(
                "the tools of `{}`: they are not known. To learn them, set `log_level = \"info\"` in enforcecore.toml and \
                 start the agent: the proxy names each tool that it does not show, with its arguments, on standard error",
                server.name
            )));
        }
        if found.servers.is_empty() && found.functions.is_empty() {
            draft.add_fragment(GENERIC);
        }
        found.functions.iter().for_each(|function| draft.add_function(function));
        draft.finish();
        draft
    }

    /// The text, which loads without a warning and passes its tests.
    pub fn policy(&self, name: &str) -> Result<String, CommandError> {
        let text = self.text(name);
        let wrong = |why: String| CommandError::failed(format!("the policy that fits this folder is not sound: {why}"));
        let loaded = load(&text).map_err(wrong)?;
        let failed = run_tests(&loaded, &FileSystem).results.into_iter().find(|result| !result.passed);
        match failed {
            Some(result) => Err(wrong(format!("line {}: {}", result.span.line, result.reason))),
            None => Ok(text),
        }
    }

    fn text(&self, name: &str) -> String {
        let mut text = format!(
            "# What the agent may do. Nothing is allowed unless a rule below allows it. `enforcecore policy\n\
             # check` finds mistakes, `enforcecore policy test` runs the tests at the end, `enforcecore explain\n\
             # CODE` says what a refusal means.\nenforcecore: 1 # the version of the policy language\nname: {name}\nversion: \
             \"1\" # yours: it stands in the evidence\n\n"
        );
        if self.python {
            text.push_str(PYTHON);
            let _ = write!(text, "{}\n\n", hanging("# ", "# ", NOT_SEEN, COLUMNS));
        }
        if self.tools.is_empty() {
            text.push_str(STRICT);
        } else {
            let _ = write!(text, "tools:\n{}\n", self.tools);
        }
        text.push_str(&self.absent());
        match self.rules.as_str() {
            "" => text.push_str("rules: []\n\n"),
            rules => text.push_str(&format!("rules:\n{rules}\n")),
        }
        if !self.asks.is_empty() {
            text.push_str(APPROVALS);
        }
        text.push_str(REDACT);
        // How long the tools of an unknown server take is unknown, and inside one interpreter no call can be ended.
        if self.known_servers_alone {
            text.push_str(DEADLINE);
        }
        let _ = write!(text, "\ntests:\n{}{UNKNOWN}", self.tests);
        text
    }

    /// Comments about the tools that were found and whose calls no rule below decides.
    fn absent(&self) -> String {
        let mut text = String::new();
        for (tools, what) in [(&self.refused, REFUSED), (&self.undeclared, UNDECLARED), (&self.asynchronous, ASYNC)] {
            if !tools.is_empty() {
                let tools = tools.iter().map(|tool| hanging("#   ", "#     ", tool, COLUMNS) + "\n");
                let _ = write!(text, "{}\n{}\n", hanging("# ", "# ", what, COLUMNS), tools.collect::<String>());
            }
        }
        text
    }

    fn add_fragment(&mut self, fragment: &str) {
        let section = |name: &str| {
            let lines = fragment.lines().skip_while(|line| *line != name).skip(1);
            lines.take_while(|line| line.starts_with(' ')).fold(String::new(), |all, line| all + line + "\n")
        };
        self.tools.push_str(&section("tools:"));
        self.rules.push_str(&section("rules:"));
        self.tests.push_str(&section("tests:"));
    }

    /// Takes a function in if the policy is still sound with it.
    fn add_function(&mut self, function: &Function) {
        let place = on_one_line(&format!("{} in {}", function.name, function.place));
        let undeclared = |why: &str| format!("{place}: {}", on_one_line(why));
        if function.asynchronous {
            self.asynchronous.push(place.clone());
        }
        let tool = match Tool::of(function) {
            Ok(tool) => tool,
            Err(param) => return self.undeclared.push(undeclared(&untyped(function, param))),
        };
        let mut with = self.clone();
        with.add_tool(&tool, &function.place);
        let mut whole = with.clone();
        whole.finish();
        if let Err(why) = load(&whole.text("draft")) {
            return self.undeclared.push(undeclared(&why));
        }
        *self = with;
        if !function.asynchronous {
            self.functions.push(place);
        }
    }

    fn add_tool(&mut self, tool: &Tool<'_>, place: &str) {
        let Tool { name, effect, args } = tool;
        let declared: Vec<String> =
            args.iter().map(|arg| format!("{}{}: {}", arg.name, if arg.optional { "?" } else { "" }, arg.ty)).collect();
        let _ = write!(
            self.tools,
            "  {name}: # {place}\n    does: {effect} # as its name says: correct it if that is not all\n    args: {{{}}}\n    \
             returns: untrusted # others may have written what it returns\n",
            declared.join(", ")
        );
        let paths: Vec<&Arg<'_>> = args.iter().filter(|arg| arg.ty == "path").collect();
        let expected = if !paths.is_empty() && matches!(*effect, "reads" | "writes") {
            self.add_inside(tool);
            format!("allow by {name}-inside")
        } else if *effect == "reads" {
            self.looks.push((*name).to_owned());
            "allow by look".to_owned()
        } else {
            self.asks.push((*name).to_owned());
            "ask by ask-first".to_owned()
        };
        self.add_test(tool, "/project/example", &expected);
        if expected.ends_with("-inside") {
            self.add_test(tool, "/etc/passwd", "deny by no rule");
        }
    }

    fn add_inside(&mut self, Tool { name, effect, args }: &Tool<'_>) {
        let conditions = args.iter().filter_map(|arg| match arg.ty {
            "path" => Some(format!("{}: {{under: session.workspace}}", arg.name)),
            "text" => None,
            _ if *effect == "reads" => None,
            _ => Some(format!("{}: {{any: true}}", arg.name)),
        });
        let conditions = conditions.collect::<Vec<_>>().join(", ");
        let _ = write!(
            self.rules,
            "  # In the workspace only, wherever links and `..` lead.\n  - allow: {name}\n    id: {name}-inside\n    when: \
             {{{conditions}}}\n"
        );
    }

    fn add_test(&mut self, Tool { name, args, .. }: &Tool<'_>, path: &str, expected: &str) {
        let values = args.iter().map(|arg| format!("{}: {}", arg.name, arg.example(path)));
        let values = values.collect::<Vec<_>>().join(", ");
        let _ = write!(
            self.tests,
            "  - call: {{tool: {name}, args: {{{values}}}}}\n    given: {{session: {{workspace: /project}}}}\n    expect: \
             {expected}\n"
        );
    }

    /// The rules about several tools at once.
    fn finish(&mut self) {
        if !self.looks.is_empty() {
            let looks = self.looks.join(", ");
            let _ = write!(self.rules, "  # Looking is allowed.\n  - allow: [{looks}]\n    id: look\n");
        }
        if !self.asks.is_empty() {
            let asks = self.asks.join(", ");
            let _ = write!(self.rules, "{ASK}  - ask: [{asks}]\n    id: ask-first\n    approval: you\n");
        }
    }
}

const PYTHON: &str = "\
# A Python function is NOT PROTECTED until `@enforce` decorates it: without that it runs, whatever
# is written here.
";

/// What is said of undeclared tools of MCP servers.
const REFUSED: &str = "Found and not declared. Every call of them through `enforcecore mcp` is refused, and the agent is not \
    shown them:";

/// What is said of undeclared functions.
pub const UNDECLARED: &str = "Found and not declared. They are NOT PROTECTED until decorated with `@enforce`; from then on \
    every call of them is refused until they are declared in the policy:";

/// What is said of asynchronous functions.
pub const ASYNC: &str = "Asynchronous, which `@enforce` does not take yet, so they are NOT PROTECTED. Let each call a \
    synchronous function, and decorate that one, with the tool's name as `tool_name`:";

const ASK: &str = "  \
  # What changes something asks first. Nobody can be asked yet, neither from Python nor through
  # `enforcecore mcp`, so these calls are refused (`enforcecore explain no_approver`) until you
  # write an `allow` for the good ones, such as `when: {amount: {at_most: 50}}`, and take the tool
  # off this list.
";

const STRICT: &str = "\
# No tool is declared yet, so every call is refused. Declare each one like this, and allow it:
#   tools:
#     read_note:
#       does: reads           # or writes, deletes, executes, fetches, sends, pays, deploys, changes
#       args: {name: string}  # string, text, integer, decimal, bool, path, url, email, domain
#       returns: untrusted    # or trusted
#   rules:
#     - allow: read_note
#       id: reading

";

const APPROVALS: &str = "\
approvals:
  you: {from: local_user, valid: 15m} # who says yes, and for how long a yes holds

";

const REDACT: &str = "\
redact: {result: [secret]} # keys and tokens are taken out of what the model sees
";

const DEADLINE: &str = "\
deadline: 30s # a call that takes longer is cancelled
";

const UNKNOWN: &str = "  \
  - call: {tool: no_such_tool, args: {}}
    expect: deny by no rule # what nobody declared is refused
";

/// A tool as a policy declares it.
struct Tool<'a> {
    name: &'a str,
    effect: &'static str,
    args: Vec<Arg<'a>>,
}

struct Arg<'a> {
    name: &'a str,
    ty: &'static str,
    optional: bool,
}

impl<'a> Tool<'a> {
    /// `Err` is a parameter that has no type in the policy language.
    fn of(function: &'a Function) -> Result<Tool<'a>, &'a Param> {
        let arg = |param: &'a Param| match type_of(param) {
            Some(ty) => Ok(Arg { name: &param.name, ty, optional: param.optional }),
            None => Err(param),
        };
        let args = function.params.iter().map(arg).collect::<Result<Vec<_>, _>>()?;
        let reaches_out = args.iter().any(|arg| arg.ty == "url");
        let effect = match effect_of(&function.name) {
            "reads" if reaches_out => "fetches",
            effect => effect,
        };
        Ok(Tool { name: &function.name, effect, args })
    }
}

impl Arg<'_> {
    fn example(&self, path: &str) -> String {
        match self.ty {
            "path" => path.to_owned(),
            "integer" | "decimal" => "1".to_owned(),
            "bool" => "true".to_owned(),
            "url" => "\"https://example.com/\"".to_owned(),
            "email" => "jo@example.com".to_owned(),
            _ => "example".to_owned(),
        }
    }
}

/// Words in a function's name, and what they say that it does. The first that fits counts, the more serious ones first.
const EFFECTS: [(&str, &[&str]); 8] = [
    ("executes", &["run", "exec", "execute", "shell", "bash", "python", "eval", "command"]),
    ("pays", &["pay", "refund", "charge", "transfer", "buy", "purchase", "order"]),
    ("deletes", &["delete", "remove", "drop", "erase", "purge"]),
    ("sends", &["send", "mail", "email", "notify", "post", "publish", "message", "reply"]),
    ("deploys", &["deploy", "release", "rollout"]),
    ("writes", &["write", "create", "save", "update", "add", "set", "append", "edit", "insert", "upload", "store"]),
    ("fetches", &["fetch", "download", "http", "web", "browse", "scrape"]),
    (
        "reads",
        &["read", "get", "list", "search", "find", "load", "query", "lookup", "show", "count", "check", "describe"],
    ),
];

/// What begins the name says more than what follows: `get_order` reads.
fn effect_of(name: &str) -> &'static str {
    let name = name.to_lowercase();
    let named = |word: &str| EFFECTS.iter().find(|(_, words)| words.contains(&word)).map(|(effect, _)| *effect);
    name.split('_').find_map(named).unwrap_or("changes")
}

fn type_of(param: &Param) -> Option<&'static str> {
    let annotation = param.annotation.trim_matches(['"', '\'']);
    let inner = |wrapper: &str| annotation.strip_prefix(wrapper).and_then(|rest| rest.strip_suffix(']'));
    let annotation = inner("Annotated[").and_then(|inner| inner.split(',').next()).unwrap_or(annotation);
    let annotation = inner("Optional[").unwrap_or(annotation);
    let annotation = annotation.strip_suffix("| None").unwrap_or(annotation).trim();
    match annotation {
        "str" => Some(text_type_of(&param.name.to_lowercase())),
        "int" => Some("integer"),
        "float" | "Decimal" | "decimal.Decimal" => Some("decimal"),
        "bool" => Some("bool"),
        "Path" | "pathlib.Path" => Some("path"),
        _ => None,
    }
}

/// Why a function is left out that takes a list, an object, or is of no declared type.
fn untyped(function: &Function, Param { name, annotation, .. }: &Param) -> String {
    let what = match annotation.as_str() {
        "" => format!("`{name}` has no annotation"),
        annotation => {
            format!("`{name}: {annotation}` has no type in a policy, which knows no lists and objects")
        }
    };
    format!("{what}; declare `{}: undeclared`, and allow it by what `every_string` in it is", function.name)
}

/// Text from a folder as one line of a comment or a terminal, which must not end early.
fn on_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() || c.is_ascii_graphic() { c } else { ' ' }).collect()
}

/// What kind of text an argument of this name is.
fn text_type_of(name: &str) -> &'static str {
    match name.rsplit('_').next().unwrap_or(name) {
        "path" | "file" | "filename" | "filepath" | "directory" | "folder" | "dir" => "path",
        "url" | "uri" | "link" => "url",
        "email" | "to" | "recipient" => "email",
        "body" | "content" | "text" | "message" | "note" | "prompt" | "subject" | "query" | "question" => "text",
        _ => "string",
    }
}

/// The policy, unless there is anything to say about it.
fn load(text: &str) -> Result<Policy, String> {
    let document = PolicyText { name: "policy.yaml".to_owned(), bytes: text.as_bytes().to_vec() };
    let said = match Policy::load(document, &Alone) {
        Ok(loaded) if loaded.warnings.is_empty() => return Ok(loaded.policy),
        Ok(loaded) => loaded.warnings,
        Err(found) => found,
    };
    Err(said.into_iter().next().map(|finding| finding.message).unwrap_or_default())
}

/// A document that is bound by no other.
struct Alone;

impl PolicySource for Alone {
    fn read(&self, _from: &str, name: &str) -> Result<PolicyText, StoreError> {
        Err(StoreError::new(format!("read `{name}`"), "this policy stands alone"))
    }
}
