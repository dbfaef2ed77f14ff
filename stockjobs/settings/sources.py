"""Where the settings come from: arguments, the environment, files of secrets, a TOML file; and how bad ones are refused."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stockjobs.errors import InvalidInput, Problem
from stockjobs.settings.model import Settings, variables

_KUBERNETES = re.compile(r"_SERVICE_(HOST|PORT)|_PORT(_\d+_(TCP|UDP)|$)")
_OPTION = re.compile(r"STOCKJOBS_PROVIDERS_([A-Z][A-Z0-9]*)_([A-Z][A-Z0-9_]*?)(_FILE)?")
_PROVIDERS = "providers"
_LISTS = frozenset({"tickers", "intervals"})


@dataclass(frozen=True)
class Origin:
    """Where a value came from: `kind` is default, environment, file, argument or state folder; `name` says which."""

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".strip()


def load(
    environment: dict[str, str] | None = None, *, file: Path | None = None, **arguments: object
) -> tuple[Settings, dict[str, Origin]]:
    """The settings of this process, and where each came from. Raises InvalidInput naming every bad one."""
    environment = dict(os.environ) if environment is None else environment
    values, origins = _from_file(environment, file)
    for name in Settings.model_fields:
        found = _from_environment(name, environment) if name != _PROVIDERS else None
        if found:
            values[name], origins[name] = found
    _add_options_of_providers(environment, values, origins)
    for name, argument in arguments.items():
        if argument is not None:
            values[name], origins[name] = argument, Origin("argument")
    _refuse_unknown(environment)
    state_dir = Path(str(values.get("state_dir") or Settings.model_fields["state_dir"].default))
    values.setdefault("database_url", f"sqlite:///{state_dir / 'stockjobs.db'}")
    socket = state_dir / "redis.sock"
    if "redis_url" not in values and socket.exists():
        # The embedded Redis of `stockd` is running here, or was.
        values["redis_url"], origins["redis_url"] = f"redis+socket://{socket.absolute()}", Origin("state folder")
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise InvalidInput(*(_problem(detail, origins) for detail in error.errors())) from None
    return settings, {name: origins.get(name, Origin("default")) for name in Settings.model_fields}


def _from_environment(name: str, environment: dict[str, str]) -> tuple[object, Origin] | None:
    for variable in variables(name):
        if environment.get(variable):
            return _split(name, environment[variable]), Origin("environment", variable)
        path = environment.get(f"{variable}_FILE")
        if path:
            return _split(name, _secret_file(f"{variable}_FILE", path)), Origin("environment", f"{variable}_FILE")
    return None


def _add_options_of_providers(
    environment: dict[str, str], values: dict[str, object], origins: dict[str, Origin]
) -> None:
    """Put the options of providers that are in the environment over those of the file."""
    tables = values.get(_PROVIDERS)
    for variable, text in environment.items():
        match = _OPTION.fullmatch(variable)
        if match is None or not text or not isinstance(tables, dict | None):
            continue
        provider, option, is_file = match[1].lower(), match[2].lower(), bool(match[3])
        given = (tables or {}).get(provider, {})
        if isinstance(given, dict):
            value = _secret_file(variable, text) if is_file else text
            tables = {**(tables or {}), provider: {**given, option: value}}
            origins[_PROVIDERS] = Origin("environment", variable)
    if tables is not None:
        values[_PROVIDERS] = tables


def _split(name: str, text: str) -> object:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if name in _LISTS else text


def _secret_file(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a text"
        raise InvalidInput.because(
            variable, f"{path} cannot be read: {reason}", "mount the secret, or unset it"
        ) from None


def _from_file(environment: dict[str, str], file: Path | None) -> tuple[dict[str, object], dict[str, Origin]]:
    named = file or (Path(environment["STOCKJOBS_CONFIG"]) if environment.get("STOCKJOBS_CONFIG") else None)
    path = named or Path("stockjobs.toml")
    if named is None and not path.exists():
        return {}, {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput.because(str(path), f"cannot be read: {error.strerror}", "check STOCKJOBS_CONFIG") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput.because(str(path), f"is not TOML: {error}", "see docs/settings.md") from None
    return dict(values), dict.fromkeys(values, Origin("file", str(path)))


def _refuse_unknown(environment: dict[str, str]) -> None:
    one_by_one = (name for name in Settings.model_fields if name != _PROVIDERS)
    known = {variable for name in one_by_one for variable in variables(name)} | {"STOCKJOBS_CONFIG"}
    for variable in environment:
        if _KUBERNETES.search(variable):
            # Kubernetes tells every container of every service, one named stockjobs included.
            continue
        if _OPTION.fullmatch(variable):
            # Which options there are, the provider knows: it refuses others when it is opened.
            continue
        if variable.startswith("STOCKJOBS_") and variable.removesuffix("_FILE") not in known:
            raise InvalidInput.because(variable, "is not a setting of stockjobs", "`stockctl config` lists them")


def _problem(detail: Any, origins: dict[str, Origin]) -> Problem:
    name = str(detail["loc"][0])
    origin = origins.get(name)
    where = f"{origin.name} ({name})" if origin and origin.name else name
    if detail["type"] == "extra_forbidden":
        return Problem(where, "is not a setting of stockjobs", "`stockctl config` lists them")
    return Problem(where, detail["msg"].removeprefix("Value error, "), "see `stockctl config`")
