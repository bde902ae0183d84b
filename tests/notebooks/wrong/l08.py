"""08 Notify scripts: the cable pulled with nothing changed, and a file that nobody has read."""

from tests.notebooks.wrong import Wrong

WRONG = {
    "flag": (
        Wrong("lab.settle(); lab.unplug('web1')", hint="no cable is FAULT, not BACKUP"),
        Wrong(
            "lab.settle()\n"
            "change(lab, 'web1', notify_fault='/etc/keepalived/hage.sh')\n"
            "lab.unplug('web1')",
            hint="had the daemon read it",
        ),
    )
}
