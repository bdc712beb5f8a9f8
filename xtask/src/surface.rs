//! `cargo xtask surface`: every public item of the library's crates, a line each, held to the files in `xtask/golden/surface`.
//!
//! A change of what others can use so stands in a diff. An item is listed under every path that leads to it.
//!
//! Absent on purpose: what a macro defines, which is only named where it is passed on, and what a derive implements beyond the
//! derive's name.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result};
use syn::spanned::Spanned;
use syn::{Attribute, Fields, ImplItem, Item, TraitItem, Type, Visibility};

use crate::modules::{Modules, Sources, Target, attributes, is_for_tests, name_of};
use crate::tool::{self, say};

/// The crates that others build on, and where they stand.
const CRATES: [(&str, &str); 3] = [
    ("enforcecore_audit", "crates/enforcecore-audit/src/"),
    ("enforcecore", "crates/enforcecore/src/"),
    ("enforcecore_host", "crates/enforcecore-host/src/"),
];

const GOLDEN: &str = "xtask/golden/surface";

/// What may be done with the surface.
#[derive(clap::Args)]
pub struct SurfaceOptions {
    /// Write it into the files that it is held to.
    #[arg(long)]
    write: bool,
}

/// Prints the surface, or writes it.
pub fn run(options: &SurfaceOptions) -> Result<bool> {
    let root = tool::root()?;
    let sources = Sources::of_tree(&root, &CRATES.map(|(_, folder)| folder))?;
    for (name, folder) in CRATES {
        let Some(lines) = surface(&sources, name, folder)? else { continue };
        if options.write {
            let file = root.join(golden(name));
            fs::create_dir_all(root.join(GOLDEN)).context("cannot make the folder of golden files")?;
            fs::write(&file, text(&lines)).with_context(|| format!("cannot write `{}`", file.display()))?;
        } else {
            lines.iter().for_each(|line| say(line));
        }
    }
    Ok(true)
}

/// What differs from the golden files, given by their paths.
pub fn differences<'a>(sources: &Sources, golden_text: impl Fn(&str) -> Option<&'a str>) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for (name, folder) in CRATES {
        let Some(lines) = surface(sources, name, folder)? else { continue };
        let known: BTreeSet<String> =
            golden_text(&golden(name)).unwrap_or_default().lines().map(str::to_owned).collect();
        findings.extend(lines.difference(&known).map(|line| format!("new: {line}")));
        findings.extend(known.difference(&lines).map(|line| format!("gone: {line}")));
    }
    if !findings.is_empty() {
        findings.push("if that is meant: cargo xtask surface --write".to_owned());
    }
    Ok(findings)
}

fn golden(name: &str) -> String {
    format!("{GOLDEN}/{name}.txt")
}

fn text(lines: &BTreeSet<String>) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// The lines of one crate; none where it does not exist.
fn surface(sources: &Sources, name: &str, folder: &str) -> Result<Option<BTreeSet<String>>> {
    let Some(modules) = Modules::read(sources, folder)? else { return Ok(None) };
    let mut surface = Surface { modules: &modules, lines: BTreeSet::new(), on_the_way: Vec::new() };
    surface.module(0, name);
    Ok(Some(surface.lines))
}

struct Surface<'a> {
    modules: &'a Modules,
    lines: BTreeSet<String>,
    /// The modules that are being listed, so that one that passes itself on is listed once.
    on_the_way: Vec<usize>,
}

