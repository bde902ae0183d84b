"""11 Twenty VIPs: left out, only one file changed, the wrong three, not read, not valid."""

from tests.notebooks.wrong import Wrong

FILE = "/etc/keepalived/keepalived.conf"
RELOAD = "systemctl reload keepalived"
BLOCK = r"s/^ *virtual_ipaddress {/virtual_ipaddress_excluded {\n%s\n}\n&/"
WITHOUT = rf"sed -i '/1\.10[123]$/d' {FILE}"
EXCLUDE = f"sed -i '{BLOCK}' {FILE}" % r"192.168.1.101\n192.168.1.102\n192.168.1.103"


def _typed(hosts: str, *lines: str) -> str:
    """Lines typed at a shell on each of the hosts."""
    script = "\n".join(lines)
    return f"for host in {hosts.split()!r}: lab.run(host, {script!r}, changes=True)"


WRONG = {
    "excluded": (
        Wrong(
            _typed("web1 web2", rf"sed -i '/1\.12[012]$/d' {FILE}", RELOAD),
            hint="192.168.1.120, .* is in neither list",
        ),
        Wrong(_typed("web1", WITHOUT, EXCLUDE, RELOAD), hint="20 \\(web1\\) and 23 \\(web2\\)"),
        # As the section above did it.
        Wrong(
            _typed(
                "web1 web2",
                rf"sed -i '/1\.120$/i\        }}\nvirtual_ipaddress_excluded {{' {FILE}",
                RELOAD,
            ),
            hint="192.168.1.120, .* is excluded now",
        ),
        Wrong(_typed("web1 web2", WITHOUT, EXCLUDE), hint="has a daemon read them"),
    )
}
