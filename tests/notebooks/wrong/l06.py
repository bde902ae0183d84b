"""06 Failback: the word that does not decide, and a file that nobody has read."""

from tests.notebooks.wrong import Wrong

WRONG = {
    "favourite": (
        Wrong(
            "lab.conf('backup', lab.conf('backup').replace('state BACKUP', 'state MASTER'))\n"
            "lab.stop('backup'); lab.start('backup')",
            hint="leave the word after `state` alone",
        ),
        Wrong(
            "lab.conf('backup', lab.conf('backup').replace('priority 100', 'priority 200'))",
            hint="reads its file when it starts",
        ),
    )
}
