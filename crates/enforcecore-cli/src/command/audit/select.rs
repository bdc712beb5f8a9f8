//! Which entries are meant, and whose they are.
//!
//! The end of a call says only which call it ends. So that it is found with its call, and exported with the caller and the tool,
//! each open call of a log is remembered until its end.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use enforcecore::audit::hex;
use enforcecore::audit::{EntryKind, EntryLine, Keyer};
use enforcecore::call::Context;
use enforcecore::diagnostic::one_line;
use enforcecore::identity::{NAME_MEMBERS, keyed_principal, shown_identity, shown_principal};
use enforcecore::session::session_name;
use enforcecore::value::{Map, Value};
use enforcecore_host::config::{Config, Given, Key};
use enforcecore_host::keys::load_keyer;
use jiff::{SignedDuration, Timestamp};

use crate::error::CommandError;
use crate::settings::word;

/// Calls without an end that are remembered at most; the oldest are forgotten.
const OPEN_CALLS_MAX: usize = 65_536;

/// Which entries are meant: those that fit all of these.
#[derive(Clone, Debug, Default, Args)]
pub struct Filters {
    /// Not before this time: RFC 3339, such as 2026-11-25T00:00:00Z, or how long ago, such as 24h
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Only calls of this tool
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
    /// Only calls of this principal: its name, its keyed name, or, where it is more than a name, all of it as a JSON object
    #[arg(long, value_name = "WHO")]
    principal: Option<String>,
    /// Only calls in this session: its name or its keyed name
    #[arg(long, value_name = "NAME")]
    session: Option<String>,
    /// The tenant of --session
    #[arg(long, value_name = "NAME", requires = "session")]
    tenant: Option<String>,
    /// Only entries with this decision
    #[arg(long, value_name = "WHAT")]
    decision: Option<DecisionWord>,
    /// Only entries with this code
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// Where the secret of names is, with which keyed names are found [default: the configured folder]
    #[arg(long, value_name = "DIR")]
    keys: Option<std::path::PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DecisionWord {
    Allow,
    Ask,
    Deny,
}

impl Filters {
    /// Adds what these flags say.
    pub fn give(&self, given: &mut Given) {
        given.add(Key::Keys, self.keys.as_ref());
    }

