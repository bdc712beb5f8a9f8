//! Laws over random policies: agreement with an independent evaluator, monotone composition, the polarity of errors.
#![cfg(test)]

mod policy_support;

use enforcecore::decision::{Decision, Verdict};
use enforcecore::policy::Policy;
use enforcecore::value::Value;
use policy_support::{Scene, call, load, load_bytes, policy_with};
use proptest::prelude::*;

/// A random rule: what it does, which tools, and which atoms must and must not hold.
#[derive(Clone, Debug)]
struct Rule {
    verb: &'static str,
    select: Select,
    when: Vec<Atom>,
    unless: Option<Vec<Atom>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Select {
    Tool,
    Reads,
    Sends,
    Anything,
}

/// A condition; each is true, false, or unknown in some scene.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Atom {
    IsAdmin,
    LevelAtLeast3,
    FactIsV,
    AnyStringX,
    EveryStringX,
    /// Only under a selector of the one tool that has the argument.
    ArgIsX,
    ArgAtMost5,
}

/// What a scene says, with everything that can be unset or of another type.
#[derive(Clone, Debug)]
struct World {
    tool: &'static str,
    arg: Option<&'static str>,
    number: &'static str,
    role: Option<&'static str>,
    level: Option<&'static str>,
    fact: Option<(&'static str, bool)>,
}

impl Atom {
    fn yaml(self) -> &'static str {
        match self {
            Atom::IsAdmin => "principal.role: {equals: admin}",
            Atom::LevelAtLeast3 => "principal.level: {at_least: 3}",
            Atom::FactIsV => "fact.f: {equals: v}",
            Atom::AnyStringX => "any_string: {equals: x}",
            Atom::EveryStringX => "every_string: {equals: x}",
            Atom::ArgIsX => "a: {equals: x}",
            Atom::ArgAtMost5 => "m: {at_most: 5}",
        }
    }

    /// The truth by another way than the evaluator's: `None` is unknown.
    fn truth(self, world: &World) -> Option<bool> {
        match self {
            Atom::IsAdmin => world.role.map(|role| role == "admin"),
            Atom::LevelAtLeast3 => world.level?.parse::<f64>().ok().map(|level| level >= 3.0),
            Atom::FactIsV => match world.fact? {
                (_, true) => None,
                (value, false) => Some(value == "v"),
            },
            Atom::AnyStringX => Some(world.arg == Some("x")),
            Atom::EveryStringX => Some(world.arg.is_none_or(|arg| arg == "x")),
            Atom::ArgIsX => world.arg.map(|arg| arg == "x"),
            Atom::ArgAtMost5 => Some(world.number.parse::<f64>().unwrap() <= 5.0),
        }
    }
}

fn and(truths: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let truths: Vec<_> = truths.into_iter().collect();
    if truths.contains(&Some(false)) {
        Some(false)
    } else if truths.contains(&None) {
        None
    } else {
        Some(true)
    }
}

impl Rule {
    fn yaml(&self, id: &str) -> String {
        let select = match self.select {
            Select::Tool => "t",
            Select::Reads => "{does: reads}",
            Select::Sends => "{does: sends}",
            Select::Anything => "anything",
        };
        let condition = |atoms: &[Atom]| atoms.iter().map(|atom| atom.yaml()).collect::<Vec<_>>().join(", ");
        let mut text = format!(
            "  - {verb}: {select}\n    id: {id}\n    deadline: {due}s\n",
            verb = self.verb,
            due = 10 + id.len()
        );
        if !self.when.is_empty() {
            text += &format!("    when: {{{}}}\n", condition(&self.when));
        }
        if let Some(unless) = &self.unless {
            text += &format!("    unless: {{{}}}\n", condition(unless));
        }
        text
    }

    fn truth(&self, world: &World) -> Option<bool> {
        // `t` reads, `s` sends, `e` executes: what it does besides is unknown.
        let selected = match (self.select, world.tool) {
            (Select::Anything, _) | (Select::Tool, "t") | (Select::Reads, "t") | (Select::Sends, "s") => Some(true),
            (Select::Reads | Select::Sends, "e") => None,
            _ => Some(false),
        };
        let when = and(self.when.iter().map(|atom| atom.truth(world)));
        let unless = self
            .unless
            .as_ref()
            .map_or(Some(true), |atoms| and(atoms.iter().map(|atom| atom.truth(world))).map(|truth| !truth));
        and([selected, when, unless])
    }
}

