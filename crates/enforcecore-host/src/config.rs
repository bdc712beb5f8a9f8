//! Configuration: `enforcecore.toml` of the project over that of the user, overlaid by variables, overlaid by flags and
//! arguments.
//!
//! Every value knows where it comes from. What is unknown, unusable or written by somebody else is an error with its place, and
//! so is a project that says otherwise than its user about what protects them: enforcement never runs on a guess at what was
//! meant. A [`Config`] is made in one step from all that is said, so nobody reads one with such a question open. Absent on
//! purpose: anything that a policy says.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use enforcecore::audit::{Durability, is_key_name};
use enforcecore::codes::Code;
use enforcecore::codes::config as code;
use enforcecore::diagnostic::{Diagnostic, Severity, Span, closest};
use enforcecore::policy::Face;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::assembly::{DEFAULT_ORIGIN, Setup};
use crate::evidence::LogFolders;
use crate::files::{self, How, MadeBy, Opened, Refused, link_below, open_in_project, read_text};

/// The name of the file.
pub const CONFIG_FILE: &str = "enforcecore.toml";

/// What every variable begins with.
pub const VARIABLE_PREFIX: &str = "ENFORCECORE_";

/// The folders of projects whose files lie over the user's. Only the user says which: no project vouches for itself.
pub const TRUSTED_PROJECTS: &str = "trusted_projects";

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

/// Bytes of a file at most: it has ten keys.
const CONFIG_BYTES_MAX: u64 = 64 * 1024;

/// Findings of one load at most: who has a hundred mends the first and looks again.
const FINDINGS_MAX: usize = 100;

macro_rules! keys {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal, $variable:literal, $kind:expr, $default:expr;)*) => {
        /// What can be configured.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Key {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Key {
            /// Every key.
            pub const ALL: &[Key] = &[$(Key::$variant,)*];

            /// The word in the file.
            pub fn name(self) -> &'static str {
                match self { $(Key::$variant => $name,)* }
            }

            /// The variable.
            pub fn variable(self) -> &'static str {
                match self { $(Key::$variant => concat!("ENFORCECORE_", $variable),)* }
            }

            /// The flag.
            pub fn flag(self) -> String {
                format!("--{}", self.name().replace('_', "-"))
            }

            /// Whether it settles what is enforced, or what is left of it as evidence.
            fn protects(self) -> bool {
                !matches!(self, Key::LogLevel | Key::LogFormat)
            }

            fn kind(self) -> Kind {
                match self { $(Key::$variant => $kind,)* }
            }

            fn default(self) -> Option<&'static str> {
                match self { $(Key::$variant => $default,)* }
            }
        }
    };
}

keys! {
    /// The policy.
    Policy = "policy", "DEFAULT_POLICY", Kind::Path, None;
    /// The folder the evidence goes to.
    Log = "log", "AUDIT_PATH", Kind::Path, Some(".enforcecore/log");
    /// The folder with the signing key and the secret of names.
    Keys = "keys", "KEYS", Kind::Path, Some(".enforcecore/keys");
    /// The folder in which the last checkpoint is remembered.
    Anchor = "anchor", "ANCHOR", Kind::Path, None;
    /// The name of the log in its checkpoints.
    Origin = "origin", "ORIGIN", Kind::Origin, Some(DEFAULT_ORIGIN);
    /// How a call is acknowledged before it runs.
    Durability = "durability", "DURABILITY", Kind::OneOf(&["strict", "buffered"]), Some("strict");
    /// The folder that `session.workspace` means.
    Workspace = "workspace", "WORKSPACE", Kind::Path, Some(".");
    /// What the program logs about itself.
    LogLevel = "log_level", "LOG_LEVEL", Kind::Levels, Some("warn");
    /// How a line of the program's log looks.
    LogFormat = "log_format", "LOG_FORMAT", Kind::OneOf(&["human", "json"]), Some("human");
}

/// Variables of version 1.14 whose meaning is gone, and where it went.
const RETIRED: [(&str, &str); 14] = [
    ("AUDIT_ENABLED", "evidence is always written"),
    ("AUDIT_ROTATE_MB", "the log is not rotated: its entries stay one chain"),
    ("AUDIT_RETAIN_DAYS", "the log is kept until somebody archives it"),
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

/// What a value must be.
enum Kind {
    Path,
    Levels,
    Origin,
    OneOf(&'static [&'static str]),
}

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
    /// Nobody set it.
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
            key.default().map(|value| (*key, Setting { value: OsString::from(value), origin: Origin::Default }))
        };
        Config { settings: Key::ALL.iter().filter_map(set).collect(), trusted_projects: None, files: Vec::new() }
    }
}

