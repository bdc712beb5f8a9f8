//! One side of the session: what is sent to it, and the requests that wait for its answers.
//!
//! Requests get ids of our own, and so does the progress on them: an answer can only be the one to a request that we sent, and
//! only once.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enforcecore::call::Malformed;
use enforcecore::characters::Replaced;
use enforcecore::value::{Map, Value};
use tokio::io::AsyncWrite;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::methods::Passing;
use super::outbox::{NotSent, Outbox, line};
use super::shape::Members;

/// The end of a request.
pub type Answer = Result<Said, Lost>;

/// What one side answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The answer's body: `result` or `error`.
    pub body: Map,
    /// Characters of it that were replaced.
    pub replaced: Replaced,
}

/// Errors instead of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The request was never sent: the other side is gone, or does not read.
    NotSent,
    /// The request was never sent: its asker gave it up before.
    GivenUp,
    /// The other side went away.
    Gone,
    /// The asker cancelled the request.
    Cancelled,
    /// There is one, and it cannot be read.
    Unreadable(Malformed),
}

/// What is done with an answer where it comes in, so that it keeps its place among what is said after it. True if the asker has
/// it then.
type Take = Box<dyn FnOnce(Answer) -> bool + Send>;

/// What became of an answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Answered {
    /// No asker waits for it.
    Unasked,
    /// It is on its way to its asker.
    Soon,
    /// This asker has it.
    Now(String),
}

/// What an answer is to be inspected for.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// Nothing: it is a call's, and the line inspects it.
    OfCall,
    /// What may be seen of it.
    Passed(Passing),
    /// What may be heard of it, which has these members.
    Members(Members),
}

impl Expected {
    /// Whether the client is asked.
    pub fn is_of_client(self) -> bool {
        matches!(self, Expected::Members(_))
    }
}

/// One side.
pub struct Peer {
    state: Mutex<State>,
    out: Arc<Outbox>,
}

struct State {
    /// Whether answers can still come.
    listening: bool,
    waiting: HashMap<i64, Waiting>,
    /// Askers that gave up what is not sent yet.
    given_up: HashSet<String>,
    next: i64,
}

struct Waiting {
    /// The asker's own id for the request.
    asker: String,
    /// The token by which progress is reported on it.
    progress: Option<Value>,
    expected: Expected,
    take: Take,
}

impl Peer {
    /// A side that is written to until the peer is closed or dropped; the handle ends when everything was written.
    pub fn new(output: impl AsyncWrite + Unpin + Send + 'static) -> (Peer, JoinHandle<()>) {
        let (out, writer) = Outbox::new(output);
        let state = State { listening: true, waiting: HashMap::new(), given_up: HashSet::new(), next: 1 };
        (Peer { state: Mutex::new(state), out }, writer)
    }

    /// Sends a call and waits for its answer.
    pub async fn call(&self, asker: &Value, method: &str, params: Map) -> Answer {
        let (sender, answer) = oneshot::channel();
        let take = |answer| {
            let _ = sender.send(answer);
            false
        };
        self.ask(asker, method, params, Expected::OfCall, Box::new(take))?;
        answer.await.unwrap_or(Err(Lost::Gone))
    }

    /// Sends a request. What is done with its answer is dropped undone if none can come any more.
    pub fn ask(
        &self,
        asker: &Value,
        method: &str,
        mut params: Map,
        expected: Expected,
        take: Take,
    ) -> Result<(), Lost> {
        let asker = asker.to_json();
        let mut state = self.state();
        // Looked at and sent in one turn: a cancellation comes before both or after both.
        if state.given_up.contains(&asker) {
            return Err(Lost::GivenUp);
        }
        let id = state.next;
        state.next += 1;
        let progress = replace_token(&mut params, id);
        let message = [("id", Value::from(id)), ("method", Value::from(method)), ("params", Value::Map(params))];
        if !state.listening || self.out.send(line(message)).is_err() {
            return Err(Lost::NotSent);
        }
        state.waiting.insert(id, Waiting { asker, progress, expected, take });
        Ok(())
    }

    /// Sends a notification. False where the side reads no longer.
    pub fn tell(&self, method: &str, params: Map) -> bool {
        self.out.tell(method, params)
    }

