//! One side of the session: what is sent to it, and the requests that wait for its answers.
//!
//! Requests get ids of our own, and so does the progress on them: an answer can only be the one to a request that we sent, and
//! only once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use enforcecore::call::Malformed;
use enforcecore::characters::Replaced;
use enforcecore::outcome::Due;
use enforcecore::value::{Map, Value};
use tokio::io::AsyncWrite;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::methods::Passing;
use super::outbox::{NotSent, Outbox, line};
use super::shape::Members;

/// Overdue calls at most whose late signs of life are still known as such.
const OVERDUE_MAX: usize = 1024;

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
pub type Take = Box<dyn FnOnce(Answer) -> bool + Send>;

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
    out: Arc<Outbox>,
    /// Whether answers can still come.
    listening: bool,
    /// Whether this side was started again and is not greeted yet.
    greeting: bool,
    waiting: HashMap<i64, Waiting>,
    /// Askers that gave up what is not sent yet.
    given_up: HashSet<String>,
    /// When a call became overdue, by its id.
    overdue: BTreeMap<i64, Instant>,
    next: i64,
}

struct Waiting {
    /// The asker's own id for the request.
    asker: String,
    /// The token by which progress is reported on it.
    progress: Option<Value>,
    /// When it is due, which progress extends.
    due: Option<Due>,
    expected: Expected,
    take: Take,
}

impl Peer {
    /// A side that is written to until the peer is closed or dropped; the handle ends when everything was written.
    pub fn new(output: impl AsyncWrite + Unpin + Send + 'static) -> (Peer, JoinHandle<()>) {
        let (out, writer) = Outbox::new(output);
        let state = State {
            out,
            listening: true,
            greeting: false,
            waiting: HashMap::new(),
            given_up: HashSet::new(),
            overdue: BTreeMap::new(),
            next: 1,
        };
        (Peer { state: Mutex::new(state) }, writer)
    }

    /// Sends a call and waits for its answer. Progress on it extends the time until it is due.
    pub async fn call(&self, asker: &Value, method: &str, params: Map, due: Option<Due>) -> Answer {
        let (sender, answer) = oneshot::channel();
        let take = |answer| {
            let _ = sender.send(answer);
            false
        };
        self.ask(asker, method, params, Asking { expected: Expected::OfCall, due, take: Box::new(take) })?;
        answer.await.unwrap_or(Err(Lost::Gone))
    }

    /// Sends a request. What is done with its answer is dropped undone if none can come any more.
    pub fn ask(&self, asker: &Value, method: &str, mut params: Map, asking: Asking) -> Result<(), Lost> {
        let Asking { expected, due, take } = asking;
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
        let open = state.listening && (!state.greeting || matches!(expected, Expected::Passed(Passing::Handshake)));
        if !open || state.out.send(line(message)).is_err() {
            return Err(Lost::NotSent);
        }
        state.waiting.insert(id, Waiting { asker, progress, due, expected, take });
        Ok(())
    }

    /// Sends a notification. False where the side reads no longer.
    pub fn tell(&self, method: &str, params: Map) -> bool {
        self.out().tell(method, params)
    }

    /// Whether so much waits for this side that what the other one tells it is not to be read on.
    pub fn is_flooded(&self) -> bool {
        self.out().is_flooded()
    }

    /// How often that was so and is over.
    pub fn floods(&self) -> u64 {
        self.out().floods()
    }

    /// Waits until that is over.
    pub async fn drained(&self) {
        self.out().drained().await;
    }

