"""Mail about changes of state, in keepalived's words.

    Date: Sun, 22 Nov 2026 19:58:39 +0000
    From: keepalived@example.net
    Subject: [ROUTER_ID] VRRP Instance VI_1 - Entering MASTER state
    X-Mailer: Keepalived
    To: a@example.net,
     b@example.net

    => VRRP Instance is now owning VRRP VIPs <=

One mail for a change of an instance with `smtp_alert`, one for a change of its sync group; never
two in a row for the same state.  Without `smtp_server` or `notification_email` there is none.

Contract: `Mailer` only writes letters; a Post delivers them.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from vrrpd.config.globals import Globals
from vrrpd.config.model import Instance, SyncGroup
from vrrpd.ports import Mail, MailSender

INSTANCE = {
    "MASTER": ("Entering MASTER state", "=> VRRP Instance is now owning VRRP VIPs <="),
    "BACKUP": ("Entering BACKUP state", "=> VRRP Instance is no longer owning VRRP VIPs <="),
    "FAULT": ("Entering FAULT state", "=> VRRP Instance is no longer owning VRRP VIPs <="),
    "STOP": ("Stopping", "=> VRRP Instance stopping <="),
    "DELETED": ("Deleted", "=> VRRP Deleted at reload <="),
}
GROUP = {
    "MASTER": (
        "Entering MASTER state",
        "=> All VRRP group instances are now in MASTER state <=",
    ),
    "BACKUP": (
        "Entering BACKUP state",
        "=> All VRRP group instances are now in BACKUP state <=",
    ),
    "FAULT": ("Entering FAULT state", "=> All VRRP group instances are now in FAULT state <="),
    "STOP": ("Stopping", "=> All VRRP group instances are now stopping <="),
}


class Mailer:
    """Writes the mails; remembers the last state each instance and group was mailed about."""

    def __init__(self, post: MailSender, wall: Callable[[], float] = time.time) -> None:
        self.post = post
        self.wall = wall
        self.settings = Globals()
        self.last: dict[tuple[str, str], str] = {}

    def configure(self, settings: Globals) -> None:
        """Use these servers and addresses from now on."""
        self.settings = settings

    def instance(self, instance: Instance, state: str) -> str | None:
        """Mail that an instance has entered `state`; the subject, or None if there was no mail."""
        if not instance.smtp_alert or state not in INSTANCE:
            return None
        return self._alert("VRRP Instance", instance.name, state, *INSTANCE[state])

    def group(self, group: SyncGroup, state: str) -> str | None:
        """Mail that a sync group has entered `state`."""
        if not group.smtp_alert or state not in GROUP:
            return None
        return self._alert("VRRP Group", group.name, state, *GROUP[state])

    def _alert(self, kind: str, name: str, state: str, what: str, body: str) -> str | None:
        """Send one mail, unless it would be the second in a row, or it has no recipient."""
        mine = self.settings
        faults = mine.no_email_faults and state == "FAULT"
        if faults or self.last.get((kind, name)) == state:
            return None
        self.last[kind, name] = state
        if mine.smtp_server is None or not mine.notification_email:
            return None
        import getpass

        here = socket.gethostname()
        subject = f"[{mine.router_id or here}] {kind} {name} - {what}"
        sender = mine.notification_email_from or f"{getpass.getuser()}@{here}"
        self.post.send(
            Mail(
                mine.smtp_server,
                mine.smtp_connect_timeout_ns,
                mine.smtp_helo_name or here,
                sender,
                mine.notification_email,
                text(self.wall(), sender, subject, mine.notification_email, body),
            )
        )
        return subject


def text(moment: float, sender: str, subject: str, to: tuple[str, ...], body: str) -> str:
    """A whole mail; `moment` is Unix time.  The empty line at the end is keepalived's."""
    lines = (
        f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S %z', time.localtime(moment))}",
        f"From: {sender}",
        f"Subject: {subject}",
        "X-Mailer: Keepalived",
        "To: " + ",\r\n ".join(to),  # a line may have 998 characters (RFC 5322 section 2.1.1)
        "",
        body,
        "",
    )
    return "".join(f"{line}\r\n" for line in lines)