/// The verdict by the words of the rule: deny if any deny brakes or nothing opens; else ask if any ask brakes; else allow.
fn oracle(documents: &[(bool, Vec<Rule>)], world: &World) -> Verdict {
    let one = |(guardrail, rules): &(bool, Vec<Rule>)| {
        let is = |verb: &str, truths: &[Option<bool>]| {
            rules.iter().any(|rule| rule.verb == verb && truths.contains(&rule.truth(world)))
        };
        let opens = is("allow", &[Some(true)]) || is("ask", &[Some(true)]);
        if is("deny", &[Some(true), None]) || !(opens || *guardrail) {
            Verdict::Deny
        } else if is("ask", &[Some(true), None]) {
            Verdict::Ask
        } else {
            Verdict::Allow
        }
    };
    documents.iter().map(one).max().unwrap_or(Verdict::Deny)
}

const TOOLS: &str = "tools:\n  t: {does: reads, args: {\"a?\": string, m: decimal}, returns: web}\n  s: {does: sends, args: {\"a?\": text, m: {type: decimal}}, returns: web}\n  e: {does: executes, args: {\"a?\": text, m: decimal}, returns: web}\n";

fn build(documents: &[(bool, Vec<Rule>)]) -> Policy {
    let names: Vec<String> = (1..documents.len()).map(|index| format!("d{index}")).collect();
    let texts: Vec<String> = documents
        .iter()
        .enumerate()
        .map(|(index, (guardrail, rules))| {
            let kind = if *guardrail { "kind: guardrail\n" } else { "" };
            let bounds = if index == 0 { format!("bound_by: [{}]\n", names.join(", ")) } else { String::new() };
            let rules: String = rules
                .iter()
                .enumerate()
                .map(|(rule, text)| text.yaml(&format!("r{index}{}", "i".repeat(rule))))
                .collect();
            let rules = if rules.is_empty() { "rules: []\n".to_owned() } else { format!("rules:\n{rules}") };
            format!("enforcecore: 1\nname: d{index}\nversion: \"1\"\n{kind}{bounds}{TOOLS}{rules}")
        })
        .collect();
    let others: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(texts.iter().skip(1).map(String::as_str)).collect();
    policy_with(&texts[0], &others)
}

fn scene(world: &World) -> Scene {
    let arg = world.arg.map(|arg| format!("\"a\": \"{arg}\", ")).unwrap_or_default();
    let mut scene = call(world.tool, &format!("{{{arg}\"m\": {}}}", world.number));
    let role = world.role.map(|role| format!("\"role\": \"{role}\""));
    let level = world.level.map(|level| match level.parse::<f64>() {
        Ok(_) => format!("\"level\": {level}"),
        Err(_) => format!("\"level\": \"{level}\""),
    });
    scene = scene.principal(&format!("{{{}}}", role.into_iter().chain(level).collect::<Vec<_>>().join(", ")));
    if let Some((value, contradicted)) = world.fact {
        scene = scene.set_fact("f", value, contradicted);
    }
    scene
}

fn decide(documents: &[(bool, Vec<Rule>)], world: &World) -> Decision {
    scene(world).decide(&build(documents))
}

fn any_atom(bare: bool) -> impl Strategy<Value = Atom> {
    let mut atoms = vec![Atom::IsAdmin, Atom::LevelAtLeast3, Atom::FactIsV, Atom::AnyStringX, Atom::EveryStringX];
    if bare {
        atoms.extend([Atom::ArgIsX, Atom::ArgAtMost5]);
    }
    proptest::sample::select(atoms)
}

fn any_atoms(bare: bool, least: usize) -> impl Strategy<Value = Vec<Atom>> {
    proptest::collection::vec(any_atom(bare), least..3).prop_map(|mut atoms| {
        atoms.dedup();
        atoms
    })
}

