//! The session between one client and one server: every message of either side passes through here, and nothing else does.

use std::collections::HashSet;
use std::future::Future;
use std::io::Write;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use enforcecore::call::{Context, Malformed};
use enforcecore::enforcer::Enforcer;
use enforcecore::redact::{ClassSet, Withheld, redact_value, shown_name};
use enforcecore::traits::StoreError;
use enforcecore::value::{Map, Value};
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use super::answer::{self, INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, Style};
use super::calls::{self, Wanted};
use super::frame::{Frame, Message, Unreadable, frames};
use super::methods::{self, Handling, Passing};
use super::peer::{Lost, Peer};
use super::server::{Process, Server, pass_on};
use super::shape::{Members, cut};

/// Requests of one side being handled at most, calls included; more are refused, so that answers and the end are always
/// read. Each call has a thread while its tool runs.
pub const CALLS_MAX: usize = 256;
/// How long a server has to answer what it was asked, and to end by itself, once its client has left.
pub const GRACE: Duration = Duration::from_secs(2);
/// Arguments of a tool that the log names at most.
const ARGUMENTS_SAID_MAX: usize = 50;

/// A proxy for one session.
pub struct Proxy {
    /// Decides, redacts and records.
    pub enforcer: Enforcer,
    /// Who calls, in which session: the operator's word, the same for every call.
    pub context: Context,
    /// Where what the server writes to its stderr goes.
    pub complaints: Box<dyn Write + Send>,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The client closed its side.
    ClientLeft,
    /// The server ended first.
    ServerLeft(Option<ExitStatus>),
    /// The proxy was told to stop.
    Stopped,
}

/// What every task of a session shares.
pub(super) struct Session {
    pub(super) enforcer: Enforcer,
    pub(super) context: Context,
    pub(super) client: Peer,
    pub(super) server: Peer,
    process: Process,
    /// Whether the handshake is done.
    ready: AtomicBool,
}

impl Proxy {
    /// Serves until one side leaves or `stop` is done. Whatever happens, every call is settled and the server gone when this
    /// returns.
    pub async fn run(
        self,
        input: impl AsyncRead + Unpin + Send + 'static,
        output: impl AsyncWrite + Unpin + Send + 'static,
        server: Server,
        stop: impl Future<Output = ()>,
    ) -> Result<Ended, StoreError> {
        let Server { process, stdin, stdout, stderr } = server;
        let (client, writer) = Peer::new(output);
        let (server, _server_writer) = Peer::new(stdin);
        let Proxy { enforcer, context, complaints } = self;
        let policy = enforcer.clone();
        let complaints = pass_on(stderr, move || policy.policy().result_classes(), complaints);
        let session = Session { enforcer, context, client, server, process, ready: AtomicBool::new(false) };
        let mut talk = Talk {
            session: Arc::new(session),
            from_client: frames(BufReader::new(input)),
            from_server: frames(BufReader::new(stdout)),
            writer,
            tasks: JoinSet::new(),
            asked: JoinSet::new(),
            open: HashSet::new(),
            greeted: false,
        };
        let ended = talk.listen(stop).await;
        if !matches!(ended, Ended::ServerLeft(_)) {
            talk.let_server_finish().await;
        }
        let status = talk.end().await?;
        talk.session.client.close();
        let _ = timeout(GRACE, async { ((&mut talk.writer).await, complaints.await) }).await;
        Ok(if matches!(ended, Ended::ServerLeft(_)) { Ended::ServerLeft(status) } else { ended })
    }
}

/// The session with what only its loop touches.
struct Talk {
    session: Arc<Session>,
    from_client: mpsc::Receiver<Frame>,
    from_server: mpsc::Receiver<Frame>,
    /// Writes to the client.
    writer: JoinHandle<()>,
    /// What the client asked for. Each ends with the client's id that it handled.
    tasks: JoinSet<Option<String>>,
    /// What the server asked for.
    asked: JoinSet<()>,
    /// The client's ids that are not answered yet.
    open: HashSet<String>,
    greeted: bool,
}

