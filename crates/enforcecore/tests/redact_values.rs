//! Every kind of value in which classified text can stand, at every place in it.
#![cfg(test)]

use enforcecore::redact::{Class, ClassSet, redact_value};
use enforcecore::value::Value;

fn json(text: &str) -> Value {
    Value::from_json(text.as_bytes()).unwrap()
}

fn list(item: Value) -> Value {
    Value::List(vec![Value::Null, item])
}

fn map(item: Value) -> Value {
    Value::Map([("k".to_owned(), Value::Bool(true)), ("item".to_owned(), item)].into_iter().collect())
}

#[test]
fn classified_text_is_found_in_every_kind_of_value() {
    let opaque = |name: &str| Value::Opaque(name.to_owned());
    let bytes = |text: &str| Value::Bytes(text.as_bytes().to_vec());
    let kinds: Vec<(&str, Value, Value)> = vec![
        ("text", json(r#""to jo@example.com""#), json(r#""to EC_EMAIL_1""#)),
        ("a key", json(r#"{"to jo@example.com":1}"#), json(r#"{"to EC_EMAIL_1":1}"#)),
        ("a key of a key", json(r#"{"a":{"jo@example.com":{}}}"#), json(r#"{"a":{"EC_EMAIL_1":{}}}"#)),
        ("the name of a type", opaque("jo@example.com"), opaque("EC_EMAIL_1")),
        ("a part of the name of a type", opaque("a.b of jo@example.com"), opaque("a.b of EC_EMAIL_1")),
        ("bytes that are text", bytes("to jo@example.com"), bytes("to EC_EMAIL_1")),
    ];
    for (what, value, redacted) in kinds {
        let places: [fn(Value) -> Value; 6] =
            [|one| one, list, map, |one| list(map(one)), |one| map(list(one)), |one| map(map(list(list(one))))];
        for (number, place) in places.into_iter().enumerate() {
            let found = redact_value(&place(value.clone()), ClassSet::all()).unwrap();
            assert_eq!(found.value, place(redacted.clone()), "{what} at {number}");
            assert_eq!(found.counts, [(Class::EMAIL, 1)].into(), "{what} at {number}");
            let left = redact_value(&place(value.clone()), ClassSet::NONE.with(Class::CREDIT_CARD)).unwrap();
            assert_eq!((left.value, left.counts.len()), (place(value.clone()), 0), "{what} at {number}");
        }
    }
    let card = redact_value(&list(json("4111111111111111")), ClassSet::all()).unwrap();
    assert_eq!((card.value, card.counts), (list(json(r#""EC_CREDIT_CARD_1""#)), [(Class::CREDIT_CARD, 1)].into()));
    let not_text = Value::Bytes(b"jo@example.com \xff".to_vec());
    assert!(redact_value(&list(not_text), ClassSet::all()).is_err());
    for plain in [Value::Null, Value::Bool(true), json("5"), opaque("Socket"), Value::Bytes(vec![0xff, 0])] {
        let found = redact_value(&map(plain.clone()), ClassSet::all()).unwrap();
        assert_eq!((found.value, found.counts.len()), (map(plain), 0));
    }
}
