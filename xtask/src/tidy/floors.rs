//! The floors of each crate: a file uses files of lower floors and of its own, never of a higher one, and no circle of files
//! uses itself.
//!
//! The file of a folder's module, `mod.rs`, stands above the folder: it may use what is in it, and what is in it does not use
//! its file. Passing a name of its own folder on, with `pub use`, is no use of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use anyhow::Result;
use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::Tree;
use crate::modules::{Modules, Sources, Target, attributes, imports, is_for_tests};
use crate::tool::{self, say};

/// Modules of one folder from the lowest floor to the highest; those on one floor stand in one text.
struct Floors {
    /// The folder, from the root of the workspace.
    folder: &'static str,
    /// The modules.
    order: &'static [&'static str],
}

/// The order of each folder that has one.
///
/// Decisions and policies name classes of what is redacted, and a policy is asked with a session's state: both stand below.
const FLOORS: [Floors; 8] = [
    Floors {
        folder: "crates/enforcecore-audit/src/",
        order: &["fields delta canonical store tree", "keyer seal memory note", "body", "entry", "verify", "log"],
    },
    Floors {
        folder: CORE,
        order: &[
            "codes",
            "number characters",
            "value",
            "diagnostic",
            "redact",
            "lookalike",
            "path call explanation",
            "decision",
            "outcome",
            "ports",
            "capabilities",
            "state",
            "policy",
            "engine",
            "inline_tests",
        ],
    },
    Floors {
        folder: "crates/enforcecore/src/policy/",
        order: &[
            "effects",
            "matchers",
            "types",
            "ast",
            "kleene",
            "references",
            "comparators",
            "compiled",
            "protected_names",
            "eval",
            "source",
            "parse",
            "compile",
            "lint",
            "load",
        ],
    },
    Floors {
        folder: "crates/enforcecore/src/engine/",
        order: &["identity", "context", "inbound admission recorded", "open_call", "enforcer", "dry_run"],
    },
    Floors {
        folder: "crates/enforcecore-host/src/",
        order: &[
            "clock stderr file_system paths",
            "files",
            "anchor keys file_log policy_files",
            "evidence",
            "setup",
            "protected",
            "config",
            "assembly",
            "process",
        ],
    },
    Floors {
        folder: "crates/enforcecore-gateway/src/mcp/",
        order: &[
            "outline",
            "frame",
            "stage",
            "shape contract",
            "methods",
            "outbox",
            "server explain cuts",
            "peer",
            "answer",
            "session",
            "overdue",
            "call",
            "inspect",
            "session_loop",
            "restart",
        ],
    },
    Floors {
        folder: "crates/enforcecore-cli/src/",
        order: &["error", "output", "render settings", "logging", "dispatch", "command"],
    },
    Floors {
        folder: "bindings/python/src/",
        order: &["spans types", "known", "value", "session errors events", "enforcer"],
    },
];

/// The folders of the crates.
const CRATES: [&str; 7] = [
    "crates/enforcecore-audit/src/",
    "crates/enforcecore/src/",
    "crates/enforcecore-host/src/",
    "crates/enforcecore-gateway/src/",
    "crates/enforcecore-cli/src/",
    "crates/enforcecore-demo/src/",
    "bindings/python/src/",
];

/// Modules of the core that no way leads from ..
const EVALUATED: [&str; 5] = ["policy/ast", "policy/types", "policy/comparators", "policy/compiled", "policy/eval"];

/// .. to these: a rule is evaluated without the parser's types and without places in a text.
const TEXTS: [&str; 2] = ["policy/source", "policy/parse"];

const CORE: &str = "crates/enforcecore/src/";

/// What `cargo xtask floors` may be told.
#[derive(clap::Args)]
pub struct FloorsOptions {
    /// The commit to look at; without it, the tree as it is.
    #[arg(long)]
    at: Option<String>,
    /// Print every use between files, too.
    #[arg(long)]
    uses: bool,
}

