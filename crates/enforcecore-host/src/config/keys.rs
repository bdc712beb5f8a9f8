//! The keys that can be configured, each a row of one table.
//!
//! A new one is a row. The file, the variables, the flags' names, the messages and `config show` take it from there.

use std::ffi::{OsStr, OsString};
use std::path;
use std::time::Duration;

use enforcecore::audit::is_key_name;
use enforcecore::codes::config as code;
use enforcecore::diagnostic::{Diagnostic, Span, closest};
use enforcecore::policy::parse_duration;
use enforcecore::value::RESULT_BYTES_MAX;

use self::ValueForm::{Levels, Name, OneOf, OwnFolder, Path, PolicyFile, Size, Time};
use super::problem::{helped, whole};
use crate::setup::{
    DEFAULT_KEYS, DEFAULT_LOG, DEFAULT_ORIGIN, DEFAULT_SESSION_IDLE, DEFAULT_WORKSPACE, SESSION_IDLE_MIN,
};

/// The prefix of every variable.
pub const VARIABLE_PREFIX: &str = "ENFORCECORE_";

/// The folders of projects whose files lie over the user's. Only the user says which: no project vouches for itself.
pub const TRUSTED_PROJECTS: &str = "trusted_projects";

/// The row of a key.
pub(super) struct KeyRow {
    /// The word in the file, which with dashes is the flag's.
    name: &'static str,
    variable: &'static str,
    pub(super) form: ValueForm,
    pub(super) default: Option<&'static str>,
    /// Whether it settles what is enforced, or what is left of it as evidence: no project says otherwise than its user.
    pub(super) protects: bool,
    /// What it is, as docs/configuration.md says it.
    doc: &'static str,
}

/// Makes the keys of their rows.
macro_rules! keys {
    ($($key:ident = $row:expr;)*) => {
        /// A key that can be configured.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "`Key::doc` says what each is")]
        pub enum Key { $($key,)* }

        impl Key {
            /// Every key, in the order in which they are shown.
            pub const ALL: [Key; [$(Key::$key),*].len()] = [$(Key::$key),*];

            pub(super) const fn row(self) -> &'static KeyRow {
                match self { $(Key::$key => &$row,)* }
            }
        }
    };
}

keys! {
    Policy = KeyRow { name: "policy", variable: "ENFORCECORE_DEFAULT_POLICY", form: PolicyFile,
        default: None, protects: true, doc: "the policy" };
    Log = KeyRow { name: "log", variable: "ENFORCECORE_AUDIT_PATH", form: OwnFolder,
        default: Some(DEFAULT_LOG), protects: true, doc: "the folder the evidence goes to" };
    Keys = KeyRow { name: "keys", variable: "ENFORCECORE_KEYS", form: OwnFolder,
        default: Some(DEFAULT_KEYS), protects: true, doc: "the folder with the signing key and the secret of names" };
    Anchor = KeyRow { name: "anchor", variable: "ENFORCECORE_ANCHOR", form: OwnFolder,
        default: None, protects: true, doc: "a folder elsewhere that holds the log's last checkpoint" };
    Origin = KeyRow { name: "origin", variable: "ENFORCECORE_ORIGIN", form: Name,
        default: Some(DEFAULT_ORIGIN), protects: true, doc: "the log's name in its checkpoints" };
    Durability = KeyRow { name: "durability", variable: "ENFORCECORE_DURABILITY", form: OneOf(&["strict", "buffered"]),
        default: Some("strict"), protects: true, doc: "`strict`: on stable storage before a call runs; `buffered`: handed to the system" };
    Identities = KeyRow { name: "identities", variable: "ENFORCECORE_IDENTITIES", form: OneOf(&["keyed", "clear"]),
        default: Some("keyed"), protects: true, doc: "`keyed`: the log names principals and sessions by keyed names; `clear`: in clear as well" };
    SessionIdle = KeyRow { name: "session_idle", variable: "ENFORCECORE_SESSION_IDLE", form: SESSION_IDLE,
        default: Some(DEFAULT_SESSION_IDLE), protects: false, doc: "after how long without a call a session's state leaves memory; the log keeps it" };
    Workspace = KeyRow { name: "workspace", variable: "ENFORCECORE_WORKSPACE", form: Path,
        default: Some(DEFAULT_WORKSPACE), protects: true, doc: "the folder that `session.workspace` means" };
    McpMessageMax = KeyRow { name: "mcp_message_max", variable: "ENFORCECORE_MCP_MESSAGE_MAX", form: Size,
        default: Some("16MiB"), protects: false, doc: "bytes of one message between an MCP client and its server at most" };
    CancelGrace = KeyRow { name: "cancel_grace", variable: "ENFORCECORE_CANCEL_GRACE", form: CANCEL_GRACE,
        default: Some("5s"), protects: true, doc: "how long an MCP server may take to answer a `ping` after an overdue call was cancelled; then it is ended" };
    LogLevel = KeyRow { name: "log_level", variable: "ENFORCECORE_LOG_LEVEL", form: Levels,
        default: Some("warn"), protects: false, doc: "what the program logs about itself" };
    LogFormat = KeyRow { name: "log_format", variable: "ENFORCECORE_LOG_FORMAT", form: OneOf(&["human", "json"]),
        default: Some("human"), protects: false, doc: "`human` or `json`" };
}

