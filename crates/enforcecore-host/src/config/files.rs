//! The files of a configuration: where they lie, and who may have written them.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::files::{self, How, MadeBy, Opened, Refused, open_in_project, read_text};

/// The name of the file.
pub const CONFIG_FILE: &str = "enforcecore.toml";

/// Bytes of a file at most: it has ten keys.
const CONFIG_BYTES_MAX: u64 = 64 * 1024;

/// The folder that configurations of this user lie in, if the environment names one.
pub(super) fn users_folder(environment: &[(OsString, OsString)]) -> Option<PathBuf> {
    let variable = |name: &str| environment.iter().find(|(own, _)| own == name).map(|(_, value)| PathBuf::from(value));
    let configured = variable("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    configured.or_else(|| variable("HOME").map(|home| home.join(".config")))
}

/// The files that a project could have in this folder and those above it, the nearest first.
pub(super) fn projects_files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    folder.ancestors().map(|folder| folder.join(CONFIG_FILE))
}

/// The text of a file that one of the functions below opens.
pub(super) fn text_of(file: &Path, open: fn(&Path) -> Result<File, Refused>) -> Result<String, Refused> {
    Ok(read_text(open(file)?, CONFIG_BYTES_MAX)?)
}

/// The environment with the user's folder in it: where it does not say, the system does, so that no user loses what they
/// configured by running in an empty one.
pub(super) fn at_home(
    mut environment: Vec<(OsString, OsString)>,
    home: impl FnOnce() -> Option<PathBuf>,
) -> Vec<(OsString, OsString)> {
    if !environment.iter().any(|(name, _)| name == "HOME") {
        environment.push((OsString::from("HOME"), home().unwrap_or_default().into_os_string()));
    }
    environment
}

/// Whether something has this name. Whatever keeps us from looking is said when it is read.
pub(super) fn is_there(file: &Path) -> bool {
    !fs::symlink_metadata(file).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Opens a regular file that a person keeps or names.
pub(super) fn open_named(file: &Path) -> Result<File, Refused> {
    files::open(file, MadeBy::Us, How::Read).map(|Opened { file, .. }| file)
}

/// Opens a regular file that was found, if only its owner has a say in what stands at this name. A link never has: its maker
/// chose the file, and would choose with it what the file's relative paths lead to.
pub(super) fn open_found(file: &Path) -> Result<File, Refused> {
    open_in_project(folder_of(file), file)
}

/// The folder that a file lies in.
pub(super) fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

/// Whether two paths lead to the same place, symbolic links followed. One that leads nowhere does not.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    fs::canonicalize(one).is_ok_and(|one| fs::canonicalize(other).is_ok_and(|other| one == other))
}

/// Whether a path leads to this folder or below it, symbolic links followed. One that leads nowhere does not.
pub(super) fn lies_below(path: &Path, folder: &Path) -> bool {
    let real = fs::canonicalize(path).and_then(|path| Ok((path, fs::canonicalize(folder)?)));
    real.is_ok_and(|(path, folder)| path.starts_with(folder))
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
        // Its place is unknown, which is said where it is needed.
        check(&[], None, &[("HOME", "")]);
    }
}