/// Prints what stands against the floors, known or not; true when there is nothing.
pub fn run(options: &FloorsOptions) -> Result<bool> {
    let root = tool::root()?;
    let sources = match &options.at {
        Some(commit) => Sources::of_commit(&root, commit, &CRATES)?,
        None => Sources::of_tree(&root, &CRATES)?,
    };
    let mut clean = true;
    for folder in CRATES {
        let Some(uses) = Uses::read(&sources, folder)? else { continue };
        let (up, circles, walls) = (uses.up(&FLOORS), uses.circles(), uses.broken_walls());
        let unplaced = uses.unplaced(&FLOORS);
        clean &= up.is_empty() && circles.is_empty() && walls.is_empty() && unplaced.is_empty();
        let (files, arrows) = (uses.files.len(), uses.arrows.len());
        let (ups, rings) = (up.len(), circles.len());
        say(&format!("{folder}: {files} files, {arrows} uses between them, {ups} of a higher floor, {rings} circles"));
        up.iter().for_each(|arrow| say(&format!("    up      {}", uses.show(arrow))));
        circles.iter().for_each(|circle| say(&format!("    circle  {}", circle.join(" "))));
        walls.iter().for_each(|wall| say(&format!("    wall    {}", wall.way.join(" -> "))));
        unplaced.iter().for_each(|path| say(&format!("    no floor {path}")));
        uses.stale(&FLOORS).iter().for_each(|name| say(&format!("    not there any more: {name}")));
        if options.uses {
            uses.arrows.keys().for_each(|(from, to)| say(&format!("    use     {}", uses.show(&(from, to)))));
        }
    }
    Ok(clean)
}

/// The rule: no arrow up, no circle, no broken wall.
pub fn import_downwards(tree: &Tree) -> Result<Vec<String>> {
    findings(&tree.sources(), &FLOORS)
}

fn findings(sources: &Sources, floors: &[Floors]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for folder in CRATES {
        let Some(uses) = Uses::read(sources, folder)? else { continue };
        let up = uses.up(floors).into_iter();
        findings.extend(up.map(|arrow| format!("a higher floor is used: {}", uses.show(&arrow))));
        let circles = uses.circles().into_iter();
        findings.extend(circles.map(|circle| format!("these files use each other: {}", circle.join(", "))));
        let walls = uses.broken_walls().into_iter();
        findings.extend(walls.map(|wall| format!("`{}` reaches `{}`: {}", wall.from, wall.to, wall.way.join(" -> "))));
        findings.extend(uses.unplaced(floors).iter().map(|path| format!("{path}: this module has no floor")));
    }
    Ok(findings)
}

/// A file, and one that it uses.
type Arrow<'a> = (&'a str, &'a str);

/// Which file of a crate names something of which other.
struct Uses {
    folder: &'static str,
    files: BTreeSet<String>,
    /// Each with the first path that makes it.
    arrows: BTreeMap<(String, String), String>,
}

/// A wall, and the way around it.
struct Broken<'a> {
    from: &'static str,
    to: &'static str,
    way: Vec<&'a str>,
}

impl Uses {
    fn read(sources: &Sources, folder: &'static str) -> Result<Option<Uses>> {
        let Some(modules) = Modules::read(sources, folder)? else { return Ok(None) };
        let mut uses = Uses { folder, files: BTreeSet::new(), arrows: BTreeMap::new() };
        for (index, module) in modules.0.iter().enumerate() {
            uses.files.insert(module.file.clone());
            for import in module.imports() {
                let all = import.name == "*";
                let target = modules.resolve(index, &import.path);
                let used = target.filter(|target| all || matches!(target, Target::Item(_)));
                let passed_on = |target: Target| import.exported && modules.path_of(target).starts_with(&module.path);
                if let Some(target) = used.filter(|target| !passed_on(*target)) {
                    uses.note(&modules, index, target, &import.path);
                }
            }
            let mut paths = PathsInCode(Vec::new());
            let items = module.items.iter().filter(|item| !matches!(item, syn::Item::Use(_)));
            items.for_each(|item| paths.visit_item(item));
            for path in paths.0 {
                if let Some(target @ Target::Item(_)) = modules.resolve(index, &path) {
                    uses.note(&modules, index, target, &path);
                }
            }
        }
        Ok(Some(uses))
    }

