//! One side of the session: what is sent to it, and the requests that wait for its answers.
//!
//! Requests get ids of our own, and so does the progress on them: an answer can only be the one to a request that we sent, and
//! only once.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use enforcecore::codes::Code;
use enforcecore::value::{Map, Value};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::methods::Passing;
use super::shape::Members;

/// Messages on their way to one side at most.
const MESSAGES_AHEAD_MAX: usize = 256;

/// The end of a request: the answer's body, `result` or `error`.
pub type Answer = Result<Map, Lost>;

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
    /// There is one, and it cannot be read; the code says why.
    Unreadable(Code),
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
}

struct State {
    /// None once nothing more is to be sent.
    out: Option<mpsc::Sender<String>>,
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
        let state =
            State { out: Some(sender), listening: true, waiting: HashMap::new(), given_up: HashSet::new(), next: 1 };
        (Peer { state: Mutex::new(state) }, writer)
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
        let sent = state.listening && state.out.as_ref().is_some_and(|out| out.try_send(line(message)).is_ok());
        if !sent {
            return Err(Lost::NotSent);
        }
        state.waiting.insert(id, Waiting { asker, progress, expected, take });
        Ok(())
    }

    /// Sends a notification; one for which there is no room is dropped, and the caller told.
    pub fn tell(&self, method: &str, params: Map) -> bool {
        let message = [("method", Value::from(method)), ("params", Value::Map(params))];
        self.state().out.as_ref().is_some_and(|out| out.try_send(line(message)).is_ok())
    }

    /// Answers a request of this side at once. Where there is no room, it gives back what is to be sent then.
    pub fn respond(&self, id: Value, body: Map) -> Option<Unsent> {
        let line = line([("id".to_owned(), id)].into_iter().chain(body));
        let state = self.state();
        let out = state.out.as_ref()?;
        match out.try_send(line) {
            Ok(()) | Err(TrySendError::Closed(_)) => None,
            Err(TrySendError::Full(line)) => Some(Unsent { out: out.clone(), line }),
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
        self.state().out = None;
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

/// A message for which there was no room.
pub struct Unsent {
    out: mpsc::Sender<String>,
    line: String,
}

impl Unsent {
    /// Sends it when there is room, unless the side reads no longer.
    pub async fn send(self) {
        let _ = self.out.send(self.line).await;
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
fn line<K: Into<String>>(members: impl IntoIterator<Item = (K, Value)>) -> String {
    let version = [("jsonrpc".to_owned(), Value::from("2.0"))];
    let members = members.into_iter().map(|(key, value)| (key.into(), value));
    Value::Map(version.into_iter().chain(members).collect()).to_json()
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// What is written to a side while the test speaks to it.
    async fn written(speak: impl AsyncFnOnce(&Peer)) -> Vec<String> {
        let (ours, mut theirs) = tokio::io::duplex(1 << 16);
        let (peer, writer) = Peer::new(ours);
        speak(&peer).await;
        peer.close();
        writer.await.unwrap();
        let mut text = String::new();
        theirs.read_to_string(&mut text).await.unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn ask(peer: &Peer, asker: i64) -> Result<(), Lost> {
        peer.ask(&Value::from(asker), "m", Map::new(), Expected::OfCall, Box::new(|_| true))
    }

    /// A request that no answer can come to is not sent: it would wait for ever, and its effect would be unknown.
    #[tokio::test]
    async fn nothing_is_asked_of_a_side_that_is_gone_or_closed() {
        for (what, end) in [("gone", Peer::gone as fn(&Peer)), ("closed", Peer::close)] {
            let lines = written(async |peer| {
                assert_eq!(ask(peer, 1), Ok(()), "{what}");
                end(peer);
                assert_eq!(ask(peer, 2), Err(Lost::NotSent), "{what}");
                assert_eq!(peer.call(&Value::from(3), "m", Map::new()).await, Err(Lost::NotSent), "{what}");
            })
            .await;
            assert_eq!(lines.len(), 1, "{what}: {lines:?}");
        }
    }

    /// What waits when its side goes away is lost, and nothing waits for it any more.
    #[tokio::test]
    async fn what_waits_for_a_side_that_goes_is_told_so() {
        written(async |peer| {
            let asker = Value::from("a");
            let (answer, ()) = tokio::join!(peer.call(&asker, "m", Map::new()), async { peer.gone() });
            assert_eq!(answer, Err(Lost::Gone));
            assert!(peer.expected(&Value::from(1)).is_none());
            assert_eq!(peer.answered(&Value::from(1), Ok(Map::new())), Answered::Unasked);
        })
        .await;
    }

    /// How a number of ours is written, and whether that names the request: it is read as it was sent and in no other way.
    #[tokio::test]
    async fn an_answer_names_a_request_by_its_number_once() {
        for (id, names) in [
            (r#"1"#, true),
            (r#""1""#, false),
            (r#"1.0"#, false),
            (r#"1e0"#, false),
            (r#"2"#, false),
            (r#"0"#, false),
            (r#"-1"#, false),
            (r#"null"#, false),
            (r#"[1]"#, false),
            (r#"18446744073709551617"#, false),
        ] {
            written(async |peer| {
                assert_eq!(ask(peer, 7), Ok(()));
                let id = Value::from_json(id.as_bytes()).unwrap();
                assert_eq!(peer.expected(&id).is_some(), names, "{}", id.to_json());
                let expected = if names { Answered::Now("7".to_owned()) } else { Answered::Unasked };
                assert_eq!(peer.answered(&id, Ok(Map::new())), expected, "{}", id.to_json());
                assert_eq!(peer.answered(&id, Ok(Map::new())), Answered::Unasked, "{}: once", id.to_json());
            })
            .await;
        }
    }
}
