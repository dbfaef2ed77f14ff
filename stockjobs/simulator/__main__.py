"""`python -m stockjobs.simulator`: the local Yahoo server in the foreground."""

from __future__ import annotations

import argparse
from pathlib import Path

from stockjobs.simulator.process import SimulatorConfig, run


def main() -> None:
    """Read the flags and serve."""
    parser = argparse.ArgumentParser(
        prog="python -m stockjobs.simulator", description="A local server that speaks Yahoo's protocol."
    )
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument("--address", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--ready-file", type=Path, help="file that is written with the URLs as JSON once it listens")
    given = parser.parse_args()
    run(SimulatorConfig(port=given.port, address=given.address, ready_file=given.ready_file))


if __name__ == "__main__":
    main()
