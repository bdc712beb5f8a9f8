//! A call at the server and its deadline: asked, cancelled when it is overdue, and then whether the server reacts.
//!
//! A server need not answer what was cancelled, so its silence says nothing. It is therefore asked for a sign of life: one that
//! answers a `ping` can serve other calls, and whether it goes on with this one is not known. One that does not hangs, with every
//! other call; unless it was asked for another one before, which is still in time: it may do one after the other.

use std::pin::Pin;
use std::time::Duration;

use enforcecore::outcome::Due;
use enforcecore::value::{Map, Value};
use tokio::time::{sleep, timeout};

use super::peer::{Answer, Lost, Peer};
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
    /// It does not, and may be busy with what it was asked before this call.
    Busy,
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
        // It reads that it is to stop only behind this call, so the call runs on.
        Reaction::Busy => {
            session.server.abandon(id);
            session.server.is_over(&Value::from(id));
        }
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
    let pong = session.server.call(&Value::Null, "ping", Map::new(), None);
    let silence = silence(&session.client, session.grace);
    tokio::pin!(pong, silence);
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
            () = &mut silence => {
                let reaction =
                    if session.server.is_busy_before(id) { Reaction::Busy } else { Reaction::Hangs(id) };
                return (reaction, given_up);
            }
        }
    }
}

/// Waits until the server had this long to be heard. As long as the client does not read, the server is not read either, and it has all
/// of its time once that is over.
async fn silence(client: &Peer, grace: Duration) {
    loop {
        client.drained().await;
        let floods = client.floods();
        sleep(grace).await;
        if !client.is_flooded() && client.floods() == floods {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, duplex};

    use super::*;

    /// Says what waits for a client until no more is to be said.
    fn flood(client: &Peer) {
        while !client.is_flooded() {
            client.tell("notifications/tools/list_changed", Map::new());
        }
    }

    const GRACE: Duration = Duration::from_millis(1);
    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_server_that_is_not_read_is_not_silent() {
        let (ours, mut theirs) = duplex(64);
        let (client, _writer) = Peer::new(ours);
        timeout(LONG, silence(&client, GRACE)).await.expect("nothing keeps the server from being read");
        flood(&client);
        // The first line is being written, and stays so.
        client.drained().await;
        flood(&client);
        let floods = client.floods();
        assert!(timeout(50 * GRACE, silence(&client, GRACE)).await.is_err(), "the client does not read");
        assert_eq!(client.floods(), floods);
        let reader = tokio::spawn(async move { theirs.read_to_end(&mut Vec::new()).await });
        timeout(LONG, silence(&client, GRACE)).await.expect("the client reads");
        assert_eq!(client.floods(), floods + 1);
        client.close();
        reader.await.unwrap().unwrap();
    }

    /// One that came and went within the grace.
    #[tokio::test]
    async fn time_in_which_a_server_was_not_read_does_not_count() {
        let (ours, mut theirs) = duplex(64);
        let (client, _writer) = Peer::new(ours);
        let silence = silence(&client, Duration::from_millis(50));
        tokio::pin!(silence);
        assert!(timeout(Duration::ZERO, silence.as_mut()).await.is_err(), "it waits");
        flood(&client);
        let reader = tokio::spawn(async move { theirs.read_to_end(&mut Vec::new()).await });
        client.drained().await;
        let read_again = std::time::Instant::now();
        std::thread::sleep(Duration::from_millis(60));
        timeout(LONG, silence.as_mut()).await.expect("the client reads");
        assert!(read_again.elapsed() >= Duration::from_millis(110), "{:?}", read_again.elapsed());
        client.close();
        reader.await.unwrap().unwrap();
    }
}