impl Key {
    /// The word in the file.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The variable.
    pub const fn variable(self) -> &'static str {
        self.row().variable
    }

    /// The flag.
    pub fn flag(self) -> String {
        format!("--{}", self.name().replace('_', "-"))
    }

    /// Whether a flag may say so, or what is wrong with it: `is a length of time ..`.
    pub fn check(self, value: &str) -> Result<(), String> {
        self.row().form.usable(OsStr::new(value), path::Path::new("")).map(drop)
    }

    /// What it is, in a few words.
    pub const fn doc(self) -> &'static str {
        self.row().doc
    }
}

/// Variables of version 1.14 whose meaning is gone, and where it went.
const RETIRED: [(&str, &str); 14] = [
    ("AUDIT_ENABLED", "evidence is always written"),
    ("AUDIT_ROTATE_MB", "the log is not rotated: its entries stay one chain"),
    ("AUDIT_RETAIN_DAYS", "the log is kept until it is archived"),
    ("AUDIT_COMPRESS", "the log is not compressed"),
    ("AUDIT_IMMUTABLE", "changes are seen by `enforcecore audit verify`"),
    ("AUDIT_WITNESS_FILE", "name an anchor folder in ENFORCECORE_ANCHOR"),
    ("REDACTION_ENABLED", "the policy says under `redact` what is redacted"),
    ("FAIL_OPEN", "a failure never lets a call through"),
    ("COST_BUDGET_USD", "the policy says under `budgets` what may be spent"),
    ("DEV_MODE", "there is one mode"),
    ("WEBHOOK_ON_VIOLATION", "nothing is sent anywhere"),
    ("WEBHOOK_ON_COST_THRESHOLD", "nothing is sent anywhere"),
    ("WEBHOOK_RETRY_ATTEMPTS", "nothing is sent anywhere"),
    ("WEBHOOK_TIMEOUT_SECONDS", "nothing is sent anywhere"),
];

/// The type of a value.
pub(super) enum ValueForm {
    /// A path; one of a file is relative to that file.
    Path,
    /// The path of a file that decides: only this user and the system's may write one that a project names.
    PolicyFile,
    /// The path of a folder that is ours: no link within a project leads it elsewhere.
    OwnFolder,
    Levels,
    Name,
    /// A number of bytes.
    Size,
    /// A length of time within bounds, which are also in words: digits and a unit.
    Time {
        least: Duration,
        most: Duration,
        bounds: &'static str,
    },
    OneOf(&'static [&'static str]),
}

/// How long a session may be idle.
const SESSION_IDLE: ValueForm =
    Time { least: SESSION_IDLE_MIN, most: Duration::from_hours(31 * 24), bounds: "from 1m to 31d, as `24h`" };

/// How long a server may take to react. What is waited for longer is waited for in vain.
const CANCEL_GRACE: ValueForm =
    Time { least: Duration::from_millis(1), most: Duration::from_mins(10), bounds: "from 1ms to 10m, as `5s`" };

impl ValueForm {
    /// The value as it is used, or why it cannot be.
    pub(super) fn usable(&self, value: &OsStr, folder: &path::Path) -> Result<OsString, String> {
        if value.is_empty() {
            return Err("is empty".to_owned());
        }
        let text = || value.to_str().ok_or("is not UTF-8");
        let refused = match self {
            Path | PolicyFile | OwnFolder if value.as_encoded_bytes().starts_with(b"~") => {
                Some("begins with `~`, which only a shell expands".to_owned())
            }
            Path | PolicyFile | OwnFolder => return Ok(folder.join(value).into_os_string()),
            Levels => {
                let text = text()?;
                (!are_log_levels(text)).then(|| format!("is {LOG_LEVELS_FORM}, not `{text}`"))
            }
            Size => {
                let text = text()?;
                (bytes_of(text).is_none()).then(|| format!("is {SIZE_FORM}, not `{text}`"))
            }
            Name => (!is_key_name(text()?)).then(|| "is a name without spaces and plus signs".to_owned()),
            Time { least, most, bounds } => {
                let text = text()?;
                let fits = parse_duration(text).is_some_and(|time| (*least..=*most).contains(&time));
                (!fits).then(|| format!("is a length of time {bounds}, not `{text}`"))
            }
            OneOf(words) => {
                let text = text()?;
                (!words.contains(&text)).then(|| format!("is one of {}, not `{text}`", words.join(", ")))
            }
        };
        refused.map_or_else(|| Ok(value.to_owned()), Err)
    }
}

