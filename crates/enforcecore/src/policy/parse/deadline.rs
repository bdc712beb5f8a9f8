//! How long a call may take: `deadline`, and what is said beside it.

use super::super::source::fields::{Fields, bool, duration};
use super::super::source::report::{At, Report};
use crate::codes::policy as code;
use crate::decision::Deadline;

/// Reads the deadline of a document or a rule.
pub(super) fn read(fields: &mut Fields<'_>, report: &mut Report) -> Option<At<Deadline>> {
    let due = fields.get("deadline").map(|node| duration(node, "`deadline`", report));
    let at_most = fields.get("deadline_max").and_then(|node| duration(node, "`deadline_max`", report));
    let withhold_only = fields.get("withhold_only").and_then(|node| bool(node, "`withhold_only`", report));
    let Some(due) = due else {
        for key in ["deadline_max", "withhold_only"] {
            if let Some(place) = fields.key_place(key) {
                let message = format!("`{key}` without `deadline`");
                report.error(code::MISSING_KEY, place, message).help("it says something of a `deadline` beside it");
            }
        }
        return None;
    };
    let due = due?;
    if let Some(at_most) = at_most.as_ref().filter(|at_most| at_most.value < due.value) {
        report
            .error(code::BAD_DURATION, at_most.place, "`deadline_max` is less than `deadline`")
            .help("progress of a tool extends its deadline, up to `deadline_max` from the start");
    }
    let plain = Deadline::of(due.value);
    let at_most = at_most.map_or(plain.at_most, |at_most| at_most.value);
    Some(At::new(due.place, Deadline { at_most, withhold_only: withhold_only.unwrap_or(false), ..plain }))
}
