//! The modules of a crate as the compiler finds them, from its root file: what each holds, tests left out, and what a path
//! in it leads to.
//!
//! Absent on purpose: types and traits. A path leads to the file that defines what it names; what a method returns is not
//! known here, so a file depends on those it names.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use syn::punctuated::Punctuated;
use syn::{Attribute, Item, UseTree, Visibility};

use crate::tidy::{source, tracked};
use crate::tool::{command, read};

/// Re-exports followed for one name, at most: a circle of them ends.
const EXPORTS_MAX: usize = 16;

/// Texts of files by their paths from the root of the workspace.
pub struct Sources(pub BTreeMap<String, String>);

impl Sources {
    /// The Rust files below these folders as they are in the tree.
    pub fn of_tree(root: &Path, folders: &[&str]) -> Result<Sources> {
        let wanted = tracked(root)?.into_iter().filter(|path| is_wanted(path, folders));
        wanted
            .map(|path| Ok((path.clone(), std::fs::read_to_string(root.join(path))?)))
            .collect::<Result<_>>()
            .map(Sources)
    }

    /// The Rust files below these folders as they were at a commit.
    pub fn of_commit(root: &Path, commit: &str, folders: &[&str]) -> Result<Sources> {
        let list = read(command("git", root, &["ls-tree", "-r", "-z", "--name-only", commit]))?;
        let wanted = list.split('\0').filter(|path| is_wanted(path, folders));
        let text = |path: &str| read(command("git", root, &["show", &format!("{commit}:{path}")]));
        wanted.map(|path| Ok((path.to_owned(), text(path)?))).collect::<Result<_>>().map(Sources)
    }
}

fn is_wanted(path: &str, folders: &[&str]) -> bool {
    path.ends_with(".rs") && folders.iter().any(|folder| path.starts_with(folder))
}

/// The modules of one crate; the first is its root.
pub struct Modules(pub Vec<Module>);

/// One module, written inline or in a file of its own.
pub struct Module {
    /// Its names from the root, which has none.
    pub path: Vec<String>,
    /// The file it stands in.
    pub file: String,
    /// True when it is declared `pub`.
    pub public: bool,
    /// What it holds, tests and modules left out.
    pub items: Vec<Item>,
    parent: usize,
    children: BTreeMap<String, usize>,
    imports: Vec<Import>,
}

/// One name that a `use` brings in.
pub struct Import {
    /// The name here; `*` for all there are.
    pub name: String,
    /// What it stands for, as written.
    pub path: Vec<String>,
    /// True for `pub use`.
    pub public: bool,
    /// True when others may use the name, in the crate or outside.
    pub exported: bool,
}

/// What a path leads to in its crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A module.
    Module(usize),
    /// Something that this module defines, or that a macro defines in it.
    Item(usize),
    /// Something of another crate.
    Outside,
}

impl Modules {
    /// The crate whose `lib.rs` or `main.rs` stands in `folder`; none where there is no such file.
    pub fn read(sources: &Sources, folder: &str) -> Result<Option<Modules>> {
        let roots = [format!("{folder}lib.rs"), format!("{folder}main.rs")];
        let Some(root) = roots.into_iter().find(|root| sources.0.contains_key(root)) else { return Ok(None) };
        let mut modules = Modules(Vec::new());
        let top = Module::new(Vec::new(), root.clone(), true, 0);
        modules.add(sources, top, items_of(sources, &root)?, folder)?;
        Ok(Some(modules))
    }

    /// Adds a module and all below it. `folder` is where the files of its children stand.
    fn add(&mut self, sources: &Sources, module: Module, items: Vec<Item>, folder: &str) -> Result<usize> {
        let index = self.0.len();
        let (path, file) = (module.path.clone(), module.file.clone());
        self.0.push(module);
        for item in items.into_iter().filter(|item| !is_for_tests(attributes(item))) {
            let Item::Mod(child) = item else {
                self.0.get_mut(index).into_iter().for_each(|module| module.note(&item));
                continue;
            };
            let name = child.ident.to_string();
            let below = format!("{folder}{name}/");
            let public = matches!(child.vis, Visibility::Public(_));
            let files = match child.content {
                Some((_, items)) => vec![(file.clone(), items)],
                None => {
                    let files = files_of(sources, &file, folder, &child);
                    anyhow::ensure!(!files.is_empty(), "`{file}` declares `{name}`, which has no file");
                    files
                        .into_iter()
                        .map(|file| Ok((file.clone(), items_of(sources, &file)?)))
                        .collect::<Result<_>>()?
                }
            };
            for (child_file, items) in files {
                // The children of a file with a name of its own stand beside it.
                let usual = child_file == file || child_file.starts_with(&below) || child_file == below_file(&below);
                let below = if usual { below.clone() } else { beside(&child_file, "") };
                let path = [&path[..], std::slice::from_ref(&name)].concat();
                let child = self.add(sources, Module::new(path, child_file, public, index), items, &below)?;
                // Where systems differ, a name stands for two files; paths lead to the first.
                let module = self.0.get_mut(index).into_iter();
                module.for_each(|module| _ = module.children.entry(name.clone()).or_insert(child));
            }
        }
        Ok(index)
    }

