//! One side of the session: what is sent to it, and the requests that wait for its answers.
//!
//! Requests get ids of our own, and so does the progress on them: an answer can only be the one to a request that we sent, and
//! only once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use enforcecore::value::{Map, Value};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Messages on their way to one side at most.
const MESSAGES_AHEAD_MAX: usize = 256;

/// What became of a request: the answer's body, `result` or `error`.
pub type Answer = Result<Map, Lost>;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The request was never sent.
    NotSent,
    /// The other side went away.
    Gone,
    /// Whoever asked no longer wants to know.
    Cancelled,
    /// There is one, and it cannot be read; the code says why.
    Unreadable(&'static str),
}

/// One side.
pub struct Peer {
    state: Mutex<State>,
}

struct State {
    /// None once nothing more is to be sent.
    out: Option<mpsc::Sender<String>>,
    /// Whether answers can still come.
    listening: bool,
    waiting: HashMap<i64, Waiting>,
    next: i64,
}

struct Waiting {
    /// The asker's own id for the request.
    asker: String,
    /// The token by which progress is reported on it.
    progress: Option<Value>,
    answer: oneshot::Sender<Answer>,
}

impl Peer {
    /// A side that is written to until the peer is closed or dropped; the handle ends when everything was written.
    pub fn new(mut output: impl AsyncWrite + Unpin + Send + 'static) -> (Peer, JoinHandle<()>) {
        let (sender, mut lines) = mpsc::channel::<String>(MESSAGES_AHEAD_MAX);
        let writer = tokio::spawn(async move {
            while let Some(mut line) = lines.recv().await {
                line.push('\n');
                if output.write_all(line.as_bytes()).await.is_err() || output.flush().await.is_err() {
                    break;
                }
            }
        });
        let state = State { out: Some(sender), listening: true, waiting: HashMap::new(), next: 1 };
        (Peer { state: Mutex::new(state) }, writer)
    }

    /// Sends a request and waits for its answer.
    pub async fn ask(&self, asker: &Value, method: &str, mut params: Map) -> Answer {
        let answer = {
            let mut state = self.state();
            let id = state.next;
            state.next += 1;
            let progress = replace_token(&mut params, id);
            let message = [("id", Value::from(id)), ("method", Value::from(method)), ("params", Value::Map(params))];
            let sent = state.listening && state.out.as_ref().is_some_and(|out| out.try_send(line(message)).is_ok());
            if !sent {
                return Err(Lost::NotSent);
            }
            let (sender, answer) = oneshot::channel();
            state.waiting.insert(id, Waiting { asker: asker.to_json(), progress, answer: sender });
            answer
        };
        answer.await.unwrap_or(Err(Lost::Gone))
    }

    /// Sends a notification; one for which there is no room is dropped, and the caller told.
    pub fn tell(&self, method: &str, params: Map) -> bool {
        let message = [("method", Value::from(method)), ("params", Value::Map(params))];
        self.state().out.as_ref().is_some_and(|out| out.try_send(line(message)).is_ok())
    }

    /// Answers a request of this side, waiting until there is room. False if this side no longer reads.
    pub async fn respond(&self, id: Value, body: Map) -> bool {
        let out = self.state().out.clone();
        let message = [("id", id)].into_iter().chain(body.iter().map(|(key, value)| (key.as_str(), value.clone())));
        match out {
            Some(out) => out.send(line(message)).await.is_ok(),
            None => false,
        }
    }

    /// Takes in an answer. False for one that nobody waits for.
    pub fn answered(&self, id: &Value, answer: Answer) -> bool {
        let waiting = own_id(id).and_then(|id| self.state().waiting.remove(&id));
        waiting.is_some_and(|waiting| waiting.answer.send(answer).is_ok())
    }

    /// Gives up what this asker asked for, and returns the id it has on this side.
    pub fn give_up(&self, asker: &Value) -> Option<Value> {
        let asker = asker.to_json();
        let mut state = self.state();
        let id = state.waiting.iter().find(|(_, waiting)| waiting.asker == asker).map(|(id, _)| *id)?;
        let waiting = state.waiting.remove(&id)?;
        let _ = waiting.answer.send(Err(Lost::Cancelled));
        Some(Value::from(id))
    }

    /// Puts the asker's own token into a report of progress. False for one on no request that waits here.
    pub fn readdress(&self, report: &mut Map) -> bool {
        let Some(token) = report.get_mut("progressToken") else { return false };
        let asked = own_id(token).and_then(|id| self.state().waiting.get(&id)?.progress.clone());
        asked.map(|asked| *token = asked).is_some()
    }

    /// Nothing more is sent: the other side sees the end of its input.
    pub fn close(&self) {
        self.state().out = None;
    }

    /// No answer will come any more.
    pub fn gone(&self) {
        let mut state = self.state();
        state.listening = false;
        state.waiting.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts our id for the request in place of the token by which its asker wants to hear of progress, and returns the token: it is
/// any text, and the other side only repeats it.
fn replace_token(params: &mut Map, id: i64) -> Option<Value> {
    let Some(Value::Map(meta)) = params.get_mut("_meta") else { return None };
    meta.get_mut("progressToken").map(|token| std::mem::replace(token, Value::from(id)))
}

/// The number of a request of ours.
fn own_id(id: &Value) -> Option<i64> {
    let Value::Number(number) = id else { return None };
    number.text().parse().ok()
}

/// One message as a line, without its end.
fn line<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> String {
    let version = [("jsonrpc", Value::from("2.0"))];
    let members = version.into_iter().chain(members);
    Value::Map(members.map(|(key, value)| (key.to_owned(), value)).collect()).to_json()
}
