//! Configuration: `enforcecore.toml` of the project over that of the user, overlaid by variables, overlaid by flags and
//! arguments.
//!
//! Every value knows where it comes from. An unknown or unusable value, or a file that others can write, is an error with its
//! place, and so is a project file that contradicts the user's security settings: enforcement never runs on a guess at what
//! was meant. A [`Config`] is made in one step from all that is said, so no code reads one with such a question open. Absent
//! on purpose: anything that a policy says.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use enforcecore::audit::Durability;
use enforcecore::capabilities::Face;
use enforcecore::identity::Identities;
use enforcecore::policy::parse_duration;

use crate::evidence::LogFolders;
use crate::setup::{CANCEL_GRACE, SESSION_IDLE, Setup};

mod files;
mod keys;
mod load;
mod problem;
mod trust;

pub use files::CONFIG_FILE;
pub use keys::{Key, LOG_LEVELS_FORM, SIZE_FORM, TRUSTED_PROJECTS, VARIABLE_PREFIX, are_log_levels, bytes_of};

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The value; a path of a file is relative to that file and already resolved.
    pub value: OsString,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The default, which was not set.
    Default,
    /// A line of a file.
    File {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u32,
    },
    /// A variable of the environment.
    Variable(&'static str),
    /// A flag of the command.
    Flag,
    /// An argument in the program.
    Argument,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => write!(f, "default"),
            Origin::File { file, line } => write!(f, "{}:{line}", file.display()),
            Origin::Variable(name) => write!(f, "{name}"),
            Origin::Flag => write!(f, "flag"),
            Origin::Argument => write!(f, "argument"),
        }
    }
}

/// What the person who runs this says, by flags or arguments: it lies over whatever else is said.
#[derive(Clone, Debug)]
pub struct Given {
    origin: Origin,
    values: Vec<(Key, OsString)>,
}

impl Given {
    /// Nothing yet. What is added comes from there.
    pub fn by(origin: Origin) -> Given {
        Given { origin, values: Vec::new() }
    }

    /// Adds the value of a flag or an argument, if it was given.
    pub fn add(&mut self, key: Key, value: Option<impl Into<OsString>>) {
        self.values.extend(value.map(|value| (key, value.into())));
    }
}

/// The folders of the projects whose files lie over the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedProjects {
    /// The folders. Each means itself, and no folder below it.
    pub folders: Vec<PathBuf>,
    /// Where they are listed.
    pub origin: Origin,
}

/// The values in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    settings: Vec<(Key, Setting)>,
    trusted_projects: Option<TrustedProjects>,
    files: Vec<PathBuf>,
}

impl Default for Config {
    fn default() -> Config {
        let set = |key: &Key| {
            key.row().default.map(|value| (*key, Setting { value: OsString::from(value), origin: Origin::Default }))
        };
        Config { settings: Key::ALL.iter().filter_map(set).collect(), trusted_projects: None, files: Vec::new() }
    }
}

impl Config {
    /// The value of a key, if it has one.
    pub fn get(&self, key: Key) -> Option<&Setting> {
        self.settings.iter().find(|(own, _)| *own == key).map(|(_, setting)| setting)
    }

    /// The value of a key as a path.
    pub fn path(&self, key: Key) -> Option<PathBuf> {
        self.get(key).map(|setting| PathBuf::from(&setting.value))
    }

    /// The value of a key as text.
    pub fn text(&self, key: Key) -> &str {
        self.get(key).and_then(|setting| setting.value.to_str()).unwrap_or_default()
    }

    /// The projects whose files lie over the user's, if the user lists any.
    pub fn trusted_projects(&self) -> Option<&TrustedProjects> {
        self.trusted_projects.as_ref()
    }

    /// Every file that has a word here, whether or not it is there: the named one, the user's, and those of this folder and of
    /// each one above it.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// How long a server has to react once it was told to cancel an overdue call.
    pub fn cancel_grace(&self) -> Duration {
        self.time(Key::CancelGrace).unwrap_or(CANCEL_GRACE)
    }

    /// How a call is acknowledged before it runs.
    pub fn durability(&self) -> Durability {
        if self.text(Key::Durability) == "buffered" { Durability::Buffered } else { Durability::Strict }
    }

    /// Whether the log says names in clear.
    pub fn identities(&self) -> Identities {
        if self.text(Key::Identities) == "clear" { Identities::Clear } else { Identities::Keyed }
    }

    /// After how long without an entry a session's state leaves memory.
    pub fn session_idle(&self) -> Duration {
        self.time(Key::SessionIdle).unwrap_or(SESSION_IDLE)
    }

    /// A length of time that its key takes; what an embedding program gave beyond that is not used.
    fn time(&self, key: Key) -> Option<Duration> {
        let text = self.text(key);
        key.check(text).ok().and_then(|()| parse_duration(text))
    }

    /// Where the evidence and what belongs to it lives.
    pub fn folders(&self) -> LogFolders {
        LogFolders {
            log: self.path(Key::Log).unwrap_or_default(),
            keys: self.path(Key::Keys).unwrap_or_default(),
            anchor: self.path(Key::Anchor),
            origin: self.text(Key::Origin).to_owned(),
        }
    }

    /// What an enforcer is put together from, if a policy is named.
    pub fn setup(&self, face: Face) -> Option<Setup> {
        let setup = Setup::new(self.path(Key::Policy)?, face);
        let (folders, durability, identities) = (self.folders(), self.durability(), self.identities());
        let workspace = self.path(Key::Workspace).unwrap_or_default();
        let session_idle = self.session_idle();
        let configuration = self.files.clone();
        Some(Setup { folders, workspace, configuration, durability, identities, session_idle, ..setup })
    }

    /// Sets a value over those that were said before.
    fn set(&mut self, key: Key, value: OsString, origin: Origin) {
        self.settings.retain(|(own, _)| *own != key);
        self.settings.push((key, Setting { value, origin }));
    }
}
