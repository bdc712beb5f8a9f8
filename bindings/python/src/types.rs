//! The types of Python whose values are data, found when the module is imported.

use enforcecore::redact::shown_name;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// The name of an object's type, as a message shows it: a type's author gives it any name.
pub fn type_name(object: &Bound<'_, PyAny>) -> String {
    object.get_type().name().map_or_else(|_| "object".to_owned(), |name| shown_name(&name.to_string_lossy()))
}

/// What data is told by.
pub struct Types {
    /// `type.__mro__`, `type.__base__`, `type.__dict__`: as the interpreter knows them, whatever a metaclass says.
    pub order: Py<PyAny>,
    /// The same.
    pub base: Py<PyAny>,
    /// The same.
    pub members: Py<PyAny>,
    /// Looked at before the members of a class.
    pub first: Vec<(Py<PyType>, Way)>,
    /// Looked at after them.
    pub types: Vec<(Py<PyType>, Way)>,
    /// Asked whether a class belongs to them.
    pub abstracts: Vec<(Py<PyType>, Way)>,
}

impl Types {
    /// Finds the types. They are of the standard library, so each is there.
    pub fn look_up(py: Python<'_>) -> PyResult<Types> {
        let find = |named: &[Named]| {
            let one = |(module, name, way): &Named| {
                Ok((py.import(*module)?.getattr(*name)?.cast_into::<PyType>()?.unbind(), *way))
            };
            named.iter().map(one).collect::<PyResult<Vec<_>>>()
        };
        let of_types = py.get_type::<PyType>().getattr("__dict__")?;
        let own = |name: &str| Ok::<_, PyErr>(of_types.get_item(name)?.getattr("__get__")?.unbind());
        let mut types = find(&TYPES)?;
        for walker in WALKERS {
            types.push((py.eval(walker, None, None)?.get_type().unbind(), "list(value)"));
        }
        let (order, base, members) = (own("__mro__")?, own("__base__")?, own("__dict__")?);
        Ok(Types { order, base, members, first: find(&FIRST)?, types, abstracts: find(&ABSTRACT)? })
    }
}

/// What makes a value of this kind one that can be frozen, for a message; empty where no single way is known.
pub type Way = &'static str;

/// Where a type can be found, and what converts its values.
type Named = (&'static str, &'static str, Way);

/// Types whose values are data, before the members of their classes are looked at.
const FIRST: [Named; 3] =
    [("enum", "Enum", "value.value"), ("enum", "Flag", "value.value"), ("collections", "UserString", "str(value)")];

/// Types whose values are data; the first that fits names the way.
const TYPES: [Named; 31] = [
    ("builtins", "str", "str(value)"),
    ("builtins", "int", "int(value)"),
    ("builtins", "bytes", "bytes(value)"),
    ("builtins", "dict", "dict(value)"),
    ("builtins", "list", "list(value)"),
    ("builtins", "tuple", "tuple(value)"),
    ("builtins", "float", "float(value)"),
    ("builtins", "complex", "str(value)"),
    ("builtins", "set", "list(value)"),
    ("builtins", "frozenset", "list(value)"),
    ("builtins", "bytearray", "bytes(value)"),
    ("builtins", "memoryview", "bytes(value)"),
    ("builtins", "range", "list(value)"),
    ("builtins", "slice", "str(value)"),
    ("builtins", "BaseException", "str(value)"),
    ("decimal", "Decimal", "decimal.Decimal(value)"),
    ("fractions", "Fraction", "str(value)"),
    ("datetime", "date", "value.isoformat()"),
    ("datetime", "time", "value.isoformat()"),
    ("datetime", "timedelta", "value.total_seconds()"),
    ("datetime", "tzinfo", "str(value)"),
    ("uuid", "UUID", "str(value)"),
    ("ipaddress", "IPv4Address", "str(value)"),
    ("ipaddress", "IPv6Address", "str(value)"),
    ("ipaddress", "IPv4Network", "str(value)"),
    ("ipaddress", "IPv6Network", "str(value)"),
    ("types", "SimpleNamespace", "vars(value)"),
    ("types", "MappingProxyType", "dict(value)"),
    ("collections", "deque", "list(value)"),
    ("re", "Match", "value.group()"),
    ("pathlib", "PurePath", "str(value)"),
];

/// Abstract classes: a value is data if its class is registered with one of them or comes from it.
const ABSTRACT: [Named; 6] = [
    ("collections.abc", "Mapping", "dict(value)"),
    ("collections.abc", "MappingView", "list(value)"),
    ("collections.abc", "Set", "list(value)"),
    ("collections.abc", "Sequence", "list(value)"),
    ("numbers", "Number", "str(value)"),
    ("os", "PathLike", "os.fspath(value)"),
];

/// Expressions whose values walk over data and hold it: an iterator over a list is the list.
const WALKERS: [&std::ffi::CStr; 11] = [
    c"iter([])",
    c"iter(())",
    c"iter('')",
    c"iter('\xc3\xa9')",
    c"iter(b'')",
    c"iter(bytearray())",
    c"iter({})",
    c"iter({}.values())",
    c"iter({}.items())",
    c"iter(set())",
    c"reversed([])",
];
