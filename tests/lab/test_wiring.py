"""The picture of a running network: states, owners and what is wrong with a cable."""

from __future__ import annotations

from labs import Lab
from labs.figures.topology_diagram import Wiring
from labs.lessons.show import show


def wiring(lab: Lab) -> Wiring:
    """The network as it is now; in a lab that runs it is drawn, not remembered."""
    shown = show.topology(lab)
    assert isinstance(shown, Wiring)
    return shown


def line(text: str, host: str) -> str:
    [found] = [each for each in text.splitlines() if each.split()[0] == host]
    return found


def test_it_shows_each_break_by_its_name(machines: Lab) -> None:
    machines.reset()
    machines.unplug("master")
    machines.cut("backup")
    machines.lose("client", 0.5)
    machines.wait_until(lambda: not machines.witness.carrier()["master"])
    text = wiring(machines).text()
    assert "eth0 to s1 (cable pulled)" in line(text, "master")
    assert "eth0 to s1 (path cut)" in line(text, "backup")
    assert "eth0 to s1 (drops frames)" in line(text, "client")
    assert "no daemon" in line(text, "master")
    for host in machines.hosts:
        machines.plug(host)
        machines.mend(host)
    assert "(" not in wiring(machines).text()


def test_it_shows_states_and_owners(cluster: Lab) -> None:
    cluster.settle()
    before = wiring(cluster)
    assert "MASTER" in line(before.text(), "master")
    assert line(before.text(), "master").endswith("holds 192.168.1.10")
    assert "BACKUP" in line(before.text(), "backup")
    cluster.freeze("backup")
    cluster.stop("master")
    text = wiring(cluster).text()
    assert "no daemon" in line(text, "master")
    assert "frozen" in line(text, "backup")
    drawn = [words.get_text() for words in before.figure().axes[0].texts]
    assert {"master", "MASTER", "● 192.168.1.10", "client", "s1"} <= set(drawn)
    assert "192.168.1.10 is held by master" in drawn
    assert before._repr_png_().startswith(b"\x89PNG")
