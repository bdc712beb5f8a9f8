//! The pipeline. [`Enforcer::enforce`] is the whole of it; everything else in this crate is a step of it.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};

use tracing::{info, info_span, warn};

use super::admission::{self, AdmissionContext, NotAdmitted};
use super::context::{CallContext, Shared};
use super::identity::{Identities, keyed_principal, shown_identity, shown_principal};
use super::inbound;
pub use super::open_call::FinishError;
use super::open_call::OpenCall;
use super::recorded::{Recorded, recorded_args, shown_tool};
use crate::audit::{
    Body, CallRecord, CommitError, DenialRecord, Durability, Entry, IntentRecord, Log, LogError, Mode, PolicyRecord,
    hex,
};
use crate::call::{Call, CallId, Context, Freezing, FrozenCall, Malformed};
use crate::capabilities::{Capability, Face};
use crate::codes::call as code;
use crate::decision::{Ask, Decision, SessionView, Verdict};
use crate::diagnostic::Diagnostic;
use crate::explanation::Grounds;
use crate::outcome::{BeginMode, Completed, Due, Outcome, Permit, Refusal, Refused};
use crate::path::PathResolver;
use crate::policy::{Policy, Protected};
use crate::ports::{Approver, AskOutcome, Clock, Random, StoreError};
use crate::redact::{Class, ClassSet, RedactedValue, Withheld, redact_value_in};
use crate::state::numbering::Numbering;
use crate::state::recall::recall;
use crate::state::session::{EndSessionError, Known, State, end, session_name};
use crate::value::Value;

/// How often a call is decided again because the session or the policy changed under it, before it is refused.
const DECISIONS_MAX: usize = 16;

/// Enforces one policy on calls from one face. Cheap to clone; clones are the same enforcer.
#[derive(Clone)]
pub struct Enforcer {
    pub(super) shared: Arc<Shared>,
}

/// What an enforcer is made of.
pub struct EnforcerParts {
    /// The policy to enforce.
    pub policy: Policy,
    /// What the face can honour.
    pub face: Face,
    /// Where evidence goes and state comes from.
    pub log: Arc<Log<State>>,
    /// Finds where paths really point.
    pub resolver: Arc<dyn PathResolver>,
    /// The protected paths. No policy permits access to them, except reading those that hold no secret.
    pub protected: Protected,
    /// The approver, if one is configured.
    pub approver: Option<Arc<dyn Approver>>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Names calls.
    pub random: Arc<dyn Random>,
    /// How intents are acknowledged.
    pub durability: Durability,
    /// Whether the log says names in clear.
    pub identities: Identities,
}

/// Why an enforcer cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// The policy can oblige what the face cannot honour.
    #[error("the policy asks for what this face cannot do: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Face(Vec<Diagnostic>),
    /// A policy that counts or remembers needs entries that a kill cannot lose.
    #[error("this policy uses state, so its log must be `strict`: a buffered entry can be lost on a kill")]
    BufferedState,
    /// The log cannot be written.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// A call between its two halves, in the split form: decided, redacted, admitted, its intent acknowledged.
///
/// Cannot be cloned. Dropped without [`Enforcer::finish`], it is recorded as abandoned.
#[derive(Debug)]
#[must_use = "finish it, or the call is recorded as abandoned"]
pub struct Admitted {
    permit: Permit,
    open: OpenCall,
}

impl Admitted {
    /// The call to execute: exactly what was decided and committed to.
    pub fn call(&self) -> &FrozenCall {
        self.permit.call()
    }

    /// The decision that let it through.
    pub fn decision(&self) -> &Decision {
        &self.open.decision
    }

    /// When the result is due; a later one is withheld.
    pub fn due(&self) -> Option<&Due> {
        self.permit.due()
    }
}

impl Enforcer {
    /// Binds a policy to a face and a log, and records which rules are in force from here on.
    pub fn new(parts: EnforcerParts) -> Result<Enforcer, BindError> {
        let EnforcerParts { policy, face, log, resolver, protected, approver, clock, random, durability, identities } =
            parts;
        check_binding(&policy, &face, durability)?;
        let policy = RwLock::new(Arc::new(policy));
        let shared = Shared { policy, face, log, resolver, protected, approver, clock, random, durability, identities };
        let enforcer = Enforcer { shared: Arc::new(shared) };
        enforcer.record_policy()?;
        Ok(enforcer)
    }

