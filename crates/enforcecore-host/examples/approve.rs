//! Asks a person before a call runs: the first try is refused and asks, the second runs, because a person approved it meanwhile.
//!
//! `cargo run -p enforcecore-host --example approve`

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use enforcecore::call::{Call, Context, FrozenCall};
use enforcecore::capabilities::{Capabilities, Capability, Face};
use enforcecore::enforcer::Enforcer;
use enforcecore::outcome::{Completed, Outcome, Refusal};
use enforcecore::ports::{ApprovalRequest, Approver, AskOutcome, Grant};
use enforcecore::value::{Map, Value};
use enforcecore_host::assembly::{Setup, enforcer};

/// A refund needs the yes of a lead, which is good for a quarter of an hour.
const POLICY: &str = r#"
enforcecore: 1
name: refunds
version: "1"
tools:
  refund:
    does: pays
    args: {amount: decimal}
    returns: trusted
approvals:
  lead: {from: {role: lead}, valid: 15m}
rules:
  - ask: refund
    id: any-refund
    when: {amount: {at_most: 100}}
    approval: lead
"#;

/// What this program can do for a policy.
const FACE: Face =
    Face::new("approve", Capabilities::ALL.without(Capability::EndAtDeadline).without(Capability::ResolvePaths));

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    run(folder.path(), &mut std::io::stdout())
}

/// Tries the same call twice, with a yes in between, and once more.
pub fn run(folder: &Path, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let policy = folder.join("policy.yaml");
    std::fs::write(&policy, POLICY)?;
    let desk = Arc::new(Desk::default());
    let mut setup = Setup::new(&policy, FACE);
    setup.folders.log = folder.join("log");
    setup.folders.keys = folder.join("keys");
    setup.approver = Some(Arc::clone(&desk) as Arc<dyn Approver>);
    let enforcer = enforcer(setup)?;

    attempt(&enforcer, out)?;
    desk.say_yes("lee");
    attempt(&enforcer, out)?;
    // A grant serves one call. The same call once more asks once more.
    attempt(&enforcer, out)
}

fn attempt(enforcer: &Enforcer, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    match enforcer.enforce(refund(enforcer, 20)?, |_| Outcome::Done(Value::from("refunded"))) {
        Ok(Completed::Released { value, .. }) => writeln!(out, "ran: {}", value.to_json())?,
        Ok(other) => writeln!(out, "it ran, and there is no result: {other:?}")?,
        Err(refused) if matches!(refused.kind, Refusal::Pending { .. }) => writeln!(out, "asked: {}", refused.reason)?,
        Err(refused) => writeln!(out, "refused: {}", refused.reason)?,
    }
    Ok(())
}

fn refund(enforcer: &Enforcer, amount: i64) -> Result<Call, Box<dyn Error>> {
    let args = Map::from_iter([("amount".to_owned(), Value::from(amount))]);
    let context = Context { session_id: "session-1".to_owned(), ..Context::default() };
    Ok(Call { id: enforcer.call_id()?, parent: None, tool: "refund".to_owned(), args, context })
}

/// Holds requests until they are answered. A real one sends a message, and knows who may answer it.
#[derive(Default)]
struct Desk {
    asked: Mutex<Vec<[u8; 32]>>,
    granted: Mutex<Vec<(String, [u8; 32])>>,
}

impl Desk {
    /// Says yes to everything that was asked.
    fn say_yes(&self, approver: &str) {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner));
        let mut granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        granted.extend(asked.into_iter().map(|call| (approver.to_owned(), call)));
    }
}

impl Approver for Desk {
    fn ask(&self, _request: ApprovalRequest<'_>, call: &FrozenCall) -> AskOutcome {
        // The digest names this very call: its tool, its arguments, who makes it.
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(call.digest());
        AskOutcome::Delivered { expires_us: i64::MAX }
    }

    fn grant(&self, _request: ApprovalRequest<'_>, call_digest: &[u8; 32], now_us: i64) -> Option<Grant> {
        let granted = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        let at = granted.iter().position(|(_, call)| call == call_digest)?;
        let (approver, _) = granted.get(at)?;
        // The log remembers which ids were used, so a grant is used once whatever this says.
        let id = format!("yes-{at}");
        Some(Grant { id, approver: approver.clone(), given_us: now_us, expires_us: i64::MAX })
    }
}
