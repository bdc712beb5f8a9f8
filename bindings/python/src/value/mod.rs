//! Python values, frozen: one walk makes the copy that is decided, committed to and handed on.
//!
//! Only exact built-in types are read, because a subclass can say one thing when it is checked and another when it is used.
//! Containers are rebuilt, so nothing that happens to the original afterwards matters; numbers are immutable and are
//! handed on as the very objects they are, so an `int` stays an `int` and a `Decimal` keeps its places.

use enforcecore::call::Malformed;
use enforcecore::characters::{REPLACEMENT, Replaced};
use enforcecore::codes::call as code;
use enforcecore::number::{Number, NumberError};
use enforcecore::redact::shown_name;
use enforcecore::value::{Limits, Map, RESULT_DEPTH_MAX, Value, ValueError};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::known::Known;
use crate::types::type_name;

mod data;

/// What can be frozen, for a message.
const FROZEN: &str = "None, bool, int, float, Decimal, str, bytes, list, tuple and dict";

/// Bits in an integer at most: a little more than what [`Number`] reads, so that no integer is too long to be written out.
const INTEGER_BITS_MAX: usize = 1040;

/// What the core cannot know of a value: which of Python's types it has.
#[derive(Debug)]
pub enum Shape {
    /// The value says it all: text, bytes, a truth value, none.
    Plain,
    /// A number or an object that is handed on as it is.
    Same(Py<PyAny>),
    /// A list.
    List(Vec<Shape>),
    /// A tuple.
    Tuple(Vec<Shape>),
    /// A dictionary; its members in order.
    Dict(Vec<Shape>),
}

/// The arguments of one call.
#[derive(Debug, Default)]
pub struct Arguments {
    /// What the policy sees.
    pub seen: Map,
    shapes: Vec<Shape>,
    /// Opaque objects of parameters that the policy does not know: it is not shown them, and the tool gets them as they are.
    unseen: Vec<(String, Py<PyAny>)>,
}

impl Arguments {
    /// Freezes arguments by name. The parameters in `opaque` may hold an object; `sees` says which the policy knows.
    ///
    /// Being opaque excuses objects, never data: data of any type is frozen and decided on like any other, or refused.
    pub fn freeze(
        arguments: &Bound<'_, PyDict>,
        opaque: &[String],
        sees: impl Fn(&str) -> bool,
    ) -> Result<Arguments, Malformed> {
        let mut freezer = Freezer::new(arguments.py(), Place::Argument);
        let mut frozen = Arguments::default();
        for (key, object) in arguments.iter().collect::<Vec<_>>() {
            let name = freezer.key(&key)?;
            let may_be_opaque = opaque.contains(&name);
            if may_be_opaque && (object.is_none() || !freezer.is_data(&object)) {
                if sees(&name) {
                    frozen.seen.insert(name, Value::Opaque(type_name(&object)));
                    frozen.shapes.push(Shape::Same(object.unbind()));
                } else {
                    frozen.unseen.push((name, object.unbind()));
                }
                continue;
            }
            freezer.place = if may_be_opaque { Place::Opaque } else { Place::Argument };
            let (value, shape) = freezer.value(&object, 2).map_err(|malformed| within(&name, malformed))?;
            frozen.seen.insert(name, value);
            frozen.shapes.push(shape);
        }
        Ok(frozen)
    }

    /// The arguments as a fresh dictionary: `decided` is what is left of [`Arguments::seen`] after redaction.
    pub fn thaw<'py>(&self, py: Python<'py>, decided: &Map) -> PyResult<Bound<'py, PyDict>> {
        let dict = thaw_map(py, decided, &self.shapes)?;
        for (name, object) in &self.unseen {
            dict.set_item(name, object.bind(py))?;
        }
        Ok(dict)
    }
}

/// Freezes one value: a fact.
pub fn freeze(object: &Bound<'_, PyAny>, place: Place) -> Result<(Value, Shape), Malformed> {
    Freezer::new(object.py(), place).value(object, 1)
}

/// Freezes what a tool returned: as far as it can be seen in full, because the tool ran already. Says which characters were
/// replaced.
pub fn freeze_result(object: &Bound<'_, PyAny>) -> Result<(Value, Shape, Replaced), Malformed> {
    let mut freezer = Freezer::new(object.py(), Place::Result);
    let (value, shape) = freezer.value(object, 1)?;
    Ok((value, shape, freezer.replaced))
}

