//! What is on its way to one side, in order: nothing is lost, and what waits is limited.
//!
//! Requests and answers wait for room. Notifications cannot wait, because their sender goes on; so the sender is not read on once
//! too many of them wait. Of two kinds the last word says it all, or is for a person to read: reports of progress, and log messages.
//! Where there is no room, a report takes the place of the one before it under the same token, and log messages are counted in
//! one that says how many they were. Both carry the number in `_meta`. Any other notification keeps its place.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enforcecore::value::{Map, Value};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tracing::warn;

use super::methods::LEVELS;

/// Requests and answers on their way to one side at most.
const MESSAGES_AHEAD_MAX: usize = 256;
/// Notifications on their way to one side at most, before some are merged: more than any server says at once.
const NOTIFICATIONS_AHEAD_MAX: usize = 16_384;
/// Notifications beyond those that are kept, because nothing can stand for them, before their sender is not read on.
const NOTIFICATIONS_BEYOND_MAX: usize = 1024;
/// Bytes on their way to one side before there is no more room: a message more may be there.
const BYTES_AHEAD_MAX: usize = 32 << 20;
/// Where a notification says how many others it stands for.
pub const MERGED: &str = "enforcecore/merged";

/// Messages on their way.
pub struct Outbox {
    state: Mutex<State>,
    /// There is something to write, or nothing more will be.
    filled: Notify,
    /// There is room again.
    emptied: Notify,
}

struct State {
    waiting: VecDeque<Waiting>,
    /// How many went before the first of them.
    gone: u64,
    messages: usize,
    bytes: usize,
    /// The report of progress that waits under a token, by its number.
    reports: HashMap<String, u64>,
    /// The log message that stands for others, by its number.
    log: Option<u64>,
    /// How often so much waited that the sender was not to be read on, and no longer does.
    floods: u64,
    closed: bool,
    /// Whether what is kept is still written.
    writing: bool,
}

/// One message on its way.
enum Waiting {
    /// A request or an answer.
    Message(String),
    /// A notification that nothing stands for.
    Notification(String),
    /// A report of progress, under its token, and how many it stands for.
    Report { token: String, line: Notification, merged: u64 },
    /// Log messages that are merged, and how severe the worst of them is.
    Log { level: usize, merged: u64 },
}

/// A notification that is not written out yet.
struct Notification {
    method: String,
    params: Map,
    /// About as many bytes as it has.
    bytes: usize,
}

/// Why a message is not on its way.
#[derive(Debug, PartialEq, Eq)]
pub enum NotSent {
    /// There is no room for it now.
    Full(String),
    /// Nothing more is sent.
    Closed,
}

impl Outbox {
    /// A box whose messages are written until it is closed or dropped; the handle ends when everything was written.
    pub fn new(output: impl AsyncWrite + Unpin + Send + 'static) -> (Arc<Outbox>, JoinHandle<()>) {
        let state = State {
            waiting: VecDeque::new(),
            gone: 0,
            messages: 0,
            bytes: 0,
            reports: HashMap::new(),
            log: None,
            floods: 0,
            closed: false,
            writing: true,
        };
        let outbox = Arc::new(Outbox { state: Mutex::new(state), filled: Notify::new(), emptied: Notify::new() });
        let writer = tokio::spawn(Writer { outbox: Arc::clone(&outbox) }.write(output));
        (outbox, writer)
    }

    /// Sends a request or an answer, if there is room.
    pub fn send(&self, line: String) -> Result<(), NotSent> {
        let mut state = self.state();
        if state.is_over() {
            return Err(NotSent::Closed);
        }
        if !state.has_room() {
            return Err(NotSent::Full(line));
        }
        state.messages += 1;
        self.push(&mut state, Waiting::Message(line));
        Ok(())
    }