impl Config {
    /// Reads the files and variables that hold for this process, as [`Config::load`] does.
    pub fn here(file: Option<&Path>, given: Given) -> Result<Config, Vec<Diagnostic>> {
        let folder = std::env::current_dir().map_err(|error| {
            vec![problem(code::UNREADABLE, whole("."), format!("the working folder cannot be found: {error}"))]
        })?;
        Config::load(&folder, file, at_home(std::env::vars_os().collect(), std::env::home_dir), given)
    }

    /// Reads the files and variables that hold for this folder, and lays over them what was given. With `file`, that one is
    /// read instead of the project's: whoever names it answers for it.
    pub fn load(
        folder: &Path,
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        given: Given,
    ) -> Result<Config, Vec<Diagnostic>> {
        let environment: Vec<(OsString, OsString)> = environment.into_iter().collect();
        let mut loader = Loader::default();
        let user = loader.read_user(&environment);
        let project = folder.ancestors().map(|folder| folder.join(CONFIG_FILE));
        loader.config.files = file.map(Path::to_owned).into_iter().chain(user.clone()).chain(project).collect();
        match file {
            Some(file) => loader.read_named(file, user.as_deref()),
            None => loader.read_project(folder, user.as_deref()),
        }
        loader.read_variables(folder, &environment);
        given.values.into_iter().for_each(|(key, value)| loader.settle(key, value, given.origin.clone()));
        loader.check_policy();
        loader.check_folders(folder);
        std::mem::take(&mut loader.conflicts).into_iter().for_each(|(_, conflict)| loader.find(conflict));
        if loader.found.is_empty() { Ok(loader.config) } else { Err(loader.found) }
    }

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

    /// How a call is acknowledged before it runs.
    pub fn durability(&self) -> Durability {
        if self.text(Key::Durability) == "buffered" { Durability::Buffered } else { Durability::Strict }
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
        let (folders, durability) = (self.folders(), self.durability());
        let workspace = self.path(Key::Workspace).unwrap_or_default();
        Some(Setup { folders, workspace, configuration: self.files.clone(), durability, ..setup })
    }

    fn set(&mut self, key: Key, value: OsString, origin: Origin) {
        self.settings.retain(|(own, _)| *own != key);
        self.settings.push((key, Setting { value, origin }));
    }
}

#[derive(Default)]
struct Loader {
    config: Config,
    found: Vec<Diagnostic>,
    /// What the project's file says otherwise than the user's, until a variable, a flag or an argument settles it.
    conflicts: Vec<(Key, Diagnostic)>,
    author: Author,
    /// The project's file, if there is one.
    project: Option<PathBuf>,
}

/// Who wrote the file being read.
#[derive(Default, PartialEq, Eq)]
enum Author {
    /// The user, in the file that is theirs.
    #[default]
    User,
    /// Somebody for whom whoever names the file answers.
    Named,
    /// Whoever wrote the project that it came with.
    Project,
    /// Whoever wrote a project that the user trusts.
    TrustedProject,
}

impl Loader {
    /// Keeps a finding, as many as a person reads; one line more says that there are others.
    fn find(&mut self, finding: Diagnostic) {
        match self.found.len() {
            ..FINDINGS_MAX => self.found.push(finding),
            FINDINGS_MAX => {
                let message = format!("more than {FINDINGS_MAX} findings: the others are not listed");
                let help = Some("mend these and look again".to_owned());
                self.found
                    .push(Diagnostic { help, ..problem(code::TOO_MANY_FINDINGS, whole(&finding.span.file), message) });
            }
            _ => {}
        }
    }

    /// Whether more was found than is kept, so that reading on says nothing new.
    fn is_full(&self) -> bool {
        self.found.len() > FINDINGS_MAX
    }