    /// Puts another policy in force. A call that is decided but not yet intended is decided again under it.
    pub fn rebind(&self, policy: Policy) -> Result<(), BindError> {
        check_binding(&policy, &self.shared.face, self.shared.durability)?;
        *self.shared.policy.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policy);
        self.record_policy()
    }

    /// The policy in force.
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.shared.policy.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The log.
    pub fn log(&self) -> &Log<State> {
        &self.shared.log
    }

    /// A fresh name for a call.
    pub fn call_id(&self) -> Result<CallId, StoreError> {
        let mut bytes = [0; 16];
        self.shared.random.fill(&mut bytes)?;
        Ok(CallId::from_random(bytes))
    }

    /// One call, end to end. `Err` guarantees that the tool did not start.
    pub fn enforce(&self, call: Call, run: impl FnOnce(Permit) -> Outcome) -> Result<Completed, Refused> {
        let (context, policy) = self.context(&call);
        let _span = context.span.enter();
        let frozen = self.freeze(call, policy, &context)?; //         from here on nothing changes under us
        let decided = self.decide(frozen, &context); //               pure and total: every path ends in a decision
        let decided = self.redact_inbound(decided, &context); //      a changed call is decided again; the stricter wins
        let (permit, open) = self.admit(decided, &context, Mode::Closed)?; // budgets taken, intent durable, or nothing runs
        let outcome = contain_panic(|| permit.look_again().unwrap_or_else(|| run(permit))); // the only effect; consumes the permit
        let ending = open.ending(outcome); //                         what may be seen
        open.settle(ending) //                                        always, whatever the tool did
    }

    /// The pipeline up to the tool, for a host that runs the tool itself. What it proves is *decided and recorded*.
    pub fn begin(&self, call: Call, mode: BeginMode) -> Result<Admitted, Refused> {
        let (context, policy) = self.context(&call);
        let _span = context.span.enter();
        let frozen = self.freeze(call, policy, &context)?;
        let decided = self.redact_inbound(self.decide(frozen, &context), &context);
        let (permit, open) = self.admit(decided, &context, mode.recorded())?;
        match permit.look_again() {
            None => Ok(Admitted { permit, open }),
            Some(changed) => Err(open.refuse(changed)),
        }
    }

    /// The pipeline after the tool. An inner `Err` is a tool that never started: the call is void, its reservations are back.
    pub fn finish(&self, admitted: Admitted, outcome: Outcome) -> Result<Result<Completed, Refused>, FinishError> {
        let Admitted { permit, mut open } = admitted;
        let _span = open.context.span.clone().entered();
        drop(permit);
        open.check_finishable()?;
        let ending = open.ending(outcome);
        Ok(open.settle(ending))
    }

    /// Refuses and records a call that a face could not even read: not JSON, a key twice, too deep. Its arguments are not
    /// looked at, so a face passes whatever it has of the call without them.
    pub fn refuse_malformed(&self, call: Call, malformed: Malformed) -> Refused {
        let (context, policy) = self.context(&call);
        let _span = context.span.enter();
        self.refuse(&context, &policy, Decision::malformed(malformed), Recorded::new())
    }

    /// Redacts what is said beside a call in a session, such as a notification, in the numbers of that session's placeholders.
    pub fn redact(&self, context: &Context, value: &Value, classes: ClassSet) -> Result<RedactedValue, Withheld> {
        let session = session_name(self.shared.log.keyer(), context);
        let session = (!context.session_id.is_empty()).then_some(session.as_str());
        let numbering = Numbering { log: &self.shared.log, session, records: true };
        let redacted = numbering.redact(|placeholders| Ok(redact_value_in(value, classes, placeholders)?.of(value)));
        redacted.unwrap_or_else(|error| Err(Withheld::NotNumbered(error.to_string())))
    }

    /// Ends a session: its calls are refused from here on, in every process of this log. Calls that run may end.
    pub fn end_session(&self, context: &Context) -> Result<(), EndSessionError> {
        end(&self.shared.log, context)
    }

    /// Where a session's state has left memory, it comes back here, or nothing is decided.
    fn freeze(&self, call: Call, policy: Arc<Policy>, context: &CallContext) -> Result<Frozen, Refused> {
        recall(&self.shared.log, &context.session).map_err(|error| forgotten(context, &error))?;
        self.freeze_under(Arc::clone(&policy), call)
            .map_err(|malformed| self.refuse(context, &policy, Decision::malformed(malformed), Recorded::new()))
    }

    /// Where paths lead is looked up here and nowhere in `decide` or `admit`: neither may wait for a file system.
    pub(super) fn freeze_under(&self, policy: Arc<Policy>, call: Call) -> Result<Frozen, Malformed> {
        let Shared { resolver, face, .. } = &*self.shared;
        let paths = policy.path_args(&call.tool);
        let how = Freezing { paths: &paths, resolver: &**resolver, rewrites: face.can(Capability::RewriteArguments) };
        Ok(Frozen { call: FrozenCall::freeze(call, how)?, policy })
    }

    pub(super) fn decide(&self, Frozen { call, policy }: Frozen, context: &CallContext) -> Decided {
        let (decision, version) = self.shared.log.view(|state| {
            let known = state.session(&context.session);
            let nothing = BTreeMap::new();
            let facts = match known {
                Known::New => &nothing,
                Known::Awake(session) => &session.facts,
                Known::Ended => return (Decision::refused(code::SESSION_ENDED, "the session was ended"), None),
                Known::Asleep(_) => return (Decision::refused(code::CONTENTION, "the session is not in memory"), None),
            };
            let view = SessionView { facts, keyer: self.shared.log.keyer() };
            (policy.decide(&call, &view, &self.shared.protected), known.version())
        });
        let (redactions, sent) = Default::default();
        Decided { call, asked: None, decision, policy, version, redactions, sent }
    }

    /// Redacts until nothing more is found: the decision on a changed call may oblige more than the first one did.
    fn redact_inbound(&self, decided: Decided, context: &CallContext) -> Decided {
        self.redacted(decided, context, true)
    }

    pub(super) fn redacted(&self, mut decided: Decided, context: &CallContext, records: bool) -> Decided {
        let numbering = context.numbering(&self.shared.log, records);
        // Once, and before anything is redacted here: what the caller wrote is looked at, and not our own placeholders.
        let issued = self.shared.log.view(|state| state.issued(&context.session));
        let Some(issued) = issued else { return decided };
        let (decision, sent) = inbound::hold_placeholders(&decided.call, decided.decision, &decided.policy, &issued);
        // From here on the state may change it in place.
        drop(issued);
        decided = Decided { decision, sent, ..decided };
        for _ in 0..DECISIONS_MAX {
            // What is denied keeps its rules and its reason, and nothing of it is redacted and numbered: no tool sees it.
            if decided.decision.verdict == Verdict::Deny {
                return decided;
            }
            match inbound::redact(&decided.call, &decided.decision, &decided.policy, &numbering) {
                Ok(None) => return decided,
                Ok(Some((call, redactions))) => {
                    let again = self.decide(Frozen { call, policy: Arc::clone(&decided.policy) }, context);
                    let mut counts = decided.redactions;
                    redactions.into_iter().for_each(|(class, n)| *counts.entry(class).or_default() += n);
                    let decision = again.decision.stricter(decided.decision);
                    let asked = decided.asked.or(Some(decided.call));
                    decided = Decided { asked, decision, redactions: counts, sent: decided.sent, ..again };
                }
                Err((code, reason)) => {
                    return Decided { decision: decided.decision.and_deny(code, reason), ..decided };
                }
            }
        }
        let why = "redaction keeps finding more in what it wrote";
        Decided { decision: decided.decision.and_deny(code::UNREDACTABLE_ARGUMENT, why), ..decided }
    }

    /// Admits and intends in one step: the permit exists only once its intent is acknowledged.
    fn admit(&self, mut decided: Decided, context: &CallContext, mode: Mode) -> Result<(Permit, OpenCall), Refused> {
        for _ in 0..DECISIONS_MAX {
            match self.try_admit(&decided, context, mode) {
                Ok(()) => {
                    let Decision { code, rules, .. } = &decided.decision;
                    info!(decision = "allow", code = code.as_str(), ?rules, "call admitted");
                    let open = OpenCall::new(&self.shared, context.clone(), decided.decision);
                    let due = open.due().cloned();
                    let sets_facts = !open.decision.sets_facts.is_empty();
                    let resolver = Arc::clone(&self.shared.resolver);
                    return Ok((Permit::new(decided.call, due, sets_facts, resolver), open));
                }
                Err(CommitError::Refused(NotYet::Stale)) => {
                    // From what was asked for: what redaction left of it may be allowed where it is not.
                    let asked = decided.asked.unwrap_or(decided.call);
                    let frozen = self.freeze(asked.thaw(), self.policy(), context)?;
                    decided = self.redact_inbound(self.decide(frozen, context), context);
                }
                Err(CommitError::Refused(NotYet::No(NotAdmitted::Denied(decision)))) => {
                    return Err(self.refuse(context, &decided.policy, *decision, self.recorded(&decided, context)));
                }
                Err(CommitError::Refused(NotYet::No(NotAdmitted::Asks(decision, asks)))) => {
                    let decision = needs_approval(&decided.policy, *decision, asks);
                    return Err(self.ask(&decided, context, decision));
                }
                Err(CommitError::Log(error)) => return Err(log_refusal(context, &error)),
            }
        }
        let recorded = self.recorded(&decided, context);
        let denied =
            decided.decision.and_deny(code::CONTENTION, "the session kept changing while this call was decided");
        Err(self.refuse(context, &decided.policy, denied, recorded))
    }

    fn try_admit(&self, decided: &Decided, context: &CallContext, mode: Mode) -> Result<(), CommitError<NotYet>> {
        // Before the log's turn, in which no placeholder is numbered.
        let recorded = self.recorded(decided, context);
        let propose = |state: &State, now_us: i64| {
            let version = state.session(&context.session).version();
            if version != decided.version || !Arc::ptr_eq(&decided.policy, &self.policy()) {
                return Err(NotYet::Stale);
            }
            let admission = self.admission_context(decided, state, context, now_us);
            let delta = admission::admit(&decided.decision, &decided.call, &admission).map_err(NotYet::No)?;
            let intent = IntentRecord {
                record: self.call_record(context, &decided.policy, &decided.decision, recorded.clone()),
                commitment: Some(admission.keyer.name("call", &decided.call.digest())),
                delta,
                mode: Some(mode),
                redactions: decided.redactions.iter().map(|(class, n)| (class.as_str().to_owned(), *n)).collect(),
                note: intent_note(decided, &context.tool),
            };
            Ok((Body::Intent(intent).into(), ()))
        };
        self.shared.log.commit(self.shared.durability, propose).map(|((), _)| ())
    }

    /// Asks every required approver; if one is unreachable, the call is denied.
    fn ask(&self, decided: &Decided, context: &CallContext, decision: Decision) -> Refused {
        let approver = self.shared.approver.as_ref();
        let ask_one = |ask: &Ask| match approver?.ask(decided.policy.approval_request(ask), &decided.call) {
            AskOutcome::Delivered { expires_us } => Some(expires_us),
            AskOutcome::Unreachable => None,
        };
        let Some(expires_us) =
            decision.asks.iter().map(ask_one).collect::<Option<Vec<i64>>>().and_then(|all| all.into_iter().min())
        else {
            let explained = decided.policy.explain_asks(&decision.asks);
            let why = "this call needs an approval and no approver can be reached";
            let denied = decision.and_deny(code::NO_APPROVER, why).explained(explained);
            return self.refuse(context, &decided.policy, denied, self.recorded(decided, context));
        };
        let recorded = self.recorded(decided, context);
        let entry = Body::Pending(self.call_record(context, &decided.policy, &decision, recorded)).into();
        match self.record(entry) {
            Ok(()) => {
                info!(
                    decision = "ask", code = decision.code.as_str(), rules = ?decision.rules, "call waits for approval"
                );
                refused(context, &decided.policy, Refusal::Pending { expires_us }, decision, true)
            }
            Err(error) => log_refusal(context, &error),
        }
    }

    /// Records a refusal and returns it. It stays a refusal when it cannot be recorded.
    fn refuse(&self, context: &CallContext, policy: &Policy, decision: Decision, recorded: Recorded) -> Refused {
        let Grounds { rule, condition } = decision.grounds.as_deref().cloned().unwrap_or_default();
        let denial = DenialRecord { record: self.call_record(context, policy, &decision, recorded), condition, rule };
        let recorded = self.record(Body::Denial(denial).into());
        if let Err(error) = &recorded {
            warn!(%error, "a refusal could not be recorded");
        }
        info!(decision = "deny", code = decision.code.as_str(), rules = ?decision.rules, "call refused");
        let kind = if decision.is_malformed() { Refusal::Malformed } else { Refusal::Denied };
        refused(context, policy, kind, decision, recorded.is_ok())
    }

    fn record_policy(&self) -> Result<(), BindError> {
        let policy = self.policy();
        let note =
            [("name".to_owned(), policy.name().to_owned()), ("version".to_owned(), policy.version().to_owned())].into();
        let entry = Body::Policy(PolicyRecord { note, policy: Some(hex(policy.digest())) }).into();
        Ok(self.record(entry)?)
    }

    /// Writes an entry that depends on no state.
    fn record(&self, entry: Entry) -> Result<(), LogError> {
        match self.shared.log.commit(self.shared.durability, |_, _| Ok::<_, Infallible>((entry, ()))) {
            Ok(_) => Ok(()),
            Err(CommitError::Log(error)) => Err(error),
            Err(CommitError::Refused(never)) => match never {},
        }
    }

    /// What an entry says of a call and the decision about it.
    fn call_record(
        &self,
        context: &CallContext,
        policy: &Policy,
        decision: &Decision,
        recorded: Recorded,
    ) -> CallRecord {
        CallRecord {
            args: recorded,
            call: Some(context.id.to_string()),
            parent: context.parent.as_ref().map(ToString::to_string),
            tool: Some(self.tool_name(policy, &context.tool)),
            tool_name: (!policy.declares(&context.tool)).then(|| shown_tool(&context.tool)),
            session: Some(context.session.clone()),
            session_name: context.clear_session.clone(),
            principal: context.principal.clone(),
            principal_name: context.clear_principal.clone(),
            policy: Some(hex(policy.digest())),
            decision: Some(decision.verdict.as_str().to_owned()),
            code: Some(decision.code.to_string()),
            rules: decision.rules.clone(),
        }
    }

    /// The arguments of the call that its entry repeats.
    fn recorded(&self, decided: &Decided, context: &CallContext) -> Recorded {
        let numbering = context.numbering(&self.shared.log, false);
        recorded_args(&decided.call, &decided.decision, &decided.policy, &numbering)
    }

    /// A tool's name as it is written down: one that no policy declares is any text, and could say anything.
    fn tool_name(&self, policy: &Policy, tool: &str) -> String {
        if policy.declares(tool) {
            return tool.to_owned();
        }
        format!("undeclared:{}:{}", tool.len(), self.shared.log.keyer().name("tool", tool.as_bytes()))
    }

    pub(super) fn admission_context<'a>(
        &'a self,
        decided: &'a Decided,
        state: &'a State,
        context: &'a CallContext,
        now_us: i64,
    ) -> AdmissionContext<'a> {
        let (policy, approver) = (&*decided.policy, self.shared.approver.as_deref());
        AdmissionContext { policy, state, keyer: self.shared.log.keyer(), session: &context.session, now_us, approver }
    }

    /// Who calls, and the policy in force. A later policy is looked for once, in the log's turn that writes the intent.
    pub(super) fn context(&self, call: &Call) -> (CallContext, Arc<Policy>) {
        let (keyer, context) = (self.shared.log.keyer(), &call.context);
        let session = session_name(keyer, context);
        let named = !context.session_id.is_empty();
        let principal = Some(&context.principal).filter(|principal| !principal.is_empty());
        let (clear_session, clear_principal) = match self.shared.identities {
            Identities::Keyed => (None, None),
            Identities::Clear => (named.then(|| shown_identity(&context.session_id)), principal.map(shown_principal)),
        };
        let principal = principal.map(|principal| keyed_principal(keyer, principal));
        let policy = self.policy();
        let tool = self.tool_name(&policy, &call.tool);
        let span = info_span!("call", call = %call.id, ?tool, policy = policy.name(), %session);
        let (id, parent, tool) = (call.id.clone(), call.parent.clone(), call.tool.clone());
        (CallContext { id, parent, tool, session, clear_session, named, principal, clear_principal, span }, policy)
    }
}

