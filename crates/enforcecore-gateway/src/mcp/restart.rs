//! Another server in place of one that did not stop an overdue call, where the policy says so.
//!
//! The client stays and is told that what it knows of the server may have changed. The new server is greeted as the client
//! greeted the first one, so it has to speak the same version. What the client had set at the old one beside the greeting, a
//! level of log messages or a subscription, is gone with it.

use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use enforcecore::value::{Map, Value};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::methods::Passing;
use super::peer::{Asking, Expected};
use super::server::Server;
use super::session_loop::{Ended, GRACE, SessionLoop, hear_complaints, hear_server};

/// How long a server that is started again has to answer its greeting.
const GREETING_MAX: Duration = Duration::from_secs(60);

/// What the client is told has changed, by the capability of the server that it belongs to.
const CHANGED: [(&str, &str); 3] = [
    ("tools", "notifications/tools/list_changed"),
    ("prompts", "notifications/prompts/list_changed"),
    ("resources", "notifications/resources/list_changed"),
];

impl SessionLoop {
    /// The server was ended: settles what it was asked, and starts another where that is said and possible.
    pub(super) async fn restart(&mut self, stop: Pin<&mut impl Future<Output = ()>>) -> Result<(), Ended> {
        self.hear_the_rest().await;
        // Every open call ends as crashed; answers of the client to the old server are not for the new one.
        self.session.server.gone();
        self.asked.abort_all();
        while self.asked.join_next().await.is_some() {}
        self.session.client.drop_waiting();
        let Some(greeting) = self.greeting.clone().filter(|_| self.session.enforcer.policy().restarts_server()) else {
            return Err(Ended::ServerLeft(None));
        };
        if !self.start_another().await {
            return Err(Ended::ServerLeft(None));
        }
        let result = self.greet(greeting, stop).await?;
        if self.initialized {
            self.session.server.tell("notifications/initialized", Map::new());
        }
        self.session.server.greeted();
        for (capability, changed) in CHANGED {
            if result.at("capabilities").and_then(|all| all.at(capability)).is_some() {
                self.session.client.tell(changed, Map::new());
            }
        }
        self.session.ending.store(false, Ordering::Release);
        warn!("the server was started again");
        Ok(())
    }

    /// Starts the same program again, unless something of the old one is left.
    async fn start_another(&mut self) -> bool {
        let process = self.session.process.clone();
        if !spawn_blocking(move || process.end()).await.is_ok_and(|ended| ended.is_ok()) {
            return false;
        }
        // On the thread of the loop, which stays as long as the server should.
        let Server { tree, stdin, stdout, stderr, .. } = match Server::start(&self.program) {
            Ok(server) => server,
            Err(error) => {
                warn!(%error, "the server could not be started again");
                return false;
            }
        };
        // What the old one complained about is passed on before what the new one does.
        let _ = timeout(GRACE, self.stderr.recv()).await;
        self.session.process.replace(tree);
        self.session.server.reopen(stdin);
        self.from_server = hear_server(&self.session, stdout);
        self.stderr = hear_complaints(&self.session, stderr, &self.complaints);
        self.silent = false;
        true
    }

    /// Greets the server as the client did. What it says of itself, if it chose the version that the client knows.
    async fn greet(&mut self, mut greeting: Map, mut stop: Pin<&mut impl Future<Output = ()>>) -> Result<Value, Ended> {
        greeting.shift_remove("_meta");
        let (sender, mut answer) = oneshot::channel();
        let take = |answer| {
            let _ = sender.send(answer);
            false
        };
        let asking = Asking { expected: Expected::Passed(Passing::Handshake), due: None, take: Box::new(take) };
        let _ = self.session.server.ask(&Value::Null, "initialize", greeting, asking);
        let patience = sleep(GREETING_MAX);
        tokio::pin!(patience);
        let answer = loop {
            tokio::select! {
                answer = &mut answer => break answer.ok(),
                Some(handled) = self.tasks.join_next() => self.conclude(handled.unwrap_or_default()),
                Some(_) = self.asked.join_next() => {}
                said = self.from_server.recv() => match said {
                    Some(said) => self.server_says(said),
                    None => break None,
                },
                () = &mut patience => break None,
                () = &mut stop => return Err(Ended::Stopped),
            }
        };
        let result = answer.and_then(Result::ok).and_then(|mut said| said.body.shift_remove("result"));
        match result {
            Some(result) if result.at("protocolVersion") == self.session.version().as_ref() => Ok(result),
            _ => {
                warn!("the server that was started again does not take the greeting of the client");
                Err(Ended::ServerLeft(None))
            }
        }
    }
}