    /// Reads the user's own file, if it is there, and says where it is or would be. An environment that names no folder of theirs
    /// has none; one that names none where it could be is an error, because what it says might have been stricter.
    fn read_user(&mut self, environment: &[(OsString, OsString)]) -> Option<PathBuf> {
        let variable =
            |name: &str| environment.iter().find(|(own, _)| own == name).map(|(_, value)| PathBuf::from(value));
        let configured = variable("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
        let folder = configured.or_else(|| variable("HOME").map(|home| home.join(".config")))?;
        if !folder.is_absolute() {
            let message = "no absolute path says where the user's own file is".to_owned();
            let help = "set HOME or XDG_CONFIG_HOME".to_owned();
            self.find(Diagnostic { help: Some(help), ..problem(code::BAD_VALUE, whole("HOME"), message) });
            return None;
        }
        let file = folder.join("enforcecore").join(CONFIG_FILE);
        if is_there(&file) {
            self.read_file(&file, open_named);
        }
        Some(file)
    }

    /// Reads a file that somebody names, unless it is the user's and has been read.
    fn read_named(&mut self, file: &Path, user: Option<&Path>) {
        if !user.is_some_and(|user| is_same(file, user)) {
            self.author = Author::Named;
            self.read_file(file, open_named);
        }
    }

    /// Reads the nearest file of this folder or one above it. Whoever may write there decides what is enforced here, so a file
    /// that lies in somebody else's hands is refused.
    fn read_project(&mut self, folder: &Path, user: Option<&Path>) {
        let nearest = folder.ancestors().map(|folder| folder.join(CONFIG_FILE)).find(|file| is_there(file));
        // Where somebody works in the user's folder of configurations, the nearest file is the user's and has been read.
        let Some(file) = nearest.filter(|file| !user.is_some_and(|user| is_same(file, user))) else { return };
        let lists = |trusted: &TrustedProjects| trusted.folders.iter().any(|listed| is_same(listed, folder_of(&file)));
        let trusted = self.config.trusted_projects().is_some_and(lists);
        self.author = if trusted { Author::TrustedProject } else { Author::Project };
        self.read_file(&file, open_found);
        self.project = Some(file);
    }

    fn read_file(&mut self, file: &Path, open: fn(&Path) -> Result<File, Refused>) {
        let name = file.display().to_string();
        match open(file).and_then(|open| Ok(read_text(open, CONFIG_BYTES_MAX)?)) {
            Ok(text) => self.read_text(file, &name, &text),
            Err(Refused::Failed(error)) => {
                self.find(problem(
                    code::UNREADABLE,
                    whole(&name),
                    format!("the configuration cannot be read: {error}"),
                ));
            }
            Err(refused) => {
                self.find(not_ours_alone(whole(&name), "the configuration", refused, "`--config` or `config=`"))
            }
        }
    }

    /// Refuses the policy that the project's file names, if it counts and lies in somebody else's hands: it would decide here as
    /// the file itself does. One that is not there is for its reader to miss.
    fn check_policy(&mut self) {
        let Some(Setting { value, origin: Origin::File { file, line } }) = self.config.get(Key::Policy) else { return };
        if self.project.as_ref() != Some(file) {
            return;
        }
        match open_in_project(folder_of(file), Path::new(value)) {
            Ok(_) | Err(Refused::Failed(_)) => {}
            Err(refused) => {
                let span = Span { line: *line, column: 1, ..whole(&file.display().to_string()) };
                let ways = format!("`{}` or {}", Key::Policy.flag(), Key::Policy.variable());
                let what = format!("the policy `{}`", value.display());
                self.find(not_ours_alone(span, &what, refused, &ways));
            }
        }
    }

    /// Refuses folders for evidence and keys that a project's file names, or that are the default, where a link within the project
    /// leads them elsewhere: its maker chose the place.
    fn check_folders(&mut self, working: &Path) {
        for key in [Key::Log, Key::Keys, Key::Anchor] {
            let Some(Setting { value, origin }) = self.config.get(key) else { continue };
            let (folder, span) = match origin {
                Origin::Default => (working, whole(key.name())),
                Origin::File { file, line } if self.project.as_ref() == Some(file) => {
                    (folder_of(file), Span { line: *line, column: 1, ..whole(&file.display().to_string()) })
                }
                _ => continue,
            };
            if let Some(link) = link_below(folder, &folder.join(value)) {
                let ways = format!("`{}` or {}", key.flag(), key.variable());
                let what = format!("`{}`", key.name());
                self.find(not_ours_alone(span, &what, Refused::Link(link), &ways));
            }
        }
    }

    fn read_text(&mut self, file: &Path, name: &str, text: &str) {
        let table = match DeTable::parse(text) {
            Ok(table) => table.into_inner(),
            Err(error) => {
                let span = place(name, text, error.span().unwrap_or_default());
                return self.find(problem(code::NOT_TOML, span, error.message().to_owned()));
            }
        };
        // In the order of the file, not of the alphabet.
        let mut entries: Vec<_> = table.into_iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            if self.is_full() {
                return;
            }
            match Key::ALL.iter().find(|own| own.name() == key.get_ref().as_ref()) {
                Some(known) => self.take(*known, file, name, text, &value),
                None if key.get_ref() == TRUSTED_PROJECTS => {
                    self.take_trusted(file, place(name, text, key.span()), &value)
                }
                None => self.find(unknown_key(key.get_ref(), place(name, text, key.span()))),
            }
        }
    }

