"""`labs cli` on a pseudo-terminal: completion, history, help, and Mininet's own commands."""

from __future__ import annotations

from pathlib import Path

from tests.lab.outside import LABS
from tests.terminal import Terminal


def asks(prompt: Terminal) -> bool:
    """Whether it waits for a line; what is typed before belongs to the command that runs."""
    return prompt.text.rstrip().endswith("mininet>")


def test_the_prompt_completes_remembers_and_helps(tmp_path: Path) -> None:
    # In a home of its own: the history is kept there.
    with Terminal([*LABS, "cli", "--state", "empty"], rows=50, HOME=str(tmp_path)) as prompt:
        prompt.until(lambda: asks(prompt))
        assert "`help` lists the commands" in prompt.text
        prompt.type("unpl\t we\t1")
        prompt.until(lambda: "mininet> unplug web1" in prompt.text)
        prompt.type("\n")
        prompt.until(lambda: asks(prompt))
        # The kernel says so a moment after the cable was pulled.
        look = "until ip -br link show eth0 | grep NO-CARR.ER; do sleep 0.1; done"
        prompt.type(f"web1 {look}\n")
        prompt.until(lambda: "NO-CARRIER" in prompt.text and asks(prompt))
        # Two up: the line before the last one.
        prompt.type("\x1b[A\x1b[A")
        prompt.until(lambda: prompt.text.rstrip().endswith("mininet> unplug web1"))
        prompt.type("\x15link s1 web1 down\n")
        prompt.until(lambda: "link s1 web1 down" in prompt.text and asks(prompt))
        prompt.type("web1 /sbin/ip address list dev eth0\n")
        prompt.until(lambda: "state DOWN" in prompt.text and asks(prompt))
        prompt.type("help\n")
        prompt.until(lambda: "unplug" in prompt.text.rpartition("help")[2] and asks(prompt))
        prompt.type("help crash\n")
        prompt.until(
            lambda: "it does not resign, its addresses stay" in prompt.text and asks(prompt)
        )
        prompt.type("crash \t\t")
        prompt.until(lambda: "web2" in prompt.text.rpartition("does not resign")[2])
        prompt.type("\x15exit\n")
    assert prompt.status == 0
    assert "unplug web1" in (tmp_path / ".mininet_history").read_text()


def test_the_prompt_survives_endless_output_and_dead_hosts(tmp_path: Path) -> None:
    with Terminal([*LABS, "cli", "--state", "empty"], rows=50, HOME=str(tmp_path)) as prompt:
        prompt.until(lambda: asks(prompt))
        prompt.type("client yes\n")
        prompt.until(lambda: "\ny\ny\ny\n" in prompt.text)
        prompt.type("\x03")
        prompt.until(lambda: asks(prompt))
        prompt.type("client pgrep -c yes\n")
        prompt.until(lambda: prompt.text.rpartition("-c yes")[2].split() == ["0", "mininet>"])
        prompt.type("web1 reboot -f\n")
        prompt.until(lambda: "web1 is down" in prompt.text and asks(prompt))
        prompt.type("reset\n")
        prompt.until(lambda: prompt.text.rstrip().endswith("reset\nmininet>"))
        prompt.type("web1 hostname\n")
        prompt.until(lambda: "\nweb1\n" in prompt.text and asks(prompt))
        prompt.type("exit\n")
    assert prompt.status == 0
