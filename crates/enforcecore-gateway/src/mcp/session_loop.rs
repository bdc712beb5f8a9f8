//! The session between one client and one server: every message of either side passes through here, and nothing else does.

use std::collections::{HashSet, VecDeque};
use std::future::Future;
use std::io::Write;
use std::ops::ControlFlow;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use enforcecore::call::{Context, Malformed};
use enforcecore::codes::call as code;
use enforcecore::enforcer::Enforcer;
use enforcecore::ports::StoreError;
use enforcecore::value::{Map, Value};
use enforcecore_host::process::Spawn;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use super::answer::{self, INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, Style};
use super::call;
use super::frame::Unreadable;
use super::inspect::{Asked, ClientSaid, Inspector, ServerSaid};
use super::methods::Passing;
use super::peer::{Answer, Answered, Expected, Peer};
use super::server::{Process, Server, pass_on};
use super::session::Session;
use super::shape::Members;
use super::stage::{Stage, stage};

/// Requests of one side being handled at most, calls included; more are refused, so that answers and the end are always
/// read. Each call has a thread while its tool runs.
pub const CALLS_MAX: usize = 256;
/// How long a server has to answer its open requests, and to end by itself, once its client has disconnected.
pub const GRACE: Duration = Duration::from_secs(2);
/// How long it has where it has not answered the handshake yet: it may still be starting.
pub const START_GRACE: Duration = Duration::from_secs(10);