    /// What a path that stands in the module `from` leads to; none for what is not of this crate.
    pub fn resolve(&self, from: usize, path: &[String]) -> Option<Target> {
        self.follow(from, path, EXPORTS_MAX)
    }

    /// The names of the module that a target is or stands in.
    pub fn path_of(&self, target: Target) -> &[String] {
        self.module_of(target).map_or(&[], |module| &module.path)
    }

    /// The file that a target stands in.
    pub fn file_of(&self, target: Target) -> &str {
        self.module_of(target).map_or("", |module| &module.file)
    }

    fn module_of(&self, target: Target) -> Option<&Module> {
        match target {
            Target::Module(module) | Target::Item(module) => self.0.get(module),
            Target::Outside => None,
        }
    }

    fn follow(&self, from: usize, path: &[String], left: usize) -> Option<Target> {
        let (first, mut rest) = path.split_first()?;
        let mut at = match first.as_str() {
            "crate" => Target::Module(0),
            "self" => Target::Module(from),
            "super" => Target::Module(self.0.get(from)?.parent),
            name => self.lookup(from, name, !rest.is_empty(), left)?,
        };
        while let (Target::Module(module), Some((name, after))) = (at, rest.split_first()) {
            rest = after;
            at = match name.as_str() {
                "super" => Target::Module(self.0.get(module)?.parent),
                "self" => at,
                // What a macro defines is not seen, and stands where it is named.
                name => self.lookup(module, name, !rest.is_empty(), left).unwrap_or(Target::Item(module)),
            };
        }
        Some(at)
    }

    /// What `name` is in a module. A name that others follow in its path is that of no function or constant.
    fn lookup(&self, module: usize, name: &str, leads_on: bool, left: usize) -> Option<Target> {
        let here = self.0.get(module)?;
        if let Some(child) = here.children.get(name) {
            return Some(Target::Module(*child));
        }
        let is_it = |item: &&Item| name_of(item).is_some_and(|own| own == name) && !(leads_on && is_value(item));
        if here.items.iter().any(|item| is_it(&item)) {
            return Some(Target::Item(module));
        }
        let left = left.checked_sub(1)?;
        let named = here.imports.iter().filter(|import| import.name == name);
        // A name from outside has no path that can be followed.
        let mut found = named.map(|import| self.follow(module, &import.path, left).unwrap_or(Target::Outside));
        if let Some(found) = found.next() {
            return Some(found);
        }
        let all = here.imports.iter().filter(|import| import.name == "*");
        all.filter_map(|import| match self.follow(module, &import.path, left)? {
            Target::Module(other) if other != module => self.lookup(other, name, leads_on, left),
            Target::Module(_) | Target::Item(_) | Target::Outside => None,
        })
        .next()
    }
}

impl Module {
    fn new(path: Vec<String>, file: String, public: bool, parent: usize) -> Module {
        Module { path, file, public, items: Vec::new(), parent, children: BTreeMap::new(), imports: Vec::new() }
    }

    fn note(&mut self, item: &Item) {
        if let Item::Use(item) = item {
            self.imports.extend(imports(item));
        }
        self.items.push(item.clone());
    }

    /// The names that its `use`s bring in.
    pub fn imports(&self) -> &[Import] {
        &self.imports
    }

    /// Its child modules by name.
    pub fn children(&self) -> &BTreeMap<String, usize> {
        &self.children
    }
}

/// Every name that a `use` brings in.
pub fn imports(item: &syn::ItemUse) -> Vec<Import> {
    let mut found = Vec::new();
    unfold(&item.tree, &mut Vec::new(), &mut found);
    let public = matches!(item.vis, Visibility::Public(_));
    let exported = !matches!(item.vis, Visibility::Inherited);
    found.into_iter().map(|(name, path)| Import { name, path, public, exported }).collect()
}

