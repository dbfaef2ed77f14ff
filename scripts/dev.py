"""Sets the project up in ./.venv from the lock, and runs what was asked for. Needs Python 3.11 or later and nothing else.

usage: python3 scripts/dev.py [setup | demo | up | test | unit | lint | run COMMAND …] [-- OPTIONS]

setup   install everything from the lock, with uv if it is there, else with venv and pip
demo    run the four ready jobs on the embedded system against the local Yahoo server
up      keep the embedded system running on real Yahoo until Ctrl-C (-- --simulator: on the local Yahoo server)
test    format, lint and type checks, the floors, and every test
unit    the unit tests alone
lint    everything of `test` but the tests
run     any command of the environment, such as: run stockctl get jobs
"""

import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, "stockjobs-lock.sha256")
OLDEST = (3, 11)
PACKAGES = ["stockjobs", "workers", "beat", "tests", "scripts", "bench"]


def main(arguments):
    """Set up, then do what was asked for. Returns the exit code."""
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    rest = rest[1:] if rest[:1] == ["--"] else rest
    if verb not in VERBS:
        print(__doc__, file=sys.stderr)
        return 2
    os.chdir(ROOT)
    return set_up() or VERBS[verb](rest)


def set_up():
    """Bring ./.venv to the lock; does nothing if it is there already."""
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        problem = f"Python 3.11 or later is needed, this is {found} ({sys.executable})"
        return refuse(problem, "install it, or set PYTHON=/path/to/python3.11")
    wanted = fingerprint()
    if os.path.exists(STAMP) and read(STAMP) == wanted and os.path.exists(tool("python")):
        return 0
    print("Setting up ./.venv from the lock (once; some 430 MB)…", flush=True)
    code = with_uv() if shutil.which("uv") else with_pip()
    if code == 0:
        with open(STAMP, "w", encoding="utf-8") as file:
            file.write(wanted)
    return code


def fingerprint():
    """A hash of what the environment is made from."""
    content = "".join(read(os.path.join(ROOT, name)) for name in ("uv.lock", "pyproject.toml"))
    return hashlib.sha256((content + sys.version).encode()).hexdigest()


def with_uv():
    """Install with uv, on this very Python, bytecode included so that the first start is not the slowest."""
    which = ["--python", sys.executable, "--python-preference", "only-system"]
    sync = ["uv", "sync", "--quiet", "--locked", "--compile-bytecode", *which]
    if call(sync) == 0:
        return 0
    print("Once more, with the certificates of this machine (for a proxy that has its own)…", flush=True)
    # The first is the name in present versions of uv, the second in older ones.
    os.environ.update(UV_SYSTEM_CERTS="true", UV_NATIVE_TLS="true")
    return call(sync)


def with_pip():
    """Install with venv and pip from the exported lock."""
    if code := make_venv():
        return code
    pip = [tool("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--compile"]
    return call([*pip, "--require-hashes", "--requirement", "requirements.lock"]) or call(
        [*pip, "--no-deps", "--editable", "."]
    )


def make_venv():
    """Make the environment with pip in it, anew if there is none in it: it was killed before, or uv made it."""
    if os.path.exists(tool("pip")):
        return 0
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], capture_output=True, text=True, check=False)
    if made.returncode == 0:
        return 0
    shutil.rmtree(VENV, ignore_errors=True)
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    cure = f"install uv, or on Debian: apt-get install {package}"
    return refuse("this Python cannot make a virtual environment", cure)


def demo(options):
    """Run the demonstration."""
    return call([tool("stockd"), "demo", *options])


def up(options):
    """Keep the system running."""
    return call([tool("stockd"), "up", *options])


def lint(_options):
    """Every check but the tests; all of them are run, whatever one says."""
    present = [name for name in PACKAGES if os.path.isdir(name)]
    checks = (
        [tool("ruff"), "format", "--check", *present],
        [tool("ruff"), "check", *present],
        [tool("mypy")],
        [tool("lint-imports"), "--no-logo"],
    )
    return max([call(check) for check in checks])


def test(options):
    """Every check and every test."""
    # In the order of the folders, so that the long ones, which wait for processes, come first and no core is idle at the end.
    spread = ["--dist", "loadfile", "--no-loadscope-reorder"]
    return lint([]) or call([tool("pytest"), "-n", str(min(8, max(3, os.cpu_count() or 1))), *spread, *options])


def unit(options):
    """The unit tests alone."""
    return call([tool("pytest"), "tests/unit", "-m", "not integration", *options])


def run(command):
    """Any command of the environment."""
    if not command:
        return refuse("run needs a command", "such as: run stockctl get jobs")
    return call([tool(command[0]), *command[1:]])


VERBS = {"setup": lambda _: 0, "demo": demo, "up": up, "test": test, "unit": unit, "lint": lint, "run": run}


def tool(name):
    """The path of a command of the environment."""
    return os.path.join(VENV, "bin", name)


def call(command):
    """Run a command in the foreground. Returns its exit code."""
    with subprocess.Popen(command) as child:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                # The terminal told the child too; how it ends is its own word.
                continue


def read(path):
    """The text of a file."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def refuse(problem, cure):
    """Say what is wrong and how to mend it. Returns the exit code for it."""
    print(f"{problem}: {cure}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
