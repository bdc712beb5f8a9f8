//! Writes a small evidence log, verifies it, flips one bit in it and verifies it again.
//!
//! `cargo run -p enforcecore-host --example verify_a_log`

use std::error::Error;
use std::io::Write;
use std::path::Path;

use enforcecore::audit::{VerifyOptions, public_key};
use enforcecore::call::{Call, Context};
use enforcecore::capabilities::{Capabilities, Capability, Face};
use enforcecore::outcome::Outcome;
use enforcecore::value::{Map, Value};
use enforcecore_host::assembly::{Setup, enforcer};
use enforcecore_host::evidence::{LogFolders, anchored_checkpoint, verify_folder};
use enforcecore_host::keys::load_signer;

const POLICY: &str = r#"
enforcecore: 1
name: notes
version: "1"
tools:
  append_note: {does: writes, args: {text: text}, returns: trusted}
rules:
  - {allow: append_note, id: notes}
"#;

/// What this program can do for a policy.
const FACE: Face =
    Face::new("verify_a_log", Capabilities::ALL.without(Capability::EndAtDeadline).without(Capability::ResolvePaths));

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    run(folder.path(), &mut std::io::stdout())
}

/// Writes a log below this folder and verifies it before and after a bit of it changes.
pub fn run(folder: &Path, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let folders = write(folder)?;
    verify(&folders, out)?;

    let file = folders.log.join("log.jsonl");
    let mut bytes = std::fs::read(&file)?;
    let at = bytes.windows(11).position(|word| word == b"append_note").ok_or("the call is not in the log")?;
    bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1);
    std::fs::write(&file, bytes)?;
    verify(&folders, out)
}

/// Two calls through an enforcer, which leaves two intents and two outcomes.
fn write(folder: &Path) -> Result<LogFolders, Box<dyn Error>> {
    let policy = folder.join("policy.yaml");
    std::fs::write(&policy, POLICY)?;
    let mut setup = Setup::new(&policy, FACE);
    setup.folders.log = folder.join("log");
    setup.folders.keys = folder.join("keys");
    // An anchor remembers how far the log had come: without one, nothing tells that its end was cut off.
    setup.folders.anchor = Some(folder.join("anchor"));
    let folders = setup.folders.clone();
    let enforcer = enforcer(setup)?;
    for text in ["one", "two"] {
        let args = Map::from_iter([("text".to_owned(), Value::from(text))]);
        let context = Context { session_id: "session-1".to_owned(), ..Context::default() };
        let call = Call { id: enforcer.call_id()?, parent: None, tool: "append_note".to_owned(), args, context };
        enforcer.enforce(call, |_| Outcome::Done(Value::from("written")))?;
    }
    // The last enforcer of a log closes it, and so seals what was not sealed yet.
    Ok(folders)
}

/// What an auditor does, who has the log, its public key and its anchor, and needs no policy.
fn verify(folders: &LogFolders, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let signer = load_signer(&folders.keys, &folders.origin)?;
    let anchor = folders.anchor.as_deref().map(anchored_checkpoint).transpose()?.flatten();
    let options = VerifyOptions {
        key: signer.as_ref().map(|signer| public_key(signer)),
        origin: Some(folders.origin.clone()),
        anchors: anchor.into_iter().collect(),
        all_signatures: false,
    };
    let report = verify_folder(&folders.log, &options)?;
    writeln!(out, "{}: {} entries, {} seals", report.verdict.as_str(), report.entries, report.seals)?;
    for finding in &report.findings {
        writeln!(out, "  {finding}")?;
    }
    Ok(())
}