/// A proxy for one session.
pub struct Proxy {
    /// Decides, redacts and records.
    pub enforcer: Enforcer,
    /// Who calls, in which session: the operator's word, the same for every call.
    pub context: Context,
    /// Where what the server writes to its stderr goes.
    pub stderr: Box<dyn Write + Send>,
    /// How long a server has to show that it is alive once it was told to cancel an overdue call.
    pub cancel_grace: Duration,
    /// Bytes in a message of either side at most.
    pub message_max: usize,
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

impl Proxy {
    /// Serves until one side disconnects or `stop` is done. Whatever happens, every call is settled and the server gone when this
    /// returns.
    pub async fn run(
        self,
        input: impl AsyncRead + Unpin + Send + 'static,
        output: impl AsyncWrite + Unpin + Send + 'static,
        server: Server,
        stop: impl Future<Output = ()>,
    ) -> Result<Ended, StoreError> {
        let Server { program, tree, stdin, stdout, stderr } = server;
        let (client, writer) = Peer::new(output);
        let (server, _server_writer) = Peer::new(stdin);
        let Proxy { enforcer, context, stderr: to, cancel_grace, message_max } = self;
        let complaints = Arc::new(Mutex::new(to));
        let limits = (cancel_grace, message_max);
        let session = Session::new(enforcer, context, (client, server), Process::of(tree), limits);
        let session = Arc::new(session);
        let mut session_loop = SessionLoop {
            from_client: hear_client(&session, input),
            from_server: hear_server(&session, stdout),
            stderr: hear_complaints(&session, stderr, &complaints),
            session,
            program,
            complaints,
            writer,
            tasks: JoinSet::new(),
            asked: JoinSet::new(),
            open: HashSet::new(),
            greeting: None,
            handshake: None,
            early: VecDeque::new(),
            initialized: false,
            silent: false,
        };
        let ended = session_loop.listen(stop).await;
        if !matches!(ended, Ended::ServerLeft(_)) {
            session_loop.let_server_finish().await;
        }
        let status = session_loop.end().await?;
        session_loop.session.client.close();
        let _ = timeout(GRACE, async { ((&mut session_loop.writer).await, session_loop.stderr.recv().await) }).await;
        Ok(if matches!(ended, Ended::ServerLeft(_)) { Ended::ServerLeft(status) } else { ended })
    }
}

/// The session with what only its loop touches.
pub(super) struct SessionLoop {
    pub(super) session: Arc<Session>,
    from_client: Stage<ClientSaid>,
    pub(super) from_server: Stage<ServerSaid>,
    /// What the server complains about, and where that goes.
    pub(super) stderr: Stage<()>,
    pub(super) complaints: Arc<Mutex<Box<dyn Write + Send>>>,
    /// How the server is started.
    pub(super) program: Spawn,
    /// Writes to the client.
    writer: JoinHandle<()>,
    /// What the client asked for.
    pub(super) tasks: JoinSet<Handled>,
    /// What the server asked for.
    pub(super) asked: JoinSet<()>,
    /// The client's ids that are not answered yet.
    open: HashSet<String>,
    /// How the client greeted the server.
    pub(super) greeting: Option<Map>,
    /// The client's id of the handshake, until its end was taken in.
    handshake: Option<String>,
    /// Requests that came before the end of the handshake that they follow: a session may be written at once.
    early: VecDeque<(Value, String, Asked)>,
    /// Whether the client said that it is ready.
    pub(super) initialized: bool,
    /// The server says nothing more, because it is being ended.
    pub(super) silent: bool,
}

/// A request of the client that was handled.
#[derive(Default)]
pub(super) struct Handled {
    /// The client's id, if it is to be freed.
    freed: Option<String>,
    /// The id and the answer, if it is not sent yet.
    answer: Option<(Value, Map)>,
}

/// A session that is given up in the middle leaves no call waiting: a call that will not be answered is settled as such.
impl Drop for SessionLoop {
    fn drop(&mut self) {
        self.session.server.gone();
        self.session.client.gone();
    }
}

impl SessionLoop {
    async fn listen(&mut self, stop: impl Future<Output = ()>) -> Ended {
        tokio::pin!(stop);
        let session = Arc::clone(&self.session);
        loop {
            let (client_flooded, server_flooded) = (session.client.is_flooded(), session.server.is_flooded());
            // What the client says while the server is being ended is for the next one.
            let hears_client = self.tasks.len() < 2 * CALLS_MAX && !session.is_ending() && !server_flooded;
            let hears_server = !self.silent && !client_flooded;
            tokio::select! {
                Some(handled) = self.tasks.join_next() => self.conclude(handled.unwrap_or_default()),
                Some(_) = self.asked.join_next() => {}
                () = session.ended.notified() => match self.restart(stop.as_mut()).await {
                    Ok(()) => {}
                    Err(ended) => return ended,
                },
                () = session.client.drained(), if client_flooded => {}
                () = session.server.drained(), if server_flooded => {}
                said = self.from_server.recv(), if hears_server => match said {
                    Some(said) => self.server_says(said),
                    None if session.is_ending() => self.silent = true,
                    None => return Ended::ServerLeft(None),
                },
                // Beyond its calls there are only refusals, which wait only for a client that does not read them.
                said = self.from_client.recv(), if hears_client => match said {
                    Some(said) => self.client_says(said),
                    None => return Ended::ClientLeft,
                },
                () = &mut stop => return Ended::Stopped,
            }
        }
    }

    /// The client has disconnected: what it asked for may still be answered, for the record.
    async fn let_server_finish(&mut self) {
        let mut starting = self.handshake.is_some() && !self.session.is_ready();
        let give_up = sleep(if starting { START_GRACE } else { GRACE });
        tokio::pin!(give_up);
        loop {
            if starting && self.session.is_ready() {
                starting = false;
                give_up.as_mut().reset(Instant::now() + GRACE);
            }
            if self.tasks.is_empty() && self.early.is_empty() {
                self.session.server.close();
            }
            let flooded = self.session.client.is_flooded();
            tokio::select! {
                Some(handled) = self.tasks.join_next() => self.conclude(handled.unwrap_or_default()),
                Some(_) = self.asked.join_next() => {}
                () = self.session.client.drained(), if flooded => {}
                said = self.from_server.recv(), if !flooded => match said {
                    Some(said) => self.server_says(said),
                    None => return,
                },
                () = &mut give_up => return,
            }
        }
    }