    fn take(&mut self, key: Key, file: &Path, name: &str, text: &str, value: &Spanned<DeValue<'_>>) {
        let span = place(name, text, value.span());
        let DeValue::String(written) = value.get_ref() else {
            return self.find(problem(code::BAD_VALUE, span, format!("`{}` must be text in quotes", key.name())));
        };
        let folder = folder_of(file);
        match usable(key.kind(), OsStr::new(written.as_ref()), folder) {
            Ok(value) if self.is_projects() && key == Key::Workspace && !lies_below(Path::new(&value), folder) => {
                let message = "`workspace` is no folder of the project, and a project opens no other one".to_owned();
                let help = "say it by `--workspace`, ENFORCECORE_WORKSPACE or the user's own file".to_owned();
                self.find(Diagnostic { help: Some(help), ..problem(code::BAD_VALUE, span, message) });
            }
            Ok(value) => match self.users_word_against(key, &value) {
                Some(user) => self.conflicts.push((key, conflict(key, span, folder, user))),
                None => {
                    let line = span.line;
                    self.settle(key, value, Origin::File { file: file.to_owned(), line });
                }
            },
            Err(why) => self.find(problem(code::BAD_VALUE, span, format!("`{}` {why}", key.name()))),
        }
    }

    /// Whether the file came with a project.
    fn is_projects(&self) -> bool {
        matches!(self.author, Author::Project | Author::TrustedProject)
    }

    /// Where the user's file says otherwise about what protects them than a project that they do not trust. A workspace within
    /// the user's takes nothing away.
    fn users_word_against(&self, key: Key, value: &OsStr) -> Option<&Origin> {
        let user = self.config.get(key).filter(|user| user.origin != Origin::Default && user.value != value)?;
        let within = || key == Key::Workspace && lies_below(Path::new(value), Path::new(&user.value));
        (self.author == Author::Project && key.protects() && !within()).then_some(&user.origin)
    }

    fn take_trusted(&mut self, file: &Path, span: Span, value: &Spanned<DeValue<'_>>) {
        if self.author != Author::User {
            let message =
                format!("`{TRUSTED_PROJECTS}` has no meaning here: only the user's own file says whom they trust");
            let help = "write it into the user's own file, or remove the line".to_owned();
            return self.find(Diagnostic { help: Some(help), ..problem(code::UNKNOWN_KEY, span, message) });
        }
        match folders(value.get_ref()) {
            Ok(folders) => {
                let origin = Origin::File { file: file.to_owned(), line: span.line };
                self.config.trusted_projects = Some(TrustedProjects { folders, origin });
            }
            Err(why) => self.find(problem(code::BAD_VALUE, span, format!("`{TRUSTED_PROJECTS}` {why}"))),
        }
    }

    /// Sets a value over those that were said before, and so ends a conflict about it.
    fn settle(&mut self, key: Key, value: OsString, origin: Origin) {
        self.conflicts.retain(|(own, _)| *own != key);
        self.config.set(key, value, origin);
    }

    fn read_variables(&mut self, folder: &Path, environment: &[(OsString, OsString)]) {
        let ours = environment.iter().map(|(name, value)| (name.to_string_lossy(), value));
        let mut ours: Vec<_> = ours.filter(|(name, _)| name.starts_with(VARIABLE_PREFIX)).collect();
        ours.sort();
        for (name, value) in ours {
            if self.is_full() {
                return;
            }
            match Key::ALL.iter().find(|key| key.variable() == name) {
                None => self.find(unknown_variable(&name)),
                Some(key) => match usable(key.kind(), value, folder) {
                    Ok(value) => self.settle(*key, value, Origin::Variable(key.variable())),
                    Err(why) => self.find(problem(code::BAD_VALUE, whole(&name), format!("the variable {why}"))),
                },
            }
        }
    }
}