/// A session that is given up in the middle leaves no call waiting: what nobody will answer is settled as such.
impl Drop for Talk {
    fn drop(&mut self) {
        self.session.server.gone();
        self.session.client.gone();
    }
}

impl Talk {
    async fn listen(&mut self, stop: impl Future<Output = ()>) -> Ended {
        tokio::pin!(stop);
        loop {
            tokio::select! {
                Some(done) = self.tasks.join_next() => self.forget(done.ok().flatten()),
                Some(_) = self.asked.join_next() => {}
                frame = self.from_server.recv() => match frame {
                    Some(frame) => self.server_says(frame),
                    None => return Ended::ServerLeft(None),
                },
                // Beyond its calls there are only refusals, which wait for nobody but a client that does not read them.
                frame = self.from_client.recv(), if self.tasks.len() < 2 * CALLS_MAX => match frame {
                    Some(frame) => self.client_says(frame),
                    None => return Ended::ClientLeft,
                },
                () = &mut stop => return Ended::Stopped,
            }
        }
    }

    /// The client has left: what it asked for may still be answered, for the record.
    async fn let_server_finish(&mut self) {
        let give_up = sleep(GRACE);
        tokio::pin!(give_up);
        loop {
            if self.tasks.is_empty() {
                self.session.server.close();
            }
            tokio::select! {
                Some(done) = self.tasks.join_next() => self.forget(done.ok().flatten()),
                Some(_) = self.asked.join_next() => {}
                frame = self.from_server.recv() => match frame {
                    Some(frame) => self.server_says(frame),
                    None => return,
                },
                () = &mut give_up => return,
            }
        }
    }

    /// Ends the server, then every call that waited for it.
    async fn end(&mut self) -> Result<Option<ExitStatus>, StoreError> {
        let process = self.session.process.clone();
        // What it had already said still counts.
        while let Ok(frame) = self.from_server.try_recv() {
            self.server_says(frame);
        }
        let ended = spawn_blocking(move || process.end()).await;
        self.session.server.gone();
        self.session.client.gone();
        let settled =
            async { while self.tasks.join_next().await.is_some() || self.asked.join_next().await.is_some() {} };
        if timeout(GRACE, settled).await.is_err() {
            // A client that does not read gets no answers, and cannot hold us: what is left is only to be recorded.
            self.writer.abort();
            while self.tasks.join_next().await.is_some() {}
        }
        ended.map_err(|error| StoreError::new("end the server", error))?
    }

    fn forget(&mut self, id: Option<String>) {
        if let Some(id) = id {
            self.open.remove(&id);
        }
    }

    fn client_says(&mut self, frame: Frame) {
        match frame {
            Frame::Unreadable(unreadable) => self.refuse_unreadable(unreadable),
            Frame::Message(Message::Request { id, method, params }) => self.client_asks(id, method, params),
            Frame::Message(Message::Notification { method, params }) => self.client_tells(method, params),
            Frame::Message(Message::Response { id, body }) => {
                if !self.session.client.answered(&id, Ok(body)) {
                    warn!("the client answered what it was not asked; dropped");
                }
            }
        }
    }