    /// Ends the server, then every call that waited for it.
    async fn end(&mut self) -> Result<Option<ExitStatus>, StoreError> {
        let process = self.session.process.clone();
        let mut ending = spawn_blocking(move || process.end());
        let ended = loop {
            tokio::select! {
                ended = &mut ending => break ended,
                Some(handled) = self.tasks.join_next() => self.conclude(handled.unwrap_or_default()),
            }
        };
        self.hear_the_rest().await;
        self.session.server.gone();
        self.session.client.gone();
        self.refuse_early();
        if timeout(GRACE, self.conclude_all()).await.is_err() {
            // A side that does not read gets no answers, and cannot hold us: what is left is only to be recorded.
            self.writer.abort();
            self.asked.abort_all();
            self.conclude_all().await;
        }
        ended.map_err(|error| StoreError::new("end the server", error))?
    }

    /// What a server had said before it ended still counts, also where it is still being inspected.
    pub(super) async fn hear_the_rest(&mut self) {
        let rest = async {
            loop {
                tokio::select! {
                    said = self.from_server.recv() => match said {
                        Some(said) => self.server_says(said),
                        None => break,
                    },
                    Some(handled) = self.tasks.join_next() => self.conclude(handled.unwrap_or_default()),
                }
            }
        };
        let _ = timeout(GRACE, rest).await;
    }

    async fn conclude_all(&mut self) {
        while let Some(handled) = self.tasks.join_next().await {
            self.conclude(handled.unwrap_or_default());
        }
        while self.asked.join_next().await.is_some() {}
    }

    /// Frees the id of a request and then answers it: once the client has the answer, the id is free. Where there is no room for
    /// the answer, the id stays in use until there is.
    pub(super) fn conclude(&mut self, handled: Handled) {
        let Handled { freed, answer } = handled;
        freed.iter().for_each(|id| self.forget(id));
        self.release_early();
        let Some((id, body)) = answer else { return };
        if let Some(unsent) = self.session.client.respond(id, body) {
            self.open.extend(freed.clone());
            self.tasks.spawn(async move {
                unsent.send().await;
                Handled { freed, answer: None }
            });
        }
    }

    fn forget(&mut self, id: &str) {
        self.open.remove(id);
        self.session.server.forget(id);
    }

    fn client_says(&mut self, said: ClientSaid) {
        // What was handled before this came in is concluded before it is looked at.
        while let Some(handled) = self.tasks.try_join_next() {
            self.conclude(handled.unwrap_or_default());
        }
        match said {
            ClientSaid::Unreadable(unreadable) => self.refuse_unreadable(unreadable),
            ClientSaid::Asks(id, method, asked) => self.client_asks(id, method, asked),
            ClientSaid::Tells(method, Ok(params), about) => self.client_tells(method, params, about),
            ClientSaid::Tells(method, Err(malformed), _) => {
                self.refuse(Value::Null, method, malformed, Refusing::Silently);
            }
            ClientSaid::Answers(id, answer) => {
                let answered = answer.map(|answer| self.session.client.answered(&id, answer));
                if answered.unwrap_or(Answered::Unasked) == Answered::Unasked {
                    warn!("the client answered what it was not asked; dropped");
                }
            }
        }
    }

    fn client_asks(&mut self, id: Value, method: String, asked: Asked) {
        if !self.open.insert(id.to_json()) {
            let malformed = Malformed::new(code::ID_IN_USE, "this id belongs to a request that is not answered yet");
            return self.refuse(Value::Null, method, malformed, Refusing::Error(INVALID_REQUEST));
        }
        if self.open.len() > CALLS_MAX {
            let malformed = Malformed::new(code::TOO_MANY_REQUESTS, "too many requests wait for their answers");
            return self.refuse(id, method, malformed, Refusing::Error(INTERNAL_ERROR));
        }
        self.take_in(id, method, asked);
    }