    fn note(&mut self, modules: &Modules, from: usize, target: Target, path: &[String]) {
        let (Some(from), to) = (modules.0.get(from), modules.file_of(target)) else { return };
        if from.file != to {
            self.arrows.entry((from.file.clone(), to.to_owned())).or_insert_with(|| path.join("::"));
        }
    }

    fn show(&self, arrow: &Arrow<'_>) -> String {
        let short = |path: &str| path.strip_prefix(self.folder).unwrap_or(path).to_owned();
        let named = self.arrows.get(&(arrow.0.to_owned(), arrow.1.to_owned()));
        format!("{} -> {} (`{}`)", short(arrow.0), short(arrow.1), named.map_or("", String::as_str))
    }

    /// Uses of a file on a higher floor.
    fn up(&self, floors: &[Floors]) -> Vec<Arrow<'_>> {
        let arrows = self.arrows.keys().map(|(from, to)| (from.as_str(), to.as_str()));
        arrows.filter(|(from, to)| floors.iter().any(|floors| floors.is_up(from, to))).collect()
    }

    /// Files that use each other, directly or through others; each circle in order of paths.
    fn circles(&self) -> Vec<Vec<&str>> {
        let reached: BTreeMap<&str, BTreeMap<&str, &str>> =
            self.files.iter().map(|file| (file.as_str(), self.reached(&[file]))).collect();
        let reaches = |from: &str, to: &str| reached.get(from).is_some_and(|reached| reached.contains_key(to));
        let mut circles: Vec<Vec<&str>> = Vec::new();
        for file in self.files.iter().map(String::as_str) {
            let circle = self.files.iter().map(String::as_str).filter(|o| reaches(file, o) && reaches(o, file));
            let circle: Vec<&str> = circle.collect();
            if circle.len() > 1 && !circles.contains(&circle) {
                circles.push(circle);
            }
        }
        circles
    }

    /// What these files lead to, each with the file before it on a shortest way.
    fn reached<'a>(&'a self, from: &[&'a str]) -> BTreeMap<&'a str, &'a str> {
        let mut reached = BTreeMap::new();
        let mut open: VecDeque<&str> = from.iter().copied().collect();
        while let Some(file) = open.pop_front() {
            for (_, to) in self.arrows.keys().filter(|(from, _)| from == file) {
                if !reached.contains_key(to.as_str()) {
                    reached.insert(to.as_str(), file);
                    open.push_back(to);
                }
            }
        }
        reached
    }

    fn broken_walls(&self) -> Vec<Broken<'_>> {
        let mut broken = Vec::new();
        let walls = EVALUATED.iter().filter(|_| self.folder == CORE);
        for (from, to) in walls.flat_map(|from| TEXTS.iter().map(move |to| (*from, *to))) {
            let start: Vec<&str> = self.within(from).collect();
            let reached = self.reached(&start);
            let Some(end) = self.within(to).find(|file| reached.contains_key(file)) else { continue };
            let mut way = vec![end];
            while let Some(before) = way.last().and_then(|file| reached.get(file)).filter(|file| !way.contains(file)) {
                way.push(before);
                if start.contains(before) {
                    break;
                }
            }
            way.reverse();
            broken.push(Broken { from, to, way });
        }
        broken
    }

    /// The files of a module, those of its children included.
    fn within(&self, module: &str) -> impl Iterator<Item = &str> {
        let (file, folder) = (format!("{}{module}.rs", self.folder), format!("{}{module}/", self.folder));
        self.files.iter().map(String::as_str).filter(move |path| **path == file || path.starts_with(&folder))
    }

    /// Files of a folder with an order, whose modules are not in it.
    fn unplaced(&self, floors: &[Floors]) -> Vec<&str> {
        let is_unplaced = |file: &&str| floors.iter().any(|floors| floors.place(file) == Some(None));
        self.files.iter().map(String::as_str).filter(is_unplaced).collect()
    }

    /// Modules in an order that are not there.
    fn stale(&self, floors: &[Floors]) -> Vec<String> {
        let here = floors.iter().filter(|floors| floors.folder.starts_with(self.folder));
        let named = here.flat_map(|floors| floors.modules().map(|(_, name)| format!("{}{name}", floors.folder)));
        let is_there = |path: &String| {
            self.files.contains(&format!("{path}.rs")) || self.files.iter().any(|f| f.starts_with(&format!("{path}/")))
        };
        named.filter(|path| !is_there(path)).collect()
    }
}

