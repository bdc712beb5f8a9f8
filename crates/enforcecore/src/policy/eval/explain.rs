//! Why the rules do not let a call run: asked for once a call is denied, and never for one that runs.
//!
//! The nearest rule is the one with the fewest failed conditions, and among equals the first of the policy's documents in
//! order. A document that says `explain: none` is left out of what the caller gets, and kept in what the log gets.

use super::super::ast::{Subject, Verb};
use super::super::comparators::Check;
use super::super::compiled::{Core, CoreDocument, CoreRule, Selected, Test};
use super::super::kleene::Truth as Kleene;
use super::super::types::ItemKind;
use super::context::Scene;
use crate::call::Malformed;
use crate::codes::call as code;
use crate::explanation::{
    CONDITIONS_MAX, Change, Condition, Explanation, Grounds, NamedRule, PLACE_CHARS_MAX, Truth, cut, quoted,
};

/// What the caller gets, if a document says it that is explained, and what the log gets.
pub(crate) type Explained = (Option<Explanation>, Grounds);

/// Why the rules deny the call: the first rule that does, or else the nearest that could permit it.
pub(super) fn denial<'a>(core: &'a Core, scene: &Scene<'a>) -> Explained {
    let denies: Vec<Near<'a>> = core.documents.iter().flat_map(|document| denying(document, scene)).collect();
    let unsatisfied: Vec<&CoreDocument> =
        core.documents.iter().filter(|document| !document.guardrail && !permits(document, scene)).collect();
    let near: Vec<Near<'a>> = if denies.is_empty() {
        unsatisfied.iter().filter_map(|document| nearest(document, scene)).collect()
    } else {
        denies
    };
    let steps = if near.iter().any(|near| near.rule.verb == Verb::Deny) {
        near.len().saturating_add(unsatisfied.len())
    } else {
        unsatisfied.len()
    };
    let first = near.iter().min_by_key(|near| near.distance());
    let grounds = first.map(Near::grounds).unwrap_or_default();
    let shown = near.iter().filter(|near| near.document.explained).min_by_key(|near| near.distance());
    (shown.map(|near| near.explanation(steps == 1 && !near.is_entangled(core, scene))), grounds)
}

/// Why a call does not fit its tool: the declared argument that it is about, or the ones that there are.
pub(super) fn misfit(core: &Core, scene: &Scene<'_>, name: Option<&str>, malformed: &Malformed) -> Explained {
    let Some(document) = core.documents.get(scene.tool.document) else { return Explained::default() };
    // The tool's name is one that a document declares, and so the policy's own word.
    let args = format!("/tools/{}/args", escaped(scene.call.tool()));
    let place = document.place(&name.map_or_else(|| args.clone(), |name| format!("{args}/{}", escaped(name))));
    let grounds = Grounds { rule: None, condition: Some(place.clone()) };
    // What an argument's declaration admits may be another document's word.
    if !document.explained || malformed.code == code::VALUE_NOT_ADMITTED && core.documents.iter().any(|d| !d.explained)
    {
        return (None, grounds);
    }
    let conditions = match name.and_then(|name| scene.tool.args.get_key_value(name)) {
        None => vec![Condition { must: known_args(scene), ..Condition::new(place, Truth::False) }],
        Some((name, arg)) if malformed.code == code::VALUE_NOT_ADMITTED => {
            let subject = Subject::Arg(name.clone());
            let value = scene.arg(name);
            let checks = arg
                .fits
                .iter()
                .filter(|check| value.is_some_and(|value| scene.fits(name, &arg.ty, value, check) != Ok(true)));
            let failed = checks.take(CONDITIONS_MAX);
            failed
                .map(|check| condition(place.clone(), &subject, std::slice::from_ref(check), false, Truth::False))
                .collect()
        }
        Some((name, arg)) => {
            let must = format!("{} must be {}", quoted(name), arg.ty.row.noun);
            vec![Condition { subject: Some(name.clone()), must, ..Condition::new(place, Truth::False) }]
        }
    };
    (Some(Explanation { conditions, enough: false, ..Explanation::default() }), grounds)
}

fn known_args(scene: &Scene<'_>) -> String {
    let known: Vec<String> = scene.tool.args.keys().take(CONDITIONS_MAX).map(|name| quoted(name)).collect();
    match (known.len(), scene.tool.args.len().saturating_sub(known.len())) {
        (0, _) => "the tool takes no arguments".to_owned(),
        (_, 0) => format!("the tool takes {}", known.join(", ")),
        (_, more) => format!("the tool takes {} and {more} more", known.join(", ")),
    }
}

/// A rule with what stands between it and the call.
struct Near<'a> {
    document: &'a CoreDocument,
    index: usize,
    rule: &'a CoreRule,
    failed: Vec<Failed<'a>>,
}

/// One condition that is not as it would have to be.
struct Failed<'a> {
    of: Part<'a>,
    /// It would have to fail.
    negative: bool,
    tests: Vec<(&'a Subject, &'a [Check], Kleene)>,
}

