//! Data or an object: which values a parameter that is declared opaque hands on unseen.
//!
//! A model writes data, and what frameworks make of it has many types. So data is frozen or refused, whatever its type and
//! wherever it stands; only what is no data can be opaque: a connection, an open file, a function, the object of a method.
//!
//! What a value is goes by its real type: the bases that the interpreter laid out, and the members of those bases. A class
//! that says something else of itself (`__class__`, a metaclass, `__instancecheck__`) can add to that and take nothing
//! away; where it cannot be asked, the value counts as data.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyInt, PyList, PyMappingProxy, PyMemoryView, PyString, PyTuple, PyType};

use crate::known::Known;
use crate::types::{Types, Way};

/// A value that is data by what its type's members are called. These come first: a model's own method knows its fields.
const MEMBERS: [(&str, Way); 14] = [
    ("model_dump", "value.model_dump()"),
    ("__dataclass_fields__", "dataclasses.asdict(value)"),
    ("__attrs_attrs__", "attrs.asdict(value)"),
    ("__struct_fields__", "msgspec.to_builtins(value)"),
    ("__pydantic_fields__", "value.model_dump()"),
    ("__pydantic_validator__", "value.model_dump()"),
    ("__fields__", "value.dict()"),
    ("__array__", "value.tolist()"),
    ("__array_interface__", "value.tolist()"),
    ("__dataframe__", "value.to_dict()"),
    ("SerializeToString", "value.SerializeToString()"),
    ("get_payload", "value.as_string()"),
    ("_asdict", "value._asdict()"),
    ("__buffer__", "bytes(value)"),
];

/// Members of classes that numpy makes, by the name of a base: no method of theirs gives back what can be frozen.
const SPELLED: [&str; 5] = ["datetime64", "timedelta64", "complexfloating", "longdouble", "clongdouble"];

/// The way to make the value one that can be frozen, if it is data; `None` if it is an object.
pub fn way(object: &Bound<'_, PyAny>) -> Option<Way> {
    // What cannot be looked at is not handed on unseen.
    look(object).unwrap_or(Some(""))
}

fn look(object: &Bound<'_, PyAny>) -> PyResult<Option<Way>> {
    let types = &Known::of(object.py())?.types;
    let real = object.get_type();
    if let Some(way) = of_class(types, &real, layout(object))? {
        return Ok(Some(way));
    }
    let claimed = object.getattr("__class__")?;
    if let Ok(claimed) = claimed.cast::<PyType>()
        && !claimed.is(&real)
        && let Some(way) = of_class(types, claimed, None)?
    {
        return Ok(Some(way));
    }
    is_buffer(object)
}

/// The built-in type that the interpreter laid the object out as; no class can hide that.
fn layout(object: &Bound<'_, PyAny>) -> Option<Way> {
    if object.is_instance_of::<PyString>() {
        Some("str(value)")
    } else if object.is_instance_of::<PyInt>() {
        Some("int(value)")
    } else if object.is_instance_of::<PyBytes>() {
        Some("bytes(value)")
    } else if object.is_instance_of::<PyDict>() {
        Some("dict(value)")
    } else if object.is_instance_of::<PyList>() {
        Some("list(value)")
    } else if object.is_instance_of::<PyTuple>() {
        Some("tuple(value)")
    } else {
        None
    }
}

/// The way for values of a class; `layout` is what the interpreter says of this very value.
fn of_class(types: &Types, class: &Bound<'_, PyType>, layout: Option<Way>) -> PyResult<Option<Way>> {
    let bases = bases(types, class)?;
    let among = |known: &[(Py<PyType>, Way)]| {
        known.iter().find(|(one, _)| bases.iter().any(|base| base.is(one))).map(|(_, way)| *way)
    };
    if let Some(way) = among(&types.first).or(layout).or_else(|| among(&types.types)) {
        return Ok(Some(way));
    }
    if let Some(way) = of_members(types, &bases)? {
        return Ok(Some(way));
    }
    for (one, way) in &types.abstracts {
        if class.is_subclass(one.bind(class.py()))? {
            return Ok(Some(way));
        }
    }
    Ok(None)
}

fn of_members(types: &Types, bases: &[Bound<'_, PyAny>]) -> PyResult<Option<Way>> {
    let dicts: Vec<Bound<'_, PyAny>> = bases.iter().map(|base| read(&types.members, base)).collect::<PyResult<_>>()?;
    let has = |name: &str| -> PyResult<bool> {
        for dict in &dicts {
            if dict.cast_exact::<PyMappingProxy>()?.contains(name)? {
                return Ok(true);
            }
        }
        Ok(false)
    };
    for (member, way) in MEMBERS {
        if has(member)? {
            return Ok(Some(if member == "__array__" { of_array(bases, has("item")?, has("to_dict")?) } else { way }));
        }
    }
    Ok(None)
}

/// numpy's scalars have a number inside or only a text; its arrays have lists; tables of other libraries have dictionaries.
fn of_array(bases: &[Bound<'_, PyAny>], item: bool, table: bool) -> Way {
    let named = |names: &[&str]| {
        bases.iter().any(|base| {
            let name = base.getattr("__name__").and_then(|name| name.extract::<String>());
            name.is_ok_and(|name| names.contains(&name.as_str()))
        })
    };
    if named(&SPELLED) {
        "str(value)"
    } else if item && named(&["generic"]) {
        "value.item()"
    } else if table && !item {
        "value.to_dict()"
    } else {
        "value.tolist()"
    }
}

/// The class and all it comes from: in the order that attributes are looked up, and as the interpreter laid it out.
fn bases<'py>(types: &Types, class: &Bound<'py, PyType>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let order = read(&types.order, class.as_any())?;
    let mut bases: Vec<Bound<'py, PyAny>> = order.cast_into::<PyTuple>()?.iter().collect();
    let mut next = class.as_any().clone();
    while !next.is_none() {
        if !bases.iter().any(|base| base.is(&next)) {
            bases.push(next.clone());
        }
        next = read(&types.base, &next)?;
    }
    Ok(bases)
}

/// What `type` itself keeps of a class.
fn read<'py>(getter: &Py<PyAny>, class: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    getter.bind(class.py()).call1((class,))
}

/// Whether bytes can be read out of the object: only it itself knows.
fn is_buffer(object: &Bound<'_, PyAny>) -> PyResult<Option<Way>> {
    match PyMemoryView::from(object) {
        Ok(_) => Ok(Some("bytes(value)")),
        Err(error) if error.is_instance_of::<PyTypeError>(object.py()) => Ok(None),
        Err(error) => Err(error),
    }
}
