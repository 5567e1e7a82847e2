"""Start the embedded proxy: ``python -m harness.environment.proxy.embedded --host 127.0.0.1 --port 8474``.

Started by ``harness.environment.proxy.proxy``; ends at SIGTERM or SIGINT. What it serves is ``control``'s.
"""

from __future__ import annotations

import argparse

from aiohttp import web

from harness.environment.proxy.embedded.control import Control

# Connections end with their link; a control call takes milliseconds.
_SHUTDOWN_TIMEOUT_S = 1.0


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(
        prog="harness.environment.proxy.embedded", description="A TCP proxy with Toxiproxy's HTTP API."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address of the control API (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8474, help="port of the control API (default: %(default)s)")
    asked = parser.parse_args()
    web.run_app(
        Control().application(),
        host=asked.host,
        port=asked.port,
        shutdown_timeout=_SHUTDOWN_TIMEOUT_S,
        print=None,
        access_log=None,
    )


if __name__ == "__main__":
    main()