/// A rule that loads: an allow beyond `t` says aloud what rule 5 wants said, which the strategy does by asking instead.
fn any_rule(guardrail: bool) -> impl Strategy<Value = Rule> {
    let selects = vec![Select::Tool, Select::Tool, Select::Reads, Select::Sends, Select::Anything];
    let verbs = if guardrail { vec!["ask", "deny"] } else { vec!["allow", "allow", "ask", "deny"] };
    (proptest::sample::select(verbs), proptest::sample::select(selects)).prop_flat_map(|(verb, select)| {
        let bare = select == Select::Tool;
        let verb = if verb == "allow" && matches!(select, Select::Sends | Select::Anything) { "ask" } else { verb };
        (any_atoms(bare, 0), proptest::option::of(any_atoms(bare, 1))).prop_map(move |(when, unless)| Rule {
            verb,
            select,
            when,
            unless,
        })
    })
}

fn any_document(guardrail: bool) -> impl Strategy<Value = (bool, Vec<Rule>)> {
    proptest::collection::vec(any_rule(guardrail), 0..5).prop_map(move |rules| (guardrail, rules))
}

fn any_bound() -> impl Strategy<Value = (bool, Vec<Rule>)> {
    any::<bool>().prop_flat_map(any_document)
}

fn any_world() -> impl Strategy<Value = World> {
    (
        proptest::sample::select(vec!["t", "t", "s", "e"]),
        proptest::sample::select(vec![None, Some("x"), Some("z")]),
        proptest::sample::select(vec!["5", "5.1"]),
        proptest::sample::select(vec![None, Some("admin"), Some("user")]),
        proptest::sample::select(vec![None, Some("2"), Some("3"), Some("high")]),
        proptest::sample::select(vec![None, Some(("v", false)), Some(("w", false)), Some(("v", true))]),
    )
        .prop_map(|(tool, arg, number, role, level, fact)| World { tool, arg, number, role, level, fact })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn the_evaluator_agrees_with_an_independent_one(
        root in any_document(false),
        bounds in proptest::collection::vec(any_bound(), 0..3),
        worlds in proptest::collection::vec(any_world(), 8),
    ) {
        let documents: Vec<_> = std::iter::once(root).chain(bounds).collect();
        let policy = build(&documents);
        for world in worlds {
            let got = scene(&world).decide(&policy);
            prop_assert_eq!(got.verdict, oracle(&documents, &world), "{:?}\n{:?}\n{}", documents, world, got.reason);
            if got.verdict != Verdict::Deny {
                prop_assert!(policy.can_open(world.tool), "what opens is shown: {:?}", documents);
            }
        }
    }

    #[test]
    fn a_bound_never_permits_more_and_never_drops_an_obligation(
        root in any_document(false),
        bounds in proptest::collection::vec(any_bound(), 1..4),
        worlds in proptest::collection::vec(any_world(), 8),
    ) {
        let mut documents = vec![root];
        for bound in bounds {
            let fewer = documents.clone();
            documents.push(bound);
            let (before, after) = (build(&fewer), build(&documents));
            for world in &worlds {
                let (before, after) = (scene(world).decide(&before), scene(world).decide(&after));
                prop_assert!(after.verdict >= before.verdict, "{:?} {:?}", documents, world);
                prop_assert!(before.asks.iter().all(|ask| after.asks.contains(ask)), "{:?} {:?}", documents, world);
                let mut both = after.obligations.clone();
                both.tighten(before.obligations);
                prop_assert_eq!(both, after.obligations);
            }
        }
    }

    #[test]
    fn null_is_decided_as_an_argument_that_is_not_given(
        root in any_document(false),
        bound in any_bound(),
        world in any_world(),
    ) {
        let documents = [root, bound];
        let absent = World { arg: None, ..world };
        let mut null = scene(&absent);
        null.args = Value::Map(null.args.as_map().unwrap().clone().into_iter().chain([("a".to_owned(), Value::Null)]).collect());
        prop_assert_eq!(null.decide(&build(&documents)), decide(&documents, &absent), "{:?} {:?}", documents, absent);
    }

    #[test]
    fn what_becomes_unknown_never_permits_more(
        root in any_document(false),
        bound in any_bound(),
        world in any_world(),
        lost in 0..3usize,
    ) {
        let documents = [root, bound];
        let before = decide(&documents, &world);
        let mut less = world.clone();
        match lost {
            0 => less.role = None,
            1 => less.level = Some("high"),
            _ => less.fact = less.fact.map(|(value, _)| (value, true)),
        }
        let after = decide(&documents, &less);
        prop_assert!(after.verdict >= before.verdict, "{:?} {:?} {}", documents, world, lost);
        let mut both = after.obligations.clone();
        both.tighten(before.obligations);
        prop_assert_eq!(both, after.obligations, "an error keeps the obligations of its rule");
    }

    #[test]
    fn any_text_is_loaded_or_refused(text in "(\\PC|[:{}\\[\\],&*!|>'\"%@`\n -]|enforcecore: 1\n|rules:|tools:|- allow: ){0,60}") {
        let _ = load(&text);
    }

    #[test]
    fn any_bytes_are_loaded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = load_bytes(bytes, &[]);
    }

    #[test]
    fn a_damaged_policy_is_loaded_or_refused(at in 0usize..4000, with in "[\\PC\n]{0,3}", take in 0usize..6) {
        let text: Vec<char> = include_str!("../../../policies/support-agent.yaml").chars().collect();
        let at = at.min(text.len());
        let rest = text.iter().skip(at + take);
        let damaged: String = text.iter().take(at).copied().chain(with.chars()).chain(rest.copied()).collect();
        let _ = load(&damaged);
    }

    #[test]
    fn any_call_is_decided_and_only_what_fits_runs(
        tool in proptest::sample::select(vec!["get_ticket", "refund", "send_email", "fetch_web", "Refund", "other"]),
        args in proptest::collection::vec((any_name(), any_value()), 0..4),
    ) {
        let policy = load(include_str!("../../../policies/support-agent.yaml")).unwrap().policy;
        let mut scene = call(tool, "{}").session(r#"{"ticket": "t1"}"#).principal(r#"{"id": "al"}"#).facts(r#"{"ticket.email": "a@x.org"}"#);
        scene.args = Value::Map(args.into_iter().collect());
        let Ok(_) = scene.freeze(&policy) else { return Ok(()) };
        let decision = scene.decide(&policy);
        let text = |name: &str| scene.args.as_map().unwrap().get(name).and_then(Value::as_text);
        if decision.verdict != Verdict::Deny {
            prop_assert!(!decision.malformed && decision.code != "no_rule");
            match tool {
                "get_ticket" | "refund" => prop_assert_eq!(text("ticket_id"), Some("t1")),
                "send_email" => prop_assert_eq!(text("to"), Some("a@x.org")),
                "fetch_web" => prop_assert_eq!(text("url"), Some("https://api.example.com/")),
                _ => prop_assert!(false, "an unknown tool opened"),
            }
            let known = ["ticket_id", "amount", "note", "to", "subject", "body", "url"];
            prop_assert!(scene.args.as_map().unwrap().keys().all(|name| known.contains(&name.as_str())));
        }
    }

    #[test]
    fn any_url_is_decided(url in "(https?://|//|[\\PC]{0,2})([a-z0-9.:@/\\\\%\\[\\]#?-]|\\PC){0,24}") {
        let policy = build_url();
        let mut scene = call("t", "{}");
        let mut args = enforcecore::value::Map::new();
        args.insert("u".to_owned(), Value::from(url.as_str()));
        scene.args = Value::Map(args);
        if url.contains('\0') {
            return Ok(());
        }
        let decision = scene.decide(&policy);
        if decision.verdict == Verdict::Allow {
            let lower = url.to_lowercase();
            prop_assert!(lower.starts_with("https://"), "{url}");
        }
    }
}

fn build_url() -> Policy {
    policy_with(
        "enforcecore: 1\nname: p\nversion: \"1\"\ntools: {t: {does: fetches, args: {u: url}, returns: web}}\nrules: [{allow: t, id: a, when: {u: {scheme: https, host: {domain: example}}}}, {allow: t, id: b, when: {u: {scheme: https, host: a}}}]\n",
        &[],
    )
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        9 => proptest::sample::select(vec!["ticket_id", "amount", "note", "to", "subject", "body", "url"]).prop_map(str::to_owned),
        1 => "\\PC{0,8}",
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => proptest::sample::select(vec!["t1", "a@x.org", "https://api.example.com/", "x"]).prop_map(Value::from),
        2 => (-200i64..200).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(Value::Bytes(vec![0, 255])),
        1 => Just(Value::Opaque("Socket".to_owned())),
        1 => "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::List),
            proptest::collection::vec(("[a-z]{1,3}", inner), 0..3)
                .prop_map(|members| Value::Map(members.into_iter().collect())),
        ]
    })
}
