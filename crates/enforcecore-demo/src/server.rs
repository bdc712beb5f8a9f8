//! The MCP server of the demo. Its effects are real, below one folder.
//!
//! It trusts its client, as many servers do: it follows every path, runs every command, mails all users when none is named
//! and takes a name that looks like one of its tools for that tool. It has no network; hosts answer from a folder.

use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value as Json, json};

use crate::world::{FILES, OUTBOX, PAYMENTS, REQUESTS, WEB};

/// The protocol version the demo speaks.
pub const PROTOCOL_VERSION: &str = "2025-06-18";

/// Serves the demo's tools, which act on a folder: one message a line until the client hangs up.
pub fn serve<E: From<io::Error>>(
    folder: &Path,
    messages: impl BufRead,
    mut send: impl FnMut(&Json) -> Result<(), E>,
) -> Result<(), E> {
    for line in messages.lines() {
        let answer = match serde_json::from_str::<Json>(&line?) {
            Ok(message) => answer(&message, folder),
            Err(error) => Some(failure(&Json::Null, -32700, &error.to_string())),
        };
        answer.iter().try_for_each(&mut send)?;
    }
    Ok(())
}

/// The answer to a request; a notification has none.
fn answer(message: &Json, folder: &Path) -> Option<Json> {
    let id = message.get("id")?;
    let params = message.get("params").cloned().unwrap_or_default();
    let result = match message.get("method").and_then(Json::as_str) {
        Some("initialize") => json!({
            "protocolVersion": PROTOCOL_VERSION,
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "demo-server", "version": env!("CARGO_PKG_VERSION")},
        }),
        Some("ping") => json!({}),
        Some("tools/list") => json!({"tools": TOOLS.iter().map(describe).collect::<Vec<_>>()}),
        Some("tools/call") => called(&params, folder),
        _ => return Some(failure(id, -32601, "no such method")),
    };
    Some(json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

fn failure(id: &Json, code: i64, message: &str) -> Json {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
}

/// A tool: its name, what it does, and its arguments with their types.
pub type Tool = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// What the server offers.
pub const TOOLS: [Tool; 8] = [
    ("list_files", "List a folder", &[("path", "string")]),
    ("read_file", "Read a file", &[("path", "string")]),
    ("write_file", "Write a file", &[("path", "string"), ("content", "string")]),
    ("delete_file", "Delete a file", &[("path", "string")]),
    ("send_mail", "Send a mail", &[("to", "string"), ("subject", "string"), ("body", "string")]),
    ("pay", "Pay an account", &[("account", "string"), ("amount", "number"), ("note", "string")]),
    ("run_shell", "Run a command", &[("command", "string")]),
    ("fetch", "Fetch a page", &[("url", "string")]),
];

fn describe((name, description, args): &Tool) -> Json {
    let properties: Map<String, Json> =
        args.iter().map(|(name, ty)| ((*name).to_owned(), json!({"type": ty}))).collect();
    json!({"name": name, "description": description, "inputSchema": {"type": "object", "properties": properties}})
}

fn called(params: &Json, folder: &Path) -> Json {
    let name = params.get("name").and_then(Json::as_str).unwrap_or_default();
    let args = params.get("arguments").cloned().unwrap_or_default();
    let (text, failed) = match act(&name.replace('\u{430}', "a"), &args, folder) {
        Ok(text) => (text, false),
        Err(error) => (error.to_string(), true),
    };
    json!({"content": [{"type": "text", "text": text}], "isError": failed})
}

fn act(tool: &str, args: &Json, folder: &Path) -> io::Result<String> {
    let arg = |name: &str| args.get(name).and_then(Json::as_str).unwrap_or_default();
    let files = folder.join(FILES);
    let path = files.join(arg("path"));
    match tool {
        "list_files" => list(&path),
        "read_file" => fs::read_to_string(path),
        "write_file" => {
            fs::create_dir_all(path.parent().unwrap_or(&files))?;
            fs::write(path, arg("content")).map(|()| "written".to_owned())
        }
        "delete_file" => fs::remove_file(path).map(|()| "deleted".to_owned()),
        "send_mail" => {
            let to = args.get("to").and_then(Json::as_str).unwrap_or("everybody@example.org");
            let mail = json!({"to": to, "subject": arg("subject"), "body": arg("body")});
            note(&folder.join(OUTBOX), &mail).map(|()| "sent".to_owned())
        }
        "pay" => note(&folder.join(PAYMENTS), args).map(|()| "paid".to_owned()),
        "run_shell" => {
            let done = Command::new("sh").arg("-c").arg(arg("command")).current_dir(files).output()?;
            Ok(String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned())
        }
        "fetch" => fetch(arg("url"), folder),
        _ => Err(io::Error::other("no such tool")),
    }
}

fn list(folder: &Path) -> io::Result<String> {
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<io::Result<Vec<String>>>()?;
    names.sort();
    Ok(names.join("\n"))
}

/// Notes what would have left the machine, and answers for the host.
fn fetch(url: &str, folder: &Path) -> io::Result<String> {
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (_, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    note(&folder.join(REQUESTS), &json!({"host": host, "path": path}))?;
    fs::read_to_string(folder.join(WEB).join(format!("{host}.txt")))
}

fn note(file: &Path, line: &Json) -> io::Result<()> {
    writeln!(OpenOptions::new().create(true).append(true).open(file)?, "{line}")
}