impl Surface<'_> {
    /// Lists what is public in a module, under this path.
    fn module(&mut self, index: usize, path: &str) {
        let modules = self.modules;
        let Some(module) = modules.0.get(index).filter(|_| !self.on_the_way.contains(&index)) else { return };
        self.on_the_way.push(index);
        for (name, child) in module.children() {
            if modules.0.get(*child).is_some_and(|child| child.public) {
                self.module_named(*child, &format!("{path}::{name}"));
            }
        }
        for item in module.items.iter().filter(|item| is_public(item)) {
            if let Some(name) = name_of(item) {
                self.item(index, item, &format!("{path}::{name}"));
            }
        }
        for import in module.imports().iter().filter(|import| import.public) {
            let named = format!("{path}::{}", import.name);
            match modules.resolve(index, &import.path) {
                Some(Target::Module(all)) if import.name == "*" => self.module(all, path),
                Some(Target::Module(child)) => self.module_named(child, &named),
                Some(Target::Item(home)) => self.passed_on(home, &import.path, &named),
                Some(Target::Outside) | None => self.line(&named, &format!("use {}", import.path.join("::"))),
            }
        }
        self.on_the_way.pop();
    }

    fn module_named(&mut self, index: usize, path: &str) {
        self.line(path, "mod");
        self.module(index, path);
    }

    /// Lists what a `use` passes on from the module `home`.
    fn passed_on(&mut self, home: usize, original: &[String], path: &str) {
        let items = self.modules.0.get(home).into_iter().flat_map(|module| &module.items);
        let is_it = |item: &&Item| name_of(item).is_some_and(|name| original.last().is_some_and(|last| name == last));
        let found: Vec<&Item> = items.filter(is_it).collect();
        if found.is_empty() {
            self.line(path, "made by a macro");
        }
        found.into_iter().for_each(|item| self.item(home, item, path));
    }

    fn item(&mut self, home: usize, item: &Item, path: &str) {
        let marks = marks(attributes(item));
        match item {
            Item::Struct(item) => {
                self.line(path, &format!("{marks}struct{}{}", source(&item.generics), tuple(&item.fields)));
                self.fields(&item.fields, path);
            }
            Item::Union(item) => self.line(path, &format!("{marks}union{}", source(&item.generics))),
            Item::Enum(item) => {
                self.line(path, &format!("{marks}enum{}", source(&item.generics)));
                for variant in &item.variants {
                    let marks = self::marks(&variant.attrs);
                    self.line(
                        &format!("{path}::{}", variant.ident),
                        &format!("{marks}variant{}", all(&variant.fields)),
                    );
                }
            }
            Item::Trait(item) => {
                let above: Vec<String> = item.supertraits.iter().map(source).collect();
                let above = if above.is_empty() { String::new() } else { format!(": {}", above.join(" + ")) };
                self.line(path, &format!("{marks}trait{}{above}", source(&item.generics)));
                item.items.iter().for_each(|member| self.trait_member(member, path));
            }
            Item::Fn(item) => self.line(path, &format!("{marks}{}", source(&item.sig))),
            Item::Const(item) => self.line(path, &format!("const: {}", source(&item.ty))),
            Item::Static(item) => self.line(path, &format!("static: {}", source(&item.ty))),
            Item::Type(item) => self.line(path, &format!("type{} = {}", source(&item.generics), source(&item.ty))),
            Item::Macro(_) => self.line(path, "macro"),
            _ => {}
        }
        if let (Item::Struct(_) | Item::Enum(_) | Item::Union(_), Some(name)) = (item, name_of(item)) {
            self.implementations(home, &name.to_string(), path);
        }
    }

    fn fields(&mut self, fields: &Fields, path: &str) {
        for field in fields.iter().filter(|field| matches!(field.vis, Visibility::Public(_))) {
            if let Some(name) = &field.ident {
                self.line(&format!("{path}::{name}"), &format!("field: {}", source(&field.ty)));
            }
        }
    }

    fn trait_member(&mut self, member: &TraitItem, path: &str) {
        match member {
            TraitItem::Fn(function) => {
                let provided = if function.default.is_some() { " { .. }" } else { "" };
                self.line(&format!("{path}::{}", function.sig.ident), &format!("{}{provided}", source(&function.sig)));
            }
            TraitItem::Type(member) => self.line(&format!("{path}::{}", member.ident), "type"),
            TraitItem::Const(member) => {
                self.line(&format!("{path}::{}", member.ident), &format!("const: {}", source(&member.ty)));
            }
            _ => {}
        }
    }

    /// The public members that the crate's `impl`s give to a type, and the traits that they implement for it.
    fn implementations(&mut self, home: usize, name: &str, path: &str) {
        let modules = self.modules;
        for (index, module) in modules.0.iter().enumerate() {
            for item in &module.items {
                let Item::Impl(item) = item else { continue };
                let Type::Path(own) = &*item.self_ty else { continue };
                let names: Vec<String> = own.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
                let is_it = names.last().is_some_and(|last| last == name);
                if !is_it || modules.resolve(index, &names) != Some(Target::Item(home)) {
                    continue;
                }
                match &item.trait_ {
                    Some((_, of, _)) => self.line(path, &format!("impl {}", source(of))),
                    None => item.items.iter().for_each(|member| self.member(member, path)),
                }
            }
        }
    }

    fn member(&mut self, member: &ImplItem, path: &str) {
        match member {
            ImplItem::Fn(function) if is_open(&function.vis, &function.attrs) => {
                let line = format!("{}{}", marks(&function.attrs), source(&function.sig));
                self.line(&format!("{path}::{}", function.sig.ident), &line);
            }
            ImplItem::Const(member) if is_open(&member.vis, &member.attrs) => {
                self.line(&format!("{path}::{}", member.ident), &format!("const: {}", source(&member.ty)));
            }
            _ => {}
        }
    }

    fn line(&mut self, path: &str, what: &str) {
        self.lines.insert(format!("{path}  {what}"));
    }
}

fn is_open(visibility: &Visibility, attributes: &[Attribute]) -> bool {
    matches!(visibility, Visibility::Public(_)) && !is_for_tests(attributes)
}

fn is_public(item: &Item) -> bool {
    let visibility = match item {
        Item::Const(item) => &item.vis,
        Item::Enum(item) => &item.vis,
        Item::Fn(item) => &item.vis,
        Item::Static(item) => &item.vis,
        Item::Struct(item) => &item.vis,
        Item::Trait(item) => &item.vis,
        Item::Type(item) => &item.vis,
        Item::Union(item) => &item.vis,
        Item::Macro(item) => return item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export")),
        _ => return false,
    };
    matches!(visibility, Visibility::Public(_))
}

