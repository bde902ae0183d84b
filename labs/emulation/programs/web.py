"""A small web server: every page is the name of the host it runs on.

python -m labs.emulation.programs.web        on port 80 of every address of this host, IPv4 and IPv6
"""

from __future__ import annotations

import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Page(BaseHTTPRequestHandler):
    """Answers every GET and HEAD with one line."""

    timeout = 60  # s without a byte of a client's

    def do_GET(self) -> None:
        """The host's name, and which page was asked for if it was not the first one."""
        words = [socket.gethostname(), *filter(None, [self.path.strip("/")])]
        body = (" ".join(words) + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET


class Server(ThreadingHTTPServer):
    """For both protocols at once: IPv4 addresses arrive mapped into IPv6."""

    address_family = socket.AF_INET6
    daemon_threads = True

    def server_bind(self) -> None:
        """Accept IPv4, too, whatever net.ipv6.bindv6only says."""
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


def main() -> None:
    """Serve until killed."""
    with Server(("::", 80), Page) as server:
        print("ready", flush=True)
        server.serve_forever(poll_interval=60)


if __name__ == "__main__":
    main()
