"""The protocol as data: its messages, enums and methods with their documentation.

Sentences under fields are read from the source by ast, since Python does not keep them.
"""

from __future__ import annotations

import ast
import enum
import inspect
import types
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from itertools import pairwise
from typing import Any, NamedTuple, Union, get_args, get_origin

import attrs

from daytona_rpc import protocol
from daytona_rpc.protocol.fields import OpenEnum, wire_name


class Field(NamedTuple):
    """A field of a message."""

    name: str
    type: Any
    """Its Python type; None is taken out of it for optional fields."""
    optional: bool
    default: Any
    doc: str


class Message(NamedTuple):
    """A class of the protocol."""

    cls: type[Any]
    doc: str
    fields: list[Field]

    @property
    def name(self) -> str:
        return self.cls.__name__


class Word(NamedTuple):
    """A member of an enum."""

    value: str | int
    doc: str


class Words(NamedTuple):
    """An enum of the protocol."""

    cls: type[enum.Enum]
    doc: str
    open: bool
    words: list[Word]

    @property
    def name(self) -> str:
        return self.cls.__name__


@cache
def declared() -> tuple[type[Any], ...]:
    """Every message and enum, in the order of the modules and of their sources."""
    found = []
    for name in protocol.MODULES:
        module = import_module(f"daytona_rpc.protocol.{name}")
        for cls in vars(module).values():
            if not isinstance(cls, type) or cls.__module__ != module.__name__:
                continue
            if attrs.has(cls) or (issubclass(cls, enum.Enum) and len(cls)):
                found.append(cls)
    return tuple(found)


def messages() -> list[Message]:
    return [message(cls) for cls in declared() if attrs.has(cls)]


def enums() -> list[Words]:
    return [words(cls) for cls in declared() if not attrs.has(cls)]


def message(cls: type[Any]) -> Message:
    attrs.resolve_types(cls)
    docs = _docs(cls)
    return Message(cls, inspect.cleandoc(cls.__doc__ or ""), [_field(f, docs) for f in attrs.fields(cls)])


def _field(field: attrs.Attribute[Any], docs: dict[str, str]) -> Field:
    optional = field.default is not attrs.NOTHING
    kind = without_none(field.type) if optional else field.type
    return Field(wire_name(field.name), kind, optional, field.default, docs.get(field.name, ""))


def words(cls: type[enum.Enum]) -> Words:
    docs = _docs(cls)
    found = [Word(member.value, docs.get(member.name, "")) for member in cls]
    return Words(cls, inspect.cleandoc(cls.__doc__ or ""), issubclass(cls, OpenEnum), found)


def _docs(cls: type[Any]) -> dict[str, str]:
    """The string under each field or member, by its Python name."""
    nodes = _tree(cls.__module__).body
    body = next(node.body for node in nodes if isinstance(node, ast.ClassDef) and node.name == cls.__name__)
    docs = {}
    for node, below in pairwise(body):
        if isinstance(node, ast.AnnAssign):
            target: ast.expr = node.target
        elif isinstance(node, ast.Assign):
            (target,) = node.targets
        else:
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            docs[ast.unparse(target)] = str(below.value.value)
    return docs


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(import_module(module)))


def is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


def without_none(kind: Any) -> Any:
    if not is_union(kind):
        return kind
    rest = [arg for arg in get_args(kind) if arg is not types.NoneType]
    return rest[0] if len(rest) == 1 else Union[tuple(rest)]  # noqa: UP007


def nullable(kind: Any) -> bool:
    return is_union(kind) and types.NoneType in get_args(kind)


def parts(kind: Any) -> Iterator[type[Any]]:
    """The messages and enums that a type is made of."""
    if isinstance(kind, type) and get_origin(kind) is None and kind in declared():
        yield kind
    for arg in get_args(kind):
        yield from parts(arg)


def reachable(root: type[Any] | None) -> set[type[Any]]:
    """A message and all that its fields are made of."""
    found: set[type[Any]] = set()
    todo = [root] if root else []
    while todo:
        cls = todo.pop()
        if cls not in found:
            found.add(cls)
            if attrs.has(cls):
                todo.extend(part for field in message(cls).fields for part in parts(field.type))
    return found