    fn client_asks(&mut self, id: Value, method: String, params: Map) {
        while let Some(done) = self.tasks.try_join_next() {
            self.forget(done.ok().flatten());
        }
        if !self.open.insert(id.to_json()) {
            let malformed = Malformed::new("id_in_use", "this id belongs to a request that is not answered yet");
            return self.refuse(Value::Null, method, malformed, Refusing::Error(INVALID_REQUEST));
        }
        if self.open.len() > CALLS_MAX {
            let malformed = Malformed::new("too_many_requests", "too many requests wait for their answers");
            return self.refuse(id, method, malformed, Refusing::Error(INTERNAL_ERROR));
        }
        let handling = methods::from_client(&method);
        if !self.session.ready.load(Ordering::Acquire) && !self.may_come_first(&method, handling) {
            let malformed = Malformed::new("not_initialized", "the session begins with one `initialize`");
            return self.refuse(id, method, malformed, Refusing::Error(INVALID_REQUEST));
        }
        let wanted = match handling {
            None => {
                let malformed = Malformed::new("method_not_allowed", "this method is not served");
                return self.refuse(id, method, malformed, Refusing::Error(METHOD_NOT_FOUND));
            }
            Some(Handling::CallTool) => match Wanted::tool(method, params) {
                Ok(wanted) => wanted,
                Err((tool, malformed)) => return self.refuse(id, tool, malformed, Refusing::Tool),
            },
            Some(Handling::CallMethod) => Wanted::method(method, params),
            Some(Handling::Pass(passing, members)) => return self.pass(id, method, params, passing, members),
        };
        let session = Arc::clone(&self.session);
        self.tasks.spawn(async move {
            let (shared, runtime, asker) = (Arc::clone(&session), Handle::current(), id.clone());
            let body = spawn_blocking(move || calls::run(&shared, &runtime, &asker, wanted)).await;
            session.answer(id, body.unwrap_or_else(|_| Some(answer::error(INTERNAL_ERROR, "enforcement failed")))).await
        });
    }

    fn may_come_first(&self, method: &str, handling: Option<Handling>) -> bool {
        let first = matches!(handling, Some(Handling::Pass(Passing::Handshake, _))) && !self.greeted;
        // What is not served at all is better said so.
        first || method == "ping" || handling.is_none()
    }

    fn pass(&mut self, id: Value, method: String, params: Map, passing: Passing, members: Members) {
        let greets = passing == Passing::Handshake;
        if greets && self.session.ready.load(Ordering::Acquire) {
            let malformed = Malformed::new("bad_message", "the session is initialized");
            return self.refuse(id, method, malformed, Refusing::Error(INVALID_REQUEST));
        }
        let params = match self.session.heard(params, members) {
            Ok(params) => params,
            Err(malformed) => return self.refuse(id, method, malformed, Refusing::Error(INVALID_PARAMS)),
        };
        self.greeted |= greets;
        let session = Arc::clone(&self.session);
        self.tasks.spawn(async move {
            let body = session.pass(&id, &method, params, passing).await;
            session.answer(id, body).await
        });
    }

    fn client_tells(&mut self, method: String, params: Map) {
        let session = &self.session;
        match session.told_by_client(&method, params) {
            Ok(None) => {}
            Ok(Some(params)) => {
                if !session.server.tell(&method, params) {
                    warn!(method, "a notification is dropped: the server does not read its input");
                }
            }
            Err(malformed) => self.refuse(Value::Null, method, malformed, Refusing::Silently),
        }
    }

    fn server_says(&mut self, frame: Frame) {
        let session = &self.session;
        match frame {
            Frame::Message(Message::Response { id, body }) => {
                if !session.server.answered(&id, Ok(body)) {
                    debug!("the server answered what it was not asked, or too late; dropped");
                }
            }
            Frame::Message(Message::Notification { method, params }) => {
                match session.told_by_server(&method, params) {
                    Some(params) => drop(session.client.tell(&method, params)),
                    // Its method is any text, so it is not repeated.
                    None => warn!("a notification of the server is dropped"),
                }
            }
            Frame::Message(Message::Request { id, method, params }) => self.server_asks(id, method, params),
            Frame::Unreadable(Unreadable { why, id, .. }) => {
                let code = why.map_or("bad_message", |why| why.code);
                let answered = id.is_some_and(|id| session.server.answered(&id, Err(Lost::Unreadable(code))));
                warn!(code, answered, "the server wrote what cannot be read");
            }
        }
    }

