"""06 Failback: the cable put back with nothing else, and nopreempt beside state MASTER."""

from tests.notebooks.wrong import Wrong

WRONG = {
    "stay": (
        Wrong(
            "lab.plug('web1'); lab.wait_until(lambda: lab.holders() == ['web1'])",
            hint="a stronger machine preempts",
        ),
        Wrong(
            "change(lab, 'web1', nopreempt=True); lab.reload('web1'); lab.plug('web1')\n"
            "lab.wait_until(lambda: lab.holders() == ['web1'])",
            hint="dropped where `state MASTER` stands",
        ),
    )
}
