//! What a message is and what may be seen of it. Takes as long as the message wants, so it is only done on a [`super::stage`].
//!
//! Nothing is changed or sent here: in which order things are done is the loop's to say.

use enforcecore::call::{Context, Malformed};
use enforcecore::characters::Replaced;
use enforcecore::codes::call as code;
use enforcecore::enforcer::Enforcer;
use enforcecore::redact::{ClassSet, Withheld, shown_name};
use enforcecore::value::{Map, Value};
use tracing::info;

use super::answer::{self, INTERNAL_ERROR};
use super::call::{TASK, Wanted};
use super::contract;
use super::frame::{Frame, Line, Message, Unreadable, Writer, read};
use super::methods::{self, Handling, Passing};
use super::peer::{Answer, Expected, Lost, Peer, Said};
use super::session::Session;
use super::shape::{Members, cut, unplaced};

/// Arguments of a tool that the log names at most.
const ARGUMENTS_SAID_MAX: usize = 50;

/// What the client said.
pub enum ClientSaid {
    /// It wants an answer.
    Asks(Value, String, Asked),
    /// It wants none. With what the server may hear of it, and the request it is about.
    Tells(String, Result<Map, Malformed>, Option<Value>),
    /// It answers. None to what it was not asked.
    Answers(Value, Option<Answer>),
    /// What is no message.
    Unreadable(Unreadable),
}

/// What the client wants.
pub enum Asked {
    /// Nothing that is served.
    Unserved,
    /// A call.
    Call(Wanted),
    /// A call of this tool that is none.
    Misfit(String, Malformed),
    /// To be passed on with these parameters.
    Pass(Passing, Result<Map, Malformed>),
}

/// What the server said.
pub enum ServerSaid {
    /// It wants an answer, which has these members; none where that is not served.
    Asks(Value, String, Option<(Map, Members)>),
    /// It wants none. With what the client may see of it, if anything.
    Tells(String, Option<Map>),
    /// It answers. None to what it was not asked.
    Answers(Value, Option<Answer>),
    /// What is no message.
    Unreadable(Unreadable),
}

/// Knows what may be seen by whom.
pub struct Inspector<'a> {
    enforcer: &'a Enforcer,
    context: &'a Context,
    session: &'a Session,
}

