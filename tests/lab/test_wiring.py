"""The picture of a running network: states, holders and what is wrong with a cable."""

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


def test_it_shows_each_break_by_its_name(bare_lab: Lab) -> None:
    bare_lab.reset()
    bare_lab.unplug("web1")
    bare_lab.cut("web2")
    bare_lab.lose("client", 0.5)
    bare_lab.wait_until(lambda: not bare_lab.witness.carrier()["web1"])
    text = wiring(bare_lab).text()
    assert "eth0 to s1 (cable pulled)" in line(text, "web1")
    assert "eth0 to s1 (path cut)" in line(text, "web2")
    assert "eth0 to s1 (drops frames)" in line(text, "client")
    assert "no daemon" in line(text, "web1")
    for host in bare_lab.hosts:
        bare_lab.plug(host)
        bare_lab.mend(host)
    assert "(" not in wiring(bare_lab).text()


def test_it_shows_states_and_owners(cluster: Lab) -> None:
    cluster.settle()
    before = wiring(cluster)
    assert "MASTER" in line(before.text(), "web1")
    assert line(before.text(), "web1").endswith("holds 192.168.1.10")
    assert "BACKUP" in line(before.text(), "web2")
    cluster.freeze("web2")
    cluster.stop("web1")
    text = wiring(cluster).text()
    assert "no daemon" in line(text, "web1")
    assert "frozen" in line(text, "web2")
    drawn = [words.get_text() for words in before.figure().axes[0].texts]
    assert {"web1", "MASTER", "● 192.168.1.10", "client", "s1"} <= set(drawn)
    assert "192.168.1.10 is held by web1" in drawn
    assert before._repr_html_().startswith("<img ")