/// A call with the policy that says which of its arguments are paths, and how they are read.
pub(super) struct Frozen {
    call: FrozenCall,
    policy: Arc<Policy>,
}

/// A call with the decision about it and everything the decision was made on.
pub(super) struct Decided {
    pub(super) call: FrozenCall,
    /// The call as it was before redaction, if that changed it.
    asked: Option<FrozenCall>,
    pub(super) decision: Decision,
    pub(super) policy: Arc<Policy>,
    /// The session's version; `None` where no call is decided in it.
    version: Option<u64>,
    redactions: BTreeMap<Class, u64>,
    /// Placeholders that the tool gets because the policy says so.
    sent: BTreeSet<String>,
}

/// Why a proposal writes no intent.
enum NotYet {
    /// The session or the policy changed since the decision.
    Stale,
    /// Admission refused.
    No(NotAdmitted),
}

/// Placeholders that an intent names at most: they are a model's text, and an entry's size is limited.
const SENT_PLACEHOLDERS_MAX: usize = 32;

/// What an intent says beside its decision: the protected names that the policy permits to the tool, and the placeholders it
/// gets.
fn intent_note(decided: &Decided, tool: &str) -> BTreeMap<String, String> {
    let mut note = BTreeMap::new();
    let unprotected = decided.policy.unprotected(tool);
    if !unprotected.is_empty() {
        note.insert("unprotected".to_owned(), unprotected.join(", "));
    }
    if !decided.sent.is_empty() {
        let named: Vec<&str> = decided.sent.iter().map(String::as_str).take(SENT_PLACEHOLDERS_MAX).collect();
        let more = if decided.sent.len() > named.len() { ", .." } else { "" };
        note.insert("placeholders_sent".to_owned(), format!("{}{more}", named.join(", ")));
    }
    note
}

