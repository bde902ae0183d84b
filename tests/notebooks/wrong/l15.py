"""15 The real thing: too quick, too rough, and only half done."""

from tests.notebooks.wrong import Wrong

WRONG = {
    "engine": (
        # web2 takes over only after its skew.
        Wrong(
            "install(lab, 'web2', 'keepalived'); install(lab, 'web1', 'keepalived')",
            hint="the client waited",
        ),
        # Half of it.
        Wrong("install(lab, 'web2', 'keepalived')", hint="vrrpd runs on web1"),
        # The preferred MASTER was changed, and not changed back.
        Wrong(
            "change(lab, 'web2', priority=200); lab.reload('web2')\n"
            "lab.wait_until(lambda: lab.holders() == ['web2'])\n"
            "install(lab, 'web1', 'keepalived')\n"
            "install(lab, 'web2', 'keepalived')",
            hint="another priority than 100",
        ),
    )
}
