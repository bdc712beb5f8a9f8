//! Puts the values in force together: user's file, project's file, variables, and what was given, each over those before.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};

use enforcecore::codes::config as code;
use enforcecore::diagnostic::{Diagnostic, Span};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::files::{
    CONFIG_FILE, at_home, folder_of, is_same, is_there, lies_below, open_found, open_named, projects_files, text_of,
    users_folder,
};
use super::keys::{Key, TRUSTED_PROJECTS, VARIABLE_PREFIX, unknown_key, unknown_variable};
use super::problem::{Problems, helped, place, problem, whole};
use super::trust::{Author, check_project, conflict, listed_folders, not_ours_alone};
use super::{Config, Given, Origin, TrustedProjects};
use crate::files::Refused;

impl Config {
    /// Reads the files and variables that hold for this process, as [`Config::load`] does.
    pub fn here(file: Option<&Path>, given: Given) -> Result<Config, Vec<Diagnostic>> {
        let folder = std::env::current_dir().map_err(|error| {
            vec![problem(code::UNREADABLE, whole("."), format!("the working folder cannot be found: {error}"))]
        })?;
        Config::load(&folder, file, at_home(std::env::vars_os().collect(), std::env::home_dir), given)
    }

    /// Reads the files and variables that hold for this folder, and lays over them what was given. With `file`, that one is
    /// read instead of the project's: the person who names it answers for it.
    pub fn load(
        folder: &Path,
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        given: Given,
    ) -> Result<Config, Vec<Diagnostic>> {
        let environment: Vec<(OsString, OsString)> = environment.into_iter().collect();
        let mut loader = Loader::default();
        let user = loader.read_user(&environment);
        loader.config.files =
            file.map(Path::to_owned).into_iter().chain(user.clone()).chain(projects_files(folder)).collect();
        match file {
            Some(file) => loader.read_named(file, user.as_deref()),
            None => loader.read_project(folder, user.as_deref()),
        }
        loader.read_variables(folder, &environment);
        given.values.into_iter().for_each(|(key, value)| loader.settle(key, value, given.origin.clone()));
        check_project(&loader.config, loader.project.as_deref(), folder, &mut loader.problems);
        loader.conflicts.into_iter().for_each(|(_, conflict)| loader.problems.add(conflict));
        if loader.problems.0.is_empty() { Ok(loader.config) } else { Err(loader.problems.0) }
    }
}

#[derive(Default)]
struct Loader {
    config: Config,
    problems: Problems,
    /// What the project's file says otherwise than the user's, until a variable, a flag or an argument settles it.
    conflicts: Vec<(Key, Diagnostic)>,
    author: Author,
    /// The project's file, if there is one.
    project: Option<PathBuf>,
}

impl Loader {
    /// Reads the user's own file, if it is there, and says where it is or would be. An environment that names no folder of theirs
    /// has none; one that names none where it could be is an error, because what it says might have been stricter.
    fn read_user(&mut self, environment: &[(OsString, OsString)]) -> Option<PathBuf> {
        let folder = users_folder(environment)?;
        if !folder.is_absolute() {
            let message = "no absolute path says where the user's own file is";
            self.problems.add(helped(code::BAD_VALUE, whole("HOME"), message, "set HOME or XDG_CONFIG_HOME"));
            return None;
        }
        let file = folder.join("enforcecore").join(CONFIG_FILE);
        if is_there(&file) {
            self.read_file(&file, open_named);
        }
        Some(file)
    }

    /// Reads a file that a person names, unless it is the user's and has been read.
    fn read_named(&mut self, file: &Path, user: Option<&Path>) {
        if !user.is_some_and(|user| is_same(file, user)) {
            self.author = Author::Named;
            self.read_file(file, open_named);
        }
    }

    /// Reads the nearest file of this folder or one above it. A user who can write there decides what is enforced here, so a file
    /// that other users can write is refused.
    fn read_project(&mut self, folder: &Path, user: Option<&Path>) {
        let nearest = projects_files(folder).find(|file| is_there(file));
        // In the user's folder of configurations, the nearest file is the user's and has been read.
        let Some(file) = nearest.filter(|file| !user.is_some_and(|user| is_same(file, user))) else { return };
        self.author = Author::of_project(&file, &self.config);
        self.read_file(&file, open_found);
        self.project = Some(file);
    }