    /// Whether so much waits for this side that what the other one tells it is not to be read on.
    pub fn is_flooded(&self) -> bool {
        self.out.is_flooded()
    }

    /// Waits until that is over.
    pub async fn drained(&self) {
        self.out.drained().await;
    }

    /// Answers a request of this side at once. Where there is no room, it gives back what is to be sent then.
    pub fn respond(&self, id: Value, body: Map) -> Option<Unsent> {
        match self.out.send(line([("id".to_owned(), id)].into_iter().chain(body))) {
            Ok(()) | Err(NotSent::Closed) => None,
            Err(NotSent::Full(line)) => Some(Unsent { out: Arc::clone(&self.out), line }),
        }
    }

    /// Answers a request of this side, waiting until there is room.
    pub async fn respond_in_time(&self, id: Value, body: Map) {
        if let Some(unsent) = self.respond(id, body) {
            unsent.send().await;
        }
    }

    /// What an answer is to be inspected for. None for one that no asker waits for.
    pub fn expected(&self, id: &Value) -> Option<Expected> {
        own_id(id).and_then(|id| Some(self.state().waiting.get(&id)?.expected))
    }

    /// Takes in an answer.
    pub fn answered(&self, id: &Value, answer: Answer) -> Answered {
        match own_id(id).and_then(|id| self.state().waiting.remove(&id)) {
            None => Answered::Unasked,
            Some(Waiting { asker, take, .. }) => {
                if take(answer) {
                    Answered::Now(asker)
                } else {
                    Answered::Soon
                }
            }
        }
    }

    /// Takes in an answer that cannot be read. One that names no request of ours may be the answer to any, so every one that waits
    /// is settled with it, in the order in which they were asked.
    pub fn unreadable(&self, id: Option<&Value>, why: &Malformed) -> Vec<Answered> {
        let ids = match id.and_then(own_id) {
            Some(id) => vec![id],
            None => {
                let mut ids: Vec<i64> = self.state().waiting.keys().copied().collect();
                ids.sort_unstable();
                ids
            }
        };
        ids.into_iter().map(|id| self.answered(&Value::from(id), Err(Lost::Unreadable(why.clone())))).collect()
    }

    /// Gives up what this asker asked for, and returns the id it has on this side. What is not sent yet never will be, until
    /// the asker is forgotten; so this is only for one whose request is not answered.
    pub fn give_up(&self, asker: &Value) -> Option<Value> {
        let asker = asker.to_json();
        let (id, waiting) = {
            let mut state = self.state();
            let Some(id) = state.waiting.iter().find(|(_, waiting)| waiting.asker == asker).map(|(id, _)| *id) else {
                state.given_up.insert(asker);
                return None;
            };
            (id, state.waiting.remove(&id)?)
        };
        (waiting.take)(Err(Lost::Cancelled));
        Some(Value::from(id))
    }

    /// This asker's request is answered, so its next one under the same id is another.
    pub fn forget(&self, asker: &str) {
        self.state().given_up.remove(asker);
    }

    /// Puts the asker's own token into a report of progress. False for one on no request that waits here.
    pub fn readdress(&self, report: &mut Map) -> bool {
        let Some(token) = report.get_mut("progressToken") else { return false };
        let asked = own_id(token).and_then(|id| self.state().waiting.get(&id)?.progress.clone());
        asked.map(|asked| *token = asked).is_some()
    }

    /// Nothing more is sent: the other side sees the end of its input.
    pub fn close(&self) {
        self.out.close();
    }

    /// No answer will come any more.
    pub fn gone(&self) {
        let waiting = {
            let mut state = self.state();
            state.listening = false;
            std::mem::take(&mut state.waiting)
        };
        drop(waiting);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A side without a session is written to no longer.
impl Drop for Peer {
    fn drop(&mut self) {
        self.out.close();
    }
}

/// A message for which there was no room.
pub struct Unsent {
    out: Arc<Outbox>,
    line: String,
}

impl Unsent {
    /// Sends it when there is room, unless the side reads no longer.
    pub async fn send(self) {
        self.out.send_in_time(self.line).await;
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
