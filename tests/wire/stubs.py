"""The editors' types from the protocol: TypeScript and Lua."""

from __future__ import annotations

import json
from collections.abc import Iterable
from types import NoneType
from typing import Any, get_args, get_origin

from daytona_rpc import errors
from daytona_rpc.protocol import METHODS, PROTOCOL_VERSION, Method
from tests.wire import model

HEADER = "generated from daytona_rpc/protocol; edit that"


def typescript() -> str:
    """protocol.ts: constants, types, and the params and results of methods by name."""
    lines = [
        f"// {HEADER}",
        "",
        f"export const PROTOCOL_VERSION = {PROTOCOL_VERSION};",
        "",
        "/** The kinds of application errors (`data.kind`). */",
        f"export type ErrorKind = {_choice([cls.kind for cls in errors.application_errors()], True)};",
    ]
    for words in model.enums():
        values = _choice([word.value for word in words.words], words.open)
        lines += ["", *_comment([words.doc, *_word_docs(words)]), f"export type {words.name} = {values};"]
    for message in model.messages():
        lines += ["", *_comment([message.doc])]
        if not message.fields:
            lines.append(f"export type {message.name} = Record<string, never>;")
            continue
        lines.append(f"export interface {message.name} {{")
        for field in message.fields:
            mark = "?" if field.optional else ""
            lines += [f"  /** {field.doc} */", f"  {field.name}{mark}: {ts(field.type)};"]
        lines.append("}")
    for name, doc, kind, direction in (
        ("Requests", "The requests that the server takes.", "request", "clientToServer"),
        ("Notifications", "The notifications that the server takes.", "notification", "clientToServer"),
        ("ServerRequests", "The requests that the server sends.", "request", "serverToClient"),
        ("ServerNotifications", "The notifications that the server sends.", "notification", "serverToClient"),
    ):
        lines += ["", *_comment([doc]), f"export interface {name} {{"]
        for method in _methods(kind, direction):
            params = ts(method.params) if method.params else "undefined"
            result = ts(method.result) if method.result else "null"
            pair = f"{{ params: {params}; result: {result} }}" if kind == "request" else params
            lines += [f"  /** {method.doc} */", f'  "{method.name}": {pair};']
        lines.append("}")
    return "\n".join(lines) + "\n"


def lua() -> str:
    """protocol.lua: LuaCATS classes, and the names of methods."""
    lines = [f"-- {HEADER}"]
    for words in model.enums():
        values = [json.dumps(word.value) for word in words.words]
        if words.open:
            values.append("string")
        lines += ["", f"--- {words.doc}", f"---@alias daytona.{words.name} {'|'.join(values)}"]
    for message in model.messages():
        lines += ["", f"--- {message.doc}", f"---@class daytona.{message.name}"]
        for field in message.fields:
            # Neovim's reader turns null into nil.
            mark = "?" if field.optional or model.nullable(field.type) else ""
            lines.append(f"---@field {field.name}{mark} {_lua(model.without_none(field.type))} {field.doc}")
    lines += ["", "local M = {}", "", f"M.PROTOCOL_VERSION = {PROTOCOL_VERSION}"]
    for name, doc, values in (
        ("error_kinds", "The kinds of application errors (`data.kind`).", _kinds()),
        ("methods", "What the server takes.", _names(None, "clientToServer")),
        (
            "notifications",
            "The notifications that the server sends.",
            _names("notification", "serverToClient"),
        ),
        ("server_requests", "The requests that the server sends.", _names("request", "serverToClient")),
    ):
        lines += ["", f"--- {doc}", f"M.{name} = {{", *(f'  "{value}",' for value in values), "}"]
    return "\n".join([*lines, "", "return M", ""])


def _kinds() -> list[str]:
    return [cls.kind for cls in errors.application_errors()]


def _methods(kind: str | None, direction: str) -> Iterable[Method]:
    return (m for m in METHODS.values() if m.direction == direction and kind in (None, m.kind))


def _names(kind: str | None, direction: str) -> list[str]:
    return [method.name for method in _methods(kind, direction)]


def _choice(values: list[Any], is_open: bool) -> str:
    choices = [json.dumps(value) for value in values]
    return " | ".join([*choices, "(string & {})"] if is_open else choices)


def _comment(lines: list[str]) -> list[str]:
    text = "\n".join(lines).splitlines()
    return (
        [f"/** {text[0]} */"] if len(text) == 1 else ["/**", *(f" * {line}".rstrip() for line in text), " */"]
    )


def _word_docs(words: model.Words) -> list[str]:
    return ["", *(f"- `{word.value}`: {word.doc}" for word in words.words)]


def ts(kind: Any) -> str:
    """The type in TypeScript."""
    if model.is_union(kind):
        return " | ".join(map(ts, get_args(kind)))
    if get_origin(kind) is list:
        return f"{ts(get_args(kind)[0])}[]"
    if get_origin(kind) is dict:
        return f"{{ [key: string]: {ts(get_args(kind)[1])} }}"
    plain = {str: "string", int: "number", bool: "boolean", NoneType: "null", Any: "unknown"}
    return plain.get(kind) or str(kind.__name__)


def _lua(kind: Any) -> str:
    if model.is_union(kind):
        return "|".join(map(_lua, get_args(kind)))
    if get_origin(kind) is list:
        return f"{_lua(get_args(kind)[0])}[]"
    if get_origin(kind) is dict:
        return f"table<string, {_lua(get_args(kind)[1])}>"
    plain = {str: "string", int: "integer", bool: "boolean", NoneType: "vim.NIL", Any: "any"}
    return plain.get(kind) or f"daytona.{kind.__name__}"