    /// The end of the time that is meant, if it has one.
    pub fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// The entries that fit, with the keyed names of whom they name.
    pub fn wanted(&self, config: &Config) -> Result<Wanted, CommandError> {
        if let (Some(since), Some(until)) = (self.since, self.until)
            && since >= until
        {
            return Err(CommandError::usage(format!("no time is after {since} and before {until}")));
        }
        let named = self.tool.is_some() || self.principal.is_some() || self.session.is_some();
        let keyer = match named {
            true => load_keyer(&config.folders().keys).map_err(|error| CommandError::usage(error.to_string()))?,
            false => None,
        };
        let keyer = keyer.as_ref();
        let tenant = self.tenant.as_deref().unwrap_or_default();
        Ok(Wanted {
            since_us: self.since.map_or(i64::MIN, Timestamp::as_microsecond),
            until_us: self.until.map_or(i64::MAX, Timestamp::as_microsecond),
            tool: self.tool.as_deref().map(|tool| tool_names(tool, keyer)),
            principal: self.principal.as_deref().map(|who| principal_names(who, keyer)).transpose()?,
            session: self.session.as_deref().map(|name| session_names(name, tenant, keyer)),
            decision: word(self.decision),
            code: self.code.clone(),
            without_secret: keyer.is_none() && (self.principal.is_some() || self.session.is_some()),
        })
    }
}

/// A moment in RFC 3339, or how long ago.
fn time(text: &str) -> Result<Timestamp, String> {
    let plain = text.len() >= 20 && text.as_bytes().get(10).is_some_and(|at| matches!(at, b'T' | b't'));
    if plain && let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let ago = ago(text).and_then(|ago| Timestamp::now().checked_sub(ago).ok());
    ago.ok_or_else(|| {
        "write a time in RFC 3339 with its zone, such as 2026-11-25T00:00:00Z, or how long ago: a number and s, m, h, d or w"
            .to_owned()
    })
}

fn ago(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().next_back()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    let count = text.strip_suffix(unit).filter(|count| count.bytes().all(|b| b.is_ascii_digit()))?;
    Some(SignedDuration::from_secs(count.parse::<i64>().ok()?.checked_mul(seconds)?))
}

/// A name as entries may say it.
#[derive(Clone, Debug, Default)]
struct Names {
    keyed: Vec<String>,
    clear: Vec<String>,
}

impl Names {
    fn has(&self, keyed: Option<&str>, clear: Option<&str>) -> bool {
        let among = |names: &[String], name: Option<&str>| name.is_some_and(|name| names.iter().any(|own| own == name));
        among(&self.keyed, keyed) || among(&self.clear, clear)
    }
}

fn tool_names(tool: &str, keyer: Option<&Keyer>) -> Names {
    let undeclared = keyer.map(|keyer| format!("undeclared:{}:{}", tool.len(), keyer.name("tool", tool.as_bytes())));
    Names { keyed: undeclared.into_iter().chain([tool.to_owned()]).collect(), clear: vec![tool.to_owned()] }
}

fn session_names(name: &str, tenant: &str, keyer: Option<&Keyer>) -> Names {
    let context = Context { session_id: name.to_owned(), tenant: tenant.to_owned(), ..Context::default() };
    let key = keyer.map(|keyer| session_name(keyer, &context));
    Names { keyed: key.into_iter().chain(keyed_name(name)).collect(), clear: vec![shown_identity(name)] }
}

/// A name alone may be that of a principal whose one member says it.
fn principal_names(who: &str, keyer: Option<&Keyer>) -> Result<Names, CommandError> {
    let whole = who.starts_with('{').then(|| Value::from_json(who.as_bytes()));
    let principals: Vec<Map> = match whole {
        Some(Ok(Value::Map(principal))) => vec![principal],
        Some(_) => {
            return Err(CommandError::usage("the principal is neither a name nor a JSON object")
                .help(r#"write the object that the host gave: --principal '{"id":"ann","role":"lead"}'"#));
        }
        None => {
            let of = |member: &&str| Map::from_iter([((*member).to_owned(), Value::from(who))]);
            NAME_MEMBERS.iter().map(of).collect()
        }
    };
    let keyed =
        keyer.into_iter().flat_map(|keyer| principals.iter().map(|principal| keyed_principal(keyer, principal)));
    Ok(Names {
        keyed: keyed.chain(keyed_name(who)).collect(),
        clear: principals.iter().take(1).map(shown_principal).collect(),
    })
}

/// The text, if it is a keyed name.
fn keyed_name(text: &str) -> Option<String> {
    let is_hex = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    (is_hex && text.len() == hex(&[0; 16]).len()).then(|| text.to_owned())
}

/// The entries that are meant.
#[derive(Debug)]
pub struct Wanted {
    since_us: i64,
    until_us: i64,
    tool: Option<Names>,
    principal: Option<Names>,
    session: Option<Names>,
    decision: Option<String>,
    code: Option<String>,
    /// Whether a name is asked for, and there is no secret to make its keyed name with.
    pub without_secret: bool,
}

impl Wanted {
    /// Whether this entry is meant.
    pub fn has(&self, row: &Row) -> bool {
        let entry = &row.entry;
        let is = |wanted: &Option<String>, own: &Option<String>| wanted.is_none() || wanted == own;
        let named = |wanted: &Option<Names>, keyed: Option<&str>, clear: Option<&str>| {
            wanted.as_ref().is_none_or(|names| names.has(keyed, clear))
        };
        (self.since_us..self.until_us).contains(&entry.time_us)
            && named(&self.tool, row.tool(), row.tool_name())
            && named(&self.principal, row.principal(), row.principal_name())
            && named(&self.session, entry.session.as_deref(), row.session_name())
            && is(&self.decision, &entry.decision)
            && is(&self.code, &entry.code)
    }
}

/// An entry, with what the beginning of its call says of the caller and the tool.
#[derive(Clone, Debug)]
pub struct Row {
    /// The entry as it stands in the log.
    pub entry: EntryLine,
    begun: Option<Arc<Begun>>,
}

/// What an intent says of its call.
#[derive(Debug)]
struct Begun {
    tool: Option<String>,
    tool_name: Option<String>,
    principal: Option<String>,
    principal_name: Option<String>,
    session_name: Option<String>,
}

macro_rules! said {
    ($($(#[doc = $doc:literal])* $name:ident)*) => {
        $($(#[doc = $doc])* pub fn $name(&self) -> Option<&str> {
            self.entry.$name.as_deref().or_else(|| self.begun.as_ref()?.$name.as_deref())
        })*
    };
}

impl Row {
    said! {
        /// The tool, by the name that the policy declares or by its keyed name.
        tool
        /// The name of a tool that is not declared.
        tool_name
        /// The keyed name of the principal.
        principal
        /// The name of the principal.
        principal_name
        /// The name of the session.
        session_name
    }

    /// The tool for a reader.
    pub fn shown_tool(&self) -> &str {
        self.tool_name().or(self.tool()).unwrap_or_default()
    }

    /// The kind's word.
    pub fn kind(&self) -> String {
        word_of(&self.entry.kind)
    }

    /// The time in RFC 3339, to the millisecond.
    pub fn time(&self) -> String {
        Timestamp::from_microsecond(self.entry.time_us).map_or_else(|_| "?".to_owned(), |time| format!("{time:.3}"))
    }

    /// The entry in one line: index, time, kind, and what there is of tool, decision, code, call, rules, place, caller, arguments and
    /// redactions.
    pub fn describe(&self) -> String {
        let entry = &self.entry;
        let tool = entry.tool_name.as_deref().or(entry.tool.as_deref()).unwrap_or_default();
        let (decision, kind) = (entry.decision.as_deref().unwrap_or_default(), self.kind());
        let (code, call) = (entry.code.as_deref().unwrap_or_default(), entry.call.as_deref().unwrap_or_default());
        let (index, time) = (entry.index, self.time());
        let mut line = format!("{index:>6}  {time}  {kind:<9}  {tool:<20}  {decision:<5}  {code:<17}  {call:<12}");
        let mut add = |word: &str, parts: Vec<String>| {
            if !parts.is_empty() {
                line.push_str(&format!("  {word} {}", parts.join(", ")));
            }
        };
        add("by", entry.rules.clone());
        add("nearest", entry.rule.iter().filter(|rule| !entry.rules.contains(rule)).cloned().collect());
        add("at", entry.condition.iter().cloned().collect());
        add("stopped", entry.note.get("stopped").into_iter().cloned().collect());
        let keyed = || entry.principal.as_deref().and_then(|name| name.get(..8)).map(|name| format!("{name}.."));
        add("for", entry.principal_name.clone().or_else(keyed).into_iter().collect());
        add("in", entry.session_name.clone().into_iter().collect());
        add("with", entry.args.iter().map(|(name, value)| format!("{name}={value}")).collect());
        add("redacted", entry.redactions.iter().map(|(class, count)| format!("{count} {class}")).collect());
        line.truncate(line.trim_end().len());
        one_line(&line)
    }
}

/// The word of a field that takes one of several.
pub fn word_of(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The calls of a log that have begun and not ended.
#[derive(Debug, Default)]
pub struct Calls {
    open: HashMap<String, Arc<Begun>>,
    /// In the order in which they began; ended ones are passed over.
    order: VecDeque<String>,
}

impl Calls {
    /// The entry with what is known of its call. Entries come in the order of the log.
    pub fn row(&mut self, entry: EntryLine) -> Row {
        let begun = match (&entry.kind, &entry.call) {
            (EntryKind::Intent, Some(call)) => {
                let (call, begun) = (call.clone(), Arc::new(Begun::of(&entry)));
                self.remember(call, &begun);
                None
            }
            (EntryKind::Outcome | EntryKind::Void | EntryKind::Abandoned, Some(call)) => self.open.remove(call),
            _ => None,
        };
        Row { entry, begun }
    }

    fn remember(&mut self, call: String, begun: &Arc<Begun>) {
        self.order.push_back(call.clone());
        self.open.insert(call, Arc::clone(begun));
        while self.open.len() > OPEN_CALLS_MAX {
            let Some(oldest) = self.order.pop_front() else { break };
            self.open.remove(&oldest);
        }
        // Ended calls stay in the order until they are passed over, which is done before they are many.
        if self.order.len() > 2 * OPEN_CALLS_MAX {
            self.order.retain(|call| self.open.contains_key(call));
        }
    }
}

impl Begun {
    fn of(entry: &EntryLine) -> Begun {
        Begun {
            tool: entry.tool.clone(),
            tool_name: entry.tool_name.clone(),
            principal: entry.principal.clone(),
            principal_name: entry.principal_name.clone(),
            session_name: entry.session_name.clone(),
        }
    }
}