/// The environment with the user's folder in it: where it does not say, the system does, so that nobody loses what they
/// configured by running in an empty one.
fn at_home(
    mut environment: Vec<(OsString, OsString)>,
    home: impl FnOnce() -> Option<PathBuf>,
) -> Vec<(OsString, OsString)> {
    if !environment.iter().any(|(name, _)| name == "HOME") {
        environment.push((OsString::from("HOME"), home().unwrap_or_default().into_os_string()));
    }
    environment
}

/// Whether something has this name. Whatever keeps us from looking is said when it is read.
fn is_there(file: &Path) -> bool {
    !fs::symlink_metadata(file).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Opens a regular file that a person keeps or names.
fn open_named(file: &Path) -> Result<File, Refused> {
    files::open(file, MadeBy::Us, How::Read).map(|Opened { file, .. }| file)
}

/// Opens a regular file that was found, if only its owner has a say in what stands at this name. A link never has: its maker
/// chose the file, and would choose with it what the file's relative paths lead to.
fn open_found(file: &Path) -> Result<File, Refused> {
    open_in_project(folder_of(file), file)
}

/// The value as it is used, or why it cannot be.
fn usable(kind: Kind, value: &OsStr, folder: &Path) -> Result<OsString, String> {
    if value.is_empty() {
        return Err("is empty".to_owned());
    }
    if matches!(kind, Kind::Path) && value.as_encoded_bytes().starts_with(b"~") {
        return Err("begins with `~`, which only a shell expands".to_owned());
    }
    if matches!(kind, Kind::Path) {
        return Ok(folder.join(value).into_os_string());
    }
    let text = value.to_str().ok_or("is not UTF-8")?;
    match kind {
        Kind::OneOf(words) if !words.contains(&text) => Err(format!("is one of {}, not `{text}`", words.join(", "))),
        Kind::Origin if !is_key_name(text) => Err("is a name without spaces and plus signs".to_owned()),
        Kind::Levels if !are_log_levels(text) => Err(format!("is {LOG_LEVELS_FORM}, not `{text}`")),
        _ => Ok(value.to_owned()),
    }
}

/// The listed folders, or why they cannot be used. One that leads nowhere is no mistake: projects come and go.
fn folders(value: &DeValue<'_>) -> Result<Vec<PathBuf>, String> {
    let DeValue::Array(listed) = value else { return Err("is a list of folders in quotes".to_owned()) };
    let folder = |one: &Spanned<DeValue<'_>>| match one.get_ref() {
        DeValue::String(path) => match usable(Kind::Path, OsStr::new(path.as_ref()), Path::new("")) {
            Ok(folder) if !Path::new(&folder).is_absolute() => Err(format!("holds absolute paths, not `{path}`")),
            Ok(folder) => Ok(PathBuf::from(folder)),
            Err(why) => Err(format!("holds a path that {why}")),
        },
        _ => Err("is a list of folders in quotes".to_owned()),
    };
    listed.iter().map(folder).collect()
}

/// A file in the hands of others, and what names it all the same.
fn not_ours_alone(span: Span, what: &str, refused: Refused, ways: &str) -> Diagnostic {
    let (why, mend) = match &refused {
        Refused::NotOurs(others) => (others.to_string(), others.help()),
        Refused::Link(link) => {
            (format!("`{}` is a symbolic link", link.display()), "put what it leads to in its place".to_owned())
        }
        Refused::Failed(error) => (error.to_string(), "see to it that it can be read".to_owned()),
    };
    let help = match &refused {
        Refused::NotOurs(others) if !others.may_be_named() => mend,
        _ => format!("{mend}, or name it with {ways}"),
    };
    Diagnostic { help: Some(help), ..problem(code::NOT_TRUSTED, span, format!("{what} decides nothing here: {why}")) }
}

