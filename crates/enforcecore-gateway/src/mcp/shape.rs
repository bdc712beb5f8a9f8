//! The members that a message other than a call may carry, each with a name and a kind.
//!
//! A member that has no place here could say anything, and no policy looks at it. A new one of a later protocol version is
//! dropped until it is listed.

use enforcecore::call::Malformed;
use enforcecore::codes::call as code;
use enforcecore::value::{Map, Value};

use super::outline::is_id;

/// The members of an object, by name.
pub type Members = &'static [(&'static str, Shape)];

/// What one member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// True or false.
    Flag,
    /// Any number.
    Number,
    /// Any text.
    Text,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// What names a request or its progress: a text or an integer.
    Id,
    /// An object with these members.
    Object(Members),
    /// A list of objects with these members.
    Objects(Members),
}

/// Drops every member that has no place, and those that say nothing. One that has a place and is of another kind is an error,
/// which names it.
pub fn cut(object: &mut Map, members: Members) -> Result<(), Malformed> {
    object.retain(|name, value| *value != Value::Null && members.iter().any(|(known, _)| known == name));
    members.iter().try_for_each(|(name, shape)| match object.get_mut(*name) {
        Some(value) => shape.fit(value, name),
        None => Ok(()),
    })
}

/// The members that [`cut`] drops without a fault, by their dotted names: what their sender said in vain.
pub fn unplaced(object: &Map, members: Members) -> Vec<String> {
    let mut names = Vec::new();
    for (name, value) in object {
        let placed = members.iter().find(|(known, _)| known == name).map(|(_, shape)| *shape);
        match (placed, value) {
            (_, Value::Null) => {}
            (None, _) => names.push(name.clone()),
            (Some(Shape::Object(members)), Value::Map(inner)) => {
                names.extend(unplaced(inner, members).iter().map(|inner| format!("{name}.{inner}")));
            }
            (Some(_), _) => {}
        }
    }
    names
}

impl Shape {
    fn fit(self, value: &mut Value, name: &str) -> Result<(), Malformed> {
        let fits = match (self, &mut *value) {
            (Shape::Flag, Value::Bool(_)) | (Shape::Number, Value::Number(_)) | (Shape::Text, Value::Text(_)) => true,
            (Shape::OneOf(words), Value::Text(text)) => words.contains(&text.as_str()),
            (Shape::Id, id) => is_id(id),
            (Shape::Object(members), Value::Map(object)) => return cut(object, members),
            (Shape::Objects(members), Value::List(objects)) => {
                return objects.iter_mut().try_for_each(|object| Shape::Object(members).fit(object, name));
            }
            _ => false,
        };
        if fits {
            Ok(())
        } else {
            Err(Malformed::new(code::BAD_MESSAGE, format!("`{name}` is not what the protocol says")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_place_is_named() {
        const MEMBERS: Members = &[("text", Shape::Text), ("object", Shape::Object(&[("inner", Shape::Text)]))];
        let check = |said: &str, expected: &[&str]| {
            let object = Value::from_json(said.as_bytes()).unwrap().as_map().unwrap().clone();
            assert_eq!(unplaced(&object, MEMBERS), expected, "{said}");
        };
        check(r#"{"text":"a","object":{"inner":"b"}}"#, &[]);
        check(r#"{"other":1,"gone":null,"object":{"inner":"b","x":{"y":1},"z":null}}"#, &["other", "object.x"]);
        check(r#"{"object":[]}"#, &[]);
    }

    #[test]
    fn what_has_no_place_is_dropped_and_what_is_of_another_kind_is_named() {
        const MEMBERS: Members = &[
            ("flag", Shape::Flag),
            ("number", Shape::Number),
            ("text", Shape::Text),
            ("word", Shape::OneOf(&["one", "two"])),
            ("id", Shape::Id),
            ("object", Shape::Object(&[("inner", Shape::Text)])),
            ("objects", Shape::Objects(&[("inner", Shape::Flag)])),
        ];
        let check = |said: &str, expected: Result<&str, &str>| {
            let mut object = Value::from_json(said.as_bytes()).unwrap().as_map().unwrap().clone();
            let cut = cut(&mut object, MEMBERS).map(|()| Value::Map(object).to_json());
            let named = |error: Malformed| error.message.split('`').nth(1).unwrap().to_owned();
            assert_eq!(cut.map_err(named), expected.map(str::to_owned).map_err(str::to_owned), "{said}");
        };
        check("{}", Ok("{}"));
        check(r#"{"other":1,"text":"a","Text":"b"}"#, Ok(r#"{"text":"a"}"#));
        check(r#"{"text":null,"flag":null}"#, Ok("{}"));
        check(r#"{"flag":true,"number":1.5,"word":"two"}"#, Ok(r#"{"flag":true,"number":1.5,"word":"two"}"#));
        check(r#"{"object":{"inner":"a","x":{}}}"#, Ok(r#"{"object":{"inner":"a"}}"#));
        check(r#"{"objects":[{"inner":true,"x":1},{}]}"#, Ok(r#"{"objects":[{"inner":true},{}]}"#));
        check(r#"{"id":"a"}"#, Ok(r#"{"id":"a"}"#));
        check(r#"{"id":7}"#, Ok(r#"{"id":7}"#));
        for (said, name) in [
            (r#"{"flag":"true"}"#, "flag"),
            (r#"{"number":"1"}"#, "number"),
            (r#"{"text":1}"#, "text"),
            (r#"{"text":{"a":1}}"#, "text"),
            (r#"{"word":"three"}"#, "word"),
            (r#"{"id":1.5}"#, "id"),
            (r#"{"object":[]}"#, "object"),
            (r#"{"object":{"inner":1}}"#, "inner"),
            (r#"{"objects":{}}"#, "objects"),
            (r#"{"objects":["a"]}"#, "objects"),
        ] {
            check(said, Err(name));
        }
    }
}