/// What of a rule is meant.
enum Part<'a> {
    /// That the rule speaks about the tool.
    Selection(&'static str),
    /// A test of its `when`.
    When(&'a Subject, &'a [Check]),
    /// All of its `unless`.
    Unless,
}

fn denying<'a>(document: &'a CoreDocument, scene: &Scene<'a>) -> Vec<Near<'a>> {
    let rules = rules_of(document, scene).filter(|(_, rule, _)| rule.verb == Verb::Deny);
    let holding = rules.filter(|(_, rule, certain)| scene.rule(rule, *certain) != Ok(false));
    holding.map(|(index, rule, _)| Near { document, index, rule, failed: against(rule, scene) }).collect()
}

fn permits(document: &CoreDocument, scene: &Scene<'_>) -> bool {
    rules_of(document, scene).any(|(_, rule, certain)| rule.verb != Verb::Deny && scene.rule(rule, certain) == Ok(true))
}

/// The rule of a document that comes nearest to permitting the call.
fn nearest<'a>(document: &'a CoreDocument, scene: &Scene<'a>) -> Option<Near<'a>> {
    let rules = rules_of(document, scene).filter(|(_, rule, _)| rule.verb != Verb::Deny);
    let near =
        rules.map(|(index, rule, certain)| Near { document, index, rule, failed: missing(rule, certain, scene) });
    near.min_by_key(Near::distance)
}

fn rules_of<'a>(
    document: &'a CoreDocument,
    scene: &Scene<'a>,
) -> impl Iterator<Item = (usize, &'a CoreRule, bool)> + use<'a> {
    let selected = document.rules_of.get(scene.call.tool()).into_iter().flatten();
    selected.filter_map(|Selected { rule, certain }| Some((*rule, document.rules.get(*rule)?, *certain)))
}

/// What keeps a rule from permitting the call.
fn missing<'a>(rule: &'a CoreRule, certain: bool, scene: &Scene<'a>) -> Vec<Failed<'a>> {
    let mut failed = Vec::new();
    if !certain {
        failed.push(Failed { of: Part::Selection(rule.verb.word()), negative: false, tests: Vec::new() });
    }
    for (subject, checks) in parts(&rule.when) {
        let truth = scene.holds(subject, checks);
        if truth != Ok(true) {
            let tests = vec![(subject, checks, truth)];
            failed.push(Failed { of: Part::When(subject, checks), negative: false, tests });
        }
    }
    if let Some(unless) = &rule.unless
        && scene.condition(unless) != Ok(false)
    {
        let tests = parts(unless).map(|(subject, checks)| (subject, checks, scene.holds(subject, checks))).collect();
        failed.push(Failed { of: Part::Unless, negative: true, tests });
    }
    failed
}

/// What would keep a rule from denying the call: each by itself.
fn against<'a>(rule: &'a CoreRule, scene: &Scene<'a>) -> Vec<Failed<'a>> {
    let when = parts(&rule.when).map(|(subject, checks)| {
        let tests = vec![(subject, checks, scene.holds(subject, checks))];
        Failed { of: Part::When(subject, checks), negative: true, tests }
    });
    let unless = rule.unless.as_ref().map(|unless| {
        let tests = parts(unless).map(|(subject, checks)| (subject, checks, scene.holds(subject, checks)));
        Failed { of: Part::Unless, negative: false, tests: tests.filter(|(.., truth)| *truth != Ok(true)).collect() }
    });
    when.chain(unless).collect()
}

/// The conditions of a rule one by one. Tests of the same item stay together: two items may each fulfil one of them.
fn parts(tests: &[Test]) -> impl Iterator<Item = (&Subject, &[Check])> {
    tests.iter().flat_map(|test| {
        let together = matches!(test.subject, Subject::Quantified { every: false, .. });
        let size = if together { test.checks.len().max(1) } else { 1 };
        test.checks.chunks(size).map(move |checks| (&test.subject, checks))
    })
}

/// Whether a test may come out otherwise once the subject is another.
fn concerns(test: &Test, subject: &Subject) -> bool {
    let whole = |subject: &Subject| matches!(subject, Subject::Quantified { .. });
    let compared = || {
        let name = subject.to_string();
        test.checks.iter().any(|check| check.shown().references.contains(&name))
    };
    test.subject == *subject || whole(&test.subject) || whole(subject) || compared()
}

impl Near<'_> {
    /// How many conditions have to change.
    fn distance(&self) -> usize {
        match self.rule.verb {
            Verb::Deny => 1,
            Verb::Allow | Verb::Ask => self.failed.len(),
        }
    }

    /// Whether what would have to change is looked at by another rule too, which may then say otherwise.
    fn is_entangled(&self, core: &Core, scene: &Scene<'_>) -> bool {
        let changing: Vec<&Subject> =
            self.failed.iter().flat_map(|failed| failed.tests.iter().map(|(subject, ..)| *subject)).collect();
        let denies = self.rule.verb == Verb::Deny;
        let others = core.documents.iter().flat_map(|document| rules_of(document, scene)).map(|(_, rule, _)| rule);
        let mut others = others.filter(|rule| rule.id != self.rule.id && (denies || rule.verb == Verb::Deny));
        others.any(|rule| {
            let mut tests = rule.when.iter().chain(rule.unless.iter().flatten());
            tests.any(|test| changing.iter().any(|subject| concerns(test, subject)))
        })
    }

    fn grounds(&self) -> Grounds {
        let condition = self.failed.first().map(|failed| self.place_of(failed));
        Grounds { rule: Some(self.rule.id.clone()), condition: condition.or_else(|| Some(self.place())) }
    }

    fn explanation(&self, only_step: bool) -> Explanation {
        let verb = self.rule.verb;
        let conditions: Vec<Condition> =
            self.failed.iter().take(CONDITIONS_MAX).map(|failed| self.condition(failed)).collect();
        let more_conditions = self.failed.len().saturating_sub(conditions.len());
        let change = if verb == Verb::Deny { Change::One } else { Change::All };
        let selected = !self.failed.iter().any(|failed| matches!(failed.of, Part::Selection(_)));
        Explanation {
            rule: Some(NamedRule { id: self.rule.id.clone(), verb: verb.word(), place: self.place() }),
            enough: only_step && selected && !conditions.is_empty() && (change == Change::One || more_conditions == 0),
            conditions,
            more_conditions,
            change,
            budget: None,
            approvals: Vec::new(),
        }
    }

    fn place(&self) -> String {
        self.document.place(&format!("/rules/{}", self.index))
    }

    fn place_of(&self, failed: &Failed<'_>) -> String {
        let pointer = match failed.of {
            Part::Selection(verb) => verb.to_owned(),
            Part::When(subject, [check]) => format!("when/{}/{}", escaped(&subject.to_string()), check.row.name),
            Part::When(subject, _) => format!("when/{}", escaped(&subject.to_string())),
            Part::Unless => match failed.tests.as_slice() {
                [(subject, [check], _)] => format!("unless/{}/{}", escaped(&subject.to_string()), check.row.name),
                _ => "unless".to_owned(),
            },
        };
        self.document.place(&format!("/rules/{}/{pointer}", self.index))
    }

    fn condition(&self, failed: &Failed<'_>) -> Condition {
        let place = self.place_of(failed);
        let Failed { negative, tests, .. } = failed;
        let state = state(*negative, tests.iter().map(|(.., truth)| truth));
        match tests.as_slice() {
            [(subject, checks, _)] => condition(place, subject, checks, *negative, state),
            [] => Condition {
                must: "what the tool does must be declared".to_owned(),
                ..Condition::new(place, Truth::Unknown("what the tool does is unknown".to_owned()))
            },
            many => {
                let musts = many.iter().map(|(subject, checks, _)| must(subject, checks, *negative));
                let join = if *negative { " or " } else { " and " };
                Condition { must: musts.collect::<Vec<_>>().join(join), ..Condition::new(place, state) }
            }
        }
    }
}