impl Floors {
    /// Every module with its floor.
    fn modules(&self) -> impl Iterator<Item = (usize, &str)> {
        let floors = self.order.iter().enumerate();
        floors.flat_map(|(floor, names)| names.split_whitespace().map(move |name| (floor, name)))
    }

    /// The floor of a file; an inner none for a module that has no floor, an outer one for a file outside the folder.
    fn place(&self, file: &str) -> Option<Option<usize>> {
        let (name, is_own) = self.module(file)?;
        if is_own {
            return Some(Some(usize::MAX));
        }
        Some(self.modules().find(|(_, own)| *own == name).map(|(floor, _)| floor))
    }

    /// The module of this folder that a file belongs to, and whether it is the folder's own.
    fn module<'a>(&self, file: &'a str) -> Option<(&'a str, bool)> {
        let rest = file.strip_prefix(self.folder)?;
        let name = rest.split_once('/').map_or_else(|| rest.trim_end_matches(".rs"), |(first, _)| first);
        Some((name, matches!(rest, "lib.rs" | "main.rs" | "mod.rs")))
    }

    fn is_up(&self, from: &str, to: &str) -> bool {
        let (Some(Some(below)), Some(Some(above))) = (self.place(from), self.place(to)) else { return false };
        below < above
    }
}

/// Paths that code outside its tests names, macro arguments included.
struct PathsInCode(Vec<Vec<String>>);

