"""Hiding secrets in what people and logs are shown."""

from __future__ import annotations

import re

# Up to the last @ before a blank: a password may hold one itself.
_USERINFO = re.compile(r"(://(?:[^\s:/@]*:)?)\S*@")
_PARAMETER = re.compile(r"(?i)\b(\w*(?:password|passwd|secret|token)\w*=)[^&\s'\"]+")


def mask_secrets(text: str) -> str:
    """A text in which the credentials of every URL are replaced by ***; the user's name stays."""
    return _PARAMETER.sub(r"\1***", _USERINFO.sub(r"\1***@", text))