/// A project that says otherwise than its user, and every way out.
fn conflict(key: Key, span: Span, folder: &Path, user: &Origin) -> Diagnostic {
    let name = key.name();
    let message = format!("the user's own file says otherwise about `{name}` ({user}), and the project is not trusted");
    let (flag, variable, folder) = (key.flag(), key.variable(), folder.display());
    let help = format!(
        "list `{folder}` under `{TRUSTED_PROJECTS}` in the user's own file, say which counts by `{flag}` or {variable}, or \
         remove the line"
    );
    Diagnostic { help: Some(help), ..problem(code::PROJECT_AGAINST_USER, span, message) }
}

/// The folder that a file lies in.
fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

/// Whether two paths lead to the same place, symbolic links followed. One that leads nowhere does not.
fn is_same(one: &Path, other: &Path) -> bool {
    fs::canonicalize(one).is_ok_and(|one| fs::canonicalize(other).is_ok_and(|other| one == other))
}

/// Whether a path leads to this folder or below it, symbolic links followed. One that leads nowhere does not.
fn lies_below(path: &Path, folder: &Path) -> bool {
    let real = fs::canonicalize(path).and_then(|path| Ok((path, fs::canonicalize(folder)?)));
    real.is_ok_and(|(path, folder)| path.starts_with(folder))
}

fn unknown_key(key: &str, span: Span) -> Diagnostic {
    let close = closest(key, names());
    let help = close.map_or_else(
        || format!("the keys are {}", names().collect::<Vec<_>>().join(", ")),
        |close| format!("did you mean `{close}`?"),
    );
    Diagnostic { help: Some(help), ..problem(code::UNKNOWN_KEY, span, format!("unknown key `{key}`")) }
}

fn unknown_variable(name: &str) -> Diagnostic {
    let word = name.strip_prefix(VARIABLE_PREFIX).unwrap_or(name);
    if let Some((_, instead)) = RETIRED.iter().find(|(retired, _)| *retired == word) {
        let message = "the variable of version 1.14 has no meaning any more".to_owned();
        return Diagnostic {
            help: Some(format!("unset it: {instead}")),
            ..problem(code::RETIRED_VARIABLE, whole(name), message)
        };
    }
    if word.eq_ignore_ascii_case(TRUSTED_PROJECTS) {
        let help = format!("`{TRUSTED_PROJECTS}` stands in the user's own file alone");
        return Diagnostic {
            help: Some(help),
            ..problem(code::UNKNOWN_VARIABLE, whole(name), "unknown variable".to_owned())
        };
    }
    let by_key = Key::ALL.iter().find(|key| key.name().eq_ignore_ascii_case(word)).map(|key| key.variable());
    let close = by_key.or_else(|| closest(name, Key::ALL.iter().map(|key| key.variable())));
    let help =
        close.map_or_else(|| format!("the variables are {}", variables()), |close| format!("did you mean `{close}`?"));
    Diagnostic { help: Some(help), ..problem(code::UNKNOWN_VARIABLE, whole(name), "unknown variable".to_owned()) }
}

fn names() -> impl Iterator<Item = &'static str> {
    Key::ALL.iter().map(|key| key.name()).chain([TRUSTED_PROJECTS])
}

fn variables() -> String {
    Key::ALL.iter().map(|key| key.variable()).collect::<Vec<_>>().join(", ")
}

fn problem(code: Code, span: Span, message: String) -> Diagnostic {
    Diagnostic { code, severity: Severity::Error, span, message, help: None, fix: None }
}

/// A file or a variable as a whole.
fn whole(name: &str) -> Span {
    Span { file: name.to_owned(), ..Span::default() }
}

/// A place in a file's text.
fn place(name: &str, text: &str, bytes: std::ops::Range<usize>) -> Span {
    let before = text.get(..bytes.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Span { file: name.to_owned(), line: small(line), column: small(column), start: bytes.start, end: bytes.end }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_home_in_the_environment_has_one_in_the_system() {
        let check = |variables: &[(&str, &str)], system: Option<&str>, expected: &[(&str, &str)]| {
            let owned = |pairs: &[(&str, &str)]| -> Vec<(OsString, OsString)> {
                pairs.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect()
            };
            assert_eq!(at_home(owned(variables), || system.map(PathBuf::from)), owned(expected));
        };
        check(&[("A", "b")], Some("/home/me"), &[("A", "b"), ("HOME", "/home/me")]);
        check(&[("HOME", "/elsewhere")], Some("/home/me"), &[("HOME", "/elsewhere")]);
        // Nobody knows where it is, which is said where it is needed.
        check(&[], None, &[("HOME", "")]);
    }
}