    /// Serves what may be served at this point of the handshake. The rest waits for the end of one that is under way.
    fn take_in(&mut self, id: Value, method: String, asked: Asked) {
        if self.session.is_ready() || self.may_come_first(&method, &asked) {
            return self.serve(id, method, asked);
        }
        if self.handshake.is_some() {
            return self.early.push_back((id, method, asked));
        }
        self.refuse(id, method, not_initialized(), Refusing::Error(INVALID_REQUEST));
    }

    /// Serves what came before the end of the handshake. Where it failed, another one may be among what came, and the rest is refused.
    fn release_early(&mut self) {
        let Some(handshake) = &self.handshake else { return };
        if self.session.is_ready() {
            self.handshake = None;
            while let Some((id, method, asked)) = self.early.pop_front() {
                self.serve(id, method, asked);
            }
        } else if !self.open.contains(handshake) {
            (self.handshake, self.greeting) = (None, None);
            for (id, method, asked) in std::mem::take(&mut self.early) {
                self.take_in(id, method, asked);
            }
        }
    }

    fn refuse_early(&mut self) {
        while let Some((id, method, _)) = self.early.pop_front() {
            self.refuse(id, method, not_initialized(), Refusing::Error(INVALID_REQUEST));
        }
    }

    fn serve(&mut self, id: Value, method: String, asked: Asked) {
        let wanted = match asked {
            Asked::Unserved => {
                let malformed = Malformed::new(code::METHOD_NOT_ALLOWED, "this method is not served");
                return self.refuse(id, method, malformed, Refusing::Error(METHOD_NOT_FOUND));
            }
            Asked::Misfit(tool, malformed) => return self.refuse(id, tool, malformed, Refusing::Tool),
            Asked::Pass(passing, params) => return self.pass(id, method, params, passing),
            Asked::Call(wanted) => wanted,
        };
        let session = Arc::clone(&self.session);
        self.tasks.spawn(async move {
            let (shared, runtime, asker) = (Arc::clone(&session), Handle::current(), id.clone());
            let body = spawn_blocking(move || call::run(&shared, &runtime, &asker, wanted)).await;
            let body = body.unwrap_or_else(|_| Some(answer::error(INTERNAL_ERROR, "enforcement failed")));
            Handled { freed: Some(id.to_json()), answer: body.map(|body| (id, body)) }
        });
    }

    fn may_come_first(&self, method: &str, asked: &Asked) -> bool {
        let first = matches!(asked, Asked::Pass(Passing::Handshake, _)) && self.greeting.is_none();
        // What is not served at all is better said so.
        first || method == "ping" || matches!(asked, Asked::Unserved)
    }

    fn pass(&mut self, id: Value, method: String, params: Result<Map, Malformed>, passing: Passing) {
        let greets = passing == Passing::Handshake;
        if greets && self.session.is_ready() {
            let malformed = Malformed::new(code::BAD_MESSAGE, "the session is initialized");
            return self.refuse(id, method, malformed, Refusing::Error(INVALID_REQUEST));
        }
        let params = match params {
            Ok(params) => params,
            Err(malformed) => return self.refuse(id, method, malformed, Refusing::Error(INVALID_PARAMS)),
        };
        let key = id.to_json();
        if greets {
            (self.greeting, self.handshake) = (Some(params.clone()), Some(key.clone()));
        }
        let answered = self.session.forward(id, &method, params, Expected::Passed(passing));
        self.tasks.spawn(async move { Handled { freed: answered.await.then_some(key), answer: None } });
    }