    fn server_asks(&mut self, id: Value, method: String, params: Map) {
        if self.asked.len() >= CALLS_MAX {
            return warn!("the server asks too much at once; dropped");
        }
        let session = Arc::clone(&self.session);
        self.asked.spawn(async move {
            let body = match session.seen(params).zip(methods::from_server(&method)) {
                Some((params, members)) => {
                    let answer = session.client.ask(&id, &method, params).await.ok();
                    let heard = answer.and_then(|body| session.heard(body, members).ok());
                    heard.unwrap_or_else(|| answer::error(INTERNAL_ERROR, "the client gave no answer that can be read"))
                }
                None => {
                    let malformed = Malformed::new("method_not_allowed", "the server asks for what is not served");
                    session.record_refusal(method, malformed).await;
                    answer::error(METHOD_NOT_FOUND, "this method is not served")
                }
            };
            session.server.respond(id, body).await;
        });
    }

    fn refuse_unreadable(&mut self, unreadable: Unreadable) {
        let Unreadable { why, id, method, tool } = unreadable;
        let why = why.unwrap_or_else(|| Malformed::new("bad_message", "this is no message"));
        let is_call = method.as_deref() == Some("tools/call");
        let code = if why.code == "not_json" { PARSE_ERROR } else { INVALID_REQUEST };
        // An answer under an id that is in use would be taken for the answer to that request.
        let id = id.filter(|id| !self.open.contains(&id.to_json()));
        let refusing = if is_call && id.is_some() { Refusing::Tool } else { Refusing::Error(code) };
        let name = tool.filter(|_| is_call).or(method).unwrap_or_else(|| "unreadable".to_owned());
        self.refuse(id.unwrap_or_default(), name, why, refusing);
    }

    /// Records a refusal, then tells the client.
    fn refuse(&mut self, id: Value, tool: String, malformed: Malformed, refusing: Refusing) {
        let session = Arc::clone(&self.session);
        self.tasks.spawn(async move {
            let message = format!("{} ({})", malformed.message, malformed.code);
            let refused = session.record_refusal(tool, malformed).await;
            let body = match (refusing, refused) {
                (Refusing::Silently, _) => None,
                (Refusing::Tool, Some(refused)) => Some(Style::Tool.refused(&refused)),
                (Refusing::Tool, None) => Some(answer::error(INTERNAL_ERROR, &message)),
                (Refusing::Error(code), _) => Some(answer::error(code, &message)),
            };
            session.answer(id, body).await
        });
    }
}

/// How a refusal is said.
enum Refusing {
    /// As the result of a tool.
    Tool,
    /// As an error with this code.
    Error(i64),
    /// Not at all: it was a notification.
    Silently,
}

impl Session {
    /// Ends the server with all it started, because a call is overdue. Blocks until they are gone.
    pub(super) fn kill(&self) {
        match self.process.end() {
            Ok(_) => warn!("the server was ended, because a call was overdue"),
            Err(error) => warn!(%error, "the server could not be ended"),
        }
    }

    /// Asks the server what the client asks, and redacts the answer.
    async fn pass(&self, id: &Value, method: &str, mut params: Map, passing: Passing) -> Option<Map> {
        if passing == Passing::Handshake {
            methods::offer(&mut params);
        }
        let mut body = match self.server.ask(id, method, params).await {
            Ok(body) => body,
            Err(Lost::Cancelled) => return None,
            Err(_) => return Some(answer::error(INTERNAL_ERROR, "the server did not answer")),
        };
        if let Some(Value::Map(result)) = body.get_mut("result") {
            match passing {
                Passing::Handshake => {
                    if let Err(why) = methods::accept(result) {
                        return Some(answer::error(INTERNAL_ERROR, &why));
                    }
                    self.ready.store(true, Ordering::Release);
                }
                Passing::ToolList => self.keep_callable(result),
                Passing::Plain => {}
            }
        }
        let withheld = || answer::error(INTERNAL_ERROR, "the answer cannot be redacted, so it is withheld");
        Some(self.seen(body).unwrap_or_else(withheld))
    }

