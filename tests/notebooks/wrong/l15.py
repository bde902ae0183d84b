"""15 The real thing: too quick, too rough, and only half done."""

from tests.notebooks.wrong import Wrong

WRONG = {
    "engine": (
        # backup takes over only after its skew.
        Wrong(
            "install(lab, 'backup', 'keepalived'); install(lab, 'master', 'keepalived')",
            hint="the client waited",
        ),
        # Half of it.
        Wrong("install(lab, 'backup', 'keepalived')", hint="vrrpd runs on master"),
        # The favourite was changed, and not changed back.
        Wrong(
            "change(lab, 'backup', priority=200); lab.reload('backup')\n"
            "lab.wait_until(lambda: lab.owners() == ['backup'])\n"
            "install(lab, 'master', 'keepalived')\n"
            "install(lab, 'backup', 'keepalived')",
            hint="another priority than 100",
        ),
    )
}
