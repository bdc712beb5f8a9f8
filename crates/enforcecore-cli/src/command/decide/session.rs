//! A session file replayed: the state that a decision is made in.
//!
//! The calls of the file are admitted in order, on a log in memory, and committed unless an outcome says that the tool never
//! started. The file is trusted input, grants included: the user of the command vouches for it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use enforcecore::audit::{Durability, KeySigner, Keyer, Log, LogParts, MemoryStore};
use enforcecore::call::{Call, CallId, Context, FrozenCall, Malformed};
use enforcecore::capabilities::{Capabilities, Face};
use enforcecore::codes::call as code;
use enforcecore::decision::Decision;
use enforcecore::enforcer::{Admitted, Enforcer, EnforcerParts};
use enforcecore::identity::Identities;
use enforcecore::outcome::{BeginMode, Outcome, Stopped};
use enforcecore::ports::{ApprovalRequest, Approver, AskOutcome, Clock, Grant, Random};
use enforcecore::redact::{shown_error, shown_name};
use enforcecore::session::State;
use enforcecore::value::{Map, Value};
use enforcecore_host::assembly::{Setup, load_policy, protected};
use enforcecore_host::clock::{SystemClock, SystemRandom};
use enforcecore_host::files::{self, How, MadeBy};
use enforcecore_host::paths::FileSystem;

use crate::error::CommandError;

/// Decides calls in the state of a session.
pub struct Decider {
    enforcer: Enforcer,
    clock: Arc<SessionClock>,
    approver: Arc<FileApprover>,
    facts: Map,
    open: HashMap<String, Admitted>,
    save: Option<File>,
}

impl Decider {
    /// Loads the policy and replays the session's file, if there is one.
    pub fn open(setup: &Setup, session: Option<&Path>, save: bool) -> Result<Decider, CommandError> {
        let clock = Arc::new(SessionClock::default());
        let approver = Arc::new(FileApprover::default());
        let enforcer = enforcer(setup, &clock, &approver)?;
        let mut decider = Decider { enforcer, clock, approver, facts: Map::new(), open: HashMap::new(), save: None };
        if let Some(path) = session {
            // The log is opened once: new entries go to the file that was replayed.
            let how = if save { How::ReadAndAppend } else { How::Read };
            let opened = files::open(path, MadeBy::Us, how).map_err(|refused| unreadable(path, &refused.into()))?;
            decider.replay(path, &opened.file)?;
            decider.save = save.then_some(opened.file);
        }
        decider.clock.now();
        Ok(decider)
    }

    /// One call's id and what is decided about it now.
    pub fn decide(&mut self, value: &Value) -> Result<(String, Decision), CommandError> {
        let call = match self.call(value) {
            Ok(call) => call,
            Err(malformed) => return Ok((String::new(), Decision::malformed(malformed))),
        };
        let id = call.id.to_string();
        let decision = self.enforcer.decide_only(call);
        if let Some(file) = &mut self.save {
            let time = jiff::Timestamp::now();
            writeln!(file, "{{\"time\":\"{time}\",\"call\":{}}}", value.to_json())?;
        }
        Ok((id, decision))
    }

    fn replay(&mut self, path: &Path, file: &File) -> Result<(), CommandError> {
        for (number, line) in (1..).zip(BufReader::new(file).split(b'\n')) {
            let line = line.map_err(|error| unreadable(path, &error))?;
            if line.trim_ascii().is_empty() {
                continue;
            }
            let wrong = |why: String| CommandError::usage(format!("{}:{number}: {why}", path.display()));
            let value = Value::from_json(line.trim_ascii()).map_err(|error| wrong(shown_error(&error)))?;
            self.take(&value).map_err(wrong)?;
        }
        // What the file says nothing more about ran to its end.
        for (_, admitted) in std::mem::take(&mut self.open) {
            let _ = self.enforcer.finish(admitted, Outcome::Done(Value::Null));
        }
        Ok(())
    }