    /// Sends it when there is room, unless nothing more is sent.
    pub async fn send_in_time(&self, mut line: String) {
        loop {
            let emptied = self.emptied.notified();
            tokio::pin!(emptied);
            emptied.as_mut().enable();
            match self.send(line) {
                Ok(()) | Err(NotSent::Closed) => return,
                Err(NotSent::Full(back)) => line = back,
            }
            emptied.await;
        }
    }

    /// Sends a notification. False where nothing more is sent.
    pub fn tell(&self, method: &str, params: Map) -> bool {
        let mut state = self.state();
        if state.is_over() {
            return false;
        }
        let full = state.notifications() >= NOTIFICATIONS_AHEAD_MAX || state.bytes >= BYTES_AHEAD_MAX;
        match method {
            "notifications/progress" => self.report(&mut state, method, params, full),
            "notifications/message" if full => self.count_log(&mut state, &params),
            _ => {
                let line = notification(method, params);
                self.push(&mut state, Waiting::Notification(line));
            }
        }
        true
    }

    /// A report with the token of one that waits takes its place where there is no room for both.
    fn report(&self, state: &mut State, method: &str, params: Map, full: bool) {
        let token = params.get("progressToken").cloned().unwrap_or_default().to_json();
        let bytes = Value::Map(params.clone()).to_json().len();
        let line = Notification { method: method.to_owned(), params, bytes };
        let before = state.reports.get(&token).filter(|_| full).and_then(|number| state.place(*number));
        let merged = match before.and_then(|place| state.waiting.get_mut(place)) {
            Some(Waiting::Report { line: before, merged, .. }) => {
                *merged += 1;
                Some(std::mem::replace(before, line).bytes)
            }
            _ => {
                state.reports.insert(token.clone(), state.next());
                self.push(state, Waiting::Report { token, line, merged: 0 });
                None
            }
        };
        if let Some(before) = merged {
            state.bytes = (state.bytes + bytes).saturating_sub(before);
        }
    }

    /// A log message for which there is no room is counted in the one that stands for all of them.
    fn count_log(&self, state: &mut State, params: &Map) {
        let said = params.get("level").and_then(Value::as_text).unwrap_or_default();
        let severity = LEVELS.iter().position(|level| *level == said).unwrap_or_default();
        let before = state.log.and_then(|number| state.place(number));
        match before.and_then(|place| state.waiting.get_mut(place)) {
            Some(Waiting::Log { level, merged }) => {
                *level = severity.max(*level);
                *merged += 1;
            }
            _ => {
                state.log = Some(state.next());
                self.push(state, Waiting::Log { level: severity, merged: 1 });
            }
        }
    }

    fn push(&self, state: &mut State, waiting: Waiting) {
        state.bytes += waiting.bytes();
        state.waiting.push_back(waiting);
        self.filled.notify_one();
    }

    /// Whether so much waits that the sender of notifications is not to be read on.
    pub fn is_flooded(&self) -> bool {
        self.state().is_flooded()
    }

    /// How often that was so and is over.
    pub fn floods(&self) -> u64 {
        self.state().floods
    }

    /// Waits until that is over.
    pub async fn drained(&self) {
        loop {
            let emptied = self.emptied.notified();
            tokio::pin!(emptied);
            emptied.as_mut().enable();
            if !self.is_flooded() {
                return;
            }
            emptied.await;
        }
    }

