//! A call at the server and its deadline: asked, cancelled when it is overdue, and then whether the server reacts.
//!
//! A server need not answer what was cancelled, so its silence says nothing. It is therefore asked for a sign of life: one that
//! answers a `ping` can serve other calls, and whether it goes on with this one is not known. One that does not hangs, with every
//! other call.

use std::pin::Pin;
use std::time::Duration;

use enforcecore::outcome::Due;
use enforcecore::value::{Map, Value};
use tokio::time::{sleep, timeout};

use super::peer::{Answer, Lost};
use super::session::Session;

/// How a call at the server ended.
pub(super) enum Ended {
    /// In time, or its asker gave it up.
    Answered(Answer),
    /// It was overdue.
    Overdue(Reaction),
}

/// What a server did once its call was overdue.
pub(super) enum Reaction {
    /// It answered after all. That answer is nobody's any more, but says what became of the call.
    Answered(Answer),
    /// It shows that it is alive.
    Lives,
    /// It does not. With the id of the call.
    Hangs(i64),
    /// It was not told, because a late result is only withheld.
    Untold,
}

/// Asks the server for a call. The flag says whether the client gave up a call that was overdue.
pub(super) async fn call(
    session: &Session,
    asker: &Value,
    method: &str,
    params: Map,
    due: Option<Due>,
) -> (Ended, bool) {
    let asked = session.server.call(asker, method, params, due.clone());
    tokio::pin!(asked);
    let Some(due) = due else { return (Ended::Answered(asked.await), false) };
    if let Some(answer) = in_time(asked.as_mut(), &due).await {
        return (Ended::Answered(answer), false);
    }
    if due.only_withholds() && session.server.let_run(asker) {
        return (Ended::Overdue(Reaction::Untold), false);
    }
    // Between the end of its time and here it was answered or given up.
    let Some(id) = session.server.overdue(asker) else { return (Ended::Answered(asked.await), false) };
    cancel(session, id);
    let (reaction, given_up) = reaction(session, id, asked).await;
    match &reaction {
        Reaction::Answered(_) => drop(session.server.is_over(&Value::from(id))),
        Reaction::Lives | Reaction::Untold => session.server.abandon(id),
        // Its server owes it until that is gone.
        Reaction::Hangs(_) => {}
    }
    (Ended::Overdue(reaction), given_up)
}

/// Tells the server to stop.
fn cancel(session: &Session, id: i64) {
    let about = [("requestId", Value::from(id)), ("reason", Value::from("the deadline of this call is over"))];
    let about = about.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    session.server.tell("notifications/cancelled", about);
}

/// The answer, if it comes before it is overdue.
async fn in_time(mut asked: Pin<&mut impl Future<Output = Answer>>, due: &Due) -> Option<Answer> {
    loop {
        // While this waits, progress may extend the time.
        if let Ok(answer) = timeout(due.left() + PAST, asked.as_mut()).await {
            return Some(answer);
        }
        if due.is_over() {
            return None;
        }
    }
}

/// A moment later, what has no time left is over.
const PAST: Duration = Duration::from_millis(1);

/// What the server does within the grace; and whether the client gave the call up meanwhile.
async fn reaction(session: &Session, id: i64, mut asked: Pin<&mut impl Future<Output = Answer>>) -> (Reaction, bool) {
    let (pong, grace) = (session.server.call(&Value::Null, "ping", Map::new(), None), sleep(session.grace));
    tokio::pin!(pong, grace);
    let (mut given_up, mut deaf) = (false, false);
    loop {
        tokio::select! {
            // What the server said first is heard first.
            biased;
            answer = asked.as_mut(), if !given_up => match answer {
                Err(Lost::Cancelled) => given_up = true,
                answer => return (Reaction::Answered(answer), false),
            },
            pong = &mut pong, if !deaf => match pong {
                // It does not read its input.
                Err(Lost::NotSent) => deaf = true,
                Err(Lost::Gone) => return (Reaction::Answered(Err(Lost::Gone)), given_up),
                Err(Lost::GivenUp | Lost::Cancelled | Lost::Unreadable(_)) | Ok(_) => return (Reaction::Lives, given_up),
            },
            () = &mut grace => return (Reaction::Hangs(id), given_up),
        }
    }
}