/// The first reason why something cannot be decided, or what is the case.
fn state<'t>(negative: bool, mut truths: impl Iterator<Item = &'t Kleene>) -> Truth {
    let known = if negative { Truth::True } else { Truth::False };
    truths.find_map(|truth| truth.as_ref().err()).map_or(known, |why| Truth::Unknown(why.clone()))
}

/// One subject and what it would have to be, or not to be.
pub(super) fn condition(place: String, subject: &Subject, checks: &[Check], negative: bool, state: Truth) -> Condition {
    let mut shown = Condition {
        subject: Some(subject.to_string()),
        must: must(subject, checks, negative),
        ..Condition::new(place, state)
    };
    if let [check] = checks {
        let operand = check.shown();
        shown.comparator = Some(check.row.name);
        (shown.literals, shown.more_literals, shown.references) = (operand.literals, operand.more, operand.references);
    }
    shown
}

/// What would be allowed, in words.
fn must(subject: &Subject, checks: &[Check], negative: bool) -> String {
    let demands: Vec<String> = checks.iter().map(Check::demand).collect();
    let (demand, name) = (demands.join(" and "), quoted(&subject.to_string()));
    match (subject, negative) {
        (Subject::Arg(_) | Subject::Reference(_), false) => format!("{name} must {demand}"),
        (Subject::Arg(_) | Subject::Reference(_), true) => format!("{name} must not {demand}"),
        (Subject::Quantified { every: true, kind }, false) => format!("every {} must {demand}", noun(*kind)),
        (Subject::Quantified { every: true, kind }, true) => format!("not every {} may {demand}", noun(*kind)),
        (Subject::Quantified { every: false, kind }, false) => format!("some {} must {demand}", noun(*kind)),
        (Subject::Quantified { every: false, kind }, true) => format!("no {} may {demand}", noun(*kind)),
    }
}

fn noun(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::String => "text",
        ItemKind::Path => "path",
        ItemKind::Read => "path that is read",
        ItemKind::Write => "path that is written",
        ItemKind::Host => "host",
    }
}

impl CoreDocument {
    /// A place in this document: its name, and a JSON Pointer.
    pub(crate) fn place(&self, pointer: &str) -> String {
        cut(&format!("{}#{pointer}", self.name), PLACE_CHARS_MAX)
    }
}

/// A name as a part of a JSON Pointer.
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
