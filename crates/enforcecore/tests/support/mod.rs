//! A world for tests: a clock that is set by hand, a store that can fail, keys that are known, a tool that leaves traces.

#![allow(dead_code, reason = "each test binary uses its own part of this world")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use ed25519_dalek::{Signer as _, SigningKey};
use enforcecore::audit::{Durability, EntryLine, Keyer, Log, LogParts, MemoryStore};
use enforcecore::call::{Call, CallId, Context};
use enforcecore::capabilities::{Capabilities, Face};
use enforcecore::enforcer::{Enforcer, EnforcerParts};
use enforcecore::identity::Identities;
use enforcecore::outcome::{Outcome, Permit};
use enforcecore::path::PathError;
use enforcecore::policy::{Policy, Protected};
use enforcecore::ports::{
    Approver, Clock, LogStore, LogTurn, PathResolver, PolicySource, PolicyText, Random, Signer, StoreError,
};
use enforcecore::session::State;
use enforcecore::value::Value;

/// 2026-03-01T12:00:00Z.
pub const NOON_US: i64 = 1_772_366_400_000_000;

/// An hour.
pub const HOUR_US: i64 = 3_600_000_000;

/// Everything a test looks at afterwards.
pub struct World {
    pub enforcer: Enforcer,
    pub log: Arc<Log<State>>,
    pub store: FaultyStore,
    pub clock: Arc<HandClock>,
    pub effects: Arc<Mutex<Vec<String>>>,
}

impl World {
    pub fn new(policy: &str) -> World {
        World::with(policy, Durability::Strict, None)
    }

    pub fn with(policy: &str, durability: Durability, approver: Option<Arc<dyn Approver>>) -> World {
        World::make(policy, durability, approver, Protected::default(), FACE, Arc::new(PlainResolver))
    }

    /// A world with places that no policy opens.
    pub fn protecting(policy: &str, protected: Protected) -> World {
        World::make(policy, Durability::Strict, None, protected, FACE, Arc::new(PlainResolver))
    }

    /// A world with a file system and an approver.
    pub fn resolving(
        policy: &str,
        face: Face,
        resolver: Arc<dyn PathResolver>,
        approver: Option<Arc<dyn Approver>>,
    ) -> World {
        World::make(policy, Durability::Strict, approver, Protected::default(), face, resolver)
    }

    /// A world with a file system and places in it that no policy opens.
    pub fn guarding(policy: &str, protected: Protected, face: Face, resolver: Arc<dyn PathResolver>) -> World {
        World::make(policy, Durability::Strict, None, protected, face, resolver)
    }

    fn make(
        policy: &str,
        durability: Durability,
        approver: Option<Arc<dyn Approver>>,
        protected: Protected,
        face: Face,
        resolver: Arc<dyn PathResolver>,
    ) -> World {
        let store = FaultyStore::default();
        let clock = Arc::new(HandClock::default());
        let random: Arc<dyn Random> = Arc::new(CountingRandom::default());
        let log = Arc::new(open_log(store.clone(), Arc::clone(&clock)).unwrap());
        let parts = EnforcerParts {
            policy: load(policy),
            face,
            log: Arc::clone(&log),
            resolver,
            protected,
            approver,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            random,
            durability,
            identities: Identities::Keyed,
        };
        World { enforcer: Enforcer::new(parts).unwrap(), log, store, clock, effects: Arc::default() }
    }

    /// A tool that writes down that it ran, with the very arguments it got, and returns them.
    pub fn tool(&self) -> impl FnOnce(Permit) -> Outcome + use<> {
        let effects = Arc::clone(&self.effects);
        move |permit| {
            let args = Value::Map(permit.call().args().clone());
            effects.lock().unwrap().push(args.to_json());
            Outcome::Done(args)
        }
    }

    pub fn ran(&self) -> usize {
        self.effects.lock().unwrap().len()
    }

    /// The log's entries, seals left out.
    pub fn entries(&self) -> Vec<EntryLine> {
        self.log.flush().unwrap();
        entries(&self.store.contents())
    }
}