/// Where a value stands, which decides what can be done with one that cannot be frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// An argument.
    Argument,
    /// The argument of a parameter that is declared opaque.
    Opaque,
    /// What a tool returned.
    Result,
    /// What the host says of a session.
    Fact,
}

impl Place {
    /// What a value that stands there may have.
    fn limits(self) -> Limits {
        match self {
            Place::Argument | Place::Opaque | Place::Fact => Limits::ARGUMENTS,
            // It stands in no protocol's message.
            Place::Result => Limits { depth: RESULT_DEPTH_MAX, ..Limits::RESULT },
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Place::Argument | Place::Opaque => "pass",
            Place::Result => "return",
            Place::Fact => "give",
        }
    }
}

/// A fresh object of the types it had; what was redacted is text.
pub fn thaw<'py>(py: Python<'py>, value: &Value, shape: &Shape) -> PyResult<Bound<'py, PyAny>> {
    Ok(match (value, shape) {
        (Value::Null, _) => py.None().into_bound(py),
        (Value::Bool(bool), _) => PyBool::new(py, *bool).to_owned().into_any(),
        (Value::Text(text), _) => PyString::new(py, text).into_any(),
        (Value::Bytes(bytes), _) => PyBytes::new(py, bytes).into_any(),
        (Value::Number(_) | Value::WideNumber(_) | Value::Opaque(_), Shape::Same(object)) => object.bind(py).clone(),
        (Value::List(items), Shape::List(shapes)) => PyList::new(py, thaw_all(py, items, shapes)?)?.into_any(),
        (Value::List(items), Shape::Tuple(shapes)) => PyTuple::new(py, thaw_all(py, items, shapes)?)?.into_any(),
        (Value::Map(map), Shape::Dict(shapes)) => thaw_map(py, map, shapes)?.into_any(),
        _ => return Err(lost_shape()),
    })
}

fn thaw_all<'py>(py: Python<'py>, items: &[Value], shapes: &[Shape]) -> PyResult<Vec<Bound<'py, PyAny>>> {
    if items.len() != shapes.len() {
        return Err(lost_shape());
    }
    items.iter().zip(shapes).map(|(item, shape)| thaw(py, item, shape)).collect()
}

fn thaw_map<'py>(py: Python<'py>, map: &Map, shapes: &[Shape]) -> PyResult<Bound<'py, PyDict>> {
    if map.len() != shapes.len() {
        return Err(lost_shape());
    }
    let dict = PyDict::new(py);
    for ((key, item), shape) in map.iter().zip(shapes) {
        dict.set_item(key, thaw(py, item, shape)?)?;
    }
    Ok(dict)
}

fn lost_shape() -> PyErr {
    PyRuntimeError::new_err("a value came back from the enforcer in another shape")
}

struct Freezer<'py> {
    py: Python<'py>,
    /// The containers being walked: one that is met again inside itself is a cycle.
    above: Vec<Bound<'py, PyAny>>,
    place: Place,
    /// Counted as the core counts, so that the walk ends early on what the core would refuse.
    bytes: usize,
    replaced: Replaced,
}