/// What the attributes say to those who use an item, with a space after it.
fn marks(attributes: &[Attribute]) -> String {
    let mut marks = String::new();
    for attribute in attributes {
        let path = attribute.path();
        if path.is_ident("non_exhaustive") || path.is_ident("must_use") {
            marks.push_str(&format!("#[{}] ", source(path)));
        } else if path.is_ident("derive") {
            marks.push_str(&format!("#[{}] ", source(&attribute.meta)));
        }
    }
    marks
}

/// The fields of a tuple structure, those that are not public left open.
fn tuple(fields: &Fields) -> String {
    let Fields::Unnamed(fields) = fields else { return String::new() };
    let shown = |field: &syn::Field| match field.vis {
        Visibility::Public(_) => source(&field.ty),
        _ => "_".to_owned(),
    };
    format!("({})", fields.unnamed.iter().map(shown).collect::<Vec<_>>().join(", "))
}

/// The fields of a variant.
fn all(fields: &Fields) -> String {
    let shown = |field: &syn::Field| match &field.ident {
        Some(name) => format!("{name}: {}", source(&field.ty)),
        None => source(&field.ty),
    };
    let shown = fields.iter().map(shown).collect::<Vec<_>>().join(", ");
    match fields {
        Fields::Named(_) => format!(" {{ {shown} }}"),
        Fields::Unnamed(_) => format!("({shown})"),
        Fields::Unit => String::new(),
    }
}

/// A piece of source on one line, spelled the same however it was broken into lines.
fn source(piece: &impl Spanned) -> String {
    let text = piece.span().source_text().unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace("( ", "(").replace(", )", ")").replace("< ", "<").replace(", >", ">")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(files: &[(&str, &str)]) -> Vec<String> {
        let folder = "crates/a/src/";
        let sources = files.iter().map(|(path, text)| (format!("{folder}{path}"), (*text).to_owned())).collect();
        surface(&Sources(sources), "a", folder).unwrap().unwrap().into_iter().collect()
    }

    #[test]
    fn what_others_can_use_is_listed() {
        let root = "pub mod b; mod c; pub use c::{C, f as g}; pub use std::fmt; pub(crate) use c::Hidden; fn h() {}";
        let b = "#[derive(Clone)] #[non_exhaustive] pub enum B { One, Two(u8, u8), Three { a: u8 } }
            pub struct D<T>(pub T, u8); pub const E: u8 = 1; pub type F = u8;
            pub trait G: Send { fn a(&self); fn b(&self) -> u8 { 1 } }";
        let c = "pub struct C { pub a: Vec<u8>, b: u8 } pub fn f(\n    a: u8,\n) -> u8 { a } pub struct Hidden;
            impl C { pub fn new() -> C { C } fn hidden(&self) {} #[cfg(test)] pub fn t() {} pub const D: u8 = 1; }
            impl Drop for C { fn drop(&mut self) {} } #[cfg(test)] pub fn t() {}";
        let expected = [
            "a::C  impl Drop",
            "a::C  struct",
            "a::C::D  const: u8",
            "a::C::a  field: Vec<u8>",
            "a::C::new  fn new() -> C",
            "a::b  mod",
            "a::b::B  #[derive(Clone)] #[non_exhaustive] enum",
            "a::b::B::One  variant",
            "a::b::B::Three  variant { a: u8 }",
            "a::b::B::Two  variant(u8, u8)",
            "a::b::D  struct<T>(T, _)",
            "a::b::E  const: u8",
            "a::b::F  type = u8",
            "a::b::G  trait: Send",
            "a::b::G::a  fn a(&self)",
            "a::b::G::b  fn b(&self) -> u8 { .. }",
            "a::fmt  use std::fmt",
            "a::g  fn f(a: u8) -> u8",
        ];
        assert_eq!(listed(&[("lib.rs", root), ("b.rs", b), ("c.rs", c)]), expected);
    }

    #[test]
    fn a_change_is_found_and_says_what_to_do() {
        let sources = [("crates/enforcecore/src/lib.rs".to_owned(), "pub fn a() {}".to_owned())];
        let sources = Sources(sources.into_iter().collect());
        let check = |known: &'static str, expected: &[&str]| {
            let found = differences(&sources, |path| path.ends_with("/enforcecore.txt").then_some(known)).unwrap();
            assert_eq!(found, expected);
        };
        let write = "if that is meant: cargo xtask surface --write";
        check("enforcecore::a  fn a()\n", &[]);
        check("", &["new: enforcecore::a  fn a()", write]);
        check("enforcecore::a  fn a()\nenforcecore::b  fn b()\n", &["gone: enforcecore::b  fn b()", write]);
    }
}
