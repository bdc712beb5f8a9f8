//! Trust: whose file is read, which keys it may set against its user, and which files other users can write.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use enforcecore::codes::config as code;
use enforcecore::diagnostic::{Diagnostic, Span};
use toml::Spanned;
use toml::de::DeValue;

use super::files::{folder_of, is_same, lies_below};
use super::keys::{Key, TRUSTED_PROJECTS, ValueForm};
use super::problem::{Problems, helped, whole};
use super::{Config, Origin, Setting, TrustedProjects};
use crate::files::{Refused, link_below, open_in_project};

/// Who wrote the file being read.
#[derive(Default, PartialEq, Eq)]
pub(super) enum Author {
    /// The user, in the file that is theirs.
    #[default]
    User,
    /// Any author: the person who names the file answers for it.
    Named,
    /// The author of the project that it came with.
    Project,
    /// The author of a project that the user trusts.
    TrustedProject,
}

impl Author {
    /// Who wrote this file of a project.
    pub(super) fn of_project(file: &Path, config: &Config) -> Author {
        let lists = |trusted: &TrustedProjects| trusted.folders.iter().any(|listed| is_same(listed, folder_of(file)));
        if config.trusted_projects().is_some_and(lists) { Author::TrustedProject } else { Author::Project }
    }

    /// Whether the file came with a project.
    pub(super) fn is_projects(&self) -> bool {
        matches!(self, Author::Project | Author::TrustedProject)
    }

    /// Where the user's file says otherwise about what protects them than a project that they do not trust. A workspace within
    /// the user's takes nothing away.
    pub(super) fn users_word_against<'a>(&self, config: &'a Config, key: Key, value: &OsStr) -> Option<&'a Origin> {
        let user = config.get(key).filter(|user| user.origin != Origin::Default && user.value != value)?;
        let within = || key == Key::Workspace && lies_below(Path::new(value), Path::new(&user.value));
        (*self == Author::Project && key.row().protects && !within()).then_some(&user.origin)
    }
}

/// A project that says otherwise than its user, and every way out.
pub(super) fn conflict(key: Key, span: Span, folder: &Path, user: &Origin) -> Diagnostic {
    let name = key.name();
    let message = format!("the user's own file says otherwise about `{name}` ({user}), and the project is not trusted");
    let (flag, variable, folder) = (key.flag(), key.variable(), folder.display());
    let help = format!(
        "list `{folder}` under `{TRUSTED_PROJECTS}` in the user's own file, say which counts by `{flag}` or {variable}, or \
         remove the line"
    );
    helped(code::PROJECT_AGAINST_USER, span, message, help)
}

/// Refuses the policy that the project's file names, if it counts and other users can write it: it would decide here as
/// the file itself does. One that is not there is for its reader to miss. And refuses folders for evidence and keys that the
/// file names, or that are the default, where a link within the project leads them elsewhere: its maker chose the place.
pub(super) fn check_project(config: &Config, project: Option<&Path>, working: &Path, problems: &mut Problems) {
    for key in Key::ALL {
        let Some(Setting { value, origin }) = config.get(key) else { continue };
        let (folder, span) = match origin {
            Origin::Default => (working, whole(key.name())),
            Origin::File { file, line } if project == Some(file) => {
                (folder_of(file), Span { line: *line, column: 1, ..whole(&file.display().to_string()) })
            }
            Origin::File { .. } | Origin::Variable(_) | Origin::Flag | Origin::Argument => continue,
        };
        let (what, refused) = match key.row().form {
            ValueForm::OwnFolder => {
                (format!("`{}`", key.name()), link_below(folder, &folder.join(value)).map(Refused::Link))
            }
            ValueForm::PolicyFile => {
                (format!("the policy `{}`", value.display()), open_in_project(folder, Path::new(value)).err())
            }
            ValueForm::Path
            | ValueForm::Levels
            | ValueForm::Name
            | ValueForm::Size
            | ValueForm::Time { .. }
            | ValueForm::OneOf(_) => continue,
        };
        if let Some(refused) = refused.filter(|refused| !matches!(refused, Refused::Failed(_))) {
            let ways = format!("`{}` or {}", key.flag(), key.variable());
            problems.add(not_ours_alone(span, &what, refused, &ways));
        }
    }
}

/// A file that other users can write, and how to name it all the same.
pub(super) fn not_ours_alone(span: Span, what: &str, refused: Refused, ways: &str) -> Diagnostic {
    let (why, mend) = match &refused {
        Refused::NotOurs(others) => (others.to_string(), others.help()),
        Refused::Link(link) => {
            (format!("`{}` is a symbolic link", link.display()), "put what it leads to in its place".to_owned())
        }
        Refused::Failed(error) => (error.to_string(), "see to it that it can be read".to_owned()),
    };
    let help = match &refused {
        Refused::NotOurs(others) if !others.may_be_named() => mend,
        Refused::NotOurs(_) | Refused::Link(_) | Refused::Failed(_) => format!("{mend}, or name it with {ways}"),
    };
    helped(code::NOT_TRUSTED, span, format!("{what} decides nothing here: {why}"), help)
}

/// The listed folders, or why they cannot be used. One that leads nowhere is no mistake: projects come and go.
pub(super) fn listed_folders(value: &DeValue<'_>) -> Result<Vec<PathBuf>, String> {
    const FORM: &str = "is a list of folders in quotes";
    let DeValue::Array(listed) = value else { return Err(FORM.to_owned()) };
    let folder = |one: &Spanned<DeValue<'_>>| {
        let DeValue::String(path) = one.get_ref() else { return Err(FORM.to_owned()) };
        match ValueForm::Path.usable(OsStr::new(path.as_ref()), Path::new("")) {
            Ok(folder) if !Path::new(&folder).is_absolute() => Err(format!("holds absolute paths, not `{path}`")),
            Ok(folder) => Ok(PathBuf::from(folder)),
            Err(why) => Err(format!("holds a path that {why}")),
        }
    };
    listed.iter().map(folder).collect()
}
