//! Enforces a policy on a Rust function: one call runs, one is refused.
//!
//! `cargo run -p enforcecore-host --example guard_a_function`

use std::error::Error;
use std::io::Write;
use std::path::Path;

use enforcecore::call::{Call, Context};
use enforcecore::capabilities::{Capabilities, Capability, Face};
use enforcecore::enforcer::Enforcer;
use enforcecore::outcome::{Completed, Outcome};
use enforcecore::value::{Map, Value};
use enforcecore_host::assembly::{Setup, enforcer};

/// Mail goes to the own company alone; the tool sees no card numbers.
const POLICY: &str = r#"
enforcecore: 1
name: mail
version: "1"
tools:
  send_mail:
    does: sends
    args: {to: text, body: text}
    returns: trusted
rules:
  - allow: send_mail
    id: own-company
    when: {to: {suffix: "@example.com"}}
redact: {args: {body: [credit_card]}}
"#;

/// What this program can do for a policy; a policy that needs more is refused when the enforcer is made.
const FACE: Face = Face::new(
    "guard_a_function",
    Capabilities::ALL.without(Capability::EndAtDeadline).without(Capability::ResolvePaths),
);

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    run(folder.path(), &mut std::io::stdout())
}

/// Makes an enforcer in this folder and gives it two calls.
pub fn run(folder: &Path, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let policy = folder.join("policy.yaml");
    std::fs::write(&policy, POLICY)?;
    // Evidence and keys go into folders of their own; by default they stand in `.enforcecore` here.
    let mut setup = Setup::new(&policy, FACE);
    setup.folders.log = folder.join("log");
    setup.folders.keys = folder.join("keys");
    let enforcer = enforcer(setup)?;

    for (to, body) in [
        ("jo@example.com", "The card is 4111 1111 1111 1111."),
        ("eve@elsewhere.example", "The card is 4111 1111 1111 1111."),
    ] {
        let call = mail(&enforcer, to, body)?;
        match enforcer.enforce(call, |permit| {
            // Runs only where the call is allowed, and only after its intent is in the log. The arguments are those of the
            // permit: what the policy lets the function see.
            let text = |name: &str| permit.call().args().get(name).and_then(Value::as_text).unwrap_or_default();
            Outcome::Done(Value::from(send_mail(text("to"), text("body"))))
        }) {
            Ok(Completed::Released { value, .. }) => writeln!(out, "{to}: {}", value.to_json())?,
            Ok(other) => writeln!(out, "{to}: it ran, and there is no result: {other:?}")?,
            Err(refused) => writeln!(out, "{to}: refused ({}): {}", refused.code, refused.reason)?,
        }
    }
    Ok(())
}

/// The function that is guarded; it knows nothing of policies.
fn send_mail(to: &str, body: &str) -> String {
    format!("sent to {to}: {body}")
}

fn mail(enforcer: &Enforcer, to: &str, body: &str) -> Result<Call, Box<dyn Error>> {
    let args = Map::from_iter([("to".to_owned(), Value::from(to)), ("body".to_owned(), Value::from(body))]);
    let context = Context { session_id: "session-1".to_owned(), ..Context::default() };
    Ok(Call { id: enforcer.call_id()?, parent: None, tool: "send_mail".to_owned(), args, context })
}