    fn read_file(&mut self, file: &Path, open: fn(&Path) -> Result<File, Refused>) {
        let name = file.display().to_string();
        match text_of(file, open) {
            Ok(text) => self.read_text(file, &name, &text),
            Err(Refused::Failed(error)) => {
                let message = format!("the configuration cannot be read: {error}");
                self.problems.add(problem(code::UNREADABLE, whole(&name), message));
            }
            Err(refused) => {
                self.problems.add(not_ours_alone(whole(&name), "the configuration", refused, "`--config` or `config=`"))
            }
        }
    }

    fn read_text(&mut self, file: &Path, name: &str, text: &str) {
        let table = match DeTable::parse(text) {
            Ok(table) => table.into_inner(),
            Err(error) => {
                let span = place(name, text, error.span().unwrap_or_default());
                return self.problems.add(problem(code::NOT_TOML, span, error.message()));
            }
        };
        // In the order of the file, not of the alphabet.
        let mut entries: Vec<_> = table.into_iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            if self.problems.is_full() {
                return;
            }
            match Key::ALL.iter().find(|own| own.name() == key.get_ref().as_ref()) {
                Some(known) => self.take(*known, file, name, text, &value),
                None if key.get_ref() == TRUSTED_PROJECTS => {
                    self.take_trusted(file, place(name, text, key.span()), &value)
                }
                None => self.problems.add(unknown_key(key.get_ref(), place(name, text, key.span()))),
            }
        }
    }

    fn take(&mut self, key: Key, file: &Path, name: &str, text: &str, value: &Spanned<DeValue<'_>>) {
        let span = place(name, text, value.span());
        let DeValue::String(written) = value.get_ref() else {
            let message = format!("`{}` must be text in quotes", key.name());
            return self.problems.add(problem(code::BAD_VALUE, span, message));
        };
        let folder = folder_of(file);
        let value = match key.row().form.usable(OsStr::new(written.as_ref()), folder) {
            Ok(value) => value,
            Err(why) => return self.problems.add(problem(code::BAD_VALUE, span, format!("`{}` {why}", key.name()))),
        };
        if self.author.is_projects() && key == Key::Workspace && !lies_below(Path::new(&value), folder) {
            let message = "`workspace` is no folder of the project, and a project opens no other one";
            let help = "say it by `--workspace`, ENFORCECORE_WORKSPACE or the user's own file";
            return self.problems.add(helped(code::BAD_VALUE, span, message, help));
        }
        match self.author.users_word_against(&self.config, key, &value) {
            Some(user) => self.conflicts.push((key, conflict(key, span, folder, user))),
            None => self.settle(key, value, Origin::File { file: file.to_owned(), line: span.line }),
        }
    }

    fn take_trusted(&mut self, file: &Path, span: Span, value: &Spanned<DeValue<'_>>) {
        if self.author != Author::User {
            let message = "`trusted_projects` has no meaning here: only the user's own file says whom they trust";
            let help = "write it into the user's own file, or remove the line";
            return self.problems.add(helped(code::UNKNOWN_KEY, span, message, help));
        }
        match listed_folders(value.get_ref()) {
            Ok(folders) => {
                let origin = Origin::File { file: file.to_owned(), line: span.line };
                self.config.trusted_projects = Some(TrustedProjects { folders, origin });
            }
            Err(why) => self.problems.add(problem(code::BAD_VALUE, span, format!("`{TRUSTED_PROJECTS}` {why}"))),
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
            if self.problems.is_full() {
                return;
            }
            match Key::ALL.iter().find(|key| key.variable() == name) {
                None => self.problems.add(unknown_variable(&name)),
                Some(key) => match key.row().form.usable(value, folder) {
                    Ok(value) => self.settle(*key, value, Origin::Variable(key.variable())),
                    Err(why) => {
                        self.problems.add(problem(code::BAD_VALUE, whole(&name), format!("the variable {why}")))
                    }
                },
            }
        }
    }
}
