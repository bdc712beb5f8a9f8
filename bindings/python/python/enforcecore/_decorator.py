"""Three lines that protect a function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar, cast

from enforcecore import _core
from enforcecore._binding import Binding
from enforcecore._enforcer import Durability, Enforcer, StrPath
from enforcecore.errors import NotSupportedError

P = ParamSpec("P")
R = TypeVar("R")


def enforce(
    function: None = None,
    *,
    policy: StrPath | None = None,
    tool_name: str | None = None,
    opaque: Sequence[str] = (),
    log: StrPath | None = None,
    keys: StrPath | None = None,
    anchor: StrPath | None = None,
    durability: Durability | None = None,
    config: StrPath | None = None,
    enforcer: Enforcer | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Enforces a policy on every call of a function.

    What is not given is taken from the configuration, as `Enforcer` does. The decorated function has the enforcer as
    its attribute `enforcer`.

    Args:
        function: Nothing: the decorator is written with its options, `@enforce(policy="policy.yaml")`.
        policy: The policy's file.
        tool_name: What policies call the function; its own name if not given.
        opaque: Parameters that may hold opaque objects, such as `self` or a connection. The function gets
            them as they are; no condition of a policy holds of them. Data is never opaque: it is decided on or refused.
        log: The folder of the evidence.
        keys: The folder of the signing key.
        anchor: A folder elsewhere that remembers how far the log has come.
        durability: `strict` or `buffered`.
        config: A file to read in place of the `enforcecore.toml` of the project and of the user.
        enforcer: An enforcer to share; it has the policy, the folders and the durability already.

    Raises:
        ConfigurationError: The configuration has a mistake, or no policy is configured.
        PolicyLoadError: The policy does not load, or asks for what cannot be enforced on a function in this process.
        AuditError: The log cannot be opened.
        NotSupportedError: The function is asynchronous or a generator.
        TypeError: The options do not fit each other or the function.
    """
    if function is not None:
        raise TypeError('write @enforce(policy="policy.yaml"), or @enforce() if the configuration names the policy')
    if enforcer is None:
        enforcer = Enforcer(policy, log=log, keys=keys, anchor=anchor, durability=durability, config=config)
    elif any(option is not None for option in (policy, log, keys, anchor, durability, config)):
        raise TypeError("an `enforcer` has its policy, folders and durability already")
    return functools.partial(_decorate, enforcer, tool_name, tuple(opaque))


def _decorate(
    enforcer: Enforcer, tool_name: str | None, opaque: tuple[str, ...], function: Callable[P, R]
) -> Callable[P, R]:
    _check_kind(function)
    name = tool_name or getattr(function, "__name__", None)
    if name is None:
        raise TypeError("this callable has no name: give `tool_name`")
    binding = Binding(function)
    unknown = [parameter for parameter in opaque if parameter not in binding.names]
    if unknown:
        raise TypeError(f"`{name}` has no parameter `{unknown[0]}` to be opaque; it has {', '.join(binding.names)}")
    tool = _core.Tool(name, opaque)

    def call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            named = binding.by_name(args, kwargs)
        except TypeError:
            named = None
        if named is None:
            enforcer.refuse_unbound(
                tool, f"the arguments do not fit; `{name}` takes {', '.join(binding.names) or 'none'}"
            )
        return enforcer.run(tool, named, functools.partial(binding.call, function))

    @functools.wraps(function)
    def enforced(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return cast("R", call(args, kwargs))
        except BaseException as error:
            # What leaves the package has no frame with an argument in it: programs report exceptions with their locals.
            del args, kwargs
            raise error.with_traceback(None) from None

    enforced.enforcer = enforcer  # type: ignore[attr-defined]
    _hide(function, enforced)
    return enforced


def _hide(function: Callable[..., Any], enforced: Callable[..., Any]) -> None:
    """Leaves frameworks the signature and the annotations, and no way from the protected function to the bare one.

    Annotations are resolved here, because their names mean something only where the bare function was written.
    """
    try:
        enforced.__annotations__ = inspect.get_annotations(function, eval_str=True)
        signature = inspect.signature(function, eval_str=True)
    except Exception:
        # An annotation is any expression; what cannot be resolved is left as it stands.
        signature = inspect.signature(function)
    enforced.__signature__ = signature  # type: ignore[attr-defined]
    del enforced.__wrapped__  # type: ignore[attr-defined]


def _check_kind(function: Callable[..., Any]) -> None:
    if isinstance(function, (staticmethod, classmethod)):
        raise TypeError(f"put @enforce below @{type(function).__name__}")
    if isinstance(function, type) or not callable(function):
        raise TypeError("@enforce protects a function")
    for candidate in (function, type(function).__call__):
        if inspect.iscoroutinefunction(candidate) or inspect.isasyncgenfunction(candidate):
            raise NotSupportedError(
                "asynchronous functions are not supported yet: enforce the synchronous one they call"
            )
        if inspect.isgeneratorfunction(candidate):
            raise NotSupportedError("generators are not supported yet: return a list")
