"""A static server like `python -m http.server`, which also sends the site's own policy.

    python tests/browser/static_server.py DIRECTORY      prints its port

The pages carry their Content-Security-Policy in a <meta>, which binds no worker: a worker has the
policy that its own answer carries.  With the header, page and worker run under the same one.
"""

from __future__ import annotations

import html
import re
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

META = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">')


def policy(directory: Path) -> str:
    """The Content-Security-Policy of the front page.  Raises ValueError if it has none."""
    found = META.search((directory / "index.html").read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{directory}/index.html has no Content-Security-Policy")
    return html.unescape(found[1])


class _Handler(SimpleHTTPRequestHandler):
    policy = ""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", self.policy)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""


def main() -> None:
    """Serve until the process is ended."""
    directory = Path(sys.argv[1])
    _Handler.policy = policy(directory)
    handler = partial(_Handler, directory=str(directory))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        print(server.server_port, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
