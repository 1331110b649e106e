"""Markdown from the protocol: the blocks of protocol.md between its `generated` markers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, get_args, get_origin

from daytona_rpc import errors
from daytona_rpc.codec import unstructure
from daytona_rpc.protocol import METHODS, Method
from tests.wire import examples, model

Examples = Mapping[tuple[str, str], Any]

_BLOCK = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- /generated -->)", re.DOTALL)
_WIDTH = 100

PROTOCOL_ERRORS = (
    (errors.PARSE_ERROR, "not JSON, or a broken header; `id` is null"),
    (errors.INVALID_REQUEST, "not a request; a batch; not allowed at this point of the connection's life"),
    (errors.METHOD_NOT_FOUND, "no such method"),
    (errors.INVALID_PARAMS, "the params do not fit; `data.path` names the field"),
    (errors.INTERNAL_ERROR, "a bug of the server"),
    (errors.SERVER_NOT_INITIALIZED, "`initialize` has not been answered yet"),
    (errors.REQUEST_CANCELLED, "cancelled by `$/cancelRequest`"),
)


def document(text: str, golden: Examples) -> str:
    """protocol.md with the text between its markers made anew."""

    def fill(match: re.Match[str]) -> str:
        name, *arguments = match[2].split()
        return f"{match[1]}\n{BLOCKS[name](golden, *arguments).strip()}\n\n{match[3]}"

    return _BLOCK.sub(fill, text)


# Messages


def request(golden: Examples, number: str, name: str, case: str = "") -> str:
    return _message({"id": int(number), **_call(golden, name, case)})


def notification(golden: Examples, name: str, case: str = "") -> str:
    return _message(_call(golden, name, case))


def response(golden: Examples, number: str, name: str, case: str = "") -> str:
    method = METHODS[name]
    result = _example(golden, method.result, case or examples.case_of(method))
    return _message({"id": int(number), "result": result})


def error_example(golden: Examples) -> str:
    error = errors.InvalidParams("tty.cols", "must be between 1 and 1000")
    return _message({"id": 8, "error": {"code": error.code, "message": error.message, "data": error.data}})


def _call(golden: Examples, name: str, case: str) -> dict[str, Any]:
    method = METHODS[name]
    call: dict[str, Any] = {"method": name}
    if method.params:
        call["params"] = _example(golden, method.params, case or examples.case_of(method))
    return call


def _example(golden: Examples, cls: type[Any] | None, case: str) -> Any:
    return golden[cls.__name__, case] if cls else None


def _message(members: dict[str, Any]) -> str:
    return f"```json\n{filled({'jsonrpc': '2.0', **members})}\n```"


def filled(value: Any, indent: str = "") -> str:
    """JSON with as much on a line as fits."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) <= _WIDTH or not isinstance(value, dict | list) or not value:
        return line
    inner = indent + "  "
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}: {filled(item, inner)}" for key, item in value.items()]
        start, end = "{}"
    else:
        items = [filled(item, inner) for item in value]
        start, end = "[]"
    lines = [inner + items[0]]
    for item in items[1:]:
        lines[-1] += ","
        if "\n" in item or "\n" in lines[-1] or len(lines[-1]) + 1 + len(item) > _WIDTH:
            lines.append(inner + item)
        else:
            lines[-1] += " " + item
    return f"{start}\n" + "\n".join(lines) + f"\n{indent}{end}"


# Tables


def methods(golden: Examples) -> str:
    rows = [
        f"| [`{method.name}`](#{anchor(method.name)}) | {_way(method)} | {method.doc} |"
        for method in METHODS.values()
    ]
    return "\n".join(["| method | | |", "|---|---|---|", *rows])


def cards(golden: Examples) -> str:
    return "\n\n".join(_card(method, golden) for method in METHODS.values())


def _card(method: Method, golden: Examples) -> str:
    lines = [f"### {method.name}", "", f"{_way(method).capitalize()}. {method.doc}", ""]
    message = model.message(method.params) if method.params else None
    if message is None or not message.fields:
        lines += ["No params.", ""]
    elif message.name.endswith("Params"):
        lines += [f"Params, `{message.name}`: {_lower(message.doc)}", "", *_field_table(message), ""]
    else:
        lines += [f"Params: {markdown(message.cls)}.", ""]
    if method.kind == "request":
        lines += [f"Result: {markdown(method.result) if method.result else 'null'}.", ""]
    if method.errors:
        lines += ["Errors: " + ", ".join(f"`{kind}`" for kind in method.errors) + ".", ""]
    if method.kind == "notification":
        return "\n".join([*lines, notification(golden, method.name)])
    return "\n".join([*lines, request(golden, "7", method.name), "", response(golden, "7", method.name)])


def types(golden: Examples) -> str:
    found = []
    for cls in model.declared():
        if cls.__name__.endswith("Params"):
            continue
        if issubclass(cls, Enum):
            words = model.words(cls)
            body = [words.doc, "", *_word_table(words)]
        else:
            message = model.message(cls)
            body = [message.doc, "", *_field_table(message)]
        found.append("\n".join([f"### type {cls.__name__}", "", *body]).strip())
    return "\n\n".join(found)


def enum(golden: Examples, name: str) -> str:
    return "\n".join(_word_table(next(words for words in model.enums() if words.name == name)))


def error_table(golden: Examples) -> str:
    rows = ["| code | kind | retryable | meaning |", "|---|---|---|---|"]
    rows += [f"| {code} | | | {meaning} |" for code, meaning in PROTOCOL_ERRORS]
    for cls in errors.application_errors():
        meaning = (cls.__doc__ or "").strip()
        rows.append(f"| {cls.code} | `{cls.kind}` | {'yes' if cls.retryable else 'no'} | {meaning} |")
    return "\n".join(rows)


def _field_table(message: model.Message) -> list[str]:
    if not message.fields:
        return []
    rows = ["| field | type | |", "|---|---|---|"]
    for field in message.fields:
        kind = markdown(field.type)
        if field.optional:
            kind += ", optional"
            if field.default is not None:
                kind += f", default `{json.dumps(unstructure(field.default))}`"
        rows.append(f"| `{field.name}` | {kind} | {field.doc} |")
    return rows


def _word_table(words: model.Words) -> list[str]:
    kind = "open" if words.open else "closed"
    return [
        f"| value ({kind}) | |",
        "|---|---|",
        *(f"| `{word.value}` | {word.doc} |" for word in words.words),
    ]


def markdown(kind: Any) -> str:
    """The name of a type for people."""
    if model.nullable(kind):
        return f"{markdown(model.without_none(kind))}, nullable"
    if model.is_union(kind):
        return " or ".join(markdown(arg) for arg in get_args(kind))
    if get_origin(kind) is list:
        return f"array of {markdown(get_args(kind)[0])}"
    if get_origin(kind) is dict:
        value = get_args(kind)[1]
        return "object" if value is Any else f"object of {markdown(value).replace(', nullable', ' or null')}"
    plain = {str: "string", int: "integer", bool: "boolean", Any: "any"}.get(kind)
    return plain or f"[{kind.__name__}](#type-{kind.__name__.lower()})"


def _way(method: Method) -> str:
    to = "to the server" if method.direction == "clientToServer" else "to the client"
    return f"{method.kind} {to}"


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


BLOCKS: dict[str, Callable[..., str]] = {
    "request": request,
    "response": response,
    "notification": notification,
    "error-example": error_example,
    "errors": error_table,
    "enum": enum,
    "methods": methods,
    "cards": cards,
    "types": types,
}
