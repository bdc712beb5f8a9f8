//! A session through the proxy with a server that misbehaves, and what is left of it afterwards.

#![allow(dead_code, reason = "each test program uses a part of this")]

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use enforcecore::audit::{Durability, EntryLine, Log, LogParts, LogVerdict, VerifyOptions};
use enforcecore::call::Context;
use enforcecore::enforcer::{Enforcer, EnforcerParts};
use enforcecore::identity::Identities;
use enforcecore::ports::{Clock, LogStore, LogTurn, StoreError};
use enforcecore::session::State;
use enforcecore::value::{Limits, Map, Value};
use enforcecore_gateway::mcp::{Ended, FACE, MESSAGE_BYTES, Proxy, Server};
use enforcecore_host::assembly::{Setup, load_policy, protected};
use enforcecore_host::clock::{SystemClock, SystemRandom};
use enforcecore_host::evidence::{entries, verify_folder};
use enforcecore_host::file_log::FileLog;
use enforcecore_host::keys::{load_or_create_keyer, load_or_create_signer};
use enforcecore_host::paths::FileSystem;
use enforcecore_host::process::Spawn;
use tempfile::TempDir;
use tokio::io::{
    AsyncBufReadExt, AsyncReadExt as _, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, duplex, split,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub const SECRET: &str = "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";

/// Nothing in these tests takes longer, however busy the machine; what does, hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so; fails, with what it waited for, if it never is.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited {} seconds in vain until {what}", PATIENCE.as_secs());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

const POLICY: &str = r#"
enforcecore: 1
name: misbehaving
version: "1"
tools:
  echo: {does: writes, args: {text: text}, returns: trusted}
  forbidden: {does: writes, args: {text: text}, returns: trusted}
  secret: {does: reads, returns: untrusted}
  slow: {does: reads, args: {text: string}, returns: untrusted}
  held: {does: reads, returns: untrusted}
  die: {does: writes, returns: untrusted}
  daemon: {does: writes, returns: untrusted}
  garbage: {does: reads, returns: untrusted}
  twice: {does: reads, returns: untrusted}
  deep: {does: reads, returns: untrusted}
  big: {does: reads, returns: untrusted}
  cut: {does: reads, returns: untrusted}
  answer: {does: reads, args: {"text?": string}, returns: untrusted}
  ask: {does: reads, returns: untrusted}
  spoof: {does: reads, returns: untrusted}
  chatter: {does: reads, returns: untrusted}
  fail: {does: reads, returns: untrusted}
  wrong: {does: reads, returns: untrusted}
  crowd: {does: reads, returns: untrusted}
  pages: {does: reads, returns: untrusted}
  shout: {does: reads, returns: untrusted}
  metered: {does: writes, args: {text: text}, returns: trusted}
  notify: {does: reads, args: {text: string}, returns: untrusted}
  plead: {does: reads, args: {text: string}, returns: untrusted}
  raw: {does: reads, args: {text: text}, returns: untrusted}
  silent: {does: reads, returns: untrusted}
  burst: {does: reads, args: {text: text}, returns: untrusted}
  resources/read: {does: reads, args: {uri: string}, returns: untrusted}
rules:
  - allow: [secret, held, die, daemon, garbage, twice, deep, big, cut, answer, ask, spoof, chatter, fail, wrong, crowd, pages, shout, metered, notify, plead, raw, silent, burst]
    id: harmless
  - allow: echo
    id: echo
    unless: {text: {prefix: "no "}}
  - allow: slow
    id: slow
    deadline: 5s
  - allow: resources/read
    id: one-resource
    when: {uri: {in: ["test://open"]}}
budgets:
  - {budget: metered, id: once, count: calls, at_most: 1, per: session, for_each: everyone}
redact: {args: {every_string: [email]}, result: [secret]}
"#;

/// What a session is made of.
pub struct Made {
    pub policy: String,
    /// The script of the server.
    pub server: &'static str,
    pub clock: Arc<dyn Clock>,
    pub cancel_grace: Duration,
}

impl Default for Made {
    fn default() -> Made {
        let (policy, clock) = (POLICY.to_owned(), Arc::new(SystemClock::start()));
        Made { policy, server: "server.py", clock, cancel_grace: Duration::from_millis(50) }
    }
}

/// One session.
pub struct World {
    pub folder: TempDir,
    to_proxy: Option<WriteHalf<DuplexStream>>,
    from_proxy: BufReader<ReadHalf<DuplexStream>>,
    proxy: JoinHandle<Ended>,
    stop: Option<oneshot::Sender<()>>,
    /// Whether the proxy knows that it is to stop.
    knows: Arc<AtomicBool>,
    turns: Turns,
    complaints: Complaints,
    next: i64,
}

impl World {
    /// A session whose handshake is done.
    pub async fn start() -> World {
        let mut world = World::raw().await;
        world.greet().await;
        world
    }

    /// Does the handshake.
    pub async fn greet(&mut self) {
        let hello = r#"{"protocolVersion":"2025-06-18","capabilities":{"sampling":{}},"clientInfo":{"name":"t","version":"1"}}"#;
        let answer = self.ask("initialize", hello).await;
        assert_eq!(at(&answer, "result.capabilities"), r#"{"tools":{}}"#, "what is not served is not offered");
        assert_eq!(at(&answer, "result.instructions"), "\"use EC_GITHUB_TOKEN_1\"");
        self.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    }

    /// A session in which nothing was said.
    pub async fn raw() -> World {
        World::with(|complaints| Box::new(complaints)).await
    }

    /// The same, where what the server complains about goes through a writer of the test's.
    pub async fn with(writer: impl FnOnce(Complaints) -> Box<dyn Write + Send>) -> World {
        World::of(Made::default(), writer).await
    }

    /// The same, made of other parts.
    pub async fn of(made: Made, writer: impl FnOnce(Complaints) -> Box<dyn Write + Send>) -> World {
        let Made { policy: text, server, clock, cancel_grace } = made;
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy.yaml");
        std::fs::write(&policy, text).unwrap();
        let mut setup = Setup::new(&policy, FACE);
        setup.folders.log = folder.path().join("log");
        setup.folders.keys = folder.path().join("keys");
        let turns = Turns::default();
        let enforcer = enforcer(&setup, &turns, clock);
        let script = format!("{}/tests/{server}", env!("CARGO_MANIFEST_DIR"));
        let server = Server::start(&Spawn::new("python3").args([&script, folder.path().to_str().unwrap()])).unwrap();
        let context = Context { session_id: "s1".to_owned(), ..Context::default() };
        let complaints = Complaints::default();
        let stderr = writer(complaints.clone());
        let proxy = Proxy { enforcer, context, stderr, cancel_grace, message_max: MESSAGE_BYTES };
        let (ours, theirs) = duplex(1 << 16);
        let (stop, stopped) = oneshot::channel::<()>();
        let (input, output) = split(theirs);
        let knows = Arc::new(AtomicBool::new(false));
        let known = Arc::clone(&knows);
        let proxy = tokio::spawn(async move {
            let stopped = async {
                if stopped.await.is_err() {
                    std::future::pending::<()>().await;
                }
                known.store(true, Ordering::Release);
            };
            proxy.run(input, output, server, stopped).await.unwrap()
        });
        let (from_proxy, to_proxy) = split(ours);
        let from_proxy = BufReader::new(from_proxy);
        let (to_proxy, stop) = (Some(to_proxy), Some(stop));
        World { folder, to_proxy, from_proxy, proxy, stop, knows, turns, complaints, next: 1 }
    }

    pub async fn send(&mut self, line: &str) {
        let to_proxy = self.to_proxy.as_mut().unwrap();
        let sent = async { to_proxy.write_all(format!("{line}\n").as_bytes()).await };
        timeout(PATIENCE, sent).await.expect("the proxy reads").unwrap();
    }

    /// The last thing that the client says, without an end of its line.
    pub async fn send_last(&mut self, text: &str) {
        let mut to_proxy = self.to_proxy.take().unwrap();
        let sent = async {
            to_proxy.write_all(text.as_bytes()).await?;
            to_proxy.shutdown().await
        };
        timeout(PATIENCE, sent).await.expect("the proxy reads").unwrap();
    }

    /// The proxy's next message.
    pub async fn receive(&mut self) -> Value {
        let message = self.receive_own().await;
        assert!(!message.to_json().contains(SECRET), "a secret came through: {}", message.to_json());
        message
    }

    /// The proxy's next message, in which the client may find a secret of its own.
    pub async fn receive_own(&mut self) -> Value {
        let mut line = String::new();
        timeout(PATIENCE, self.from_proxy.read_line(&mut line)).await.expect("the proxy writes").unwrap();
        let read = Value::from_said_json(line.trim_end().as_bytes(), Limits::RESULT);
        let (message, replaced) = read.unwrap_or_else(|error| panic!("{error:?}: {line:?}"));
        assert!(replaced.is_empty(), "the proxy says what every program reads alike: {line:?}");
        message
    }

    /// All that the proxy still says once the client hung up.
    pub async fn rest(&mut self) -> String {
        let mut text = String::new();
        let read = self.from_proxy.read_to_string(&mut text);
        timeout(PATIENCE, read).await.expect("the proxy ends").unwrap();
        text
    }

    /// Holds the log's turn: nothing is admitted until it is let go. Another process's lock would be waited for only so long.
    pub fn hold_log(&self) -> HeldLog {
        *self.turns.held.lock().unwrap() = true;
        HeldLog(self.turns.clone())
    }

    /// Lets the server answer the call of `held`.
    pub fn let_go(&self) {
        std::fs::write(self.file("open"), "").unwrap();
    }

    /// Sends a request and returns its id.
    pub async fn request(&mut self, method: &str, params: &str) -> i64 {
        let id = self.next;
        self.next += 1;
        self.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)).await;
        id
    }

    /// The id of the next request.
    pub fn next_id(&self) -> i64 {
        self.next
    }

    /// The next request has another id.
    pub fn skip_id(&mut self) {
        self.next += 1;
    }

    /// Sends a request and receives its answer.
    pub async fn ask(&mut self, method: &str, params: &str) -> Value {
        let id = self.request(method, params).await;
        let answer = self.receive().await;
        assert_eq!(answer.at("id"), Some(&Value::from(id)), "{}", answer.to_json());
        answer
    }

    /// Calls a tool.
    pub async fn call(&mut self, tool: &str, args: &str) -> Value {
        self.ask("tools/call", &format!(r#"{{"name":"{tool}","arguments":{args}}}"#)).await
    }

    /// What the server did.
    pub fn effects(&self) -> Vec<String> {
        self.lines_of("effects").iter().map(|line| line.trim().to_owned()).collect()
    }

    /// The parameters of every message with this method that the server was told.
    pub fn heard(&self, method: &str) -> Vec<String> {
        self.messages_with(method).iter().map(|message| at(message, "params")).collect()
    }

    /// Every message with this method that the server was told.
    pub fn messages_with(&self, method: &str) -> Vec<Value> {
        let method = Value::from(method);
        self.messages().into_iter().filter(|message| message.at("method") == Some(&method)).collect()
    }

    /// The methods that the server was told, in order; `answer` for an answer.
    pub fn heard_in_order(&self) -> Vec<String> {
        let word = |message: Value| message.at("method").and_then(Value::as_text).unwrap_or("answer").to_owned();
        self.messages().into_iter().map(word).collect()
    }

    fn messages(&self) -> Vec<Value> {
        self.lines_of("heard")
            .iter()
            .map(|line| Value::from_said_json(line.as_bytes(), Limits::RESULT).unwrap().0)
            .collect()
    }

    /// The lines of a file that are whole by now.
    fn lines_of(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.file(name)).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(str::to_owned).collect()
    }

    /// How many entries of one of these kinds are in the log by now.
    pub fn recorded(&self, kinds: &[&str]) -> usize {
        let text = std::fs::read_to_string(self.file("log/log.jsonl")).unwrap_or_default();
        kinds.iter().map(|kind| text.matches(&format!("\"kind\":\"{kind}\"")).count()).sum()
    }

    /// What the server complained about, as it was passed on.
    pub fn complaints(&self) -> String {
        String::from_utf8(self.complaints.0.lock().unwrap().clone()).unwrap()
    }

    /// Waits until a file of the folder has this text.
    pub async fn until_file_has(&self, name: &str, text: &str) {
        let file = self.file(name);
        let has = || std::fs::read_to_string(&file).unwrap_or_default().contains(text);
        until(&format!("`{name}` has {text:?}"), has).await;
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The client leaves.
    pub async fn leave(mut self) -> (Ended, Left) {
        self.hang_up().await;
        self.end().await
    }

    /// The client says nothing more.
    pub async fn hang_up(&mut self) {
        self.to_proxy.take().unwrap().shutdown().await.unwrap();
    }

    /// The proxy is told to stop.
    pub async fn stop(self) -> (Ended, Left) {
        self.stop_and(|| ()).await
    }

    /// The proxy is told to stop, and once it knows, something else happens.
    pub async fn stop_and(mut self, then: impl FnOnce()) -> (Ended, Left) {
        self.stop.take().unwrap().send(()).unwrap();
        until("the proxy knows that it is to stop", || self.knows.load(Ordering::Acquire)).await;
        then();
        self.end().await
    }

    /// The task that runs the session is cancelled.
    pub async fn give_up(self) -> Left {
        self.proxy.abort();
        until("the call is settled", || self.recorded(&["outcome"]) == 1).await;
        self.left()
    }

    /// Waits for the session's end.
    pub async fn end(mut self) -> (Ended, Left) {
        let ended = timeout(PATIENCE, &mut self.proxy).await.expect("the proxy ends").unwrap();
        (ended, self.left())
    }

    fn left(self) -> Left {
        let log = self.folder.path().join("log");
        let report = verify_folder(&log, &VerifyOptions::default()).unwrap();
        assert!(matches!(report.verdict, LogVerdict::Unanchored { .. }), "{:?}", report.findings);
        let text = std::fs::read_to_string(log.join("log.jsonl")).unwrap();
        assert!(!text.contains(SECRET));
        let entries = entries(&log).unwrap().map(Result::unwrap).collect();
        let (effects, called) = (self.effects(), self.heard("tools/call").len());
        let told = self.file("left").exists();
        Left { entries, effects, called, told, _folder: self.folder }
    }
}

/// An enforcer as the host puts it together, but for whose turn the test decides.
fn enforcer(setup: &Setup, turns: &Turns, clock: Arc<dyn Clock>) -> Enforcer {
    let policy = load_policy(&setup.policy).unwrap().policy;
    let protected = protected(setup, &policy).unwrap();
    let random = Arc::new(SystemRandom);
    let folders = &setup.folders;
    let parts = LogParts {
        store: Box::new(HeldStore { files: FileLog::open(&folders.log).unwrap(), turns: turns.clone() }),
        signer: Box::new(load_or_create_signer(&folders.keys, &folders.origin).unwrap()),
        anchor: None,
        clock: Arc::clone(&clock),
        random: random.clone(),
        keyer: load_or_create_keyer(&folders.keys).unwrap(),
        origin: folders.origin.clone(),
    };
    let log = Arc::new(Log::open(parts, State::default()).unwrap());
    let (face, resolver, durability) = (setup.face, Arc::new(FileSystem), Durability::Strict);
    let (approver, identities) = (None, Identities::Keyed);
    let parts =
        EnforcerParts { policy, face, log, resolver, protected, approver, clock, random, durability, identities };
    Enforcer::new(parts).unwrap()
}

/// Whether turns are held, for the log and the test.
#[derive(Clone, Default)]
struct Turns {
    held: Arc<Mutex<bool>>,
    changed: Arc<Condvar>,
}

/// The log's files, whose turn comes when the test lets it come.
struct HeldStore {
    files: FileLog,
    turns: Turns,
}

impl LogStore for HeldStore {
    fn turn(&self) -> Result<Box<dyn LogTurn + '_>, StoreError> {
        drop(self.turns.changed.wait_while(self.turns.held.lock().unwrap(), |held| *held).unwrap());
        self.files.turn()
    }
}

/// The log's turn, until it is dropped.
pub struct HeldLog(Turns);

impl Drop for HeldLog {
    fn drop(&mut self) {
        *self.0.held.lock().unwrap() = false;
        self.0.changed.notify_all();
    }
}

/// What is left of a session.
pub struct Left {
    pub entries: Vec<EntryLine>,
    /// What the server did.
    pub effects: Vec<String>,
    /// How many calls the server was asked.
    pub called: usize,
    /// Whether the server saw the end of its input, and ended by itself.
    pub told: bool,
    _folder: TempDir,
}

impl Left {
    /// Kind and code of every entry about a call, in order.
    pub fn lines(&self) -> Vec<String> {
        let about_calls = self.entries.iter().filter(|entry| entry.call.is_some());
        let word = |entry: &EntryLine| format!("{:?} {}", entry.kind, entry.code.as_deref().unwrap_or("-"));
        about_calls.map(word).collect()
    }

    /// How many entries about calls are this.
    pub fn count(&self, line: &str) -> usize {
        self.lines().iter().filter(|found| *found == line).count()
    }
}

/// The JSON at a dotted path.
pub fn at(value: &Value, path: &str) -> String {
    value.at(path).map_or_else(|| "nothing".to_owned(), Value::to_json)
}

/// The text of a result's first content.
pub fn text(answer: &Value) -> String {
    let content = answer.at("result.content");
    let first = match content {
        Some(Value::List(items)) => items.first().cloned().unwrap_or_default(),
        _ => Value::Map(Map::new()),
    };
    first.at("text").and_then(Value::as_text).unwrap_or_default().to_owned()
}

/// The code of a refusal or an end without a result.
pub fn code(answer: &Value) -> String {
    let inside = ["result._meta.enforcecore/decision.code", "error.data.enforcecore/decision.code"];
    let found = inside.iter().find_map(|path| answer.at(path)).and_then(Value::as_text);
    found.map_or_else(|| at(answer, "error.code"), str::to_owned)
}

#[derive(Clone, Default)]
pub struct Complaints(Arc<Mutex<Vec<u8>>>);

impl Write for Complaints {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