fn check_binding(policy: &Policy, face: &Face, durability: Durability) -> Result<(), BindError> {
    let exceeding = policy.exceeds(face);
    if !exceeding.is_empty() {
        return Err(BindError::Face(exceeding));
    }
    if policy.uses_state() && durability == Durability::Buffered { Err(BindError::BufferedState) } else { Ok(()) }
}

fn contain_panic(run: impl FnOnce() -> Outcome) -> Outcome {
    // Whatever a panicking tool left half done is its own; the pipeline's values are not shared with it.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(Outcome::Crashed)
}

fn refused(context: &CallContext, policy: &Policy, kind: Refusal, decision: Decision, recorded: bool) -> Refused {
    let Decision { code, reason, rules, explanation, .. } = decision;
    let rules = policy.shown_ids(rules);
    Refused { call: context.id.clone(), kind, code, reason, rules, recorded, explanation }
}

fn forgotten(context: &CallContext, error: &LogError) -> Refused {
    unlogged(context, "what the evidence log says of this session cannot be read back", error)
}

fn log_refusal(context: &CallContext, error: &LogError) -> Refused {
    unlogged(context, "the evidence log cannot be written", error)
}

/// The refusal of a call whose log fails. Nothing can be recorded of it.
fn unlogged(context: &CallContext, what: &str, error: &LogError) -> Refused {
    warn!(%error, "call refused: {what}");
    Refused {
        call: context.id.clone(),
        kind: Refusal::EnforcementFailed,
        code: code::LOG_UNAVAILABLE,
        reason: format!("{what}, so nothing runs: {error}"),
        rules: Vec::new(),
        recorded: false,
        explanation: None,
    }
}

pub(super) fn needs_approval(policy: &Policy, decision: Decision, asks: Vec<Ask>) -> Decision {
    let explained = policy.explain_asks(&asks);
    let rules = asks.iter().map(|ask| ask.rule.clone()).collect();
    let reason =
        if decision.verdict == Verdict::Ask { decision.reason } else { "a budget asks for an approval".to_owned() };
    Decision { verdict: Verdict::Ask, code: code::APPROVAL_REQUIRED, reason, rules, asks, ..decision }
        .explained(explained)
}