    /// Takes one line of the session in: its time, and its one event.
    fn take(&mut self, line: &Value) -> Result<(), String> {
        let members = line.as_map().ok_or("a line is an object")?;
        if let Some(time) = members.get("time") {
            let time = time.as_text().and_then(|text| text.parse::<jiff::Timestamp>().ok());
            self.clock.set(time.ok_or("`time` is an RFC 3339 time such as \"2026-11-23T09:00:00Z\"")?);
        }
        let mut events = members.iter().filter(|(key, _)| *key != "time");
        let (Some((event, value)), None) = (events.next(), events.next()) else {
            return Err("a line has one event beside `time`".to_owned());
        };
        match event.as_str() {
            "facts" => self.facts.extend(value.as_map().ok_or("`facts` is an object")?.clone()),
            "call" => self.take_call(value)?,
            "outcome" => self.take_outcome(value)?,
            "grant" => self.take_grant(value)?,
            "observe" => return Err("`observe` is not supported yet: no matcher looks at provenance".to_owned()),
            other => {
                return Err(format!("unknown event `{}`; there are facts, call, outcome and grant", shown_name(other)));
            }
        }
        Ok(())
    }

    fn take_call(&mut self, value: &Value) -> Result<(), String> {
        let call = self.call(value).map_err(|malformed| malformed.message)?;
        let id = call.id.to_string();
        // A call that was refused changed nothing but what waits for approval.
        if let Ok(admitted) = self.enforcer.begin(call, BeginMode::Hook) {
            self.open.insert(id, admitted);
        }
        Ok(())
    }

    fn take_outcome(&mut self, value: &Value) -> Result<(), String> {
        let text = |key: &str| value.at(key).and_then(Value::as_text);
        let id = text("id").ok_or("an outcome names the `id` of its call")?;
        let Some(admitted) = self.open.remove(id) else { return Ok(()) };
        let result = value.at("result").cloned().unwrap_or_default();
        let outcome = match text("status") {
            Some("done") | None => Outcome::Done(result),
            Some("failed") => Outcome::Failed(result.as_text().unwrap_or_default().to_owned()),
            Some("not_started") => {
                Outcome::NotStarted { code: code::NOT_STARTED, why: "as the session says".to_owned() }
            }
            Some("overdue") => Outcome::Overdue(Stopped::RunsOn),
            Some("unknown") => Outcome::Crashed,
            Some(other) => {
                return Err(format!(
                    "unknown status `{}`; there are done, failed, not_started, overdue and unknown",
                    shown_name(other)
                ));
            }
        };
        let _ = self.enforcer.finish(admitted, outcome);
        Ok(())
    }

    fn take_grant(&mut self, value: &Value) -> Result<(), String> {
        let text = |key: &str| value.at(key).and_then(Value::as_text).ok_or(format!("a grant has `{key}`"));
        let expires: jiff::Timestamp =
            text("expires")?.parse().map_err(|_| "`expires` is an RFC 3339 time".to_owned())?;
        self.approver.give(text("call")?, text("approver")?, self.clock.wall_us(), expires.as_microsecond());
        Ok(())
    }

    fn call(&self, value: &Value) -> Result<Call, Malformed> {
        let wrong = |why: &str| Malformed::new(code::NOT_A_CALL, why.to_owned());
        let members = value.as_map().ok_or_else(|| wrong("a call is an object"))?;
        if let Some(key) = members.keys().find(|key| !CALL_KEYS.contains(&key.as_str())) {
            return Err(wrong(&format!("a call has no member `{}`", shown_name(key))));
        }
        let object = |key: &str| match members.get(key) {
            None => Ok(Map::new()),
            Some(Value::Map(map)) => Ok(map.clone()),
            Some(_) => Err(wrong(&format!("`{key}` is an object"))),
        };
        let text =
            |key: &str| members.get(key).map(|value| value.as_text().ok_or_else(|| wrong(&format!("`{key}` is text"))));
        let tool = text("tool").transpose()?.ok_or_else(|| wrong("a call names its `tool`"))?;
        if !members.contains_key("args") {
            return Err(wrong("a call has `args`"));
        }
        let id = match text("id").transpose()? {
            Some(id) => {
                CallId::from_text(id).ok_or_else(|| wrong("`id` is 1 to 64 letters, digits, `-`, `_`, `.` or `:`"))?
            }
            None => self.enforcer.call_id().map_err(|error| wrong(&error.to_string()))?,
        };
        let session = object("session")?;
        let session_id = session.get("id").and_then(Value::as_text).unwrap_or("session").to_owned();
        let mut facts = self.facts.clone();
        facts.extend(object("facts")?);
        let tenant = text("tenant").transpose()?.unwrap_or_default().to_owned();
        let context = Context { session_id, tenant, principal: object("principal")?, session, facts };
        Ok(Call { id, parent: None, tool: tool.to_owned(), args: object("args")?, context })
    }
}

