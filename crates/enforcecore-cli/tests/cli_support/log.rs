//! An evidence log that is the same at every run: fixed keys, a clock that ticks by itself, and four calls.

#[cfg(unix)]
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

use enforcecore::audit::{Durability, KeySigner, Keyer, Log, LogParts, public_key};
use enforcecore::call::{Call, CallId, Context};
use enforcecore::capabilities::{Capabilities, Face};
use enforcecore::enforcer::{Enforcer, EnforcerParts};
use enforcecore::identity::Identities;
use enforcecore::outcome::Outcome;
use enforcecore::policy::Protected;
use enforcecore::ports::{Clock, Random, StoreError};
use enforcecore::session::State;
use enforcecore::value::Value;
use enforcecore_host::anchor::FileAnchor;
use enforcecore_host::assembly::load_policy;
use enforcecore_host::file_log::FileLog;
use enforcecore_host::paths::FileSystem;

/// The name of the log.
pub const ORIGIN: &str = "example.com/log";

/// What a face that can do everything can do.
pub const FACE: Face = Face::new("test", Capabilities::ALL);

/// The verifier key of the log.
pub fn verifier_key() -> String {
    public_key(&signer()).vkey()
}

/// Writes a log into `FOLDER/log`, remembered in `FOLDER/anchor`, by deciding these calls under `FOLDER/policy.yaml`. Each is
/// an id, a tool and arguments; what is allowed returns "done".
pub fn write(folder: &Path, calls: &[(&str, &str, &str)]) {
    write_as(folder, Identities::Keyed, ("{}", "s1"), calls);
}

/// Does what [`write`] does, of this principal (a JSON object) in this session.
pub fn write_as(
    folder: &Path,
    identities: Identities,
    (principal, session): (&str, &str),
    calls: &[(&str, &str, &str)],
) {
    let enforcer = enforcer(folder, identities);
    let map = |json: &str| Value::from_json(json.as_bytes()).unwrap().as_map().unwrap().clone();
    for (id, tool, args) in calls {
        let (args, principal) = (map(args), map(principal));
        let context = Context { session_id: session.to_owned(), principal, ..Context::default() };
        let call = Call { id: CallId::from_text(id).unwrap(), parent: None, tool: (*tool).to_owned(), args, context };
        let _ = enforcer.enforce(call, |_| Outcome::Done(Value::from("done")));
    }
}

/// Writes the secret of names that [`write`] uses into `FOLDER/keys`.
#[cfg(unix)]
pub fn write_names_secret(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;

    let file = folder.join("keys/log-names-secret");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
}

fn enforcer(folder: &Path, identities: Identities) -> Enforcer {
    let clock: Arc<dyn Clock> = Arc::new(Ticking(AtomicI64::new(1_795_000_000_000_000)));
    let random: Arc<dyn Random> = Arc::new(Counting(AtomicU8::new(0)));
    let parts = LogParts {
        store: Box::new(FileLog::open(&folder.join("log")).unwrap()),
        signer: Box::new(signer()),
        anchor: Some(Box::new(FileAnchor::new(&folder.join("anchor")))),
        clock: Arc::clone(&clock),
        random: Arc::clone(&random),
        keyer: Keyer::new([9; 32]),
        origin: ORIGIN.to_owned(),
    };
    Enforcer::new(EnforcerParts {
        policy: load_policy(&folder.join("policy.yaml")).unwrap().policy,
        face: FACE,
        log: Arc::new(Log::open(parts, State::default()).unwrap()),
        resolver: Arc::new(FileSystem),
        protected: Protected::default(),
        approver: None,
        clock,
        random,
        durability: Durability::Strict,
        identities,
    })
    .unwrap()
}

fn signer() -> KeySigner {
    KeySigner::new(ORIGIN, &[7; 32]).unwrap()
}

/// A second passes with every look.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn wall_us(&self) -> i64 {
        self.0.fetch_add(1_000_000, Ordering::Relaxed)
    }
    fn monotonic_us(&self) -> u64 {
        0
    }
}

struct Counting(AtomicU8);

impl Random for Counting {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), StoreError> {
        buffer.fill(self.0.fetch_add(1, Ordering::Relaxed));
        Ok(())
    }
}
