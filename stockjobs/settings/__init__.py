"""The settings of a process: read once from the environment and a file, checked, and then frozen.

Where a value comes from, first found wins: an argument; the environment (`STOCKJOBS_X`, or the short name where one is listed;
`X_FILE` names a file that holds the value, for secrets); the file named by `STOCKJOBS_CONFIG`, or `stockjobs.toml` in the
working folder; the default.
"""

from __future__ import annotations

from stockjobs.settings.model import Settings, is_secret, masked, variables
from stockjobs.settings.sources import Origin, load

__all__ = ["Origin", "Settings", "is_secret", "load", "masked", "variables"]
