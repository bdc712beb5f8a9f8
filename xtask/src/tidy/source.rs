//! Reading Rust source for the rules: functions with their lines, paths as the code names them, tests set aside.

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, UseTree};

/// A function and the lines it spans, attributes and documentation not included.
pub struct Function {
    /// Its name.
    pub name: String,
    /// The line of `fn`, from 1.
    pub line: usize,
    /// Lines from `fn` to the closing brace.
    pub lines: usize,
}

/// Every function of a file, tests included.
pub fn functions(file: &syn::File) -> Vec<Function> {
    let mut functions = Functions(Vec::new());
    functions.visit_file(file);
    functions.0
}

/// A path as the code names it, `std::fs::read`, and its line.
pub struct Named {
    /// The segments, joined by `::`.
    pub path: String,
    /// The line it stands on, from 1.
    pub line: usize,
}

/// Every path the code outside its tests imports or uses, macro arguments included.
pub fn paths(file: &syn::File) -> Vec<Named> {
    let mut paths = Paths(Vec::new());
    paths.visit_file(file);
    paths.0
}

/// Structures the code outside its tests builds and methods it calls, by their last name.
pub fn made(file: &syn::File) -> Vec<Named> {
    let mut made = Made(Vec::new());
    made.visit_file(file);
    made.0
}

/// Lines on which the word stands as a token; text and comments do not count.
pub fn lines_with(tokens: TokenStream, word: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(ident) if ident == word => lines.push(ident.span().start().line),
            TokenTree::Group(group) => lines.extend(lines_with(group.stream(), word)),
            _ => {}
        }
    }
    lines
}

/// The first text of every call of `code(..)`: the codes that have a page.
pub fn pages(file: &syn::File) -> Vec<Named> {
    let mut codes = Codes { makers: &["code"], tuples: false, found: Vec::new() };
    codes.visit_file(file);
    codes.found
}

/// Every code that the code outside its tests gives to a denial or an end of a call; with `tuples`, also those that begin one.
pub fn codes(file: &syn::File, tuples: bool) -> Vec<Named> {
    let makers = &["Malformed::new", "and_deny", "Decision::refused", "Settled::failed", "Settled::withheld"];
    let mut codes = Codes { makers, tuples, found: Vec::new() };
    codes.visit_file(file);
    codes.found
}

struct Functions(Vec<Function>);

impl Functions {
    fn note(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let line = signature.span().start().line;
        let lines = block.span().end().line + 1 - line;
        self.0.push(Function { name: signature.ident.to_string(), line, lines });
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.note(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.note(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.note(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

struct Paths(Vec<Named>);

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !is_for_tests(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_for_tests(&item.attrs) {
            self.note_use(&item.tree, String::new());
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.0.push(Named { path: segments.join("::"), line: path.span().start().line });
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.note_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}

impl Paths {
    fn note_use(&mut self, tree: &UseTree, before: String) {
        let joined = |name: &str| if before.is_empty() { name.to_owned() } else { format!("{before}::{name}") };
        match tree {
            UseTree::Path(path) => self.note_use(&path.tree, joined(&path.ident.to_string())),
            UseTree::Group(group) => group.items.iter().for_each(|item| self.note_use(item, before.clone())),
            UseTree::Name(name) => self.push(joined(&name.ident.to_string()), tree),
            UseTree::Rename(rename) => self.push(joined(&rename.ident.to_string()), tree),
            UseTree::Glob(_) => self.push(joined("*"), tree),
        }
    }

    fn push(&mut self, path: String, place: &UseTree) {
        self.0.push(Named { path, line: place.span().start().line });
    }

    /// Paths in a macro's arguments, which are tokens and not yet syntax: words with `::` between them.
    fn note_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        let mut line = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.0.push(Named { path: std::mem::take(&mut path).join("::"), line });
                    }
                    line = ident.span().start().line;
                    path.push(ident.to_string());
                    colons = 0;
                }
                other => {
                    self.0.push(Named { path: std::mem::take(&mut path).join("::"), line });
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.note_tokens(group.stream());
                    }
                }
            }
        }
        self.0.push(Named { path: path.join("::"), line });
    }
}

struct Made(Vec<Named>);

impl Made {
    fn note(&mut self, name: &syn::Ident) {
        self.0.push(Named { path: name.to_string(), line: name.span().start().line });
    }
}

impl<'ast> Visit<'ast> for Made {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_expr_struct(&mut self, built: &'ast syn::ExprStruct) {
        if let Some(last) = built.path.segments.last() {
            self.note(&last.ident);
        }
        visit::visit_expr_struct(self, built);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.note(&call.method);
        visit::visit_expr_method_call(self, call);
    }
}

struct Codes<'a> {
    /// Functions, with their types, and methods whose first text is a code.
    makers: &'a [&'a str],
    tuples: bool,
    found: Vec<Named>,
}

impl Codes<'_> {
    fn make(&mut self, maker: &str, args: &syn::punctuated::Punctuated<syn::Expr, syn::Token![,]>) {
        if self.makers.contains(&maker) {
            let text =
                args.iter().find(|arg| matches!(arg, syn::Expr::Lit(lit) if matches!(lit.lit, syn::Lit::Str(_))));
            text.into_iter().for_each(|text| self.note(text));
        }
    }

    /// A text that is a word is a code; one with spaces is a message.
    fn note(&mut self, text: &syn::Expr) {
        if let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = text {
            let code = text.value();
            if !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
                self.found.push(Named { path: code, line: text.span().start().line });
            }
        }
    }
}

impl<'ast> Visit<'ast> for Codes<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let syn::Expr::Path(function) = &*call.func {
            let segments: Vec<String> = function.path.segments.iter().map(|part| part.ident.to_string()).collect();
            self.make(&segments.join("::"), &call.args);
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.make(&call.method.to_string(), &call.args);
        visit::visit_expr_method_call(self, call);
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        if matches!(&field.member, syn::Member::Named(name) if name == "code") {
            self.note(&field.expr);
        }
        visit::visit_field_value(self, field);
    }

    fn visit_expr_tuple(&mut self, tuple: &'ast syn::ExprTuple) {
        if self.tuples {
            tuple.elems.first().into_iter().for_each(|first| self.note(first));
        }
        visit::visit_expr_tuple(self, tuple);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if function.sig.ident == "code" {
            let mut arms = Arms(Vec::new());
            arms.visit_impl_item_fn(function);
            arms.0.iter().for_each(|body| self.note(body));
        }
        visit::visit_impl_item_fn(self, function);
    }
}

/// What the arms of every `match` come to.
struct Arms<'ast>(Vec<&'ast syn::Expr>);

impl<'ast> Visit<'ast> for Arms<'ast> {
    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.0.push(&arm.body);
        visit::visit_arm(self, arm);
    }
}

/// True for `#[cfg(test)]` and `#[test]`.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::Path(path) => path.is_ident("test"),
        syn::Meta::List(list) if list.path.is_ident("cfg") => !lines_with(list.tokens.clone(), "test").is_empty(),
        _ => false,
    })
}
