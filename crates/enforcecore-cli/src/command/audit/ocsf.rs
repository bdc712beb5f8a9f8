//! Entries as events of OCSF 1.3.0, one JSON object each.
//!
//! A decision about a call, and its end, is an API Activity (6003): the class about who invoked which operation, with what result.
//! The findings' classes are about detections that an analyst triages, and the process classes about programs of a system; a tool
//! call is neither. What is no call (the beginning of a log, a policy, a recovery, state) is an Application Lifecycle event (6002) of
//! this program. What has no attribute of the class stands in `unmapped`, and the whole entry, in its hashed bytes, in `raw_data`.

use enforcecore::audit::{EffectStatus, Entry, EntryKind, EntryLine};
use enforcecore::codes::call as code;
use serde_json::{Map, Value as Json, json};

use super::csv::fields;
use super::select::Row;

/// The version of the schema.
pub const VERSION: &str = "1.3.0";

/// Fields of an entry that attributes of an event say, of both classes.
const MAPPED: [&str; 16] = [
    "args",
    "call",
    "code",
    "decision",
    "index",
    "kind",
    "policy",
    "principal",
    "principal_name",
    "session",
    "session_name",
    "time_us",
    "tool",
    "tool_name",
    "v",
    "writer",
];

/// The event of an entry.
pub fn event(row: &Row) -> Json {
    let about = match row.entry.kind {
        EntryKind::Intent
        | EntryKind::Outcome
        | EntryKind::Denial
        | EntryKind::Pending
        | EntryKind::Void
        | EntryKind::Abandoned => activity(row),
        _ => lifecycle(row),
    };
    let mut event = common(row);
    event.extend(about);
    event.retain(|_, value| !value.is_null());
    Json::Object(event)
}

fn common(row: &Row) -> Map<String, Json> {
    let entry = &row.entry;
    let mut unmapped = fields(entry);
    unmapped.retain(|field, _| !MAPPED.contains(&field.as_str()));
    let raw = Entry::from(entry.clone()).line().and_then(|line| String::from_utf8(line).ok());
    members(json!({
        "category_uid": 6,
        "category_name": "Application Activity",
        "metadata": kept(json!({
            "version": VERSION,
            "product": product(),
            "log_name": "enforcecore evidence",
            "log_version": entry.v.to_string(),
            "sequence": entry.index,
            "uid": format!("{}:{}", entry.writer, entry.index),
            "correlation_uid": entry.call,
            "event_code": entry.code,
            "original_time": row.time(),
        })),
        "time": entry.time_us.div_euclid(1000),
        "severity_id": 1,
        "severity": "Informational",
        "status_code": entry.code,
        "message": row.describe().trim_start(),
        "raw_data": raw,
        "unmapped": unmapped,
    }))
}

/// API Activity (6003).
fn activity(row: &Row) -> Map<String, Json> {
    let entry = &row.entry;
    let (status_id, status) = status(entry);
    let denied = entry.kind == EntryKind::Denial;
    let policy = entry.policy.as_ref().map(|digest| json!({"uid": digest}));
    let authorization =
        entry.decision.as_ref().map(|decision| json!([kept(json!({"decision": decision, "policy": policy}))]));
    let user = kept(json!({"uid": row.principal(), "name": row.principal_name()}));
    let session = kept(json!({"uid": entry.session, "uid_alt": row.session_name()}));
    let error = entry.code.as_ref().filter(|_| status_id == 2);
    let response = kept(json!({"error": error, "message": entry.effect.map(EffectStatus::as_str)}));
    let request = entry.call.as_ref().map(|call| {
        let args = Some(&entry.args).filter(|args| !args.is_empty());
        kept(json!({"uid": call, "data": args}))
    });
    let tool = if row.shown_tool().is_empty() { "unknown" } else { row.shown_tool() };
    let actor = json!({
        "app_name": "agent",
        "user": user,
        "session": session,
        "authorizations": authorization,
    });
    members(json!({
        "class_uid": 6003,
        "class_name": "API Activity",
        "activity_id": 99,
        "activity_name": row.kind(),
        "type_uid": 600_399,
        "type_name": "API Activity: Other",
        "severity_id": if denied { 3 } else { 1 },
        "severity": if denied { "Medium" } else { "Informational" },
        "status_id": status_id,
        "status": status,
        "status_detail": (!entry.rules.is_empty()).then(|| format!("by {}", entry.rules.join(", "))),
        "actor": kept(actor),
        "api": kept(json!({"operation": tool, "request": request, "response": response})),
        "src_endpoint": {"svc_name": "enforcecore", "uid": entry.writer},
    }))
}

/// Application Lifecycle (6002).
fn lifecycle(row: &Row) -> Map<String, Json> {
    let (activity, name) = match row.entry.kind {
        EntryKind::Genesis => (1, "Install"),
        EntryKind::Policy => (8, "Update"),
        _ => (99, "Other"),
    };
    let recovered = row.entry.kind == EntryKind::Recovery;
    let shown = if activity == 99 { row.kind() } else { name.to_owned() };
    members(json!({
        "class_uid": 6002,
        "class_name": "Application Lifecycle",
        "activity_id": activity,
        "activity_name": shown,
        "type_uid": 600_200 + activity,
        "type_name": format!("Application Lifecycle: {name}"),
        "severity_id": if recovered { 2 } else { 1 },
        "severity": if recovered { "Low" } else { "Informational" },
        "status_id": 1,
        "status": "Success",
        "status_detail": row.entry.policy,
        "app": product(),
    }))
}

/// What became of a call, as far as this entry says.
fn status(entry: &EntryLine) -> (u8, &'static str) {
    match entry.kind {
        EntryKind::Outcome if entry.code.as_deref() == Some(code::RELEASED.as_str()) => (1, "Success"),
        EntryKind::Outcome | EntryKind::Denial | EntryKind::Void => (2, "Failure"),
        EntryKind::Pending => (99, "Waits for approval"),
        _ => (0, "Unknown"),
    }
}

fn product() -> Json {
    json!({"name": "EnforceCore", "vendor_name": "EnforceCore", "version": env!("CARGO_PKG_VERSION")})
}

fn members(object: Json) -> Map<String, Json> {
    if let Json::Object(members) = object { members } else { Map::new() }
}

/// The object without members that say nothing; nothing, if none says anything.
fn kept(object: Json) -> Json {
    let mut members = members(object);
    members.retain(|_, value| !value.is_null());
    if members.is_empty() { Json::Null } else { Json::Object(members) }
}
