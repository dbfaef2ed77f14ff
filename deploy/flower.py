"""Flower's configuration: its logins come from a secret file, so that neither the environment nor a command line shows them."""

import os
from pathlib import Path

# One login a line, as user:password.
basic_auth = Path(os.environ["FLOWER_LOGIN_FILE"]).read_text(encoding="utf-8").split()
if not basic_auth:
    raise SystemExit("flower: FLOWER_LOGIN_FILE names an empty file; write user:password into it")
