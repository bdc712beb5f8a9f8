//! What a tool's listing promises: its name and its schemas. None of it is redacted, because the model writes its calls from it.
//!
//! A client checks results against the listed `outputSchema`. Where results of a tool are redacted, the schema says what such a
//! result can be: each keyword that a placeholder can break is widened as its row in `KEYWORDS` says. What was valid before
//! redaction is valid behind it, and an unredacted result stays valid.

use std::cell::Cell;
use std::collections::HashSet;

use enforcecore::policy::Policy;
use enforcecore::redact::{ClassSet, redact_value};
use enforcecore::value::{Map, Value};

/// The members of a listed tool that are its contract.
const CONTRACT: [&str; 3] = ["name", "inputSchema", "outputSchema"];

/// The contracts of listed tools, in their order.
pub struct Contracts(Vec<Vec<(&'static str, Value)>>);

/// Takes the contracts out of the result of `tools/list`, for the time that the rest is redacted.
pub fn take(result: &mut Map, policy: &Policy) -> Contracts {
    let Some(Value::List(tools)) = result.get_mut("tools") else { return Contracts(Vec::new()) };
    let taken = tools.iter_mut().map(|tool| {
        let Value::Map(tool) = tool else { return Vec::new() };
        let name = tool.get("name").and_then(Value::as_text).unwrap_or_default();
        let classes = policy.result_classes_of(name);
        let members = CONTRACT.iter().filter_map(|member| {
            let value = std::mem::take(tool.get_mut(*member)?);
            let value = if *member == "outputSchema" { widened(value, classes) } else { value };
            Some((*member, value))
        });
        members.collect()
    });
    Contracts(taken.collect())
}

/// Puts the contracts back where they stood.
pub fn put_back(result: &mut Map, contracts: Contracts) {
    let Some(Value::List(tools)) = result.get_mut("tools") else { return };
    for (tool, members) in tools.iter_mut().zip(contracts.0) {
        let Value::Map(tool) = tool else { continue };
        tool.extend(members.into_iter().map(|(member, value)| (member.to_owned(), value)));
    }
}

/// A schema that results redacted of these classes fulfil, where the results themselves fulfil this one.
pub fn widened(schema: Value, classes: ClassSet) -> Value {
    if classes.is_empty() {
        return schema;
    }
    let widen = Widen { classes, numbers: classes.reaches_numbers(), lost: Cell::new(false) };
    let mut wide = widen.schema(schema);
    let mut anchors = HashSet::new();
    visit(&mut wide, &mut |schema| {
        let names = ANCHORS.iter().filter_map(|keyword| schema.get(*keyword)?.as_text());
        anchors.extend(names.map(str::to_owned));
    });
    let root = wide.clone();
    visit(&mut wide, &mut |schema| {
        let before = schema.len();
        schema.retain(|keyword, value| !REFERENCES.contains(&keyword.as_str()) || leads(value, &root, &anchors));
        widen.lost.set(widen.lost.get() || schema.len() < before);
    });
    if widen.lost.get() {
        visit(&mut wide, &mut |schema| schema.retain(|keyword, _| !UNEVALUATED.contains(&keyword.as_str())));
    }
    wide
}

/// Keywords that name a place in a schema, and those that lead to one.
const ANCHORS: [&str; 2] = ["$anchor", "$dynamicAnchor"];
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];
/// Keywords about what other keywords say nothing of: where one of those is lost, they would demand more than before.
const UNEVALUATED: [&str; 2] = ["unevaluatedItems", "unevaluatedProperties"];

/// What widens a keyword.
#[derive(Clone, Copy)]
enum Row {
    /// Of a text that a placeholder replaces, or something that two placeholders can make alike: it is dropped.
    Drop,
    /// `type`: a number may become text.
    Type,
    /// `enum`: dropped if a value of it would be redacted.
    Enum,
    /// `const`: the same.
    Const,
    /// Holds a schema.
    Schema,
    /// Holds a list of schemas.
    Schemas,
    /// Holds a schema or a list of them.
    SchemaOrSchemas,
    /// Holds schemas by name.
    SchemasByName,
    /// Holds the names of members: those that would be redacted are dropped.
    Names,
    /// Holds lists of such names, or schemas, by such names.
    ByTrigger,
}

/// Each keyword of JSON Schema, draft 7 to 2020-12, that a placeholder can break or that holds what it can break. `oneOf`, `if`,
/// and the keywords for members by pattern are rewritten before, in terms of these.
const KEYWORDS: [(&str, Row); 30] = [
    ("type", Row::Type),
    ("enum", Row::Enum),
    ("const", Row::Const),
    ("format", Row::Drop),
    ("pattern", Row::Drop),
    ("minLength", Row::Drop),
    ("maxLength", Row::Drop),
    ("contentEncoding", Row::Drop),
    ("contentMediaType", Row::Drop),
    ("contentSchema", Row::Drop),
    ("uniqueItems", Row::Drop),
    ("maxContains", Row::Drop),
    // What a wider schema accepts too would be refused by the negation.
    ("not", Row::Drop),
    ("$defs", Row::SchemasByName),
    ("definitions", Row::SchemasByName),
    ("properties", Row::SchemasByName),
    ("allOf", Row::Schemas),
    ("anyOf", Row::Schemas),
    ("prefixItems", Row::Schemas),
    ("items", Row::SchemaOrSchemas),
    ("additionalItems", Row::Schema),
    ("unevaluatedItems", Row::Schema),
    ("contains", Row::Schema),
    ("additionalProperties", Row::Schema),
    ("unevaluatedProperties", Row::Schema),
    ("propertyNames", Row::Schema),
    ("required", Row::Names),
    ("dependentRequired", Row::ByTrigger),
    ("dependentSchemas", Row::ByTrigger),
    ("dependencies", Row::ByTrigger),
];

struct Widen {
    classes: ClassSet,
    /// Whether a number may become text.
    numbers: bool,
    /// Whether something was dropped that says which members there may be.
    lost: Cell<bool>,
}

impl Widen {
    fn schema(&self, schema: Value) -> Value {
        let Value::Map(mut schema) = schema else { return schema };
        self.one_of(&mut schema);
        self.condition(&mut schema);
        self.members(&mut schema);
        let mut wide = Map::with_capacity(schema.len());
        for (keyword, value) in schema {
            let value = match row(&keyword) {
                Some(row) => self.keyword(row, value),
                None => Some(value),
            };
            wide.extend(value.map(|value| (keyword, value)));
        }
        Value::Map(wide)
    }

    fn keyword(&self, row: Row, value: Value) -> Option<Value> {
        match (row, value) {
            (Row::Drop, _) => None,
            (Row::Type, value) => Some(if self.numbers { with_text(value) } else { value }),
            (Row::Enum, Value::List(values)) => {
                values.iter().all(|value| self.stays(value)).then_some(Value::List(values))
            }
            (Row::Const, value) => self.stays(&value).then_some(value),
            (Row::Schemas | Row::SchemaOrSchemas, Value::List(schemas)) => Some(self.list(schemas)),
            (Row::Schema | Row::SchemaOrSchemas, value) => Some(self.schema(value)),
            (Row::SchemasByName, Value::Map(named)) => {
                Some(Value::Map(named.into_iter().map(|(name, schema)| (name, self.schema(schema))).collect()))
            }
            (Row::Names, Value::List(names)) => Some(self.names(names)),
            (Row::ByTrigger, Value::Map(triggers)) => Some(Value::Map(self.by_trigger(triggers))),
            (Row::Enum | Row::Schemas | Row::SchemasByName | Row::Names | Row::ByTrigger, value) => Some(value),
        }
    }

    fn list(&self, schemas: Vec<Value>) -> Value {
        Value::List(schemas.into_iter().map(|schema| self.schema(schema)).collect())
    }

    /// Whether redaction leaves a value as it is.
    fn stays(&self, value: &Value) -> bool {
        redact_value(value, self.classes).is_ok_and(|redacted| redacted.value == *value)
    }

    fn is_name_kept(&self, name: &str) -> bool {
        self.stays(&Value::from(name))
    }

    fn names(&self, names: Vec<Value>) -> Value {
        Value::List(names.into_iter().filter(|name| self.stays(name)).collect())
    }

    /// A member that is redacted triggers nothing any more.
    fn by_trigger(&self, triggers: Map) -> Map {
        let wide = triggers.into_iter().filter_map(|(trigger, value)| {
            let kept = self.is_name_kept(&trigger);
            self.lost.set(self.lost.get() || !kept);
            let widened = || match value {
                Value::List(names) => self.names(names),
                Value::Map(_) => self.schema(value),
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::WideNumber(_)
                | Value::Text(_)
                | Value::Bytes(_)
                | Value::Opaque(_) => value,
            };
            kept.then(|| (trigger, widened()))
        });
        wide.collect()
    }

    /// What exactly one fulfilled, several may fulfil: it becomes `anyOf`.
    fn one_of(&self, schema: &mut Map) {
        let Some(choices) = schema.shift_remove("oneOf") else { return };
        if schema.contains_key("anyOf") {
            also(schema, any_of(choices));
        } else {
            schema.insert("anyOf".to_owned(), choices);
        }
    }

    /// Whichever way a condition goes behind redaction: what fulfilled it and `then`, or `else`, fulfils one of two.
    fn condition(&self, schema: &mut Map) {
        let (then, otherwise) = (schema.shift_remove("then"), schema.shift_remove("else"));
        let Some(condition) = schema.shift_remove("if") else { return };
        let both = all_of([condition, then.unwrap_or(Value::Bool(true))]);
        also(schema, any_of(Value::List(vec![both, otherwise.unwrap_or(Value::Bool(true))])));
    }

    /// Members that are named by a pattern, or by what is redacted, have other names behind redaction: any other member may be
    /// what one of them may be.
    fn members(&self, schema: &mut Map) {
        let mut others = Vec::new();
        if let Some(Value::Map(patterns)) = schema.shift_remove("patternProperties") {
            others.extend(patterns.into_values());
        }
        if let Some(Value::Map(properties)) = schema.get_mut("properties") {
            let lost: Vec<String> = properties.keys().filter(|name| !self.is_name_kept(name)).cloned().collect();
            others.extend(lost.iter().filter_map(|name| properties.shift_remove(name)));
        }
        if others.is_empty() {
            return;
        }
        let rest = match schema.shift_remove("additionalProperties") {
            None | Some(Value::Bool(true)) => Value::Bool(true),
            Some(rest) => {
                others.extend((rest != Value::Bool(false)).then_some(rest));
                any_of(Value::List(others))
            }
        };
        schema.insert("additionalProperties".to_owned(), rest);
    }
}

/// `number` and `integer` admit text too.
fn with_text(types: Value) -> Value {
    let is = |one: &Value, wanted: &[&str]| one.as_text().is_some_and(|text| wanted.contains(&text));
    let has = |types: &[Value], wanted: &[&str]| types.iter().any(|one| is(one, wanted));
    let mut all = match types {
        Value::List(types) => types,
        Value::Text(_) if is(&types, &["number", "integer"]) => vec![types],
        Value::Text(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::WideNumber(_)
        | Value::Bytes(_)
        | Value::Map(_)
        | Value::Opaque(_) => return types,
    };
    if has(&all, &["number", "integer"]) && !has(&all, &["string"]) {
        all.push(Value::from("string"));
    }
    Value::List(all)
}

fn any_of(choices: Value) -> Value {
    Value::Map(Map::from_iter([("anyOf".to_owned(), choices)]))
}

fn all_of(schemas: [Value; 2]) -> Value {
    Value::Map(Map::from_iter([("allOf".to_owned(), Value::List(schemas.into()))]))
}

/// Adds what must hold too, behind what is there, so that references to places stay right.
fn also(schema: &mut Map, other: Value) {
    match schema.get_mut("allOf") {
        Some(Value::List(all)) => all.push(other),
        _ => {
            schema.insert("allOf".to_owned(), Value::List(vec![other]));
        }
    }
}

/// Whether a reference leads to something that is still there; one to another document does.
fn leads(reference: &Value, root: &Value, anchors: &HashSet<String>) -> bool {
    let Some(place) = reference.as_text().and_then(|text| text.strip_prefix('#')) else { return true };
    match place.strip_prefix('/') {
        Some(pointer) => resolves(root, pointer),
        None => place.is_empty() || anchors.contains(place),
    }
}

/// Whether a JSON pointer leads to something. One with percent signs is taken for one that does not.
fn resolves(root: &Value, pointer: &str) -> bool {
    let mut at = Some(root);
    for token in pointer.split('/') {
        let token = token.replace("~1", "/").replace("~0", "~");
        at = match at {
            Some(Value::Map(members)) => members.get(&token),
            Some(Value::List(items)) => token.parse::<usize>().ok().and_then(|place| items.get(place)),
            _ => None,
        };
    }
    at.is_some()
}

/// Visits a schema and every schema in it.
fn visit(schema: &mut Value, visitor: &mut impl FnMut(&mut Map)) {
    let Value::Map(schema) = schema else { return };
    visitor(schema);
    for (keyword, value) in schema.iter_mut() {
        match (row(keyword), value) {
            (Some(Row::SchemasByName | Row::ByTrigger), Value::Map(named)) => {
                named.values_mut().for_each(|schema| visit(schema, visitor));
            }
            (Some(Row::Schemas | Row::SchemaOrSchemas), Value::List(schemas)) => {
                schemas.iter_mut().for_each(|schema| visit(schema, visitor));
            }
            (Some(Row::Schema | Row::SchemaOrSchemas), schema) => visit(schema, visitor),
            (_, _) => {}
        }
    }
}

fn row(keyword: &str) -> Option<Row> {
    KEYWORDS.iter().find(|(name, _)| *name == keyword).map(|(_, row)| *row)
}

#[cfg(test)]
mod tests {
    use enforcecore::redact::Class;

    use super::*;

    fn widen(schema: &str, classes: ClassSet) -> String {
        widened(Value::from_json(schema.as_bytes()).unwrap(), classes).to_json()
    }

    /// A schema, and what it is where addresses and cards are redacted.
    #[rustfmt::skip]
    const TABLE: [(&str, &str); 42] = [
        ("true", "true"),
        (r#"{"type":"string","title":"t","default":"a@b.co"}"#, r#"{"type":"string","title":"t","default":"a@b.co"}"#),
        (r#"{"type":"number","minimum":1.0}"#, r#"{"type":["number","string"],"minimum":1.0}"#),
        (r#"{"type":"integer"}"#, r#"{"type":["integer","string"]}"#),
        (r#"{"type":["integer","null"]}"#, r#"{"type":["integer","null","string"]}"#),
        (r#"{"type":["string","number"]}"#, r#"{"type":["string","number"]}"#),
        (r#"{"type":["boolean"]}"#, r#"{"type":["boolean"]}"#),
        (r#"{"enum":["a@b.co","c"]}"#, "{}"),
        (r#"{"enum":["c",1,null,{"d":[1]}]}"#, r#"{"enum":["c",1,null,{"d":[1]}]}"#),
        (r#"{"enum":[{"d":["a@b.co"]}]}"#, "{}"),
        (r#"{"enum":[4111111111111111]}"#, "{}"),
        (r#"{"const":"a@b.co"}"#, "{}"),
        (r#"{"const":"c"}"#, r#"{"const":"c"}"#),
        (r#"{"format":"email","pattern":"@","minLength":1,"maxLength":9}"#, "{}"),
        (r#"{"contentEncoding":"base64","contentMediaType":"a/b","contentSchema":{}}"#, "{}"),
        (r#"{"uniqueItems":true,"minItems":1,"maxItems":2}"#, r#"{"minItems":1,"maxItems":2}"#),
        (r#"{"contains":{"pattern":"@"},"minContains":1,"maxContains":2}"#, r#"{"contains":{},"minContains":1}"#),
        (r#"{"not":{"pattern":"@"},"a":1}"#, r#"{"a":1}"#),
        (r#"{"items":{"pattern":"@"}}"#, r#"{"items":{}}"#),
        (r#"{"items":[{"pattern":"@"},true],"additionalItems":{"format":"x"}}"#, r#"{"items":[{},true],"additionalItems":{}}"#),
        (r#"{"prefixItems":[{"pattern":"@"}],"unevaluatedItems":false}"#, r#"{"prefixItems":[{}],"unevaluatedItems":false}"#),
        (r#"{"anyOf":[{"pattern":"@"}],"allOf":[{"format":"x"}]}"#, r#"{"anyOf":[{}],"allOf":[{}]}"#),
        (r#"{"oneOf":[{"pattern":"@"},{"type":"null"}]}"#, r#"{"anyOf":[{},{"type":"null"}]}"#),
        (r#"{"oneOf":[{"pattern":"@"}],"anyOf":[true]}"#, r#"{"anyOf":[true],"allOf":[{"anyOf":[{}]}]}"#),
        (r#"{"allOf":[true],"if":{"pattern":"@"},"then":{"minLength":1},"else":false}"#, r#"{"allOf":[true,{"anyOf":[{"allOf":[{},{}]},false]}]}"#),
        (r#"{"if":{"type":"null"}}"#, r#"{"allOf":[{"anyOf":[{"allOf":[{"type":"null"},true]},true]}]}"#),
        (r#"{"then":{"pattern":"@"}}"#, "{}"),
        (r#"{"properties":{"format":{"pattern":"@"}}}"#, r#"{"properties":{"format":{}}}"#),
        (r#"{"properties":{"a@b.co":{"pattern":"@"},"c":true},"additionalProperties":false}"#, r#"{"properties":{"c":true},"additionalProperties":{"anyOf":[{}]}}"#),
        (r#"{"properties":{"a@b.co":true}}"#, r#"{"properties":{},"additionalProperties":true}"#),
        (r#"{"patternProperties":{"@":{"type":"null"},"x":{"pattern":"@"}},"additionalProperties":{"type":"array"}}"#, r#"{"additionalProperties":{"anyOf":[{"type":"null"},{},{"type":"array"}]}}"#),
        (r#"{"additionalProperties":{"type":"integer"}}"#, r#"{"additionalProperties":{"type":["integer","string"]}}"#),
        (r#"{"unevaluatedProperties":{"pattern":"@"},"propertyNames":{"pattern":"@"}}"#, r#"{"unevaluatedProperties":{},"propertyNames":{}}"#),
        (r#"{"required":["a@b.co","c"],"minProperties":2}"#, r#"{"required":["c"],"minProperties":2}"#),
        (r#"{"dependentRequired":{"a@b.co":["c"],"d":["a@b.co","e"]}}"#, r#"{"dependentRequired":{"d":["e"]}}"#),
        (r#"{"dependentSchemas":{"d":{"pattern":"@"}},"unevaluatedProperties":false}"#, r#"{"dependentSchemas":{"d":{}},"unevaluatedProperties":false}"#),
        (r#"{"dependentSchemas":{"a@b.co":{"pattern":"@"}},"unevaluatedProperties":false}"#, r#"{"dependentSchemas":{}}"#),
        (r#"{"dependencies":{"a@b.co":true,"d":["a@b.co"],"e":{"pattern":"@"}}}"#, r#"{"dependencies":{"d":[],"e":{}}}"#),
        (r##"{"$ref":"#/$defs/a","$defs":{"a":{"pattern":"@"}}}"##, r##"{"$ref":"#/$defs/a","$defs":{"a":{}}}"##),
        (r##"{"$ref":"#/not","not":{},"unevaluatedItems":false}"##, "{}"),
        (r##"{"$ref":"#a","definitions":{"x":{"$anchor":"a"}}}"##, r##"{"$ref":"#a","definitions":{"x":{"$anchor":"a"}}}"##),
        (r##"{"$ref":"#a","not":{"$anchor":"a"},"items":{"$ref":"other.json#b"}}"##, r##"{"items":{"$ref":"other.json#b"}}"##),
    ];

    #[test]
    fn each_keyword_that_a_placeholder_can_break_is_widened() {
        let classes = ClassSet::NONE.with(Class::EMAIL).with(Class::CREDIT_CARD);
        for (schema, expected) in TABLE {
            assert_eq!(widen(schema, classes), expected, "{schema}");
            assert_eq!(widen(schema, ClassSet::NONE), schema, "nothing is redacted");
        }
    }

    #[test]
    fn a_number_stays_a_number_where_no_class_is_found_in_one() {
        let schema = r#"{"type":"number"}"#;
        assert_eq!(widen(schema, ClassSet::NONE.with(Class::EMAIL)), schema);
        assert_eq!(widen(schema, ClassSet::NONE.with(Class::CREDIT_CARD)), r#"{"type":["number","string"]}"#);
    }
}