pub fn entries(bytes: &[u8]) -> Vec<EntryLine> {
    let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

pub const FACE: Face = Face::new("test", Capabilities::ALL);

pub fn load(policy: &str) -> Policy {
    match Policy::load(PolicyText { name: "test.yaml".to_owned(), bytes: policy.as_bytes().to_vec() }, &NoDocuments) {
        Ok(loaded) => loaded.policy,
        Err(diagnostics) => panic!("{}", diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    }
}

pub fn call(tool: &str, args: &str) -> Call {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let Value::Map(args) = Value::from_json(args.as_bytes()).unwrap() else { panic!("arguments are an object") };
    let id = CallId::from_text(&format!("call-{}", NEXT.fetch_add(1, Ordering::Relaxed))).unwrap();
    let context = Context {
        session_id: "s1".to_owned(),
        principal: map(r#"{"id":"ana"}"#),
        session: map(r#"{"workspace":"/w","cwd":"/w","ticket":"t1"}"#),
        ..Context::default()
    };
    Call { id, parent: None, tool: tool.to_owned(), args, context }
}

pub fn map(json: &str) -> enforcecore::value::Map {
    match Value::from_json(json.as_bytes()).unwrap() {
        Value::Map(map) => map,
        _ => panic!("an object was expected"),
    }
}

pub fn open_log(store: FaultyStore, clock: Arc<HandClock>) -> Result<Log<State>, enforcecore::audit::LogError> {
    open_idle_log(store, clock, 24)
}

/// A log whose sessions leave memory after so many hours.
pub fn open_idle_log(
    store: FaultyStore,
    clock: Arc<HandClock>,
    idle_hours: i64,
) -> Result<Log<State>, enforcecore::audit::LogError> {
    let parts = LogParts {
        store: Box::new(store),
        signer: Box::new(KnownKey(SigningKey::from_bytes(&[7; 32]))),
        anchor: None,
        clock,
        random: Arc::new(CountingRandom::default()),
        keyer: Keyer::new([9; 32]),
        origin: "example.test/log".to_owned(),
    };
    Log::open(parts, State::with_session_idle(idle_hours * HOUR_US))
}

/// A byte that is none at first.
pub struct Flipped(pub AtomicU64);

impl Default for Flipped {
    fn default() -> Flipped {
        Flipped(AtomicU64::new(u64::MAX))
    }
}

/// What happens while a writer waits for the turn.
type Overtaking = Box<dyn FnOnce() + Send>;

/// A memory store whose writes fail when told to.
#[derive(Clone, Default)]
pub struct FaultyStore {
    memory: MemoryStore,
    pub fail_append: Arc<AtomicBool>,
    pub fail_sync: Arc<AtomicBool>,
    pub fail_turn: Arc<AtomicBool>,
    pub syncs: Arc<AtomicU64>,
    /// The byte of the log that reads as another one; `u64::MAX` for none.
    pub flipped: Arc<Flipped>,
    at_turn: Arc<Mutex<Option<Overtaking>>>,
}

impl FaultyStore {
    pub fn contents(&self) -> Vec<u8> {
        self.memory.contents()
    }

    /// Runs once, when a writer next asks for the turn.
    pub fn at_next_turn(&self, run: impl FnOnce() + Send + 'static) {
        *self.at_turn.lock().unwrap() = Some(Box::new(run));
    }
}

impl LogStore for FaultyStore {
    fn turn(&self) -> Result<Box<dyn LogTurn + '_>, StoreError> {
        if self.fail_turn.load(Ordering::SeqCst) {
            return Err(StoreError::new("lock the log", "injected"));
        }
        let overtaking = self.at_turn.lock().unwrap().take();
        overtaking.into_iter().for_each(|run| run());
        Ok(Box::new(FaultyTurn { store: self, turn: self.memory.turn()? }))
    }
}

struct FaultyTurn<'a> {
    store: &'a FaultyStore,
    turn: Box<dyn LogTurn + 'a>,
}

impl LogTurn for FaultyTurn<'_> {
    fn bytes(&mut self) -> Result<u64, StoreError> {
        self.turn.bytes()
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), StoreError> {
        self.turn.read_at(offset, buffer)?;
        let flipped = self.store.flipped.0.load(Ordering::SeqCst).checked_sub(offset);
        if let Some(byte) = flipped.and_then(|at| buffer.get_mut(usize::try_from(at).ok()?)) {
            *byte ^= 1;
        }
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        if self.store.fail_append.load(Ordering::SeqCst) {
            return Err(StoreError::new("append to the log", "injected: no space left on device"));
        }
        self.turn.append(bytes)
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.store.syncs.fetch_add(1, Ordering::SeqCst);
        if self.store.fail_sync.load(Ordering::SeqCst) {
            return Err(StoreError::new("sync the log", "injected: input/output error"));
        }
        self.turn.sync()
    }

    fn quarantine(&mut self, offset: u64) -> Result<String, StoreError> {
        self.turn.quarantine(offset)
    }
}

/// A clock that moves only when told to.
pub struct HandClock {
    pub wall_us: AtomicI64,
    pub monotonic_us: AtomicU64,
}

impl Default for HandClock {
    fn default() -> HandClock {
        HandClock { wall_us: AtomicI64::new(NOON_US), monotonic_us: AtomicU64::new(0) }
    }
}

impl HandClock {
    pub fn pass(&self, us: i64) {
        self.wall_us.fetch_add(us, Ordering::SeqCst);
        self.monotonic_us.fetch_add(us.unsigned_abs(), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn wall_us(&self) -> i64 {
        self.wall_us.load(Ordering::SeqCst)
    }

    fn monotonic_us(&self) -> u64 {
        self.monotonic_us.load(Ordering::SeqCst)
    }
}

/// Randomness that repeats.
#[derive(Default)]
pub struct CountingRandom(AtomicU64);

impl Random for CountingRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), StoreError> {
        let n = self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        buffer.iter_mut().zip(n.iter().cycle()).for_each(|(byte, n)| *byte = *n);
        Ok(())
    }
}

struct KnownKey(SigningKey);

impl Signer for KnownKey {
    fn name(&self) -> &str {
        "example.test/log"
    }

    fn public_key(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], StoreError> {
        Ok(self.0.sign(message).to_bytes())
    }
}

/// Resolves by text alone: there is no file system in these tests.
pub struct PlainResolver;

impl PathResolver for PlainResolver {
    fn follow(&self, path: &Path) -> Result<PathBuf, PathError> {
        let mut full = PathBuf::new();
        for part in path.components() {
            match part {
                std::path::Component::ParentDir => drop(full.pop()),
                std::path::Component::CurDir => {}
                other => full.push(other),
            }
        }
        Ok(full)
    }

    fn is_there(&self, _path: &Path) -> bool {
        false
    }
}

/// No document is bound by another here.
pub struct NoDocuments;

impl PolicySource for NoDocuments {
    fn read(&self, _from: &str, name: &str) -> Result<PolicyText, StoreError> {
        Err(StoreError::new(format!("read `{name}`"), "there are no documents"))
    }
}
