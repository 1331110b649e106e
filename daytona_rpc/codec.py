"""The one converter between JSON values and the classes of `protocol`.

What comes in is checked: a wrong type or value is refused with the field's wire path, unknown keys are
ignored, nothing is coerced. Messages of errors never repeat the value: it may be a secret.

cattrs compiles a function per class, on the class's first use. The hooks for single values are ours, since
cattrs' own turn 1 into "1" and name fields by their Python names.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin

import attrs
import orjson
from cattrs import AttributeValidationNote, ClassValidationError, Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from daytona_rpc.errors import InvalidParams
from daytona_rpc.protocol.fields import ClosedEnum, ClosedIntEnum, ConstraintError, OpenEnum, wire_name

T = TypeVar("T")
Hook = Callable[[Any, Any], Any]


def structure(raw: object, cls: type[T]) -> T:
    """The message that a JSON value stands for.

    Raises:
        InvalidParams: the value does not fit; the error names the field by its wire path.
    """
    try:
        return _structurer(cls)(raw, cls)  # type: ignore[no-any-return]
    except ConstraintError as error:
        raise InvalidParams(error.path, error.problem) from None


def unstructure(message: object) -> Any:
    """The JSON value of a message, or of a list or dict of messages."""
    return _converter.unstructure(message)


def dumps(message: object) -> bytes:
    """The UTF-8 JSON text of a message, or of a list or dict of messages."""
    return orjson.dumps(_converter.unstructure(message))


def _string(value: Any, _: Any) -> str:
    if type(value) is not str:
        raise ConstraintError("", "must be a string")
    return value


def _integer(value: Any, _: Any) -> int:
    if type(value) is not int:
        raise ConstraintError("", "must be an integer")
    return value


def _boolean(value: Any, _: Any) -> bool:
    if type(value) is not bool:
        raise ConstraintError("", "must be true or false")
    return value


def _integer_or_string(value: Any, _: Any) -> int | str:
    if type(value) is not int and type(value) is not str:
        raise ConstraintError("", "must be an integer or a string")
    return value


def _word(value: Any, cls: type[Enum]) -> Enum:
    members, kind, problem = _words(cls)
    if type(value) is kind:
        member = members.get(value)
        if member is not None:
            return member
        if issubclass(cls, OpenEnum):
            return cls(str(value))
    raise ConstraintError("", problem)


@cache
def _words(cls: type[Enum]) -> tuple[dict[Any, Enum], type, str]:
    members = {member.value: member for member in cls}
    if issubclass(cls, OpenEnum):
        return members, str, "must be a string"
    return members, int if issubclass(cls, int) else str, "must be one of: " + ", ".join(map(str, members))


def _optional_hook(cls: Any) -> Hook:
    inner_cls = next(arg for arg in get_args(cls) if arg is not types.NoneType)
    inner = _converter.get_structure_hook(inner_cls)

    def structure_optional(value: Any, _: Any) -> Any:
        return None if value is None else inner(value, inner_cls)

    return structure_optional


def _list_hook(cls: Any) -> Hook:
    (item_cls,) = get_args(cls)
    inner = _converter.get_structure_hook(item_cls)

    def structure_list(value: Any, _: Any) -> list[Any]:
        if type(value) is not list:
            raise ConstraintError("", "must be an array")
        items = []
        for index, item in enumerate(value):
            try:
                items.append(inner(item, item_cls))
            except ConstraintError as error:
                raise error.within(f"[{index}]") from None
        return items

    return structure_list


def _dict_hook(cls: Any) -> Hook:
    _, item_cls = get_args(cls)
    inner = None if item_cls is Any else _converter.get_structure_hook(item_cls)

    def structure_dict(value: Any, _: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise ConstraintError("", "must be an object")
        if inner is None:
            return value
        items = {}
        for key, item in value.items():
            try:
                items[key] = inner(item, item_cls)
            except ConstraintError as error:
                raise error.within(key) from None
        return items

    return structure_dict


def _class_hook(cls: type[Any]) -> Hook:
    attrs.resolve_types(cls)
    renamed = {field.name: override(rename=wire_name(field.name)) for field in attrs.fields(cls)}
    compiled: Hook = make_dict_structure_fn(cls, _converter, **renamed)  # type: ignore[arg-type]

    def structure_object(value: Any, _: Any) -> Any:
        if type(value) is not dict:
            raise ConstraintError("", "must be an object")
        try:
            return compiled(value, cls)
        except ClassValidationError as group:
            raise _first(group) from None

    return structure_object


def _first(group: ClassValidationError) -> Exception:
    """The first thing wrong with an object, with the wire path of its field."""
    error = group.exceptions[0]
    note = next((n for n in getattr(error, "__notes__", ()) if isinstance(n, AttributeValidationNote)), None)
    if note is None:
        return error  # raised by a validator, which has put the path in
    if isinstance(error, KeyError):
        return ConstraintError(wire_name(note.name), "is missing")
    if isinstance(error, ConstraintError):
        return error.within(wire_name(note.name))
    return error


def _class_unhook(cls: type[Any]) -> Callable[[Any], dict[str, Any]]:
    attrs.resolve_types(cls)
    renamed = {
        field.name: override(rename=wire_name(field.name), omit_if_default=field.default is None)
        for field in attrs.fields(cls)
    }
    return make_dict_unstructure_fn(cls, _converter, **renamed)  # type: ignore[arg-type]


def _is_optional(cls: Any) -> bool:
    return get_origin(cls) in (Union, types.UnionType) and types.NoneType in get_args(cls)


def _is_list(cls: Any) -> bool:
    return get_origin(cls) is list


def _is_dict(cls: Any) -> bool:
    return get_origin(cls) is dict


_converter = Converter()
_converter.register_structure_hook(str, _string)
_converter.register_structure_hook(int, _integer)
_converter.register_structure_hook(bool, _boolean)
# cattrs picks hooks of classes by their bases: an enum's own base comes before `str` and `int`.
for _enum in (ClosedEnum, ClosedIntEnum, OpenEnum):
    _converter.register_structure_hook(_enum, _word)
_converter.register_structure_hook_func(lambda cls: cls == int | str, _integer_or_string)
_converter.register_structure_hook_factory(attrs.has, _class_hook)
_converter.register_structure_hook_factory(_is_optional, _optional_hook)
_converter.register_structure_hook_factory(_is_list, _list_hook)
_converter.register_structure_hook_factory(_is_dict, _dict_hook)
_converter.register_unstructure_hook_factory(attrs.has, _class_unhook)


# cattrs' own cache costs twice as much a call.
_structurer: Callable[[Any], Hook] = cache(_converter.get_structure_hook)
