//! What `init` makes of folders as people have them: every policy loads without a warning and passes its own tests.
#![cfg(test)]

mod cli_support;

use cli_support::{Place, Ran, output};
use expect_test::expect_file;

const TOOLS: &str = r#"from pathlib import Path
from langchain_core.tools import tool

@tool
def search_orders(query: str, limit: int = 10) -> str:
    """Find orders."""

@tool("Refund an order")
def refund(
    order_id: str,
    amount: float,  # in USD
    note: str | None = None,
) -> str: ...

@tool
def write_report(path: Path, content: str, append: bool = False) -> None: ...

@tool
async def fetch_page(url: str) -> str: ...

@tool
def send_email(to: str, subject: str, body: str) -> None: ...

@tool
def configure(options: dict[str, str]) -> None: ...

@tool
def refund_all(order_ids: list[str], reason: str = "") -> None: ...

@tool
def anything(name: str) -> None: ...

def helper(a: str) -> str: ...
"#;

const SERVERS: &str = r#"{"mcpServers": {
  "files": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem@2026.8.31", "."]},
  "git": {"command": "uvx", "args": ["mcp-server-git", "--repository", "."]},
  "tickets": {"command": "node", "args": ["tickets.js", "ghp_0123456789abcdefghijABCDEFGHIJ012345"]},
  "guarded": {"command": "/usr/bin/enforcecore", "args": ["mcp", "--", "node", "a.js"]},
  "remote": {"url": "https://example.com/mcp"}}}"#;

const CODEX: &str = r#"model = "gpt-5" # and more
[mcp_servers.files]
command = "npx"
args = ["-y", "@modelcontextprotocol/server-filesystem", "C:\\work \"here\""]
[mcp_servers.files.env]
LEVEL = "1"
[mcp_servers."a b"]
command = "uvx"
args = ["mcp-server-git"]
[mcp_servers.remote]
url = "https://example.com/mcp"
[mcp_servers.guarded]
command = "enforcecore"
"#;

/// What `init` says and writes, and what the policy's own check and tests say.
fn check(golden: &str, files: &[(&str, &str)]) -> Place {
    let place = Place::new();
    files.iter().for_each(|(name, text)| place.write(&format!("shop/{name}"), text));
    std::fs::create_dir_all(place.path("shop")).unwrap();
    let folder = place.root().canonicalize().unwrap();
    let mut text = place.entry(&["init", "shop"], &place.run(&["init", "shop"]));
    text = text.replace(&folder.display().to_string(), "[folder]");
    for file in ["policy.yaml", "enforcecore.toml"] {
        text.push_str(&format!("==> {file}\n{}\n", place.read(&format!("shop/{file}"))));
    }
    for args in [["policy", "check", "--deny-warnings"].as_slice(), &["policy", "test"]] {
        let ran = Ran::of(output(place.command(args).current_dir(place.path("shop"))));
        assert_eq!(ran.status, 0, "{ran:?}");
        text.push_str(&ran.stdout.replace(&format!("{}/shop/", folder.display()), ""));
    }
    expect_file![format!("golden/init_{golden}.txt")].assert_eq(&text);
    let is_pasted = |line: &str| line.contains("\"args\": ") || line.contains("args = ") || line.contains("args: {");
    let long = text.lines().find(|line| line.chars().count() > 100 && !is_pasted(line));
    assert_eq!(long, None, "longer than 100 columns");
    place
}

#[test]
fn an_empty_folder_gets_a_policy_to_start_from() {
    check("empty", &[]);
}

#[test]
fn a_python_project_gets_a_policy_for_its_tools() {
    check(
        "python",
        &[
            ("requirements.txt", "langchain==1.5.0\nlangchain_openai\n"),
            ("app/tools.py", TOOLS),
            ("venv/lib/other.py", "@tool\ndef not_ours(a: str): ...\n"),
        ],
    );
}

#[test]
fn mcp_servers_get_a_policy_and_the_line_that_puts_it_in_front() {
    let place = check(
        "mcp",
        &[(".mcp.json", SERVERS), (".vscode/mcp.json", "// comments\n{}"), (".claude/settings.json", "{}")],
    );
    // The line works as it is printed: the proxy starts the server behind the policy.
    place.write("server.sh", "echo > started\n");
    let config = place.path("shop/enforcecore.toml");
    place.run(&["mcp", "--config", config.to_str().unwrap(), "--", "sh", "server.sh"]);
    assert!(place.path("started").exists() && place.path("shop/.enforcecore/log").exists());
}

