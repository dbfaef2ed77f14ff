"""docker-compose.yml as Compose reads it: merged, interpolated, and each service as a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]
COMPOSE = ROOT / "docker-compose.yml"

_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\})")


@dataclass(frozen=True)
class Service:
    """A service of the file; `command` holds its entrypoint too, and `healthcheck` is None for a one-shot."""

    name: str
    raw: Mapping[str, Any]
    command: tuple[str, ...]
    environment: Mapping[str, str]
    healthcheck: tuple[str, ...] | None

    @property
    def is_one_shot(self) -> bool:
        """True if it is to end by itself."""
        return bool(self.raw.get("restart") == "no")

    @property
    def grace(self) -> float:
        """The seconds that it gets to stop."""
        return seconds(self.raw["stop_grace_period"])


def document(**environment: str) -> dict[str, Any]:
    """The whole file, with variables from `environment` alone."""
    return dict(_interpolated(YAML(typ="safe").load(COMPOSE), environment))


def services(**environment: str) -> dict[str, Service]:
    """The services by name."""
    return {name: _service(name, raw) for name, raw in document(**environment)["services"].items()}


def seconds(duration: str) -> float:
    """A duration such as 90s or 1m30s."""
    parts = re.findall(r"(\d+)([smh])", duration)
    return float(sum(int(number) * {"s": 1, "m": 60, "h": 3600}[unit] for number, unit in parts))


def _service(name: str, raw: Mapping[str, Any]) -> Service:
    check = raw.get("healthcheck", {}).get("test")
    return Service(
        name=name,
        raw=raw,
        command=(*raw.get("entrypoint", ()), *raw.get("command", ())),
        environment=dict(raw.get("environment", {})),
        healthcheck=_argv(check) if check else None,
    )


def _argv(check: list[str]) -> tuple[str, ...]:
    kind, *rest = check
    return ("/bin/sh", "-c", rest[0]) if kind == "CMD-SHELL" else tuple(rest)


def _interpolated(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _interpolated(one, environment) for key, one in value.items()}
    if isinstance(value, list):
        return [_interpolated(one, environment) for one in value]
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: _value(found, environment), value)
    return value


def _value(found: re.Match[str], environment: Mapping[str, str]) -> str:
    return "$" if found["dollar"] else environment.get(found["name"]) or found["default"] or ""