    fn client_tells(&mut self, method: String, mut params: Map, about: Option<Value>) {
        let session = Arc::clone(&self.session);
        match method.as_str() {
            "notifications/cancelled" => {
                // One that names nothing that is open comes too late, and changes nothing.
                let open = about.filter(|asked| self.open.contains(&asked.to_json()));
                let Some(id) = open.and_then(|asked| session.server.give_up(&asked)) else { return };
                params.insert("requestId".to_owned(), id);
            }
            "notifications/progress" if !session.client.readdress(&mut params) => {
                let malformed = Malformed::new(code::METHOD_NOT_ALLOWED, "this notification is not passed on");
                return self.refuse(Value::Null, method, malformed, Refusing::Silently);
            }
            "notifications/initialized" => self.initialized = true,
            _ => {}
        }
        if !session.server.tell(&method, params) {
            warn!(method, "a notification is dropped: the server reads no longer");
        }
    }

    pub(super) fn server_says(&mut self, said: ServerSaid) {
        match said {
            ServerSaid::Answers(id, answer) => {
                if answer.is_some_and(|answer| self.server_answers(&id, answer)) {
                } else if self.session.server.is_over(&id) {
                    info!("the server answered a call that was overdue; dropped");
                } else {
                    debug!("the server answered what it was not asked, or too late; dropped");
                }
            }
            ServerSaid::Tells(method, params) => {
                if !params.is_some_and(|params| self.server_tells(&method, params)) {
                    // Its method is any text, so it is not repeated.
                    warn!("a notification of the server is dropped");
                }
            }
            ServerSaid::Asks(id, method, asked) => self.server_asks(id, method, asked),
            ServerSaid::Unreadable(unreadable) => self.server_unreadable(unreadable),
        }
        self.release_early();
    }

    /// An answer that cannot be read is given at once: under its id, and where it names none, to every request that waits.
    fn server_unreadable(&mut self, unreadable: Unreadable) {
        let Unreadable { why, id, method, is_answer, .. } = unreadable;
        let why = why.unwrap_or_else(|| Malformed::new(code::BAD_MESSAGE, "this is no message"));
        let code = why.code.as_str();
        if !is_answer {
            // Its server waits for an answer too.
            if let (Some(id), Some(_)) = (id, method) {
                self.answer_server(id, answer::error(INVALID_REQUEST, &format!("{} ({code})", why.message)));
            }
            return warn!(
                code,
                "the server wrote what is no message; harmless, where it is a banner or a line of a log"
            );
        }
        let answered = self.session.server.unreadable(id.as_ref(), &why);
        if id.is_some_and(|id| self.session.server.is_over(&id)) {
            info!("the server answered a call that was overdue with what cannot be read");
        }
        let count = answered.iter().filter(|answered| **answered != Answered::Unasked).count();
        warn!(code, answered = count, "the server wrote an answer that cannot be read");
        for answered in answered {
            if let Answered::Now(asker) = answered {
                self.forget(&asker);
            }
        }
    }

    /// Answers a request of the server's in place of the client.
    fn answer_server(&mut self, id: Value, body: Map) {
        if self.asked.len() < CALLS_MAX {
            let session = Arc::clone(&self.session);
            self.asked.spawn(async move { session.server.respond_in_time(id, body).await });
        }
    }

    fn server_answers(&mut self, id: &Value, answer: Answer) -> bool {
        match self.session.server.answered(id, answer) {
            Answered::Unasked => return false,
            Answered::Soon => {}
            // Its id is free before the client can have read the answer.
            Answered::Now(asker) => self.forget(&asker),
        }
        true
    }

    /// One that comes while no listener is there is dropped.
    fn server_tells(&self, method: &str, mut params: Map) -> bool {
        let session = &self.session;
        if method == "notifications/progress" && !session.server.readdress(&mut params) {
            if let Some(overdue) = session.server.goes_on(&params, session.grace) {
                let session = Arc::clone(session);
                spawn_blocking(move || session.end_server(overdue));
            }
            return false;
        }
        session.client.tell(method, params);
        true
    }

