//! What a policy's words count as: every effect, every argument that is added up, every thing that needs a log to outlive a kill.
#![cfg(test)]

mod policy_support;
mod support;

use enforcecore::audit::Durability;
use enforcecore::capabilities::Capability;
use enforcecore::enforcer::{BindError, Enforcer, EnforcerParts};
use enforcecore::identity::Identities;
use enforcecore::outcome::Outcome;
use enforcecore::value::Value;
use policy_support::{call, load, policy, words};
use support::World;

fn body(text: &str) -> String {
    format!("enforcecore: 1\nname: p\nversion: \"1\"\n{text}")
}

fn codes(text: &str) -> Vec<&'static str> {
    let found = match load(&body(text)) {
        Ok(loaded) => loaded.warnings,
        Err(found) => found,
    };
    found.into_iter().map(|one| one.code.as_str()).collect()
}

/// An effect, and what it counts as.
struct Row {
    effect: &'static str,
    /// More than reading.
    more: bool,
    /// What its paths are: read, written.
    reads: bool,
    writes: bool,
    network: bool,
    /// What it reaches is not found in its arguments.
    unknown: bool,
}

const fn row(effect: &'static str, more: bool, reads: bool, writes: bool, network: bool, unknown: bool) -> Row {
    Row { effect, more, reads, writes, network, unknown }
}

const EFFECTS: [Row; 9] = [
    row("reads", false, true, false, false, false),
    row("writes", true, false, true, false, false),
    row("deletes", true, false, true, false, false),
    row("executes", true, false, false, false, true),
    row("fetches", true, false, false, true, false),
    row("sends", true, false, false, true, false),
    row("pays", true, false, false, false, false),
    row("deploys", true, false, false, false, false),
    row("changes", true, false, true, false, false),
];

#[test]
fn what_does_more_than_read_constrains_its_arguments() {
    let open = |does: &str| {
        codes(&format!(
            "tools: {{t: {{does: {does}, args: {{a: string}}, returns: web}}}}\nrules: [{{allow: t, id: a}}]\n"
        ))
    };
    for Row { effect, more, .. } in EFFECTS {
        let expected: &[&str] = if more { &["EC0103"] } else { &[] };
        assert_eq!(open(effect), expected, "{effect}");
        assert_eq!(open(&format!("[reads, {effect}]")), expected, "{effect}");
        assert_eq!(open(&format!("[{effect}, reads]")), expected, "{effect}");
    }
}