    /// Answers a request of this side at once. Where there is no room, it gives back what is to be sent then.
    pub fn respond(&self, id: Value, body: Map) -> Option<Unsent> {
        let out = self.out();
        match out.send(line([("id".to_owned(), id)].into_iter().chain(body))) {
            Ok(()) | Err(NotSent::Closed) => None,
            Err(NotSent::Full(line)) => Some(Unsent { out, line }),
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

    /// Takes in an answer that cannot be read. One without an id may be the answer to any request, so every one that waits is
    /// settled with it, in the order in which they were asked; one with an id that is not ours is the answer to none.
    pub fn unreadable(&self, id: Option<&Value>, why: &Malformed) -> Vec<Answered> {
        let ids = match id {
            Some(id) => own_id(id).into_iter().collect(),
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

    /// Whether this asker gave up what it asked for before it was sent.
    pub fn is_given_up(&self, asker: &Value) -> bool {
        self.state().given_up.contains(&asker.to_json())
    }

    /// This asker's request is answered, so its next one under the same id is another.
    pub fn forget(&self, asker: &str) {
        self.state().given_up.remove(asker);
    }

    /// Puts the asker's own token into a report of progress, which extends its call's time. False for one on no request that
    /// waits here.
    pub fn readdress(&self, report: &mut Map) -> bool {
        let Some(token) = report.get_mut("progressToken") else { return false };
        let state = self.state();
        let Some(waiting) = own_id(token).and_then(|id| state.waiting.get(&id)) else { return false };
        let Some(asked) = &waiting.progress else { return false };
        waiting.due.iter().for_each(Due::extend);
        *token = asked.clone();
        true
    }

    /// The call of this asker is overdue: progress on it is passed on no more. Its id on this side; none if it is answered.
    pub fn overdue(&self, asker: &Value) -> Option<i64> {
        let asker = asker.to_json();
        let mut state = self.state();
        let (id, waiting) = state.waiting.iter_mut().find(|(_, waiting)| waiting.asker == asker)?;
        (waiting.progress, waiting.due) = (None, None);
        let id = *id;
        state.overdue.insert(id, Instant::now());
        if state.overdue.len() > OVERDUE_MAX {
            state.overdue.pop_first();
        }
        Some(id)
    }

    /// The call of this asker is overdue and may run on: it is waited for no more, and progress on it says nothing. False if it is
    /// answered.
    pub fn let_run(&self, asker: &Value) -> bool {
        let asker = asker.to_json();
        let waiting = {
            let mut state = self.state();
            let id = state.waiting.iter().find(|(_, waiting)| waiting.asker == asker).map(|(id, _)| *id);
            id.and_then(|id| state.waiting.remove(&id))
        };
        waiting.is_some()
    }

    /// The answer to an overdue call is waited for no more.
    pub fn abandon(&self, id: i64) {
        let waiting = self.state().waiting.remove(&id);
        drop(waiting);
    }

    /// The overdue call with this id is answered: it does not go on. False where no such call is known.
    pub fn is_over(&self, id: &Value) -> bool {
        own_id(id).is_some_and(|id| self.state().overdue.remove(&id).is_some())
    }

    /// Whether the call with this id is overdue and was asked of the program that is still there.
    pub fn owes(&self, id: i64) -> bool {
        self.state().overdue.contains_key(&id)
    }

    /// Whether something that was asked before this call still waits and is not overdue. A question of ours for a sign of life is
    /// nothing to be busy with.
    pub fn is_busy_before(&self, id: i64) -> bool {
        let state = self.state();
        let ours = Value::Null.to_json();
        let is_before = |(earlier, waiting): (&i64, &Waiting)| {
            *earlier < id && waiting.asker != ours && !state.overdue.contains_key(earlier)
        };
        state.waiting.iter().any(is_before)
    }

    /// The call that a report of progress is about, if it has been overdue for longer than this.
    pub fn goes_on(&self, report: &Map, grace: Duration) -> Option<i64> {
        let id = own_id(report.get("progressToken")?)?;
        self.state().overdue.get(&id).filter(|since| since.elapsed() > grace).map(|_| id)
    }

    /// Nothing more is sent: the other side sees the end of its input.
    pub fn close(&self) {
        self.out().close();
    }

    /// No answer will come any more.
    pub fn gone(&self) {
        self.ask_no_more();
        self.drop_waiting();
    }

    /// Nothing more is asked. What was asked may still be answered.
    pub fn ask_no_more(&self) {
        self.state().listening = false;
    }

    /// No answer will come to what was asked until now.
    pub fn drop_waiting(&self) {
        let waiting = {
            let mut state = self.state();
            state.overdue.clear();
            std::mem::take(&mut state.waiting)
        };
        drop(waiting);
    }

    /// This side was started again, and is written to from here on. Until it is greeted, nothing but a greeting is asked of it.
    pub fn reopen(&self, output: impl AsyncWrite + Unpin + Send + 'static) {
        let (out, _writer) = Outbox::new(output);
        let mut state = self.state();
        std::mem::replace(&mut state.out, out).close();
        (state.listening, state.greeting) = (true, true);
    }

    /// The side that was started again is greeted.
    pub fn greeted(&self) {
        self.state().greeting = false;
    }

    /// What it is written to by.
    fn out(&self) -> Arc<Outbox> {
        Arc::clone(&self.state().out)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A side without a session is written to no longer.
impl Drop for Peer {
    fn drop(&mut self) {
        self.close();
    }
}

/// What becomes of the answer to a request.
pub struct Asking {
    /// What it is to be inspected for.
    pub expected: Expected,
    /// When it is due, which progress extends.
    pub due: Option<Due>,
    /// What is done with it.
    pub take: Take,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn report(token: i64) -> Map {
        [("progressToken".to_owned(), Value::from(token))].into_iter().collect()
    }

    /// Asks for a call that nobody answers, with a token for its progress.
    fn ask(peer: &Peer, asker: i64, expected: Expected) -> Result<(), Lost> {
        let meta = Value::Map(report(7));
        let params = [("_meta".to_owned(), meta)].into_iter().collect();
        let asking = Asking { expected, due: None, take: Box::new(|_| false) };
        peer.ask(&Value::from(asker), "tools/call", params, asking)
    }

    const NO_TIME: Duration = Duration::ZERO;
    const LONG: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn an_overdue_call_is_owed_until_it_is_answered_or_its_side_is_another() {
        let (peer, _writer) = Peer::new(tokio::io::sink());
        let asker = Value::from(5);
        assert_eq!(peer.overdue(&asker), None, "nothing was asked");
        ask(&peer, 5, Expected::OfCall).unwrap();
        assert!(peer.readdress(&mut report(1)) && !peer.owes(1));
        assert_eq!(peer.goes_on(&report(1), NO_TIME), None, "it is not overdue");
        assert_eq!(peer.overdue(&asker), Some(1));
        // Its asker hears of no progress any more, but progress says that it goes on, once the grace is over.
        assert!(peer.owes(1) && !peer.readdress(&mut report(1)));
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert_eq!((peer.goes_on(&report(1), NO_TIME), peer.goes_on(&report(1), LONG)), (Some(1), None));
        assert_eq!((peer.goes_on(&report(2), NO_TIME), peer.goes_on(&Map::new(), NO_TIME)), (None, None));
        peer.abandon(1);
        assert!(peer.owes(1) && peer.expected(&Value::from(1)).is_none());
        assert_eq!(peer.answered(&Value::from(1), Ok(Said::default())), Answered::Unasked);
        assert!(peer.is_over(&Value::from(1)) && !peer.is_over(&Value::from(1)) && !peer.owes(1));
        ask(&peer, 5, Expected::OfCall).unwrap();
        assert_eq!(peer.overdue(&asker), Some(2));
        peer.gone();
        assert!(!peer.owes(2), "another side owes nothing");
    }

    #[tokio::test]
    async fn a_call_that_may_run_on_is_owed_by_no_side() {
        let (peer, _writer) = Peer::new(tokio::io::sink());
        assert!(!peer.let_run(&Value::from(5)), "nothing was asked");
        ask(&peer, 5, Expected::OfCall).unwrap();
        ask(&peer, 6, Expected::OfCall).unwrap();
        assert!(peer.let_run(&Value::from(5)) && !peer.let_run(&Value::from(5)));
        assert!(!peer.readdress(&mut report(1)) && !peer.owes(1), "its asker hears no more of it");
        assert_eq!(peer.overdue(&Value::from(6)), Some(2));
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert_eq!((peer.goes_on(&report(1), NO_TIME), peer.goes_on(&report(2), NO_TIME)), (None, Some(2)));
    }

    #[tokio::test]
    async fn a_side_may_be_busy_with_what_it_was_asked_before() {
        let (peer, _writer) = Peer::new(tokio::io::sink());
        for asker in [5, 6, 7] {
            ask(&peer, asker, Expected::OfCall).unwrap();
        }
        assert_eq!([1, 2, 3].map(|id| peer.is_busy_before(id)), [false, true, true]);
        peer.overdue(&Value::from(5)).unwrap();
        assert_eq!([2, 3].map(|id| peer.is_busy_before(id)), [false, true], "an overdue call is no excuse");
        peer.answered(&Value::from(2), Ok(Said::default()));
        assert!(!peer.is_busy_before(3));
        let ping = Asking { expected: Expected::OfCall, due: None, take: Box::new(|_| false) };
        peer.ask(&Value::Null, "ping", Map::new(), ping).unwrap();
        ask(&peer, 8, Expected::OfCall).unwrap();
        peer.answered(&Value::from(3), Ok(Said::default()));
        assert!(!peer.is_busy_before(5), "nor is our own question");
    }

    #[tokio::test]
    async fn overdue_calls_are_remembered_up_to_a_number() {
        let (peer, _writer) = Peer::new(tokio::io::sink());
        for asker in 0..=i64::try_from(OVERDUE_MAX).unwrap() {
            while ask(&peer, asker, Expected::OfCall).is_err() {
                tokio::task::yield_now().await;
            }
            let id = peer.overdue(&Value::from(asker)).unwrap();
            peer.abandon(id);
            assert!(peer.owes(id));
        }
        let remembered = peer.state().overdue.len();
        assert_eq!((remembered, peer.state().waiting.len()), (OVERDUE_MAX, 0));
    }

    #[tokio::test]
    async fn a_side_that_was_started_again_is_asked_nothing_before_it_is_greeted() {
        let (peer, _writer) = Peer::new(tokio::io::sink());
        let greeting = Expected::Passed(Passing::Handshake);
        for expected in [Expected::OfCall, Expected::Passed(Passing::Plain), greeting] {
            assert_eq!(ask(&peer, 1, expected), Ok(()), "the first one greets as its client does");
        }
        peer.gone();
        assert_eq!(ask(&peer, 1, greeting), Err(Lost::NotSent));
        peer.reopen(tokio::io::sink());
        for (expected, asked) in [
            (Expected::OfCall, Err(Lost::NotSent)),
            (Expected::Passed(Passing::ToolList), Err(Lost::NotSent)),
            (greeting, Ok(())),
        ] {
            assert_eq!(ask(&peer, 1, expected), asked, "{expected:?}");
        }
        peer.greeted();
        assert_eq!(ask(&peer, 1, Expected::OfCall), Ok(()));
    }
}

#[cfg(test)]
mod endings {
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
        let asking = Asking { expected: Expected::OfCall, due: None, take: Box::new(|_| true) };
        peer.ask(&Value::from(asker), "m", Map::new(), asking)
    }

    /// A request that no answer can come to is not sent: it would wait for ever, and its effect would be unknown.
    #[tokio::test]
    async fn nothing_is_asked_of_a_side_that_is_gone_or_closed() {
        for (what, end) in [("gone", Peer::gone as fn(&Peer)), ("closed", Peer::close)] {
            let lines = written(async |peer| {
                assert_eq!(ask(peer, 1), Ok(()), "{what}");
                end(peer);
                assert_eq!(ask(peer, 2), Err(Lost::NotSent), "{what}");
                assert_eq!(peer.call(&Value::from(3), "m", Map::new(), None).await, Err(Lost::NotSent), "{what}");
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
            let (answer, ()) = tokio::join!(peer.call(&asker, "m", Map::new(), None), async { peer.gone() });
            assert_eq!(answer, Err(Lost::Gone));
            assert!(peer.expected(&Value::from(1)).is_none());
            assert_eq!(peer.answered(&Value::from(1), Ok(Said::default())), Answered::Unasked);
        })
        .await;
    }

    /// Whom an answer that cannot be read ends: its own request, with no id all of them, with an id that is not ours none.
    #[tokio::test]
    async fn an_unreadable_answer_ends_the_request_it_names() {
        let why = Malformed::new(enforcecore::codes::call::NOT_JSON, "no");
        for (id, ended) in [
            (None, &["7", "8"][..]),
            (Some(r#"1"#), &["7"]),
            (Some(r#"2"#), &["8"]),
            (Some(r#"3"#), &[]),
            (Some(r#""2""#), &[]),
            (Some(r#""req-9""#), &[]),
            (Some(r#"9223372036854775808"#), &[]),
            (Some(r#"-9223372036854775809"#), &[]),
        ] {
            written(async |peer| {
                assert_eq!((ask(peer, 7), ask(peer, 8)), (Ok(()), Ok(())));
                let id = id.map(|id| Value::from_json(id.as_bytes()).unwrap());
                let now = peer.unreadable(id.as_ref(), &why).into_iter().filter_map(|answered| match answered {
                    Answered::Now(asker) => Some(asker),
                    Answered::Soon | Answered::Unasked => None,
                });
                assert_eq!(now.collect::<Vec<_>>(), ended, "{id:?}");
            })
            .await;
        }
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
                assert_eq!(peer.answered(&id, Ok(Said::default())), expected, "{}", id.to_json());
                assert_eq!(peer.answered(&id, Ok(Said::default())), Answered::Unasked, "{}: once", id.to_json());
            })
            .await;
        }
    }
}