    /// Takes out tools that no call of which could be allowed.
    fn keep_callable(&self, result: &mut Map) {
        let policy = self.enforcer.policy();
        let Some(Value::List(tools)) = result.get_mut("tools") else { return };
        tools.retain(|tool| {
            let name = tool.at("name").and_then(Value::as_text);
            let callable = name.is_some_and(|name| policy.can_open(name));
            if let Some(name) = name.filter(|_| !callable) {
                say_hidden(name, tool);
            }
            callable
        });
    }

    /// What may be seen of something the server said: redacted of all that any result is redacted of.
    fn seen(&self, said: Map) -> Option<Map> {
        redacted(said, self.enforcer.policy().result_classes()).ok()
    }

    /// What the server may hear of something the client said beside a call: what has a place in it, redacted of all that any
    /// argument is redacted of.
    fn heard(&self, mut said: Map, members: Members) -> Result<Map, Malformed> {
        let meta = methods::meta(said.shift_remove("_meta"));
        cut(&mut said, members)?;
        let heard = redacted(said, self.enforcer.policy().arg_classes());
        let mut heard = heard.map_err(|withheld| Malformed::new("unredactable_argument", withheld.to_string()))?;
        heard.extend(meta.map(|meta| ("_meta".to_owned(), meta)));
        Ok(heard)
    }

    /// What the server is told of a client's notification, under its own ids. None for a cancellation that comes too late, or
    /// names nothing.
    fn told_by_client(&self, method: &str, params: Map) -> Result<Option<Map>, Malformed> {
        let refused = || Malformed::new("method_not_allowed", "this notification is not passed on");
        let members = methods::told_by_client(method).ok_or_else(refused)?;
        let asked = params.get("requestId").cloned();
        let mut heard = self.heard(params, members)?;
        match method {
            "notifications/cancelled" => {
                let Some(id) = asked.and_then(|asked| self.server.give_up(&asked)) else { return Ok(None) };
                heard.insert("requestId".to_owned(), id);
                Ok(Some(heard))
            }
            "notifications/progress" if !self.client.readdress(&mut heard) => Err(refused()),
            _ => Ok(Some(heard)),
        }
    }

    /// What the client is told of a server's notification; none for one that is not passed on.
    fn told_by_server(&self, method: &str, params: Map) -> Option<Map> {
        let mut seen = self.seen(params)?;
        let is_progress = method == "notifications/progress";
        let passes = methods::told_by_server(method) && (!is_progress || self.server.readdress(&mut seen));
        passes.then_some(seen)
    }

    /// Answers the client; ends with the id that is free again.
    async fn answer(&self, id: Value, body: Option<Map>) -> Option<String> {
        let key = id.to_json();
        if let Some(body) = body {
            self.client.respond(id, body).await;
        }
        Some(key)
    }

    async fn record_refusal(
        self: &Arc<Self>,
        tool: String,
        malformed: Malformed,
    ) -> Option<enforcecore::outcome::Refused> {
        let session = Arc::clone(self);
        spawn_blocking(move || calls::refuse(&session, &tool, malformed)).await.ok()
    }
}

/// Names a tool that is taken out, and its arguments, so that a person can declare it.
fn say_hidden(name: &str, tool: &Value) {
    let declared = tool.at("inputSchema").and_then(|schema| schema.at("properties")).and_then(Value::as_map);
    let names = declared.into_iter().flat_map(Map::keys).take(ARGUMENTS_SAID_MAX);
    let arguments = names.map(|name| shown_name(name)).collect::<Vec<_>>().join(", ");
    info!(tool = shown_name(name), arguments, "a tool that no rule can allow is not shown");
}

fn redacted(said: Map, classes: ClassSet) -> Result<Map, Withheld> {
    Ok(redact_value(&Value::Map(said), classes)?.value.as_map().cloned().unwrap_or_default())
}