#[test]
fn what_does_more_than_read_gets_no_placeholder_in_place_of_its_value() {
    for Row { effect, more, .. } in EFFECTS {
        for does in [effect.to_owned(), format!("[reads, {effect}]")] {
            let world = World::new(&body(&format!(
                "tools: {{look: {{does: reads, args: {{}}, returns: trusted}}, t: {{does: {does}, args: {{a: string}}, returns: web}}}}\nrules: [{{allow: look, id: look}}, {{allow: t, id: t, when: {{a: {{any: true}}}}}}]\nredact: {{result: [email]}}\n"
            )));
            let mail = Outcome::Done(Value::from("jo@example.com"));
            world.enforcer.enforce(support::call("look", "{}"), |_| mail).unwrap();
            let held = world.enforcer.enforce(support::call("t", r#"{"a":"EC_EMAIL_1"}"#), world.tool());
            let code = held.err().map(|refused| refused.code.as_str());
            assert_eq!((code, world.ran()), (more.then_some("placeholder_in_argument"), usize::from(!more)), "{does}");
            world.enforcer.enforce(support::call("t", r#"{"a":"EC_EMAIL_2"}"#), world.tool()).unwrap();
        }
    }
}

#[test]
fn an_effect_selects_the_tools_that_have_it() {
    for Row { effect, unknown, network, .. } in EFFECTS {
        for other in EFFECTS.map(|row| row.effect).into_iter().chain(["network"]) {
            let own = if other == "network" { "sends" } else { other };
            let policy = policy(&body(&format!(
                "tools: {{t: {{does: {effect}, args: {{}}, returns: web}}, o: {{does: {own}, args: {{}}, returns: web}}}}\nrules: [{{allow: [t, o], id: a}}, {{deny: {{does: {other}}}, id: d}}]\n"
            )));
            let selected = effect == other || unknown || (network && other == "network");
            let expected = if selected { "deny by d" } else { "allow by a" };
            assert_eq!(words(&call("t", "{}").decide(&policy)), expected, "{effect} {other}");
        }
    }
}

#[test]
fn a_path_is_read_or_written_as_its_tool_does() {
    for Row { effect, reads, writes, unknown, .. } in EFFECTS {
        let decide = |kind: &str| {
            let text = format!(
                "tools: {{t: {{does: {effect}, args: {{a: path}}, returns: web}}}}\nrules: [{{allow: t, id: a, when: {{a: {{any: true}}}}}}, {{deny: t, id: d, when: {{{kind}: {{under: /secret}}}}}}]\n"
            );
            let policy = policy(&body(&text));
            ["/secret/a", "/open/a"].map(|path| {
                let scene = call("t", &format!(r#"{{"a": "{path}"}}"#)).session(r#"{"cwd": "/"}"#);
                words(&scene.decide(&policy)) == "deny by d"
            })
        };
        // What the tool reaches is unknown: an error, which brakes.
        assert_eq!(decide("any_read"), [reads || unknown, unknown], "{effect}");
        assert_eq!(decide("any_write"), [writes || unknown, unknown], "{effect}");
        assert_eq!(decide("any_path"), [true, false], "{effect}");
        let opens = |kind: &str, path: &str| {
            let text = format!(
                "tools: {{t: {{does: {effect}, args: {{a: path}}, returns: web}}}}\nrules: [{{allow: t, id: a, when: {{a: {{any: true}}, {kind}: {{under: /open}}}}}}]\n"
            );
            let scene = call("t", &format!(r#"{{"a": "{path}"}}"#)).session(r#"{"cwd": "/"}"#);
            words(&scene.decide(&policy(&body(&text)))) == "allow by a"
        };
        for (kind, holds) in [("every_read", reads), ("every_write", writes), ("every_path", true)] {
            let known = !unknown || kind == "every_path";
            assert_eq!(opens(kind, "/open/a"), known, "{effect} {kind}");
            assert_eq!(opens(kind, "/secret/a"), known && !holds, "{effect} {kind}");
        }
        // And only what looks at its paths constrains them.
        for (kind, looks) in [("every_read", reads), ("every_write", writes), ("every_path", true), ("any_path", false)]
        {
            let text = format!(
                "tools: {{t: {{does: {effect}, args: {{a: path}}, returns: web}}}}\nrules: [{{allow: t, id: a, when: {{{kind}: {{under: /open}}}}}}]\n"
            );
            let expected: &[&str] = if looks || effect == "reads" { &[] } else { &["EC0103"] };
            assert_eq!(codes(&text), expected, "{effect} {kind}");
        }
    }
}

#[test]
fn hosts_are_looked_for_in_every_argument_that_names_one() {
    let tool = "tools: {t: {does: fetches, args: {\"u?\": url, \"d?\": domain, \"s?\": string}, returns: web}}\n";
    let every = policy(&body(&format!(
        "{tool}rules: [{{allow: t, id: a, when: {{every_host: {{in: [a.b, c.d]}}, s: {{any: true}}}}}}]\n"
    )));
    let any = policy(&body(&format!(
        "{tool}rules: [{{allow: t, id: a, when: {{u: {{any: true}}, d: {{any: true}}, s: {{any: true}}}}}}, {{deny: t, id: d, when: {{any_host: {{equals: e.f}}}}}}]\n"
    )));
    for (args, opens, brakes) in [
        ("{}", true, false),
        (r#"{"u": "https://a.b/"}"#, true, false),
        (r#"{"u": "https://e.f/"}"#, false, true),
        (r#"{"d": "a.b"}"#, true, false),
        (r#"{"d": "e.f"}"#, false, true),
        (r#"{"d": "E.F."}"#, false, true),
        (r#"{"u": "https://a.b/", "d": "c.d"}"#, true, false),
        (r#"{"u": "https://a.b/", "d": "e.f"}"#, false, true),
        (r#"{"u": "https://e.f/", "d": "c.d"}"#, false, true),
        (r#"{"u": "https://x.y/", "d": "c.d"}"#, false, false),
        (r#"{"s": "https://e.f/"}"#, true, false),
    ] {
        assert_eq!(words(&call("t", args).decide(&every)) == "allow by a", opens, "{args}");
        assert_eq!(words(&call("t", args).decide(&any)) == "deny by d", brakes, "{args}");
    }
}

#[test]
fn only_true_says_that_anything_goes() {
    let rule = |any: &str| {
        codes(&format!(
            "tools: {{t: {{does: writes, args: {{a: string}}, returns: web}}}}\nrules: [{{allow: t, id: a, when: {{a: {{any: {any}}}}}}}]\n"
        ))
    };
    let none: [&str; 0] = [];
    assert_eq!(rule("true"), none);
    for any in ["false", "\"true\"", "\"false\"", "1", "0", "[true]", "{}", "anything", "\"\"", "~"] {
        assert_eq!(rule(any).first(), Some(&"EC0022"), "{any}");
        let every = codes(&format!(
            "tools: {{t: undeclared}}\nrules: [{{allow: t, id: a, when: {{every_string: {{any: {any}}}}}}}]\n"
        ));
        assert_eq!(every.first(), Some(&"EC0022"), "{any}");
        let fits = codes(&format!(
            "tools: {{t: {{does: reads, args: {{a: {{type: string, any: {any}}}}}, returns: web}}}}\nrules: [{{allow: t, id: a}}]\n"
        ));
        assert_eq!(fits.first(), Some(&"EC0022"), "{any}");
    }
}

#[test]
fn what_is_added_up_cannot_be_negative() {
    let none: [&str; 0] = [];
    let sum = |ty: &str, what: &str| {
        codes(&format!(
            "tools: {{t: {{does: pays, args: {{a: {ty}}}, returns: web}}}}\nrules: [{{allow: t, id: r, when: {{a: {{any: true}}}}}}]\nbudgets: [{{budget: t, id: b, sum: {what}, at_most: 5, per: ever, for_each: everyone}}]\n"
        ))
    };
    for ty in [
        "{type: money, currency: USD}",
        "{type: money, currency: USD, at_least: 1}",
        "{type: decimal, at_least: 0}",
        "{type: decimal, at_least: 0.0}",
        "{type: decimal, at_least: 0.01}",
        "{type: decimal, more_than: 0}",
        "{type: decimal, more_than: 5, at_most: 9}",
        "{type: integer, at_least: 0}",
        "{type: integer, more_than: 0}",
    ] {
        assert_eq!(sum(ty, "a"), none, "{ty}");
    }
    for ty in [
        "decimal",
        "integer",
        "string",
        "text",
        "bool",
        "url",
        "path",
        "email",
        "domain",
        "{type: decimal, at_most: 0}",
        "{type: decimal, at_most: 5}",
        "{type: decimal, less_than: 5}",
        "{type: decimal, at_least: -0.000001}",
        "{type: decimal, at_least: -1}",
        "{type: decimal, more_than: -1}",
        "{type: decimal, more_than: -0.5, at_most: 5}",
        "{type: decimal, equals: 5}",
        "{type: decimal, any: true}",
        "{type: integer, at_least: -1}",
        "{type: integer, at_most: 5}",
    ] {
        assert_eq!(sum(ty, "a").first(), Some(&"EC0122"), "{ty}");
    }
    // A bound in a rule is no bound of the type, because another rule may open what it leaves out.
    let bound = "tools: {t: {does: pays, args: {a: decimal}, returns: web}}\nrules: [{allow: t, id: r, when: {a: {at_least: 0}}}]\nbudgets: [{budget: t, id: b, sum: a, at_most: 5, per: ever, for_each: everyone}]\n";
    assert_eq!(codes(bound), ["EC0122"]);
}

/// What makes a policy need a log that a kill takes nothing of, one at a time.
const STATEFUL: [(&str, &str, &str); 9] = [
    ("an ask", "{does: reads, args: {a: text}, returns: trusted}", "rules: [{ask: t, id: r}]\n"),
    (
        "an ask that cannot hold",
        "{does: reads, args: {a: text}, returns: trusted}",
        "rules: [{allow: t, id: r}, {ask: t, id: q, when: {session.x: {equals: late}}}]\n",
    ),
    (
        "a named approval",
        "{does: reads, args: {a: text}, returns: trusted}",
        "approvals: {lead: {from: {role: lead}, valid: 15m}}\nrules: [{ask: t, id: r, approval: lead}]\n",
    ),
    (
        "a count",
        "{does: reads, args: {a: text}, returns: trusted}",
        "rules: [{allow: t, id: r}]\nbudgets: [{budget: t, id: b, count: calls, at_most: 5, per: ever, for_each: everyone}]\n",
    ),
    (
        "a sliding sum",
        "{does: reads, args: {a: text, \"m?\": {type: money, currency: USD}}, returns: trusted}",
        "rules: [{allow: t, id: r}]\nbudgets: [{budget: t, id: b, sum: USD, at_most: 5, per: 1h, for_each: principal.id}]\n",
    ),
    (
        "a budget of a session",
        "{does: reads, args: {a: text}, returns: trusted}",
        "rules: [{allow: t, id: r}]\nbudgets: [{budget: anything, id: b, count: calls, at_most: 5, per: session, for_each: everyone}]\n",
    ),
    (
        "a fact",
        "{does: reads, args: {a: text}, returns: trusted, facts: {x: result.y}}",
        "rules: [{allow: t, id: r}]\n",
    ),
    (
        "two facts",
        "{does: reads, args: {a: text}, returns: trusted, facts: {x: result.y, z: result.y}}",
        "rules: [{allow: t, id: r, when: {session.x: {same_as: fact.x}}}]\n",
    ),
    (
        "an ask for a placeholder",
        "{does: writes, args: {a: {type: text, on_placeholder: ask}}, returns: trusted}",
        "rules: [{allow: t, id: r}]\n",
    ),
];

const STATELESS: [(&str, &str, &str); 5] = [
    ("an allow", "{does: reads, args: {a: text}, returns: trusted}", "rules: [{allow: t, id: r}]\n"),
    (
        "a deny",
        "{does: reads, args: {a: text}, returns: trusted}",
        "rules: [{allow: t, id: r}, {deny: t, id: d, when: {a: {equals: x}}}]\n",
    ),
    (
        "an approval that nothing asks for",
        "{does: reads, args: {a: text}, returns: trusted}",
        "approvals: {lead: {from: {role: lead}, valid: 15m}}\nrules: [{allow: t, id: r}]\n",
    ),
    (
        "a fact of the host",
        "{does: reads, args: {a: text}, returns: trusted}",
        "rules: [{allow: t, id: r, when: {a: {same_as: fact.x}}}]\n",
    ),
    (
        "a placeholder that is sent",
        "{does: writes, args: {a: {type: text, on_placeholder: send}}, returns: trusted}",
        "rules: [{allow: t, id: r}]\nredact: {args: {a: [email]}, result: [secret]}\ndeadline: 5s\n",
    ),
];

/// Binds a policy to a log, and puts another one in force.
fn bind(text: &str, durability: Durability, first: &str) -> Result<(), BindError> {
    let world = World::with(first, durability, None);
    world.enforcer.rebind(support::load(text))?;
    let parts = EnforcerParts {
        policy: support::load(text),
        face: support::FACE,
        log: std::sync::Arc::clone(&world.log),
        resolver: std::sync::Arc::new(support::PlainResolver),
        protected: Default::default(),
        approver: None,
        clock: std::sync::Arc::clone(&world.clock) as std::sync::Arc<dyn enforcecore::ports::Clock>,
        random: std::sync::Arc::new(support::CountingRandom::default()),
        durability,
        identities: Identities::Keyed,
    };
    Enforcer::new(parts).map(drop)
}

#[test]
fn what_needs_state_is_bound_to_a_log_that_a_kill_takes_nothing_of() {
    let forgetful = support::FACE.without(Capability::KeepState);
    let text = |tool: &str, rules: &str| body(&format!("tools: {{t: {tool}}}\n{rules}"));
    let plain = text(STATELESS[0].1, STATELESS[0].2);
    let all = STATEFUL.iter().map(|row| (row, true)).chain(STATELESS.iter().map(|row| (row, false)));
    for ((what, tool, rules), needs) in all {
        let text = text(tool, rules);
        assert_eq!(bind(&text, Durability::Strict, &plain), Ok(()), "{what}");
        let buffered = if needs { Err(BindError::BufferedState) } else { Ok(()) };
        assert_eq!(bind(&text, Durability::Buffered, &plain), buffered, "{what}");
        let exceeds: Vec<&str> = policy(&text).exceeds(&forgetful).iter().map(|one| one.code.as_str()).collect();
        assert_eq!(exceeds, if needs { vec!["EC0144"] } else { vec![] }, "{what}");
    }
}
