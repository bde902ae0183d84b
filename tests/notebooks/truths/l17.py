"""17 Two routers, and IPv6: what holds two sides together, and how long IPv6 takes."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "look-forward": r"(root@r\d.*net\.ipv4\.ip_forward = 1.*){2}",
    "ping-through": "via 192.168.1.10.* 0% packet loss",
    "run-torn": "it was no",
    "ping-torn": r"lladdr 02:00:00:00:00:0b.*100% packet loss",
    "run-together": r"\A(?!.*predicted).*it was [2-5](\.\d+)? s",
    "ping-again": r"lladdr 02:00:00:00:00:0c.* 0% packet loss",
    "look-six": r"version 3.*fe80::10/64.*2001:db8:1::10/64.*fe80::\S+ > ff02::12",
    "run-six": (
        r"predicted 3\.609 s after the last Advertisement[^,]*, measured (3\.[6-9]|[45]\.)"
        r".*it was “?the same”?"
    ),
    "check-after": "Two families, one server: done",
}