const CALL_KEYS: [&str; 7] = ["id", "tool", "args", "principal", "session", "facts", "tenant"];

/// Deciding honours everything: whatever a policy obliges is only told, never done.
pub const FACE: Face = Face::new("decide", Capabilities::ALL);

fn enforcer(setup: &Setup, clock: &Arc<SessionClock>, approver: &Arc<FileApprover>) -> Result<Enforcer, CommandError> {
    let failed = |error: &dyn std::fmt::Display| CommandError::failed(error.to_string());
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let (mut key, mut secret) = ([0; 32], [0; 32]);
    random.fill(&mut key).map_err(|error| failed(&error))?;
    random.fill(&mut secret).map_err(|error| failed(&error))?;
    let signer = KeySigner::new("decide", &key).ok_or_else(|| CommandError::failed("cannot make a key"))?;
    let parts = LogParts {
        store: Box::new(MemoryStore::default()),
        signer: Box::new(signer),
        anchor: None,
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        random: Arc::clone(&random),
        keyer: Keyer::new(secret),
        origin: "decide".to_owned(),
    };
    let log = Arc::new(Log::open(parts, State::default()).map_err(|error| failed(&error))?);
    let policy = load_policy(&setup.policy)?.policy;
    let parts = EnforcerParts {
        protected: protected(setup, &policy)?,
        policy,
        face: FACE,
        log,
        resolver: Arc::new(FileSystem),
        approver: Some(Arc::clone(approver) as Arc<dyn Approver>),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        random,
        durability: Durability::Strict,
        identities: Identities::Keyed,
    };
    Enforcer::new(parts).map_err(|error| failed(&error))
}

/// The time the session's file says it is; after it, the system's.
#[derive(Default)]
struct SessionClock {
    wall_us: AtomicI64,
}

impl SessionClock {
    fn set(&self, time: jiff::Timestamp) {
        self.wall_us.store(time.as_microsecond(), Ordering::Relaxed);
    }

    fn now(&self) {
        self.wall_us.store(0, Ordering::Relaxed);
    }
}

impl Clock for SessionClock {
    fn wall_us(&self) -> i64 {
        match self.wall_us.load(Ordering::Relaxed) {
            0 => SystemClock::start().wall_us(),
            set => set,
        }
    }

    // Replaying takes no time, so that a deadline says nothing here.
    fn monotonic_us(&self) -> u64 {
        0
    }
}

/// The grants of the session's file.
#[derive(Default)]
struct FileApprover {
    asked: Mutex<HashMap<String, [u8; 32]>>,
    given: Mutex<HashMap<[u8; 32], Grant>>,
}

impl FileApprover {
    fn give(&self, call: &str, approver: &str, given_us: i64, expires_us: i64) {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner).get(call).copied();
        if let Some(digest) = asked {
            let grant = Grant { id: call.to_owned(), approver: approver.to_owned(), given_us, expires_us };
            self.given.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, grant);
        }
    }
}

impl Approver for FileApprover {
    fn ask(&self, _approval: ApprovalRequest<'_>, call: &FrozenCall) -> AskOutcome {
        let id = call.call().id.to_string();
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(id, call.digest());
        AskOutcome::Delivered { expires_us: i64::MAX }
    }

    fn grant(&self, _approval: ApprovalRequest<'_>, digest: &[u8; 32], _now_us: i64) -> Option<Grant> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> CommandError {
    CommandError::usage(format!("cannot read the session `{}`: {error}", path.display()))
}