fn unfold(tree: &UseTree, before: &mut Vec<String>, found: &mut Vec<(String, Vec<String>)>) {
    let with = |name: &syn::Ident| [&before[..], &[name.to_string()]].concat();
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            unfold(&path.tree, before, found);
            before.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|item| unfold(item, before, found)),
        UseTree::Name(name) if name.ident == "self" => {
            found.push((before.last().cloned().unwrap_or_default(), before.clone()));
        }
        UseTree::Name(name) => found.push((name.ident.to_string(), with(&name.ident))),
        UseTree::Rename(rename) if rename.ident == "self" => found.push((rename.rename.to_string(), before.clone())),
        UseTree::Rename(rename) => found.push((rename.rename.to_string(), with(&rename.ident))),
        UseTree::Glob(_) => found.push(("*".to_owned(), before.clone())),
    }
}

/// The name that an item gives to what it defines.
pub fn name_of(item: &Item) -> Option<&syn::Ident> {
    match item {
        Item::Const(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        Item::Macro(item) => item.ident.as_ref(),
        Item::Mod(item) => Some(&item.ident),
        Item::Static(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::TraitAlias(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        Item::Union(item) => Some(&item.ident),
        _ => None,
    }
}

/// True for what has no names in it.
fn is_value(item: &Item) -> bool {
    matches!(item, Item::Const(_) | Item::Fn(_) | Item::Macro(_) | Item::Static(_))
}

/// The attributes of an item.
pub fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// True for `#[test]` and for what is compiled in tests alone, or for them.
pub fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::Path(path) => path.is_ident("test"),
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            let has = |word| !source::lines_with(list.tokens.clone(), word).is_empty();
            has("test") && !has("not")
        }
        _ => false,
    })
}

/// The files of a module that is declared in `file`: those that `#[path]` names, or the one that its name says.
fn files_of(sources: &Sources, file: &str, folder: &str, module: &syn::ItemMod) -> Vec<String> {
    let is_there = |file: &String| sources.0.contains_key(file);
    let given = given_paths(&module.attrs).into_iter().map(|given| beside(file, &given));
    let given: Vec<String> = given.filter(is_there).collect();
    if !given.is_empty() {
        return given;
    }
    let name = &module.ident;
    [format!("{folder}{name}.rs"), format!("{folder}{name}/mod.rs")].into_iter().find(is_there).into_iter().collect()
}

/// The files that `#[path]` names, on this system or another.
fn given_paths(attributes: &[Attribute]) -> Vec<String> {
    let named = |meta: &syn::Meta| match meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("path") => source_text(&pair.value),
        _ => None,
    };
    let all = attributes.iter().filter_map(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg_attr") => {
            let parts = list.parse_args_with(Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated).ok()?;
            parts.iter().find_map(named)
        }
        meta => named(meta),
    });
    all.collect()
}

fn source_text(value: &syn::Expr) -> Option<String> {
    match value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}

/// The file of the module whose children stand in this folder.
fn below_file(folder: &str) -> String {
    format!("{}.rs", folder.trim_end_matches('/'))
}

fn beside(file: &str, name: &str) -> String {
    file.rsplit_once('/').map_or_else(|| name.to_owned(), |(folder, _)| format!("{folder}/{name}"))
}

fn items_of(sources: &Sources, file: &str) -> Result<Vec<Item>> {
    let text = sources.0.get(file).with_context(|| format!("`{file}` is missing"))?;
    Ok(syn::parse_file(text).with_context(|| format!("cannot read `{file}`"))?.items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_a_declaration_names_is_read() {
        let check = |root: &str, expected: &[&str]| {
            let files = ["a.rs", "a/b.rs", "c/mod.rs", "other.rs", "a/tests.rs"];
            let texts = files.map(|file| (file, if file == "a.rs" { "mod b; #[cfg(test)] mod tests;" } else { "" }));
            let sources = texts.into_iter().chain([("lib.rs", root)]);
            let sources = Sources(sources.map(|(file, text)| (file.to_owned(), text.to_owned())).collect());
            let modules = Modules::read(&sources, "").unwrap().unwrap();
            let found: Vec<&str> = modules.0.iter().skip(1).map(|module| module.file.as_str()).collect();
            assert_eq!(found, expected, "{root}");
        };
        check("mod a; pub mod c;", &["a.rs", "a/b.rs", "c/mod.rs"]);
        check("mod d { mod e {} }", &["lib.rs", "lib.rs"]);
        check(
            "#[cfg_attr(unix, path = \"c/mod.rs\")] #[cfg_attr(not(unix), path = \"other.rs\")] mod d;",
            &["c/mod.rs", "other.rs"],
        );
        check("#[cfg(test)] mod a; #[cfg(all(unix, test))] mod c;", &[]);
    }

    #[test]
    fn a_declaration_without_a_file_is_an_error() {
        let sources = Sources([("lib.rs".to_owned(), "mod a;".to_owned())].into_iter().collect());
        assert!(Modules::read(&sources, "").is_err());
    }
}