impl<'a> Inspector<'a> {
    /// By the policy in force, in the session of the calls.
    pub(super) fn new(session: &'a Session) -> Inspector<'a> {
        Inspector { enforcer: &session.enforcer, context: &session.context, session }
    }

    /// A line of the client's. An empty one is nothing.
    pub fn client_said(&self, client: &Peer, line: &Line) -> Option<ClientSaid> {
        let (frame, _) = read(line, Writer::Client, self.session.message_max)?;
        Some(match frame {
            Frame::Unreadable(unreadable) => ClientSaid::Unreadable(unreadable),
            Frame::Message(Message::Request { id, method, params }) => {
                let asked = self.asked(&method, params);
                ClientSaid::Asks(id, method, asked)
            }
            Frame::Message(Message::Notification { method, params }) => {
                let about = params.get("requestId").cloned();
                let refused = || Malformed::new(code::METHOD_NOT_ALLOWED, "this notification is not passed on");
                let members = methods::client_notification(&method).ok_or_else(refused);
                let params = members.and_then(|members| self.to_server(&method, params, members));
                ClientSaid::Tells(method, params, about)
            }
            Frame::Message(Message::Response { id, body }) => {
                let said = Said { body, replaced: Replaced::default() };
                let answer = client.expected(&id).map(|expected| self.answer(expected, said));
                ClientSaid::Answers(id, answer)
            }
        })
    }

    /// A line of the server's. An empty one is nothing.
    pub fn server_said(&self, server: &Peer, line: &Line) -> Option<ServerSaid> {
        let (frame, replaced) = read(line, Writer::Server, self.session.message_max)?;
        if !replaced.is_empty() {
            info!(%replaced, "characters of a server's message that programs read differently became U+FFFD");
        }
        Some(match frame {
            Frame::Unreadable(unreadable) => ServerSaid::Unreadable(unreadable),
            Frame::Message(Message::Request { id, method, params }) => {
                let members = methods::from_server(&method);
                if members.is_none() {
                    self.session.cuts.say("the server's", &method, &["the method".to_owned()]);
                }
                let asked = members.and_then(|members| Some((self.to_client(params)?, members)));
                ServerSaid::Asks(id, method, asked)
            }
            Frame::Message(Message::Notification { method, params }) => {
                let passes = methods::server_notification(&method);
                if !passes {
                    self.session.cuts.say("the server's", &method, &["the notification".to_owned()]);
                }
                let params = if passes { self.to_client(params) } else { None };
                ServerSaid::Tells(method, params)
            }
            Frame::Message(Message::Response { id, body }) => {
                let body = say_replaced(body, replaced);
                let answer = server.expected(&id).map(|expected| self.answer(expected, Said { body, replaced }));
                ServerSaid::Answers(id, answer)
            }
        })
    }

    fn asked(&self, method: &str, params: Map) -> Asked {
        if let Some(Value::Map(meta)) = params.get("_meta") {
            let left_out = meta.keys().filter(|name| !methods::META.contains(&name.as_str()));
            let left_out: Vec<String> = left_out.map(|name| format!("_meta.{name}")).collect();
            self.session.cuts.say("the client's", method, &left_out);
        }
        match methods::from_client(method) {
            None => {
                self.session.cuts.say("the client's", method, &["the method".to_owned()]);
                Asked::Unserved
            }
            Some(Handling::CallMethod) => Asked::Call(Wanted::method(method.to_owned(), params)),
            Some(Handling::CallTool) if params.contains_key(TASK) => {
                self.session.cuts.say("the client's", method, &[TASK.to_owned()]);
                self.asked(method, params.into_iter().filter(|(name, _)| name != TASK).collect())
            }
            Some(Handling::CallTool) => match Wanted::tool(method.to_owned(), params) {
                Ok(wanted) => Asked::Call(wanted),
                Err((tool, malformed)) => Asked::Misfit(tool, malformed),
            },
            Some(Handling::Pass(passing, members)) => {
                let mut params = self.to_server(method, params, members);
                if let (Passing::Handshake, Ok(params)) = (passing, &mut params) {
                    methods::negotiate_request(params);
                }
                Asked::Pass(passing, params)
            }
        }
    }

    /// What the asker may have of an answer.
    fn answer(&self, expected: Expected, said: Said) -> Answer {
        let Said { body, replaced } = said;
        let body = match expected {
            // The line looks at it.
            Expected::OfCall => body,
            Expected::Passed(passing) => self.passed(passing, body),
            Expected::Members(members) => self.to_server("the answer", body, members).map_err(Lost::Unreadable)?,
        };
        Ok(Said { body, replaced })
    }

    /// What the client sees of the answer to a request that was passed on.
    fn passed(&self, passing: Passing, mut body: Map) -> Map {
        let mut contracts = None;
        if let Some(Value::Map(result)) = body.get_mut("result") {
            match passing {
                Passing::Handshake => match methods::negotiate_response(result) {
                    Ok(dropped) => self.session.cuts.say("the server's", "initialize", &dropped),
                    Err(why) => return answer::error(INTERNAL_ERROR, &why),
                },
                Passing::ToolList => {
                    self.keep_callable(result);
                    contracts = Some(contract::take(result, &self.enforcer.policy()));
                }
                Passing::Plain => {}
            }
        }
        let withheld = || answer::error(INTERNAL_ERROR, "the answer cannot be redacted, so it is withheld");
        let mut seen = self.to_client(body).unwrap_or_else(withheld);
        if let (Some(contracts), Some(Value::Map(result))) = (contracts, seen.get_mut("result")) {
            contract::put_back(result, contracts);
        }
        seen
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
    fn to_client(&self, said: Map) -> Option<Map> {
        self.redacted(said, self.enforcer.policy().result_classes()).ok()
    }

    /// What the server may hear of something the client said beside a call: what has a place in it, redacted of all that any
    /// argument is redacted of.
    fn to_server(&self, message: &str, mut said: Map, members: Members) -> Result<Map, Malformed> {
        let meta = methods::meta(said.shift_remove("_meta"));
        self.session.cuts.say("the client's", message, &unplaced(&said, members));
        cut(&mut said, members)?;
        let redacted = self.redacted(said, self.enforcer.policy().arg_classes());
        let mut redacted =
            redacted.map_err(|withheld| Malformed::new(code::UNREDACTABLE_ARGUMENT, withheld.to_string()))?;
        redacted.extend(meta.map(|meta| ("_meta".to_owned(), meta)));
        Ok(redacted)
    }

    /// In the session's placeholders: what is said beside a call names the same people.
    fn redacted(&self, said: Map, classes: ClassSet) -> Result<Map, Withheld> {
        let redacted = self.enforcer.redact(self.context, &Value::Map(said), classes)?.value;
        Ok(if let Value::Map(redacted) = redacted { redacted } else { Map::new() })
    }
}

/// Where a result says which of its characters were replaced.
const REPLACED: &str = "enforcecore/replaced";

/// Tells the client which characters of a result were replaced, beside the result.
fn say_replaced(mut body: Map, replaced: Replaced) -> Map {
    if !replaced.is_empty()
        && let Some(Value::Map(result)) = body.get_mut("result")
        && let Value::Map(meta) = result.entry("_meta".to_owned()).or_insert_with(|| Value::Map(Map::new()))
    {
        let hint = if replaced.bytes > 0 { "; a server in Python writes UTF-8 with PYTHONUTF8=1" } else { "" };
        let said = format!("characters that programs read differently became U+FFFD ({replaced}){hint}");
        meta.insert(REPLACED.to_owned(), Value::from(said));
    }
    body
}

/// Names a tool that is taken out, and its arguments, so that a person can declare it.
fn say_hidden(name: &str, tool: &Value) {
    let declared = tool.at("inputSchema").and_then(|schema| schema.at("properties")).and_then(Value::as_map);
    let names = declared.into_iter().flat_map(Map::keys).take(ARGUMENTS_SAID_MAX);
    let arguments = names.map(|name| shown_name(name)).collect::<Vec<_>>().join(", ");
    info!(tool = shown_name(name), arguments, "a tool that no rule can allow is not shown");
}
