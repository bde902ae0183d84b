"""A host's directories have a server's modes, whatever the umask of the learner."""

from __future__ import annotations

import os

from labs import Lab


def test_the_group_cannot_write_in_etc_of_a_host_where_learners_let_it() -> None:
    before = os.umask(0o002)  # that of Debian 13's users
    try:
        with Lab("empty", beside=True) as lab:
            modes = lab.run("web1", "stat -c %a /etc /etc/keepalived /root")
    finally:
        os.umask(before)
    assert str(modes).split() == ["755", "755", "755"]
