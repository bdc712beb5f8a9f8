//! Places that no policy opens: what enforcement itself stands on.
//!
//! A tool that may rewrite the policy, the log, the keys or the settings that start the enforcement would need no permission
//! for anything else. So the host names these places, and a call that the rules would let through is denied where one of its
//! path arguments leads there. Rules brake on what they cannot know, and so does this: a path that nobody can resolve is denied.
//!
//! Absent on purpose: paths in arguments of other types, in commands, and what a tool finds below a folder by itself. Only
//! isolation holds those.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::document::{Effects, Type};
use super::evaluate::Scene;

/// The places that no policy opens to a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protected {
    places: Vec<Place>,
}

/// A file or folder that is protected, with all that is below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where it is, as a resolver gives it: absolute, without `.`, `..` and links to follow. It need not exist.
    pub path: PathBuf,
    /// What it is, in words for a person: `the policy`.
    pub what: &'static str,
    /// Whether a tool that only reads may look at it.
    pub readable: bool,
}

impl Protected {
    /// Protects these places.
    pub fn new(places: impl IntoIterator<Item = Place>) -> Protected {
        let fold = |place: Place| Place { path: in_one_case(&place.path), ..place };
        Protected { places: places.into_iter().map(fold).collect() }
    }

    /// Why the call may not run whatever the rules say, if one of its path arguments leads to a protected place.
    pub(super) fn trespass(&self, scene: &Scene<'_>) -> Option<String> {
        if self.places.is_empty() {
            return None;
        }
        scene.args_of(|ty| *ty == Type::Path).find_map(|name| match scene.path(name) {
            Ok(path) => self.reached(path, scene.tool.effects).map(|how| format!("the argument `{name}` {how}")),
            Err(why) => Some(format!("{why}, so it may lead to what no policy opens")),
        })
    }

    fn reached(&self, path: &Path, effects: Effects) -> Option<String> {
        let path = in_one_case(path);
        self.places.iter().find_map(|Place { path: own, what, readable }| {
            if path.starts_with(own) {
                let verb = if *readable { "change" } else { "touch" };
                let looks = *readable && !effects.beyond_reading();
                (!looks).then(|| format!("leads to {what}, which no tool may {verb}"))
            } else {
                // What moves or deletes a folder takes along what is in it.
                let takes = effects.has("deletes") && own.starts_with(&path);
                takes.then(|| format!("leads to a folder with {what} in it, which no tool may take away"))
            }
        })
    }
}

/// The path with every letter in one case: many file systems do not tell the cases apart, and none says so in a path.
fn in_one_case(path: &Path) -> PathBuf {
    let one_case = |part: &OsStr| part.to_string_lossy().to_uppercase().to_lowercase();
    path.iter().map(one_case).collect()
}
