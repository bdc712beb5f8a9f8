//! The comparators: one row each, with how its operand is written, what of a value it looks at, and what it means.
//!
//! A row is all there is to a comparator whose operand is written like another's: what it means stands in the row, and a row
//! that is not in the table does not exist. An operand of a new form is a variant of [`Takes`] and of [`Compared`], and the
//! compiler names every place that has to know it. Three answers are possible (`kleene`), and an error never permits anything.

mod number;
mod path;
mod row;
mod seen;
mod set;
mod shown;
#[cfg(test)]
mod tests;
mod text;
mod url;

pub(crate) use self::row::{Check, Comparator, Compared, End, HostTest, Takes, WordForm};
pub(crate) use self::seen::Seen;
use self::seen::Spelling;
use super::ast::Operand;
use super::kleene::{Truth, agreed};
use super::references::{References, Vouched};
use super::types::Type;
use crate::path::{DecidedPath, composed};
use crate::value::Value;

/// Words of comparators that a later version has.
pub(crate) const COMPARATORS_LATER: &[&str] = &[
    "every",
    "some",
    "schema",
    "detector",
    "seen_in",
    "runs",
    "any_runs",
    "kinds",
    "tables",
    "where",
    "functions",
    "address",
];

/// Every comparator, in the order of messages.
pub(crate) fn comparators() -> impl Iterator<Item = &'static Comparator> {
    [set::ROWS, number::ROWS, text::ROWS, path::ROWS, url::ROWS].into_iter().flatten()
}

impl Comparator {
    pub(crate) fn named(word: &str) -> Option<&'static Comparator> {
        comparators().find(|row| row.name == word)
    }
}

impl Check {
    /// Whether it holds of what is seen.
    pub(crate) fn holds(&self, seen: &Seen<'_>, references: &References<'_>) -> Truth {
        match (seen, self.is_any()) {
            (_, true) => Ok(true),
            (Seen::Path(path), false) => self.holds_of_path(path, references),
            _ => self.holds_of_one(seen, references),
        }
    }

    /// A path is what its tool may take it for: the name and where it leads, as written and composed.
    fn holds_of_path(&self, path: &DecidedPath, references: &References<'_>) -> Truth {
        let readings = path.readings().flat_map(|reading| {
            let composed = composed(reading).map(|path| Seen::Reading(path.into(), Spelling::Composed));
            [Some(Seen::Reading(reading.into(), Spelling::Written)), composed].into_iter().flatten()
        });
        let truths = readings.map(|reading| self.holds_of_one(&reading, references));
        agreed(truths, seen::TWO_NAMES)
    }

    fn holds_of_one(&self, seen: &Seen<'_>, references: &References<'_>) -> Truth {
        match &self.compared {
            Compared::True => Ok(true),
            Compared::Value(operand) => set::equals(seen, operand, references),
            Compared::Values(operands) => set::equals_any(seen, operands, references),
            Compared::List(reference) => set::is_in(seen, reference, references),
            Compared::Same(reference) => set::same(references.keyer(), seen, &references.resolve(reference)?),
            Compared::Bound(within, operand) => number::is_within(seen, *within, &references.value(operand)?),
            Compared::Part(_, has, part) => text::has_part(seen, *has, part),
            Compared::Pattern(pattern) => text::matches(seen, pattern),
            Compared::Folder(operand) => path::is_in_folder(seen, operand, references),
            Compared::Words(form, words) => (form.holds)(seen, words),
            Compared::Host(wanted) => url::has_host(seen, wanted),
            Compared::Ports(ports) => url::has_port(seen, ports),
            Compared::UrlPath(checks) => url::has_path(seen, checks),
        }
    }

    /// A literal against a check that is known to need no reference; none where it may need one.
    pub(crate) fn holds_of_literal(&self, value: &Value, ty: Option<&Type>) -> Option<Truth> {
        let seen = Seen::Value(value, ty);
        match &self.compared {
            Compared::Bound(within, Operand::Literal(bound)) => {
                Some(number::is_within(&seen, *within, &Vouched::Value(bound)))
            }
            Compared::Part(_, has, part) if !ty.is_some_and(Type::is_path) => Some(text::has_part(&seen, *has, part)),
            Compared::Pattern(pattern) if !ty.is_some_and(Type::is_path) => Some(text::matches(&seen, pattern)),
            Compared::True | Compared::Value(_) | Compared::Values(_) | Compared::List(_) | Compared::Same(_) => None,
            Compared::Bound(..) | Compared::Part(..) | Compared::Pattern(_) | Compared::Folder(_) => None,
            Compared::Words(..) | Compared::Host(_) | Compared::Ports(_) | Compared::UrlPath(_) => None,
        }
    }
}
