"""06 Failback: the cable put back with nothing else, and nopreempt beside state MASTER."""

from tests.notebooks.wrong import Wrong

WRONG = {
    "stay": (
        Wrong(
            "lab.plug('master'); lab.wait_until(lambda: lab.owners() == ['master'])",
            hint="a stronger machine preempts",
        ),
        Wrong(
            "change(lab, 'master', nopreempt=True); lab.reload('master'); lab.plug('master')\n"
            "lab.wait_until(lambda: lab.owners() == ['master'])",
            hint="dropped where `state MASTER` stands",
        ),
    )
}