/// The server resolves a relative path against its first folder, so that is what the policy says it is relative to.
#[test]
fn a_relative_path_starts_from_the_first_folder_that_a_known_server_is_given() {
    for (command, args, base) in [
        ("npx", r#"["-y", "@modelcontextprotocol/server-filesystem@1", "/srv/docs", "/srv/more"]"#, "/srv/docs"),
        ("npx", r#"["-y", "@modelcontextprotocol/server-filesystem", "."]"#, "session.workspace"),
        ("npx", r#"["-y", "@modelcontextprotocol/server-filesystem"]"#, "session.workspace"),
        ("npx", r#"["-y", "@modelcontextprotocol/server-filesystem", "/srv/../etc"]"#, "session.workspace"),
        ("npx", r#"["-y", "@modelcontextprotocol/server-filesystem", "/srv/a}, x: {y"]"#, "session.workspace"),
        ("npx", r#"["-y", "@modelcontextprotocol/server-filesystem", "docs/in"]"#, "PROJECT/docs/in"),
        ("npx", r#"["-y", "@modelcontextprotocol/server-filesystem", "../docs"]"#, "session.workspace"),
        ("/usr/bin/server-filesystem", r#"["/srv/docs"]"#, "/srv/docs"),
        ("mcp-server-filesystem", r#"["/srv/docs"]"#, "/srv/docs"),
        ("node_modules/.bin/mcp-server-filesystem", r#"["/srv/docs"]"#, "/srv/docs"),
        ("node", r#"["node_modules/@modelcontextprotocol/server-filesystem/dist/index.js", "/srv/docs"]"#, "/srv/docs"),
        ("uvx", r#"["mcp-server-git", "--repository", "/srv/repository"]"#, "/srv/repository"),
    ] {
        let place = Place::with(&[(
            ".mcp.json",
            &format!(r#"{{"mcpServers": {{"s": {{"command": "{command}", "args": {args}}}}}}}"#),
        )]);
        assert_eq!(place.run(&["init"]).status, 0);
        let policy = place.read("policy.yaml");
        let base = base.replace("PROJECT", &place.root().canonicalize().unwrap().display().to_string());
        assert!(policy.contains(&format!("path: {{type: path, base: {base}}}")), "{command} {args}: {policy}");
        assert!(!policy.contains("BASE"), "{policy}");
    }
}

#[test]
fn coding_agents_get_a_policy_and_their_setting_in_their_own_format() {
    let claude = r#"{"model": "opus", "mcpServers": {"git": {"command": "uvx", "args": ["mcp-server-git"]}}}"#;
    check("agents", &[(".claude/settings.json", claude), (".codex/config.toml", CODEX), (".git/HEAD", "")]);
    // What is printed for Codex is TOML that says the same as before, with the proxy in front.
    let ran = Place::with(&[(".codex/config.toml", CODEX)]).run(&["init"]);
    let lines: Vec<&str> = ran.stdout.lines().skip_while(|line| !line.ends_with("in front of `files`:")).collect();
    let setting = lines[1..3].join("\n");
    let table = toml::de::DeTable::parse(&setting).unwrap().into_inner();
    let args = table["args"].get_ref().as_array().unwrap();
    let args: Vec<&str> = args.iter().filter_map(|arg| arg.get_ref().as_str()).collect();
    assert_eq!(table["command"].get_ref().as_str(), Some("enforcecore"));
    assert_eq!(args[..2], ["mcp", "--config"]);
    assert_eq!(args[3..], ["--", "npx", "-y", "@modelcontextprotocol/server-filesystem", "C:\\work \"here\""]);
}

#[test]
fn each_agent_is_told_what_to_change_in_its_own_settings() {
    let members = |member: &str| format!(r#"{{"{member}": {{"t": {{"command": "node", "args": ["t.js"]}}}}}}"#);
    let nested = r#"{"context_servers": {"t": {"source": "custom", "command": {"path": "node", "args": ["t.js"]}}}}"#;
    let check = |file: &str, text: &str, setting: &str| {
        let place = Place::with(&[(file, text)]);
        let ran = place.run(&["init"]);
        let config = place.root().canonicalize().unwrap().join("enforcecore.toml");
        let args = format!(r#"["mcp","--config","{}","--","node","t.js"]"#, config.display());
        let expected = format!("in {file}, put the policy in front of `t`:\n  {}\n", setting.replace("ARGS", &args));
        assert!(ran.stdout.contains(&expected), "{file}: {} lacks {expected}", ran.stdout);
    };
    let json = r#""command": "enforcecore", "args": ARGS"#;
    for file in [".mcp.json", ".cursor/mcp.json", "claude_desktop_config.json", ".claude/settings.json"] {
        check(file, &members("mcpServers"), json);
    }
    for file in [".gemini/settings.json", ".amazonq/mcp.json", ".roo/mcp.json"] {
        check(file, &members("mcpServers"), json);
    }
    check(".vscode/mcp.json", &members("servers"), json);
    check(".zed/settings.json", &members("context_servers"), json);
    check(".zed/settings.json", nested, r#""command": {"path": "enforcecore", "args": ARGS}"#);
    let lines = "command = \"enforcecore\"\n  args = ARGS";
    check(".codex/config.toml", "[mcp_servers]\nt = {command = \"node\", args = [\"t.js\"]}\n", lines);
}

#[test]
fn settings_that_cannot_be_read_are_said() {
    for (file, format) in [(".codex/config.toml", "TOML"), (".gemini/settings.json", "JSON")] {
        let ran = Place::with(&[(file, "{ = ")]).run(&["init"]);
        assert_eq!(ran.status, 0);
        assert!(ran.stdout.contains(&format!("found {file}, which cannot be read as {format}")), "{ran:?}");
    }
}

#[test]
fn only_unknown_servers_get_a_policy_that_refuses() {
    check("unknown", &[(".cursor/mcp.json", r#"{"mcpServers": {"t": {"command": "node", "args": ["t.js"]}}}"#)]);
}

#[test]
fn names_that_policies_cannot_say_are_left_out() {
    let place = Place::new();
    place.write("pyproject.toml", "dependencies = [\"crewai>=1\"]\n");
    let strange = "@tool\ndef yes(on: str): ...\n@tool\ndef look(a: str): ...\n@tool\ndef Look(a: str): ...\n\
                   @tool\ndef größe(länge: int): ...\n@tool\ndef f(**rest): ...\n@tool\ndef g(untyped): ...\n\
                   @tool\ndef h(a: \"list\\rrules: []\"): ...\n";
    place.write("a.py", strange);
    let ran = place.run(&["init"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    for tool in ["yes", "Look", "f", "g", "h"] {
        assert!(ran.stdout.contains(&format!("\n  {tool} in a.py:")), "{tool}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains('\r'), "{ran:?}");
    let policy = place.read("policy.yaml");
    assert!(policy.contains("#   g in a.py:12: `untyped` has no annotation; declare `g: undeclared`"), "{policy}");
    assert!(policy.contains("\n  look: ") && policy.contains("größe"), "{policy}");
    assert_eq!(place.run(&["policy", "check", "--deny-warnings"]).status, 0);
    assert_eq!(place.run(&["policy", "test"]).status, 0);
}

/// Where a tool's file lies in the project, and whether it is looked at.
#[test]
fn tools_are_looked_for_in_the_projects_own_folders() {
    for (file, found) in [
        ("a.py", true),
        ("app/a.py", true),
        ("app/deep/er/a.py", true),
        ("1/2/3/4/5/6/7/8/a.py", true),
        ("1/2/3/4/5/6/7/8/9/a.py", false),
        ("a.txt", false),
        ("a.pyc", false),
        (".a.py", false),
        (".hidden/a.py", false),
        (".venv/a.py", false),
        ("node_modules/a.py", false),
        ("lib/site-packages/a.py", false),
        ("app/__pycache__/a.py", false),
        ("venv/a.py", false),
        ("build/a.py", false),
        ("dist/a.py", false),
        ("builder/a.py", true),
    ] {
        let place = Place::with(&[("requirements.txt", "crewai"), (file, "@tool\ndef mine(a: str): ...\n")]);
        let ran = place.run(&["init"]);
        assert_eq!(ran.status, 0, "{ran:?}");
        assert_eq!(ran.stdout.contains(&format!("found tool `mine` in {file}")), found, "{file}: {}", ran.stdout);
        assert_eq!(place.read("policy.yaml").contains("\n  mine: "), found, "{file}");
    }
}

/// A link to a folder or a file, at any depth and of any kind, leads to nothing that is taken for the project's.
#[test]
fn links_are_not_followed_to_tools() {
    use std::os::unix::fs::symlink;
    let tool = |name: &str| format!("@tool\ndef {name}(a: str): ...\n");
    for (link, target) in [
        ("linked", "../other"),
        ("app/linked", "../../other"),
        ("app/absolute", "ABSOLUTE"),
        ("app/second", "../../second"),
        ("linked.py", "../other/tools.py"),
        ("app/linked.py", "../../other/tools.py"),
        ("loop", "."),
        ("app/loop", ".."),
    ] {
        let place = Place::with(&[("shop/requirements.txt", "crewai"), ("shop/app/tools.py", &tool("mine"))]);
        place.write("other/tools.py", tool("theirs"));
        symlink("other", place.path("second")).unwrap();
        let target = if target == "ABSOLUTE" { place.path("other") } else { target.into() };
        symlink(target, place.path("shop").join(link)).unwrap();
        assert!(place.path("shop").join(link).exists(), "{link} leads somewhere");
        let ran = place.run(&["init", "shop"]);
        assert_eq!(ran.status, 0, "{ran:?}");
        assert_eq!(ran.stdout.matches("found tool `").count(), 1, "{link}: {}", ran.stdout);
        assert!(ran.stdout.contains("found tool `mine` in app/tools.py"), "{link}: {}", ran.stdout);
        assert!(!place.read("shop/policy.yaml").contains("theirs"), "{link}");
        // The twin, which differs in that it is no link.
        if !link.ends_with(".py") {
            std::fs::remove_file(place.path("shop").join(link)).unwrap();
            place.write(&format!("shop/{link}/tools.py"), tool("theirs"));
            std::fs::remove_file(place.path("shop/policy.yaml")).unwrap();
            std::fs::remove_file(place.path("shop/enforcecore.toml")).unwrap();
            assert!(place.run(&["init", "shop"]).stdout.contains("found tool `theirs`"), "{link}");
        }
    }
}

#[test]
fn nothing_is_overwritten() {
    for there in ["policy.yaml", "enforcecore.toml"] {
        let place = Place::with(&[(there, "# mine\n")]);
        let ran = place.run(&["init"]);
        assert_eq!(ran.status, 2);
        assert!(
            ran.stderr.contains("is there already") && ran.stderr.contains("help: nothing is overwritten"),
            "{ran:?}"
        );
        assert_eq!(place.read(there), "# mine\n");
        assert_eq!(std::fs::read_dir(place.root()).unwrap().count(), 1, "and nothing is written beside it");
    }
    let place = Place::new();
    assert_eq!(place.run(&["init", "nowhere"]).status, 2);
    std::os::unix::fs::symlink("elsewhere", place.path("policy.yaml")).unwrap();
    assert_eq!(place.run(&["init"]).status, 2, "a link to nowhere is something too");
}

/// What `init` in this place came to: the setting it wrote, and whether that is in force.
fn identities(place: &Place) -> String {
    let config = place.read("enforcecore.toml");
    let line = config.lines().find(|line| line.starts_with("identities = ")).unwrap().to_owned();
    let shown = place.run(&["config", "show"]);
    assert!(shown.stdout.contains(&format!("{line}  # ")), "{shown:?}");
    line.split('"').nth(1).unwrap().to_owned()
}

#[test]
fn the_log_names_people_by_keyed_names_unless_told_otherwise() {
    for (flags, expected) in
        [(&[][..], "keyed"), (&["--identities", "keyed"], "keyed"), (&["--identities", "clear"], "clear")]
    {
        let place = Place::new();
        let ran = place.run(&[&["init"], flags].concat());
        assert_eq!((ran.status, identities(&place).as_str()), (0, expected), "{ran:?}");
        let said = ran.stdout.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("cannot be erased from"), "{ran:?}");
        assert!(ran.stderr.is_empty(), "nobody is asked where no terminal is: {ran:?}");
    }
    assert_eq!(Place::new().run(&["init", "--identities", "plain"]).status, 2);
}

/// A person at a terminal is asked, told what cannot be undone, and answers.
#[cfg(target_os = "linux")]
#[test]
fn at_a_terminal_a_person_is_asked_how_the_log_names_people() {
    for (typed, flags, expected) in [
        ("y\n", "", "clear"),
        ("\n", "", "keyed"),
        ("n\n", "", "keyed"),
        ("y\n", " --identities keyed", "keyed"),
        ("n\n", " --identities clear", "clear"),
    ] {
        let place = Place::new();
        let command = format!("{} init{flags}", env!("CARGO_BIN_EXE_enforcecore"));
        let mut script = std::process::Command::new("script");
        script.args(["--quiet", "--return", "--command", &command, "/dev/null"]).current_dir(place.root());
        script.env("HOME", place.path("home")).stdin(std::process::Stdio::piped());
        let mut child = script.stdout(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), typed.as_bytes()).unwrap();
        let said = cli_support::end_of(child, "script");
        let said = String::from_utf8(said.stdout).unwrap();
        assert_eq!(
            (said.contains("CANNOT BE ERASED from it later"), flags.is_empty()),
            (flags.is_empty(), flags.is_empty())
        );
        assert_eq!(identities(&place), expected, "{typed:?} {flags}: {said}");
    }
}