    fn server_asks(&mut self, id: Value, method: String, asked: Option<(Map, Members)>) {
        if self.asked.len() >= CALLS_MAX {
            return warn!("the server asks too much at once; dropped");
        }
        if let Some((params, members)) = asked {
            let answered = self.session.forward(id, &method, params, Expected::Members(members));
            self.asked.spawn(async move {
                answered.await;
            });
            return;
        }
        let session = Arc::clone(&self.session);
        self.asked.spawn(async move {
            let malformed = Malformed::new(code::METHOD_NOT_ALLOWED, "the server asks for what is not served");
            session.record_refusal(method, malformed).await;
            let body = answer::error(METHOD_NOT_FOUND, "this method is not served");
            session.server.respond_in_time(id, body).await;
        });
    }

    fn refuse_unreadable(&mut self, unreadable: Unreadable) {
        let Unreadable { why, id, method, tool, .. } = unreadable;
        let why = why.unwrap_or_else(|| Malformed::new(code::BAD_MESSAGE, "this is no message"));
        let is_call = method.as_deref() == Some("tools/call");
        let code = if why.code == code::NOT_JSON { PARSE_ERROR } else { INVALID_REQUEST };
        // An answer under an id that is in use would be taken for the answer to that request.
        let id = id.filter(|id| !self.open.contains(&id.to_json()));
        let refusing = if is_call && id.is_some() { Refusing::Tool } else { Refusing::Error(code) };
        let name = tool.filter(|_| is_call).or(method).unwrap_or_else(|| "unreadable".to_owned());
        self.refuse(id.unwrap_or_default(), name, why, refusing);
    }

    /// Records a refusal, then tells the client, unless it cancelled the request meanwhile.
    fn refuse(&mut self, id: Value, tool: String, malformed: Malformed, refusing: Refusing) {
        let session = Arc::clone(&self.session);
        // What could not be read did not open its id, and must not free it for the next opener.
        let opened = self.open.contains(&id.to_json());
        let gave_up = opened && session.server.is_given_up(&id);
        let refusing = if gave_up { Refusing::Silently } else { refusing };
        self.tasks.spawn(async move {
            let message = format!("{} ({})", malformed.message, malformed.code);
            let refused = session.record_refusal(tool, malformed).await;
            let body = match (refusing, refused) {
                (Refusing::Silently, _) => None,
                (Refusing::Tool, Some(refused)) => Some(Style::Tool.refused(&refused)),
                (Refusing::Tool, None) => Some(answer::error(INTERNAL_ERROR, &message)),
                (Refusing::Error(code), _) => Some(answer::error(code, &message)),
            };
            Handled { freed: opened.then(|| id.to_json()), answer: body.map(|body| (id, body)) }
        });
    }
}

fn not_initialized() -> Malformed {
    Malformed::new(code::NOT_INITIALIZED, "the session begins with one `initialize`")
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

/// What the client says, inspected.
fn hear_client(session: &Arc<Session>, input: impl AsyncRead + Unpin + Send + 'static) -> Stage<ClientSaid> {
    let session = Arc::clone(session);
    stage(BufReader::new(input), session.message_max, move |line| {
        ControlFlow::Continue(Inspector::new(&session).client_said(&session.client, &line))
    })
}

/// What the server says, inspected.
pub(super) fn hear_server(session: &Arc<Session>, stdout: ChildStdout) -> Stage<ServerSaid> {
    let session = Arc::clone(session);
    stage(BufReader::new(stdout), session.message_max, move |line| {
        ControlFlow::Continue(Inspector::new(&session).server_said(&session.server, &line))
    })
}

/// Passes on what the server complains about.
pub(super) fn hear_complaints(
    session: &Arc<Session>,
    stderr: ChildStderr,
    to: &Arc<Mutex<Box<dyn Write + Send>>>,
) -> Stage<()> {
    let enforcer = session.enforcer.clone();
    pass_on(stderr, move || enforcer.policy().result_classes(), Arc::clone(to))
}
