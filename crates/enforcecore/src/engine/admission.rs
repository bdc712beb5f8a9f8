//! Admission: the one atomic step between a decision and a permit.
//!
//! [`admit`] runs inside the log's turn, on the state as of the entry that will follow, and says what that entry must carry:
//! budget reservations and consumed grants. Nothing is taken by looking; the entry's deltas are the taking.

use jiff::tz::TimeZone;
use jiff::{RoundMode, Span, Timestamp, Unit, Zoned, ZonedRound};

use crate::audit::Delta;
use crate::audit::Keyer;
use crate::call::FrozenCall;
use crate::codes::call as code;
use crate::decision::{Ask, CalendarUnit, Charge, Decision, Over, Verdict, Window};
use crate::policy::{Counted, Policy};
use crate::ports::{Approver, Grant};
use crate::state::budget::{ever_bucket, session_bucket};
use crate::state::session::State;

/// What admission needs to know besides the decision.
pub struct AdmissionContext<'a> {
    /// The policy the decision was made by.
    pub policy: &'a Policy,
    /// The folded state, as of this turn.
    pub state: &'a State,
    /// Makes the keyed names under which budgets are counted.
    pub keyer: &'a Keyer,
    /// The keyed name of the session.
    pub session: &'a str,
    /// Wall time in microseconds.
    pub now_us: i64,
    /// The approver, if one is configured.
    pub approver: Option<&'a dyn Approver>,
}

/// Why a call is not admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotAdmitted {
    /// The decision, made stricter by what admission found.
    Denied(Box<Decision>),
    /// These approvals are still needed.
    Asks(Box<Decision>, Vec<Ask>),
}

/// The state changes the intent must carry, or why there is no intent.
pub fn admit(
    decision: &Decision,
    call: &FrozenCall,
    context: &AdmissionContext<'_>,
) -> Result<Vec<Delta>, NotAdmitted> {
    if decision.verdict == Verdict::Deny {
        return Err(NotAdmitted::Denied(Box::new(decision.clone())));
    }
    let mut deltas = Vec::new();
    let mut asks = decision.asks.clone();
    for charge in &decision.charges {
        match (reserve(charge, context, &deltas), &charge.over) {
            (Reservation::Fits(delta), _) => deltas.push(delta),
            // An approved call counts too, so what is beyond the budget is reserved all the same.
            (Reservation::Over(Some(delta)), Over::Ask(approval)) => {
                asks.push(Ask { rule: charge.budget.clone(), approval: approval.clone() });
                deltas.push(delta);
            }
            (Reservation::Over(_), _) => {
                return Err(NotAdmitted::Denied(Box::new(beyond(decision, charge, call, context, &deltas))));
            }
        }
    }
    let (grants, open): (Vec<Option<Grant>>, Vec<Ask>) =
        asks.into_iter().map(|ask| (find_grant(&ask, call, context), ask)).unzip();
    let missing: Vec<Ask> =
        open.into_iter().zip(&grants).filter(|(_, grant)| grant.is_none()).map(|(ask, _)| ask).collect();
    if !missing.is_empty() || (decision.verdict == Verdict::Ask && grants.is_empty()) {
        return Err(NotAdmitted::Asks(Box::new(decision.clone()), missing));
    }
    deltas.extend(grants.into_iter().flatten().map(|grant| Delta::Grant { id: grant.id }));
    Ok(deltas)
}

/// The denial of a call that is beyond a budget, with what is left of it.
fn beyond(
    decision: &Decision,
    charge: &Charge,
    call: &FrozenCall,
    context: &AdmissionContext<'_>,
    earlier: &[Delta],
) -> Decision {
    let why =
        if charge.known { "is used up" } else { "cannot be counted: how much, of how much, or for whom is not known" };
    let terms = context.policy.budget_terms(&charge.budget);
    let reason = match &terms {
        Some(terms) if !terms.is_shown() => format!("a budget {why}"),
        _ => format!("the budget `{}` {why}", charge.budget),
    };
    let mut denied = decision.clone().and_deny(code::BUDGET_EXCEEDED, reason);
    denied.rules.push(charge.budget.clone());
    let Some(terms) = terms else { return denied };
    let counted = charge.known.then(|| counted(charge, context, earlier));
    denied.explained(terms.explained(&call.call().context, &charge.window, counted))
}

