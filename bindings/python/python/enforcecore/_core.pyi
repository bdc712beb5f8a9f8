from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, NoReturn, final

__all__ = ["Admitted", "Answer", "Enforcer", "Session", "Tool", "__version__"]

__version__: str

@final
class Session:
    def __new__(
        cls,
        session_id: str,
        *,
        tenant: str,
        principal: dict[str, Any],
        values: dict[str, Any],
        facts: dict[str, Any],
    ) -> Session: ...

@final
class Tool:
    def __new__(cls, name: str, opaque: Sequence[str]) -> Tool: ...
    @property
    def name(self) -> str: ...

@final
class Admitted:
    @property
    def args(self) -> dict[str, Any]: ...
    @property
    def call_id(self) -> str: ...

@final
class Answer:
    @property
    def verdict(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def rules(self) -> list[str]: ...
    @property
    def explanation(self) -> dict[str, Any] | None: ...

@final
class Enforcer:
    def __new__(
        cls,
        *,
        config: str | PathLike[str] | None,
        policy: str | PathLike[str] | None,
        log: str | PathLike[str] | None,
        keys: str | PathLike[str] | None,
        anchor: str | PathLike[str] | None,
        durability: str | None,
    ) -> Enforcer: ...
    @property
    def writes_later(self) -> bool: ...
    @property
    def policy_name(self) -> str: ...
    def enforce(
        self,
        tool: Tool,
        arguments: dict[str, Any],
        session: Session,
        parent: str | None,
        run: Callable[[str, dict[str, Any]], object],
    ) -> Any: ...
    def begin(self, tool: Tool, arguments: dict[str, Any], session: Session, parent: str | None) -> Admitted: ...
    def finish(self, admitted: Admitted, result: object) -> Any: ...
    def fail(self, admitted: Admitted, error: BaseException) -> NoReturn: ...
    def decide(self, tool: Tool, arguments: dict[str, Any], session: Session) -> Answer: ...
    def refuse_unbound(self, tool: Tool, session: Session, parent: str | None, why: str) -> NoReturn: ...
    def end_session(self, session: Session) -> None: ...
    def flush(self) -> None: ...