    /// Nothing more is sent: the other side sees the end of its input once it has what is on its way.
    pub fn close(&self) {
        self.state().closed = true;
        self.filled.notify_one();
        self.emptied.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_over(&self) -> bool {
        self.closed || !self.writing
    }

    fn is_flooded(&self) -> bool {
        !self.is_over()
            && (self.notifications() >= NOTIFICATIONS_AHEAD_MAX + NOTIFICATIONS_BEYOND_MAX
                || self.bytes >= 2 * BYTES_AHEAD_MAX)
    }

    fn has_room(&self) -> bool {
        self.messages < MESSAGES_AHEAD_MAX && self.bytes < BYTES_AHEAD_MAX
    }

    fn notifications(&self) -> usize {
        self.waiting.len() - self.messages
    }

    /// The number of the next message.
    fn next(&self) -> u64 {
        self.gone + self.waiting.len() as u64
    }

    /// Where the message with this number waits.
    fn place(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.gone)?).ok()
    }

    fn take(&mut self) -> Option<Waiting> {
        let was_flooded = self.is_flooded();
        let taken = self.take_first();
        self.floods += u64::from(was_flooded && !self.is_flooded());
        taken
    }

    fn take_first(&mut self) -> Option<Waiting> {
        let waiting = self.waiting.pop_front()?;
        let number = self.gone;
        self.gone += 1;
        self.bytes = self.bytes.saturating_sub(waiting.bytes());
        match &waiting {
            Waiting::Message(_) => self.messages -= 1,
            Waiting::Notification(_) => {}
            Waiting::Report { token, .. } => {
                if self.reports.get(token) == Some(&number) {
                    self.reports.remove(token);
                }
            }
            Waiting::Log { .. } => self.log = None,
        }
        Some(waiting)
    }
}

impl Waiting {
    fn bytes(&self) -> usize {
        match self {
            Waiting::Message(line) | Waiting::Notification(line) => line.len(),
            Waiting::Report { line, .. } => line.bytes,
            Waiting::Log { .. } => 0,
        }
    }

    /// The line, without its end.
    fn line(self) -> String {
        match self {
            Waiting::Message(line) | Waiting::Notification(line) => line,
            Waiting::Report { line: Notification { method, mut params, .. }, merged, .. } => {
                if merged > 0 {
                    warn!(merged, "reports of progress were merged, because the other side does not read");
                    say_merged(&mut params, merged);
                }
                notification(&method, params)
            }
            Waiting::Log { level, merged } => {
                warn!(merged, "log messages of the server were merged, because the client does not read");
                let said = format!("{merged} log messages came while the client did not read, and are not shown");
                let level = LEVELS.get(level).copied().unwrap_or("info");
                let params = [("level", level), ("logger", "enforcecore"), ("data", &said)];
                let mut params = params.into_iter().map(|(key, text)| (key.to_owned(), Value::from(text))).collect();
                say_merged(&mut params, merged);
                notification("notifications/message", params)
            }
        }
    }
}

fn say_merged(params: &mut Map, merged: u64) {
    let meta = params.entry("_meta".to_owned()).or_insert_with(|| Value::Map(Map::new()));
    if let Value::Map(meta) = meta {
        meta.insert(MERGED.to_owned(), Value::from(i64::try_from(merged).unwrap_or(i64::MAX)));
    }
}

/// A notification as a line, without its end.
fn notification(method: &str, params: Map) -> String {
    line([("method", Value::from(method)), ("params", Value::Map(params))])
}

/// One message as a line, without its end.
pub fn line<K: Into<String>>(members: impl IntoIterator<Item = (K, Value)>) -> String {
    let version = [("jsonrpc".to_owned(), Value::from("2.0"))];
    let members = members.into_iter().map(|(key, value)| (key.into(), value));
    Value::Map(version.into_iter().chain(members).collect()).to_json()
}

/// Writes what a box has. Once it is gone, nothing waits for room any more.
struct Writer {
    outbox: Arc<Outbox>,
}

impl Writer {
    async fn write(self, mut output: impl AsyncWrite + Unpin) {
        loop {
            let (next, over) = {
                let mut state = self.outbox.state();
                (state.take(), state.closed)
            };
            match next {
                Some(waiting) => {
                    self.outbox.emptied.notify_waiters();
                    let mut line = waiting.line();
                    line.push('\n');
                    if output.write_all(line.as_bytes()).await.is_err() || output.flush().await.is_err() {
                        return;
                    }
                }
                None if over => return,
                None => self.outbox.filled.notified().await,
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.outbox.state().writing = false;
        self.outbox.emptied.notify_waiters();
    }
}
