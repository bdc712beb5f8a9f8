"""Arguments by name: from how a function is called to what a policy sees, and back."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Binding:
    """The parameters of one function.

    Defaults count as given, so a policy sees what the function will work with. Two things stand for "not given",
    because the function cannot tell them apart either: a parameter that is `None` by default and is `None`, and no
    `*args`.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._signature = inspect.signature(function)
        self._parameters = self._signature.parameters

    @property
    def names(self) -> list[str]:
        """The parameters, as messages name them."""
        return list(self._parameters)

    def by_name(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments by name; those of `**kwargs` under their own names.

        Raises:
            TypeError: They do not fit the function.
        """
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        named: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for name, value in bound.arguments.items():
            parameter = self._parameters[name]
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                extra = value
            elif parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                if value:
                    named[name] = value
            elif value is not None or parameter.default is not None:
                named[name] = value
        if not extra.keys().isdisjoint(self._parameters):
            raise TypeError("a keyword argument has the name of another parameter")
        return named | extra

    def call(self, function: Callable[..., Any], named: Mapping[str, Any]) -> Any:
        """Calls the function with arguments that `by_name` gave names to."""
        args: list[Any] = []
        kwargs = {name: value for name, value in named.items() if name not in self._parameters}
        for name, parameter in self._parameters.items():
            if parameter.kind in _POSITIONAL:
                args.append(named.get(name))
            elif parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                args.extend(named.get(name, ()))
            elif parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                kwargs[name] = named.get(name)
        return function(*args, **kwargs)
