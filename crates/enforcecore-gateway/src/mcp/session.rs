//! The state that the tasks of a session share: both sides, the server's process, and the enforcer.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use enforcecore::call::{Call, CallId, Context, Malformed};
use enforcecore::enforcer::Enforcer;
use enforcecore::outcome::Refused;
use enforcecore::value::{Map, Value};
use tokio::sync::{Notify, oneshot};
use tokio::task::spawn_blocking;
use tracing::warn;

use super::answer::{self, INTERNAL_ERROR};
use super::cuts::Cuts;
use super::methods::Passing;
use super::peer::{Answer, Asking, Expected, Lost, Peer, Unsent};
use super::server::Process;

/// One session.
pub(super) struct Session {
    pub(super) enforcer: Enforcer,
    pub(super) context: Context,
    pub(super) client: Peer,
    pub(super) server: Peer,
    pub(super) process: Process,
    /// Whether the handshake is done.
    pub(super) ready: AtomicBool,
    /// How long a server that was told to stop a call has to show that it is alive.
    pub(super) grace: Duration,
    /// Bytes in a message at most.
    pub(super) message_max: usize,
    /// What was not passed on, said once.
    pub(super) cuts: Cuts,
    /// Whether the server is being ended, because it does not stop a call.
    pub(super) ending: AtomicBool,
    /// It was ended.
    pub(super) ended: Notify,
    /// The protocol version that the server chose.
    version: Mutex<Option<Value>>,
}

impl Session {
    /// A session that nothing was said in.
    pub(super) fn new(
        enforcer: Enforcer,
        context: Context,
        (client, server): (Peer, Peer),
        process: Process,
        (grace, message_max): (Duration, usize),
    ) -> Session {
        let (ready, cuts, ending, ended, version) = Default::default();
        Session { enforcer, context, client, server, process, ready, grace, message_max, cuts, ending, ended, version }
    }

    /// A call in this session.
    pub(super) fn call(&self, tool: &str, args: Map) -> Call {
        // Without randomness there is no name, and then no intent either: the log refuses to be written.
        let id = self.enforcer.call_id().ok().or_else(|| CallId::from_text("unnamed"));
        let id = id.unwrap_or_else(|| CallId::from_random([0; 16]));
        Call { id, parent: None, tool: tool.to_owned(), args, context: self.context.clone() }
    }

    /// Kills the server with all its child processes, because it goes on with an overdue call; unless it is gone already.
    /// Blocks until they are gone.
    pub(super) fn end_server(&self, overdue: i64) {
        let is_to_end = || {
            let is_to_end = self.server.owes(overdue) && !self.ending.swap(true, Ordering::AcqRel);
            if is_to_end {
                // What is not asked yet is for the next one, or is not started.
                self.server.ask_no_more();
            }
            is_to_end
        };
        match self.process.end_if(is_to_end) {
            None => return,
            Some(Ok(())) => warn!("the server was ended, because it did not stop an overdue call"),
            Some(Err(error)) => warn!(%error, "the server could not be ended"),
        }
        self.ended.notify_one();
    }

    pub(super) fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }

    /// The protocol version that the server chose when the client greeted it.
    pub(super) fn version(&self) -> Option<Value> {
        self.version.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Asks one side what the other asked. The answer is handed on where it comes in, so that it stays before what is said after
    /// it. What is returned waits for what is left to do, and says whether the asker's id is still to be freed.
    pub(super) fn forward(
        self: &Arc<Self>,
        id: Value,
        method: &str,
        params: Map,
        expected: Expected,
    ) -> impl Future<Output = bool> + Send + 'static {
        let asked = if expected.is_of_client() { &self.client } else { &self.server };
        let (sender, handed) = oneshot::channel();
        let (session, asker) = (Arc::clone(self), id.clone());
        let take = move |answer| {
            let handed = session.hand_on(asker, expected, answer);
            let now = matches!(handed, Handed::Now);
            let _ = sender.send(handed);
            now
        };
        // What is not sent drops what was to be done with its answer.
        let asked = asked.ask(&id, method, params, Asking { expected, due: None, take: Box::new(take) });
        let session = Arc::clone(self);
        async move {
            let handed = match handed.await {
                Ok(Handed::Now) => return false,
                Ok(handed) => handed,
                Err(_) => session.hand_on(id, expected, Err(asked.err().unwrap_or(Lost::Gone))),
            };
            if let Handed::Later(unsent) = handed {
                unsent.send().await;
            }
            true
        }
    }

    fn hand_on(&self, asker: Value, expected: Expected, answer: Answer) -> Handed {
        let (to, lost) = if expected.is_of_client() {
            (&self.server, "the client gave no answer that can be read")
        } else {
            (&self.client, "the server did not answer")
        };
        let body = match answer {
            Err(Lost::Cancelled | Lost::GivenUp) => return Handed::Never,
            Err(Lost::Unreadable(why)) if !expected.is_of_client() => {
                let why = format!("the server's answer cannot be read: {} ({})", why.message, why.code);
                answer::error(INTERNAL_ERROR, &why)
            }
            Err(Lost::NotSent | Lost::Gone | Lost::Unreadable(_)) => answer::error(INTERNAL_ERROR, lost),
            Ok(said) => said.body,
        };
        if let (Expected::Passed(Passing::Handshake), Some(result)) = (expected, body.get("result")) {
            let chosen = result.at("protocolVersion").cloned();
            *self.version.lock().unwrap_or_else(PoisonError::into_inner) = chosen;
            self.ready.store(true, Ordering::Release);
        }
        to.respond(asker, body).map_or(Handed::Now, Handed::Later)
    }

    /// Refuses and records what could not even become a call.
    pub(super) async fn record_refusal(self: &Arc<Self>, tool: String, malformed: Malformed) -> Option<Refused> {
        let session = Arc::clone(self);
        spawn_blocking(move || session.enforcer.refuse_malformed(session.call(&tool, Map::new()), malformed)).await.ok()
    }
}

/// The state of an answer on its way to the other side.
enum Handed {
    /// It is sent.
    Now,
    /// It is sent when there is room.
    Later(Unsent),
    /// It is not wanted any more.
    Never,
}
