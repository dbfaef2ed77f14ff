"""The guard of a lane: each message is checked before it is handed on to the worker.

A plain Celery worker exits on some malformed messages and reconnects for ever on others, so that one of them stops the
whole fleet. What passes here can be made into a request; that a task of its name exists is not asked.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import orjson
from kombu.utils.json import loads

Payload: TypeAlias = dict[str, Any]
"""A message as kombu takes it; its headers and properties are whatever the publisher wrote."""


@dataclass(frozen=True)
class Malformed:
    """A message that no worker can take, and why."""

    reason: str


def examine(raw: bytes) -> Payload | Malformed:
    """The message, or what is wrong with it."""
    try:
        message = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return Malformed(f"not JSON: {error}")
    if not isinstance(message, dict):
        return Malformed(f"not a JSON object but {_kind(message)}")
    reason = _fault_of_properties(message) or _fault_of_headers(message) or _fault_of_body(message)
    return Malformed(reason) if reason else message


def _fault_of_properties(message: Payload) -> str:
    properties = message.get("properties")
    if not isinstance(properties, dict):
        return f"properties: expected an object, got {_kind(properties)}"
    if not _is_filled_text(properties.get("delivery_tag")):
        return "properties.delivery_tag: missing"
    if not isinstance(properties.get("delivery_info"), dict):
        return "properties.delivery_info: missing"
    if properties.get("body_encoding") not in _BODY_ENCODINGS:
        return "properties.body_encoding: neither base64 nor utf-8"
    return _first_not_text(properties, "properties", ("correlation_id", "reply_to")) or _first_not_text(
        properties["delivery_info"], "properties.delivery_info", ("exchange", "routing_key")
    )


def _fault_of_headers(message: Payload) -> str:
    headers = message.get("headers")
    if not isinstance(headers, dict):
        return f"headers: expected an object, got {_kind(headers)}"
    for name in ("id", "task"):
        if not _is_filled_text(headers.get(name)):
            return f"headers.{name}: missing"
    if headers.get("compression") is not None:
        return "headers.compression: compressed messages are not taken"
    return (
        _first_not_text(headers, "headers", _TEXT_HEADERS)
        or _fault_of_numbers(headers)
        or _fault_of_times(headers)
        or _fault_of_stamps(headers)
    )


def _fault_of_numbers(headers: Payload) -> str:
    limits = headers.get("timelimit")
    if limits is not None and not (
        isinstance(limits, list) and len(limits) == 2 and all(_is_limit(limit) for limit in limits)
    ):
        return "headers.timelimit: expected [hard, soft], each in seconds or null"
    for name in ("retries", "group_index", "replaced_task_nesting"):
        value = headers.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            return f"headers.{name}: expected a whole number, got {_kind(value)}"
    return ""


def _fault_of_times(headers: Payload) -> str:
    for name in ("eta", "expires"):
        value = headers.get(name)
        try:
            if value is not None:
                datetime.fromisoformat(value)
        except (TypeError, ValueError):
            return f"headers.{name}: expected an ISO 8601 time"
    return ""


def _fault_of_stamps(headers: Payload) -> str:
    if not isinstance(headers.get("stamps"), dict | None):
        return "headers.stamps: expected an object"
    stamped = headers.get("stamped_headers")
    if stamped is not None and not (isinstance(stamped, list) and all(isinstance(name, str) for name in stamped)):
        return "headers.stamped_headers: expected a list of names"
    return ""


def _fault_of_body(message: Payload) -> str:
    if message.get("content-type") != "application/json":
        return "content-type: expected application/json"
    if str(message.get("content-encoding")).lower() not in ("utf-8", "utf8"):
        return "content-encoding: expected utf-8"
    body = message.get("body")
    if not isinstance(body, str) or not body:
        return "body: missing"
    try:
        text = b64decode(body, validate=True) if message["properties"].get("body_encoding") == "base64" else body
        # kombu's own reader, since it turns marked objects into dates and the like and may refuse them.
        decoded = loads(text)
    except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        return f"body: cannot be decoded: {type(error).__name__}"
    return _fault_of_call(decoded)


def _fault_of_call(decoded: object) -> str:
    if not (isinstance(decoded, list) and len(decoded) == 3):
        return "body: expected [args, kwargs, embed]"
    args, kwargs, embed = decoded
    if not (isinstance(args, list) and isinstance(kwargs, dict)):
        return "body: expected args as a list and kwargs as an object"
    if embed is None:
        return ""
    if not isinstance(embed, dict) or embed.keys() - _EMBEDDED.keys():
        return f"body: expected embed as an object with {', '.join(_EMBEDDED)}"
    for name, value in embed.items():
        if value is not None and not isinstance(value, _EMBEDDED[name]):
            return f"body: embed.{name} is {_kind(value)}"
    return ""


_BODY_ENCODINGS = ("base64", "utf-8", None)
_TEXT_HEADERS = ("root_id", "parent_id", "group", "shadow", "argsrepr", "kwargsrepr", "origin", "lang")
_EMBEDDED: Mapping[str, type] = {"callbacks": list, "errbacks": list, "chain": list, "chord": dict}
_KINDS: Mapping[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "a boolean",
    type(None): "nothing",
}


def _first_not_text(values: Payload, where: str, names: tuple[str, ...]) -> str:
    for name in names:
        if not isinstance(values.get(name), str | None):
            return f"{where}.{name}: expected a text, got {_kind(values[name])}"
    return ""


def _is_filled_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_limit(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and value >= 0)


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a number")
