//! Protected paths, which no rule permits: files that enforcement depends on, and files that start programs later.
//!
//! A tool that may rewrite the policy, the log, the keys or the settings that start the enforcement would need no permission
//! for anything else. The host names the places of this setup, and a table names files by what programs call them, wherever
//! they lie. A call that the rules would let through is denied where one of its path arguments leads there.
//!
//! Absent on purpose: paths in arguments of other types, in commands, and what a tool finds below a folder by itself. Only
//! isolation holds those.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization;

use super::super::effects::{ToolEffect, ToolEffects};
use super::super::protected_names::{Class, PROTECTED_NAMES};
use super::super::types::Type;
use super::context::Scene;
use crate::lookalike::is_invisible;
use crate::path::DecidedPath;
use crate::value::Value;

/// The places and names that no rule permits to a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protected {
    places: Vec<Place>,
    workspace: Option<PathBuf>,
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
    /// Protects these places, and the table's names below the workspace and anywhere outside it.
    pub fn new(places: impl IntoIterator<Item = Place>, workspace: Option<&Path>) -> Protected {
        let places = places.into_iter().map(|place| Place { path: folded(&place.path), ..place }).collect();
        Protected { places, workspace: workspace.map(folded) }
    }

    /// Why the call may not run whatever the rules say, if one of its path arguments leads to what is protected.
    pub(crate) fn protected_path_violation(&self, scene: &Scene<'_>) -> Option<String> {
        let workspaces = self.workspaces(scene);
        scene.args_of(Type::is_path).find_map(|name| {
            let how = match scene.path(name) {
                Ok(path) => self.reached(path, scene, &workspaces)?,
                // Where paths cannot be told apart, none of them is known to be another.
                Err(why) if !self.places.is_empty() => format!("may lead to what no policy opens: {why}"),
                Err(_) => return None,
            };
            Some(format!("the argument `{name}` {how}"))
        })
    }

    /// The folders whose own name and place say nothing about what is in them.
    fn workspaces(&self, scene: &Scene<'_>) -> Vec<PathBuf> {
        let named = scene.call.call().context.session.get("workspace").and_then(Value::as_text);
        self.workspace.clone().into_iter().chain(named.map(|folder| folded(Path::new(folder)))).collect()
    }

    fn reached(&self, path: &DecidedPath, scene: &Scene<'_>, workspaces: &[PathBuf]) -> Option<String> {
        let effects = scene.tool.effects;
        if effects.beyond_reading() && path.readings().any(begins_repository) {
            return Some(
                "leads to a name that makes its folder a git repository's own, which no tool may change".to_owned(),
            );
        }
        let read = path.readings().map(folded).collect::<Vec<_>>();
        read.iter().find_map(|path| self.reached_place(path, effects)).or_else(|| {
            let paths = read.iter().map(|read| Named::new(read, path.in_repository(), workspaces));
            paths.into_iter().find_map(|path| path.reached(effects, &scene.tool.unprotected, scene.call.tool()))
        })
    }

    fn reached_place(&self, path: &Path, effects: ToolEffects) -> Option<String> {
        self.places.iter().find_map(|Place { path: own, what, readable }| {
            if path.starts_with(own) {
                let verb = if *readable { "change" } else { "touch" };
                let looks = *readable && !effects.beyond_reading();
                (!looks).then(|| format!("leads to {what}, which no tool may {verb}"))
            } else {
                // What moves or deletes a folder takes along what is in it.
                let takes = effects.has(ToolEffect::Deletes) && own.starts_with(path);
                takes.then(|| format!("leads to a folder with {what} in it, which no tool may take away"))
            }
        })
    }
}

/// A path by the names in it.
struct Named<'a> {
    /// The components below the workspace, or all of them outside it.
    parts: Vec<&'a str>,
    in_repository: bool,
    /// Whether a workspace is this folder, or lies in it.
    holds_workspace: bool,
}

impl<'a> Named<'a> {
    fn new(path: &'a Path, in_repository: bool, workspaces: &[PathBuf]) -> Named<'a> {
        let below = workspaces.iter().filter_map(|workspace| path.strip_prefix(workspace).ok());
        let below = below.min_by_key(|below| below.components().count()).unwrap_or(path);
        let holds_workspace = workspaces.iter().any(|workspace| workspace.starts_with(path));
        Named { parts: below.iter().filter_map(OsStr::to_str).collect(), in_repository, holds_workspace }
    }

    fn reached(&self, effects: ToolEffects, unprotected: &[&'static str], tool: &str) -> Option<String> {
        let changes = effects.beyond_reading();
        let of_git = "leads into the own files of a git repository";
        let config = self.parts.last().is_some_and(|last| ["config", "config.worktree"].contains(last));
        if self.in_repository && (changes || config) {
            return Some(format!("{of_git}, which no tool may {}", if config { "touch" } else { "change" }));
        }
        if effects.has(ToolEffect::Deletes) && self.holds_workspace {
            return Some("leads to a folder with the workspace in it, which no tool may take away".to_owned());
        }
        PROTECTED_NAMES.iter().find_map(|row| {
            let own: Vec<&str> = row.parts().collect();
            let leads_there = self.parts.windows(own.len()).any(|parts| parts == own);
            // What moves or deletes `.github` takes `.github/workflows` along.
            let takes = effects.has(ToolEffect::Deletes)
                && (1..own.len()).any(|n| self.parts.ends_with(own.get(..n).unwrap_or(&own)));
            let opened = row.class == Class::StartsPrograms && unprotected.contains(&row.name);
            match (leads_there && (changes || row.secret), takes) {
                _ if opened => None,
                (true, _) => Some(row.reason(tool)),
                (_, true) => {
                    Some(format!("leads to a folder that may hold `{}`, which no tool may take away", row.name))
                }
                _ => None,
            }
        })
    }
}

/// Names by which git takes the folder around them for a repository's own, with a configuration that names programs
/// (`gitrepository-layout(5)`). They are closed by themselves: whether the other parts are there may change at any moment.
const BEGINS_REPOSITORY: [&str; 4] = ["HEAD", "commondir", "config.worktree", "gitdir"];

fn begins_repository(path: &Path) -> bool {
    path.iter().any(|part| BEGINS_REPOSITORY.iter().any(|name| part == *name))
}

/// The path with each component as any file system may read it: composed, in one case, without what has no shape, and without
/// the full stops and spaces that some systems drop at its end.
fn folded(path: &Path) -> PathBuf {
    path.iter().map(|part| if part == "/" { part.to_owned() } else { folded_name(part).into() }).collect()
}

fn folded_name(name: &OsStr) -> String {
    let visible = name.to_string_lossy().nfkc().filter(|c| !is_invisible(*c)).collect::<String>();
    let folded = visible.to_uppercase().to_lowercase();
    match folded.trim_end_matches(['.', ' ']) {
        // The short name that some systems give it as well.
        "git~1" => ".git".to_owned(),
        // A name of full stops and spaces alone is left as it is.
        "" => folded,
        trimmed => trimmed.to_owned(),
    }
}
