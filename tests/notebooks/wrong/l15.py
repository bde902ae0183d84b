"""15 Faster: half of it, the block that -t rejects, a file not read, too short, and version 2."""

from tests.notebooks.wrong import Wrong

FILE = "/etc/keepalived/keepalived.conf"
NO_PASSWORD = f"sed -i '/authentication {{/,/}}/d' {FILE}"
RELOAD = "systemctl reload keepalived"


def _typed(hosts: str, *lines: str) -> str:
    """Lines typed at a shell on each of the hosts."""
    script = "\n".join(lines)
    return f"for host in {hosts.split()!r}: lab.run(host, {script!r}, changes=True)"


def _interval(lines: str) -> str:
    return f"sed -i 's/advert_int 1$/{lines}/' {FILE}"


WRONG = {
    "half-a-second": (
        Wrong(
            _typed("web1", NO_PASSWORD, _interval("version 3"), RELOAD),
            hint="drop each other's packets",
        ),
        Wrong(
            _typed("web1 web2", _interval(r"version 3\n advert_int 0.12"), RELOAD),
            hint="keepalived -t on web1 says: .*version 3",
        ),
        Wrong(
            _typed("web1 web2", NO_PASSWORD, _interval(r"version 3\n advert_int 0.05"), RELOAD),
            hint="too long",
        ),
        Wrong(
            _typed("web1 web2", NO_PASSWORD, _interval(r"version 3\n advert_int 0.12")),
            hint="has each daemon read its file",
        ),
        Wrong(_typed("web1 web2", _interval("advert_int 0.5"), RELOAD), hint="whole seconds|-t"),
    )
}