impl<'py> Freezer<'py> {
    fn new(py: Python<'py>, place: Place) -> Freezer<'py> {
        Freezer { py, above: Vec::new(), place, bytes: 0, replaced: Replaced::default() }
    }

    fn value(&mut self, object: &Bound<'py, PyAny>, depth: usize) -> Result<(Value, Shape), Malformed> {
        self.count(2)?;
        if object.is_none() {
            return Ok((Value::Null, Shape::Plain));
        }
        if let Ok(bool) = object.cast_exact::<PyBool>() {
            return Ok((Value::Bool(bool.is_true()), Shape::Plain));
        }
        if let Ok(text) = object.cast_exact::<PyString>() {
            return Ok((Value::Text(self.text(text)?), Shape::Plain));
        }
        if let Ok(bytes) = object.cast_exact::<PyBytes>() {
            self.count(bytes.as_bytes().len())?;
            return Ok((Value::Bytes(bytes.as_bytes().to_vec()), Shape::Plain));
        }
        if let Some(number) = self.number(object)? {
            return Ok((number, Shape::Same(object.clone().unbind())));
        }
        self.container(object, depth)
    }

    fn container(&mut self, object: &Bound<'py, PyAny>, depth: usize) -> Result<(Value, Shape), Malformed> {
        let limits = self.place.limits();
        if depth > limits.depth {
            return Err(ValueError::TooDeep(limits).into());
        }
        if self.above.iter().any(|above| above.is(object)) {
            return Err(Malformed::new(code::CYCLIC_VALUE, "a container that contains itself"));
        }
        self.above.push(object.clone());
        // The members are taken all at once: what happens to the container while they are walked changes nothing.
        let frozen = if let Ok(list) = object.cast_exact::<PyList>() {
            let (values, shapes) = self.items(list.iter().collect(), depth)?;
            (Value::List(values), Shape::List(shapes))
        } else if let Ok(tuple) = object.cast_exact::<PyTuple>() {
            let (values, shapes) = self.items(tuple.iter().collect(), depth)?;
            (Value::List(values), Shape::Tuple(shapes))
        } else if let Ok(dict) = object.cast_exact::<PyDict>() {
            self.members(dict.iter().collect(), depth)?
        } else {
            return Err(unsupported(object, self.place, self.above.len() > 1));
        };
        self.above.pop();
        Ok(frozen)
    }

    fn items(&mut self, items: Vec<Bound<'py, PyAny>>, depth: usize) -> Result<(Vec<Value>, Vec<Shape>), Malformed> {
        let frozen = items.iter().map(|item| self.value(item, depth + 1));
        Ok(frozen.collect::<Result<Vec<_>, _>>()?.into_iter().unzip())
    }

    fn members(
        &mut self,
        members: Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>,
        depth: usize,
    ) -> Result<(Value, Shape), Malformed> {
        let (mut map, mut shapes) = (Map::with_capacity(members.len()), Vec::with_capacity(members.len()));
        for (key, item) in &members {
            let key = self.key(key)?;
            let (value, shape) = self.value(item, depth + 1)?;
            map.insert(key, value);
            shapes.push(shape);
        }
        Ok((Value::Map(map), Shape::Dict(shapes)))
    }

    fn key(&mut self, key: &Bound<'py, PyAny>) -> Result<String, Malformed> {
        match key.cast_exact::<PyString>() {
            Ok(text) => self.text(text),
            Err(_) => {
                let message = format!(
                    "a dictionary's key is a `{}`; only exact `str` keys are read, so write `str(key)`",
                    type_name(key)
                );
                Err(Malformed::new(code::KEY_NOT_TEXT, message))
            }
        }
    }

    fn text(&mut self, text: &Bound<'py, PyString>) -> Result<String, Malformed> {
        let text = match (text.to_str(), self.place) {
            (Ok(text), _) => text.to_owned(),
            (Err(_), Place::Result) => self.replace_halves(text)?,
            (Err(_), Place::Argument | Place::Opaque | Place::Fact) => return Err(lone_surrogate(text)),
        };
        self.count(text.len())?;
        Ok(text)
    }

    /// Puts U+FFFD in the place of each half of a surrogate pair that stands alone.
    fn replace_halves(&mut self, text: &Bound<'py, PyString>) -> Result<String, Malformed> {
        let mut whole = String::new();
        for char in char::decode_utf16(code_units(text).ok_or_else(|| lone_surrogate(text))?) {
            match char {
                Ok(char) => whole.push(char),
                Err(_) => {
                    self.replaced.surrogates += 1;
                    whole.push_str(REPLACEMENT);
                }
            }
        }
        Ok(whole)
    }

    /// A number's exact text is its own: of a float, the shortest that reads back as the same float.
    fn number(&mut self, object: &Bound<'py, PyAny>) -> Result<Option<Value>, Malformed> {
        let text = if let Ok(int) = object.cast_exact::<PyInt>() {
            match int.extract::<i64>() {
                Ok(small) => small.to_string(),
                Err(_) => large_integer(int, self.place)?,
            }
        } else if object.is_exact_instance_of::<PyFloat>() {
            spelled(&object.repr())?
        } else if self.is_decimal(object) {
            spelled(&object.str())?
        } else {
            return Ok(None);
        };
        self.count(text.len())?;
        let number = match self.place {
            Place::Argument | Place::Opaque | Place::Fact => Number::parse(&text).map(Value::Number),
            Place::Result => Value::said_number(&text),
        };
        match number {
            Ok(number) => Ok(Some(number)),
            Err(NumberError::Syntax) => {
                Err(Malformed::new(code::BAD_NUMBER, "a number that is not finite, and so cannot be compared"))
            }
            Err(error) => Err(ValueError::Number(error).into()),
        }
    }

    /// Whether a value is data, of a type that is read or of any other.
    fn is_data(&self, object: &Bound<'py, PyAny>) -> bool {
        object.is_exact_instance_of::<PyBool>() || self.is_decimal(object) || data::way(object).is_some()
    }

    fn is_decimal(&self, object: &Bound<'py, PyAny>) -> bool {
        Known::of(self.py).is_ok_and(|known| object.get_type().is(&known.decimal))
    }

    fn count(&mut self, bytes: usize) -> Result<(), Malformed> {
        let limits = self.place.limits();
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes <= limits.bytes {
            return Ok(());
        }
        Err(ValueError::TooLarge { bytes: self.bytes, limits }.into())
    }
}

fn lone_surrogate(text: &Bound<'_, PyString>) -> Malformed {
    let halves = char::decode_utf16(code_units(text).unwrap_or_default());
    let (place, half) = halves.enumerate().find_map(|(place, char)| Some((place + 1, char.err()?))).unzip();
    let half = half.map_or_else(String::new, |half| {
        format!(" (U+{:04X}, character {})", half.unpaired_surrogate(), place.unwrap_or_default())
    });
    Malformed::new(code::LONE_SURROGATE, format!("text with a lone surrogate{half}, which no two programs read alike"))
}

/// The code units of a text in UTF-16, halves of pairs included.
fn code_units(text: &Bound<'_, PyString>) -> Option<Vec<u16>> {
    let encoded = text.call_method1("encode", ("utf-16-le", "surrogatepass")).ok()?;
    let bytes = encoded.cast_exact::<PyBytes>().ok()?.as_bytes();
    Some(bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect())
}

fn large_integer(int: &Bound<'_, PyInt>, place: Place) -> Result<String, Malformed> {
    let bits = int.call_method0("bit_length").and_then(|bits| bits.extract::<usize>());
    // A result's integer is as long as Python itself writes out.
    if place == Place::Result || bits.is_ok_and(|bits| bits <= INTEGER_BITS_MAX) {
        spelled(&int.str())
    } else {
        Err(ValueError::Number(NumberError::OutOfRange).into())
    }
}

fn spelled(text: &PyResult<Bound<'_, PyString>>) -> Result<String, Malformed> {
    let text = text.as_ref().ok().and_then(|text| text.to_str().ok());
    text.map(str::to_owned).ok_or_else(|| Malformed::new(code::BAD_NUMBER, "a number that cannot be written out"))
}

/// Says what cannot be frozen and what can be done. Being opaque is a way for objects and never for data.
fn unsupported(object: &Bound<'_, PyAny>, place: Place, nested: bool) -> Malformed {
    let verb = place.verb();
    let why = match (data::way(object), place) {
        (Some(""), _) | (None, Place::Result | Place::Fact) => format!(": {verb} what is in it, as {FROZEN}"),
        (Some(way), Place::Opaque) if !nested => format!(
            ", and data is never opaque: {verb} `{way}` in its place; if it is a method's own object, enforce a function \
             that closes over it"
        ),
        (Some(way), _) => format!(": {verb} `{way}` in its place"),
        (None, Place::Argument) if !nested => {
            format!("; {FROZEN} can: declare the parameter opaque, or let the function close over it")
        }
        (None, Place::Argument | Place::Opaque) => format!(
            "; {FROZEN} can: pass it on its own, in a parameter that is declared opaque, or let the function close over it"
        ),
    };
    Malformed::new(code::UNSUPPORTED_TYPE, format!("a `{}` cannot be frozen{why}", type_name(object)))
}

fn within(name: &str, malformed: Malformed) -> Malformed {
    Malformed::new(malformed.code, format!("the argument `{}`: {}", shown_name(name), malformed.message))
}
