//! Runs a policy's inline tests: each call is frozen, decided and charged as the line would. There is no host, so no place is
//! protected here.

use std::collections::BTreeMap;

use crate::audit::{Body, Delta, Entry, Fold, IntentRecord};
use crate::call::{Call, CallId, Context, Freezing, FrozenCall, Malformed};
use crate::decision::{Ask, Decision, Verdict};
use crate::diagnostic::Span;
use crate::engine::admission::{AdmissionContext, NotAdmitted, admit};
use crate::policy::{Expectation, InlineTest, Policy, Protected, TestCall};
use crate::ports::{ApprovalRequest, Approver, AskOutcome, Grant, PathResolver};
use crate::session::{Keyer, SessionView, State};

/// What the tests of a policy came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestReport {
    /// One result for each test, in order.
    pub results: Vec<TestResult>,
}

/// One test's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestResult {
    /// Where the expectation stands.
    pub span: Span,
    /// What the test expects, in the policy's words.
    pub expected: String,
    /// What the policy decides, in the same words.
    pub got: String,
    /// Why, in one sentence.
    pub reason: String,
    /// Whether the two agree.
    pub passed: bool,
}

impl TestReport {
    /// Whether every test passed.
    pub fn passed(&self) -> bool {
        self.results.iter().all(|result| result.passed)
    }
}

/// Runs the document's inline tests. Those of the documents it is bound by are theirs to run.
pub fn run_tests(policy: &Policy, resolver: &dyn PathResolver) -> TestReport {
    let results = policy.tests().iter().map(|test| {
        let (got, by, reason) = verdict_of(policy, test, resolver);
        let (expected, passed) = match &test.expect {
            Expectation::Malformed => ("malformed".to_owned(), got == "malformed"),
            Expectation::Verdict { verdict, by: None } => (verdict.as_str().to_owned(), got == verdict.as_str()),
            Expectation::Verdict { verdict, by: Some(id) } => {
                let agrees = id.as_ref().map_or(by.is_empty(), |id| by.contains(id));
                let id = id.as_deref().unwrap_or("no rule");
                (format!("{} by {id}", verdict.as_str()), got == verdict.as_str() && agrees)
            }
        };
        let by = if by.is_empty() { "no rule".to_owned() } else { by.join(", ") };
        let got = if got == "malformed" { got.to_owned() } else { format!("{got} by {by}") };
        TestResult { span: test.span.clone(), expected, got, reason, passed }
    });
    TestReport { results: results.collect() }
}

/// The verdict, the rules that made it, and why.
fn verdict_of(policy: &Policy, test: &InlineTest, resolver: &dyn PathResolver) -> (&'static str, Vec<String>, String) {
    // Tests compare within one run only, so any key serves.
    let keyer = Keyer::new([0x5a; 32]);
    let mut state = State::default();
    for call in &test.before {
        // A call before is one that ran: what it takes is taken, whether or not it was asked for.
        if let Ok(Step { deltas, .. }) = step(policy, test, call, resolver, &keyer, &state) {
            let mut intent = Entry::from(Body::Intent(IntentRecord { delta: deltas, ..IntentRecord::default() }));
            intent.head.time_us = test.now_us;
            state.apply(&intent, 0);
        }
    }
    match step(policy, test, &test.call, resolver, &keyer, &state) {
        Ok(Step { decision, .. }) if decision.malformed => ("malformed", Vec::new(), decision.reason),
        Ok(Step { decision, .. }) => (decision.verdict.as_str(), decision.rules, decision.reason),
        Err(malformed) => ("malformed", Vec::new(), malformed.message),
    }
}

struct Step {
    decision: Decision,
    deltas: Vec<Delta>,
}

/// Freezes, decides and admits one call. A test has no approver, so an ask stays an ask.
fn step(
    policy: &Policy,
    test: &InlineTest,
    call: &TestCall,
    resolver: &dyn PathResolver,
    keyer: &Keyer,
    state: &State,
) -> Result<Step, Malformed> {
    let context = Context {
        session_id: "test".to_owned(),
        tenant: String::new(),
        principal: test.principal.clone(),
        session: test.session.clone(),
        facts: test.facts.clone(),
    };
    let (id, args) = (CallId::from_random([0; 16]), call.args.clone());
    let call = Call { id, parent: None, tool: call.tool.clone(), args, context };
    let paths = policy.path_args(&call.tool);
    let call = FrozenCall::freeze(call, Freezing { paths: &paths, resolver, rewrites: true })?;
    let facts = BTreeMap::new();
    let decision = policy.decide(&call, &SessionView { facts: &facts, keyer }, &Protected::default());
    let moment = AdmissionContext { policy, state, keyer, session: "test", now_us: test.now_us, approver: None };
    Ok(match admit(&decision, &call, &moment) {
        Ok(deltas) => Step { decision, deltas },
        Err(NotAdmitted::Denied(denied)) => Step { decision: *denied, deltas: Vec::new() },
        Err(NotAdmitted::Asks(_, missing)) => {
            Step { deltas: taken(&decision, &call, &moment), decision: asked(decision, missing) }
        }
    })
}

/// The decision once a budget asks too.
fn asked(mut decision: Decision, missing: Vec<Ask>) -> Decision {
    decision.verdict = Verdict::Ask;
    decision.rules = missing.into_iter().map(|ask| ask.rule).collect();
    decision
}

/// What a call that was approved has taken: the same admission with a person who says yes to everything.
fn taken(decision: &Decision, call: &FrozenCall, moment: &AdmissionContext<'_>) -> Vec<Delta> {
    let mut deltas =
        admit(decision, call, &AdmissionContext { approver: Some(&YesToAll), ..*moment }).unwrap_or_default();
    // Only reservations matter to later calls: each of these grants stands for another person's yes.
    deltas.retain(|delta| matches!(delta, Delta::Reserve { .. }));
    deltas
}

struct YesToAll;

impl Approver for YesToAll {
    fn ask(&self, _approval: ApprovalRequest<'_>, _call: &FrozenCall) -> AskOutcome {
        AskOutcome::Unreachable
    }

    fn grant(&self, approval: ApprovalRequest<'_>, _call_digest: &[u8; 32], now_us: i64) -> Option<Grant> {
        let (approver, expires_us) = ("test".to_owned(), now_us.saturating_add(1));
        Some(Grant { id: approval.name.to_owned(), approver, given_us: now_us, expires_us })
    }
}