impl<'ast> Visit<'ast> for PathsInCode {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_for_tests(attributes(item)) {
            return;
        }
        match item {
            // What a module imports is read with the module; here only a `use` in a block is met.
            syn::Item::Use(item) => self.0.extend(imports(item).into_iter().map(|import| import.path)),
            item => visit::visit_item(self, item),
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !is_for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.0.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.note_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}

impl PathsInCode {
    /// Paths in a macro's arguments, which are tokens and not yet syntax: words with `::` between them.
    fn note_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.0.push(std::mem::take(&mut path));
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                other => {
                    self.0.push(std::mem::take(&mut path));
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.note_tokens(group.stream());
                    }
                }
            }
        }
        self.0.push(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: [Floors; 1] = [Floors { folder: CORE, order: &["a", "b policy", "c"] }];

    /// What is found in a core of these files.
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let sources = files.iter().map(|(path, text)| (format!("{CORE}{path}"), (*text).to_owned()));
        let found = findings(&Sources(sources.collect()), &ORDER).unwrap();
        found.into_iter().map(|finding| finding.replace(CORE, "")).collect()
    }

    #[test]
    fn a_use_of_a_higher_floor_is_found() {
        let check = |text: &str, expected: &[&str]| {
            let tests = "fn f(c: crate::c::C) {}";
            let rest = [("b.rs", "pub struct B;"), ("c.rs", "pub struct C; pub mod d { pub fn e() {} }")];
            let root = "pub mod a; mod b; pub use c::C; mod c;";
            let files = [&[("lib.rs", root), ("a.rs", text), ("a/tests.rs", tests)], &rest[..]].concat();
            assert_eq!(found(&files), expected, "{text}");
        };
        check("use crate::c::C;", &["a higher floor is used: a.rs -> c.rs (`crate::c::C`)"]);
        check("use super::{b, c::{self, C as D}};", &["a higher floor is used: a.rs -> c.rs (`super::c::C`)"]);
        check("fn f() { super::c::d::e() }", &["a higher floor is used: a.rs -> c.rs (`super::c::d::e`)"]);
        check("use crate::c; fn f(c: c::C) {}", &["a higher floor is used: a.rs -> c.rs (`c::C`)"]);
        check("use crate::c::*;", &["a higher floor is used: a.rs -> c.rs (`crate::c`)"]);
        check("fn f() { say!(\"{}\", 1, crate::b::B) }", &["a higher floor is used: a.rs -> b.rs (`crate::b::B`)"]);
        // What the root passes on is the other file's.
        check("use crate::C;", &["a higher floor is used: a.rs -> c.rs (`crate::C`)"]);
        check("#[cfg(test)] mod tests; #[cfg(test)] use crate::c::C; #[test] fn f() { crate::c::d::e() }", &[]);
        check("#[cfg(test)] mod tests { use crate::c::C; } fn f(c: C) { c::g(); std::c::C }", &[]);
        check("mod c { pub struct C; } use c::C; fn f(c: self::c::C) {}", &[]);
    }

    #[test]
    fn a_circle_is_found() {
        let circle = |root: &str, a: &str, d: &str| {
            let found = found(&[("lib.rs", root), ("a/mod.rs", a), ("a/d.rs", d), ("b.rs", "pub struct B;")]);
            found.into_iter().filter(|finding| finding.starts_with("these")).collect::<Vec<_>>()
        };
        let together = ["these files use each other: a/d.rs, a/mod.rs"];
        // A parent uses its children, or they use it.
        assert_eq!(circle("mod a; mod b;", "mod d; fn f(d: d::D) {}", "pub struct D;"), [""; 0]);
        assert_eq!(
            circle("mod a; mod b;", "mod d; fn f(d: d::D) {} struct A;", "use super::A; pub struct D;"),
            together
        );
        assert_eq!(circle("mod a; mod b;", "mod d; pub use d::D; struct A;", "use super::A; pub struct D;"), [""; 0]);
        // What the parent only passes on is not the parent's.
        let passed_on = "mod d; fn f(d: d::D) {} pub(crate) use crate::b::B;";
        assert_eq!(circle("mod a; mod b;", passed_on, "use super::B; pub struct D;"), [""; 0]);
    }

    #[test]
    fn a_wall_is_held_on_every_way() {
        let check = |eval: &str, expected: &[&str]| {
            let parts = [("policy/parse.rs", "pub struct P;"), ("policy/ast.rs", "pub type A = super::parse::P;")];
            let root = ("policy/mod.rs", "mod eval; mod parse; mod ast; pub use parse::P; pub use ast::A;");
            let files = [&[("lib.rs", "mod policy;"), root, ("policy/eval.rs", eval)], &parts[..]].concat();
            assert_eq!(found(&files), expected, "{eval}");
        };
        let ast = "`policy/ast` reaches `policy/parse`: policy/ast.rs -> policy/parse.rs";
        let direct = "`policy/eval` reaches `policy/parse`: policy/eval.rs -> policy/parse.rs";
        let around = "`policy/eval` reaches `policy/parse`: policy/eval.rs -> policy/ast.rs -> policy/parse.rs";
        check("", &[ast]);
        check("use super::P;", &[ast, direct]);
        check("use super::A;", &[ast, around]);
    }

    #[test]
    fn a_module_without_a_floor_is_found() {
        let files = [("lib.rs", "mod a; mod e;"), ("a.rs", ""), ("e.rs", "")];
        assert_eq!(found(&files), ["e.rs: this module has no floor"]);
    }
}
