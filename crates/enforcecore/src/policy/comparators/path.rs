//! The comparator of paths.

use std::path::Path;

use super::super::ast::Operand;
use super::super::kleene::Truth;
use super::super::matchers::{is_under, path_literal};
use super::super::references::{References, Vouched};
use super::super::types::Aspect;
use super::row::{Comparator, Example, Takes};
use super::seen::Seen;

pub(super) static ROWS: &[Comparator] = &[Comparator {
    name: "under",
    must: "lie in",
    on: Aspect::Path,
    takes: Takes::Folder,
    doc: "the path is that folder or lies in it",
    example: Example { ty: "path", operand: "/srv", holds: "\"/srv/a\"", fails: Some("\"/srvx\"") },
}];

/// The path was resolved when the call was frozen; the root is taken as the host gives it, so it names the real folder.
pub(super) fn is_in_folder(seen: &Seen<'_>, operand: &Operand, references: &References<'_>) -> Truth {
    let Seen::Reading(path, spelling) = seen else { return Err("not a path".to_owned()) };
    let root = match operand {
        Operand::Literal(value) => value,
        Operand::Reference(reference) => match references.resolve(reference)? {
            Vouched::Value(value) => value,
            Vouched::Fingerprint(_) => return Err(format!("only equality is known of `{reference}`")),
        },
    };
    let root = root.as_text().and_then(path_literal).ok_or("the root is not an absolute path")?;
    let root = root.to_str().map(|root| spelling.of(root)).unwrap_or_default();
    Ok(is_under(path, Path::new(&*root)))
}