/// What is left of the window that a charge counts in, and when the window moves on.
fn counted(charge: &Charge, context: &AdmissionContext<'_>, earlier: &[Delta]) -> Counted {
    let key = context.keyer.name("budget", &charge.key);
    let bucket = bucket(&charge.window, context);
    let taken = bucket.map_or(charge.at_most_micros, |bucket| taken(charge, context, &key, &bucket, earlier));
    let room_micros = charge.at_most_micros.saturating_sub(charge.amount_micros);
    let (moves_on_us, fits_us) = match &charge.window {
        Window::Sliding { .. } => context.state.leaves(charge, &key, context.now_us, room_micros),
        Window::Calendar { unit, zone } => {
            let next = next_bucket_us(*unit, zone, context.now_us);
            (next, next)
        }
        Window::Session | Window::Ever => (None, None),
    };
    Counted {
        at_most_micros: charge.at_most_micros,
        left_micros: charge.at_most_micros.saturating_sub(taken).max(0),
        moves_on_us,
        fits_us: fits_us.filter(|_| room_micros >= 0),
    }
}

/// When the next bucket of a calendar window begins.
fn next_bucket_us(unit: CalendarUnit, zone: &TimeZone, now_us: i64) -> Option<i64> {
    let now = Timestamp::from_microsecond(now_us).ok()?.to_zoned(zone.clone());
    let day = match unit {
        CalendarUnit::Hour => {
            let hour = now.round(ZonedRound::new().smallest(Unit::Hour).mode(RoundMode::Trunc)).ok()?;
            return Some(hour.checked_add(Span::new().hours(1)).ok()?.timestamp().as_microsecond());
        }
        CalendarUnit::Day => now.date().tomorrow().ok()?,
        CalendarUnit::Week => {
            let days = i64::from(7 - now.date().weekday().to_monday_zero_offset());
            now.date().checked_add(Span::new().days(days)).ok()?
        }
        CalendarUnit::Month => now.date().last_of_month().tomorrow().ok()?,
    };
    Some(day.to_zoned(zone.clone()).ok()?.timestamp().as_microsecond())
}

enum Reservation {
    Fits(Delta),
    /// Over the budget; the reservation an approval would make, where the window can be told at all.
    Over(Option<Delta>),
}

fn reserve(charge: &Charge, context: &AdmissionContext<'_>, earlier: &[Delta]) -> Reservation {
    let Some(bucket) = bucket(&charge.window, context) else { return Reservation::Over(None) };
    let key = context.keyer.name("budget", &charge.key);
    let span_us = if let Window::Sliding { us } = charge.window { us } else { 0 };
    let delta = Delta::Reserve {
        budget: charge.budget.clone(),
        key: key.clone(),
        amount_micros: charge.amount_micros,
        bucket: bucket.clone(),
        span_us,
    };
    let total = taken(charge, context, &key, &bucket, earlier).saturating_add(charge.amount_micros);
    if charge.amount_micros >= 0 && total <= charge.at_most_micros {
        Reservation::Fits(delta)
    } else {
        Reservation::Over(Some(delta))
    }
}

/// What is taken from the budget without this charge.
fn taken(charge: &Charge, context: &AdmissionContext<'_>, key: &str, bucket: &str, earlier: &[Delta]) -> i64 {
    let taken = context.state.taken_micros(charge, key, bucket, context.now_us);
    earlier.iter().fold(taken, |sum, delta| match delta {
        Delta::Reserve { budget, key: other, amount_micros, .. } if *budget == charge.budget && other == key => {
            sum.saturating_add(*amount_micros)
        }
        Delta::Reserve { .. } | Delta::Grant { .. } | Delta::Fact { .. } | Delta::Label { .. } => sum,
        Delta::Placeholders { .. } | Delta::End { .. } => sum,
    })
}

/// The name of the window's bucket that `now` lies in; `None` where the calendar cannot tell, which counts as over.
fn bucket(window: &Window, context: &AdmissionContext<'_>) -> Option<String> {
    match window {
        Window::Sliding { .. } => Some(String::new()),
        Window::Session => Some(session_bucket(context.session)),
        Window::Ever => Some(ever_bucket()),
        Window::Calendar { unit, zone } => {
            let now = Timestamp::from_microsecond(context.now_us).ok()?.to_zoned(zone.clone());
            Some(calendar_bucket(*unit, &now))
        }
    }
}

fn calendar_bucket(unit: CalendarUnit, now: &Zoned) -> String {
    match unit {
        CalendarUnit::Hour => now.strftime("%Y-%m-%dT%H%z").to_string(),
        CalendarUnit::Day => now.strftime("%Y-%m-%d").to_string(),
        CalendarUnit::Week => now.strftime("%G-W%V").to_string(),
        CalendarUnit::Month => now.strftime("%Y-%m").to_string(),
    }
}

fn find_grant(ask: &Ask, call: &FrozenCall, context: &AdmissionContext<'_>) -> Option<Grant> {
    let request = context.policy.approval_request(ask);
    let grant = context.approver?.grant(request, &call.digest(), context.now_us)?;
    let age_us = u128::try_from(context.now_us.checked_sub(grant.given_us)?).ok()?;
    let valid = request.terms.is_none_or(|terms| age_us < terms.valid.as_micros());
    (valid && grant.expires_us > context.now_us && !context.state.grant_used(&grant.id)).then_some(grant)
}
