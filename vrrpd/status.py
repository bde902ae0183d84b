"""The state of a virtual router as plain data, for `vrrpctl status` and the lessons."""

from __future__ import annotations

from typing import Any

from vrrpd.fsm import OWNER, SECOND, State, seconds
from vrrpd.router import VirtualRouter


def status(router: VirtualRouter) -> dict[str, Any]:
    """Everything `vrrpctl status` shows; times in seconds."""
    now = router.ports.clock.now()
    value, params, instance = router.current, router.params, router.instance
    return {
        "instance": router.name,
        "state": router.state.value,
        "reason": value.why,
        "interface": instance.interface,
        "vrid": instance.vrid,
        "priority": params.priority,
        "source": str(router.source),
        "addresses": [str(placed.address.ip) for placed in router.placed],
        "owner": params.priority == OWNER,
        "timer": _timer(router, now),
        "master_down_interval": seconds(params.master_down(params.advert_interval)),
        "last_heard": _last_advertisement(router, now),
        "faults": list(router.faults.values()),
        "weights": dict(router.weights),
        "released": router.released,
        "split_brain": router.split_brain.active(router.params, now),
    }


def _timer(router: VirtualRouter, now: int) -> dict[str, Any] | None:
    """The one running timer and what is left of it."""
    deadline = router.current.deadline
    if deadline is None:
        return None
    name = "Adver_Timer" if router.state is State.MASTER else "Master_Down_Timer"
    return {"name": name, "remaining": round((deadline - now) / SECOND, 3)}


def _last_advertisement(router: VirtualRouter, now: int) -> dict[str, Any] | None:
    """Who spoke last, how strongly and how long ago."""
    heard = router.current.heard
    if heard is None:
        return None
    ago = round((now - heard.at) / SECOND, 3)
    return {"source": str(heard.source), "priority": heard.priority, "ago": ago}