/// What a number of bytes looks like, in words.
pub const SIZE_FORM: &str = "a number of bytes, or of `KiB` or `MiB` such as \"16MiB\", from 64KiB to 64MiB";

/// The number of bytes that a value says, if a message may have as many: no fewer than a handshake needs, and no more than a result
/// may have.
pub fn bytes_of(text: &str) -> Option<usize> {
    let unit = |word: &str, bytes: usize| text.strip_suffix(word).map(|number| (number, bytes));
    let (number, bytes) = unit("KiB", 1 << 10).or_else(|| unit("MiB", 1 << 20)).unwrap_or((text, 1));
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    let bytes = number.parse::<usize>().ok().filter(|_| is_number)?.checked_mul(bytes)?;
    (MESSAGE_BYTES_LEAST..=RESULT_BYTES_MAX).contains(&bytes).then_some(bytes)
}

/// Bytes that a message may have at least.
const MESSAGE_BYTES_LEAST: usize = 64 << 10;

/// What may be logged about the program itself, from nothing to everything.
const LOG_LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// What a value of `log_level` looks like, in words.
pub const LOG_LEVELS_FORM: &str = "off, error, warn, info, debug or trace, or TARGET=LEVEL joined by commas";

/// Whether the text is a level, or levels by target. A word alone that is no level could be a target, and would then silence
/// every other one: it is a mistyped level far more often.
pub fn are_log_levels(text: &str) -> bool {
    let is_level = |word: &str| LOG_LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    text.split(',').map(str::trim).all(|part| match part.split_once('=') {
        Some((target, level)) => !target.trim().is_empty() && is_level(level.trim()),
        None => is_level(part),
    })
}

pub(super) fn unknown_key(key: &str, span: Span) -> Diagnostic {
    let names = || Key::ALL.iter().map(|key| key.name()).chain([TRUSTED_PROJECTS]);
    let listed = || format!("the keys are {}", names().collect::<Vec<_>>().join(", "));
    let help = did_you_mean(closest(key, names())).unwrap_or_else(listed);
    helped(code::UNKNOWN_KEY, span, format!("unknown key `{key}`"), help)
}

pub(super) fn unknown_variable(name: &str) -> Diagnostic {
    let word = name.strip_prefix(VARIABLE_PREFIX).unwrap_or(name);
    if let Some((_, instead)) = RETIRED.iter().find(|(retired, _)| *retired == word) {
        let message = "the variable of version 1.14 has no meaning any more";
        return helped(code::RETIRED_VARIABLE, whole(name), message, format!("unset it: {instead}"));
    }
    let variables = || Key::ALL.iter().map(|key| key.variable());
    let by_key = || Key::ALL.iter().find(|key| key.name().eq_ignore_ascii_case(word)).map(|key| key.variable());
    let help = match word.eq_ignore_ascii_case(TRUSTED_PROJECTS) {
        true => Some(format!("`{TRUSTED_PROJECTS}` stands in the user's own file alone")),
        false => did_you_mean(by_key().or_else(|| closest(name, variables()))),
    };
    let listed = || format!("the variables are {}", variables().collect::<Vec<_>>().join(", "));
    helped(code::UNKNOWN_VARIABLE, whole(name), "unknown variable", help.unwrap_or_else(listed))
}

fn did_you_mean(close: Option<&str>) -> Option<String> {
    close.map(|close| format!("did you mean `{close}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_of_bytes_within_limits() {
        for (text, bytes) in [
            ("16MiB", Some(16_777_216)),
            ("64MiB", Some(67_108_864)),
            ("67108864", Some(67_108_864)),
            ("64KiB", Some(65_536)),
            ("65536", Some(65_536)),
            ("67108865", None),
            ("65MiB", None),
            ("65535", None),
            ("63KiB", None),
            ("0", None),
            ("", None),
            ("MiB", None),
            ("+16MiB", None),
            ("16 MiB", None),
            ("16MB", None),
            ("16mib", None),
            ("1.5MiB", None),
            ("-16MiB", None),
            ("99999999999999999999MiB", None),
        ] {
            assert_eq!(bytes_of(text), bytes, "{text}");
        }
    }
}
