"""The table of fault verbs: whole, true of both labs, and the only list of them that there is."""

from __future__ import annotations

import inspect
import json
import random
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from labs import lab_api
from labs.api import panel_widget
from labs.cli import watch_screen
from labs.emulation import faults, mininet_prompt, start_states
from labs.emulation.control_server import ControlServer
from labs.errors import LabError
from labs.figures import timeline_text
from labs.model import fault_verbs
from labs.model.facts import Action
from labs.model.fault_verbs import DAEMON, FAULT_VERBS, LAN, Choice, Draw, FaultVerb
from labs.panel import page
from labs.panel.events import Events
from labs.panel.sources import OfLan
from labs.scenarios import random_search, runner
from labs.scenarios.model import parse
from labs.simulation import faults as simulated_faults
from labs.simulation.lan import Lan

LABS = {"real": faults.Faults, "simulated": simulated_faults.Verbs}


def parameters_of(method: object) -> list[inspect.Parameter]:
    """The words after the host; the real lab may get the interface and a timeout, too."""
    assert callable(method)
    found = list(inspect.signature(method).parameters.values())[2:]
    return [one for one in found if one.name not in ("interface", "timeout")]


@pytest.mark.parametrize("lab", LABS)
@pytest.mark.parametrize("name", FAULT_VERBS)
def test_a_verb_is_a_method_of_the_labs_that_can_do_it(name: str, lab: str) -> None:
    verb = FAULT_VERBS[name]
    method = getattr(LABS[lab], name, None)
    assert (method is not None) == bool(getattr(verb, lab))
    if method is not None and verb.scope != LAN:
        needed = [one for one in parameters_of(method) if one.default is inspect.Parameter.empty]
        assert len(parameters_of(method)) == len(verb.usage.split())
        assert len(needed) == sum(not word.startswith("[") for word in verb.usage.split())


@pytest.mark.parametrize("lab", LABS)
def test_every_verb_of_a_lab_is_in_the_table(lab: str) -> None:
    own = {"at_switch", "simulated_host", "port", "cable", "act", "record_action"}
    public = {name for name in vars(LABS[lab]) if not name.startswith("_")}
    methods = {name for name in public if inspect.isfunction(vars(LABS[lab])[name])}
    assert methods - own - {"launch"} == {v.name for v in FAULT_VERBS.values() if getattr(v, lab)}


@pytest.mark.parametrize("verb", FAULT_VERBS.values(), ids=lambda verb: verb.name)
def test_what_undoes_a_verb_is_a_verb(verb: FaultVerb) -> None:
    undoes = [verb.undo, *(draw.undo.partition(" ")[0] for draw in verb.draws)]
    assert {one for one in undoes if one} <= set(FAULT_VERBS)
    if verb.real and verb.undo:
        assert FAULT_VERBS[verb.undo].real


def test_no_key_means_two_things() -> None:
    used = [choice.key for verb in FAULT_VERBS.values() for choice in verb.choices if choice.key]
    assert len(used) == len(set(used))
    assert not set(used) & {"q", "j", "k", *"123456789"}  # leaving, and choosing a host


def test_every_real_verb_but_one_that_repeats_others_has_a_phrase_and_a_key() -> None:
    for name in fault_verbs.real():
        verb = FAULT_VERBS[name]
        assert any(choice.key for choice in verb.choices), name
        assert verb.phrase or name == "restart", name


def test_the_help_line_of_the_watch_shows_every_key() -> None:
    """`r` reloaded the daemon and was not shown."""
    shown = watch_screen.plain(watch_screen._keys(100))
    for key, (verb, choice) in fault_verbs.keys().items():
        assert f" {key} {' '.join((verb.name, *choice.words))}" in shown


def test_the_program_of_the_panel_lists_no_verbs_of_its_own() -> None:
    desk = (page.JS / "desk.js").read_text()
    assert [row for row in fault_verbs.menu() if f'"{row["verb"]}"' in desk] == []


def test_the_panel_can_lose_frames_and_break_one_direction() -> None:
    lan = Lan("basic")
    offered = {(row["verb"], *row["words"]) for row in fault_verbs.menu()}
    assert {("lose", "0.3"), ("oneway", "to"), ("oneway", "from")} <= offered
    OfLan(lan).do("lose", "web1", words=["0.3"])
    assert lan.cable("web1").loss == 0.3
    with pytest.raises(LabError, match=r"usage: lose HOST SHARE, such as lose web1 0\.3"):
        OfLan(lan).do("lose", "web1")
    with pytest.raises(LabError, match="no verb called 'burn'"):
        OfLan(lan).do("burn", "web1")


@pytest.mark.parametrize(
    ("verb", "words", "wrong"),
    [
        ("unplug", (), "usage: unplug HOST"),
        ("lose", ("web1",), "usage: lose HOST SHARE"),
        ("lose", ("web1", "much"), "'much' is not a number"),
        ("stop", ("web1", "1"), "usage: stop HOST"),
        ("oneway", ("web1", "up"), "no direction called 'up'"),
    ],
)
def test_wrong_words_are_answered_with_the_right_ones(
    verb: str, words: tuple[str, ...], wrong: str
) -> None:
    with pytest.raises(LabError, match=wrong):
        fault_verbs.perform(Lan("basic"), verb, *words)


# --- one declaration ------------------------------------------------------------------------------


@pytest.fixture
def doze(monkeypatch: pytest.MonkeyPatch) -> FaultVerb:
    """A new verb, as CONTRIBUTING says: a row, and its effect on either lab."""
    verb = FaultVerb(
        "doze", DAEMON, "thaw",
        real="it sleeps", simulated="it sleeps", phrase="the daemon{on} fell asleep",
        daemon="frozen",
        choices=(Choice(key="z", menu="Let it doze", when=("runs",)),),
        draws=(Draw(undo="thaw"),),
    )  # fmt: skip

    def effect(self: simulated_faults.Verbs, host: str) -> None:
        """Sleep."""
        self.act("doze", host, f"{host} dozes")
        self.simulated_host(host).frozen = True

    monkeypatch.setitem(FAULT_VERBS, "doze", verb)
    monkeypatch.setattr(simulated_faults.Verbs, "doze", effect, raising=False)
    monkeypatch.setattr(faults.Faults, "doze", lab_api.command(effect), raising=False)
    return verb


def test_a_new_verb_is_known_to_the_control_server_and_the_prompt(doze: FaultVerb) -> None:
    lan = Lan("basic")
    door = SimpleNamespace(lab=lan)
    answer = ControlServer.answer(door, json.dumps({"ask": "doze", "host": "web1"}).encode())  # type: ignore[arg-type]
    assert answer == {"done": "doze"}
    assert lan.machines["web1"].frozen
    assert "doze" in mininet_prompt.verbs()


def test_a_new_verb_has_a_key_and_a_line_in_the_panels_menu(doze: FaultVerb) -> None:
    assert " z doze" in watch_screen.plain(watch_screen._keys(100))
    assert fault_verbs.keys()["z"][0] is doze
    lan = Lan("basic")
    menu = panel_widget.Bench(OfLan(lan)).network["menu"]
    assert {"verb": "doze", "words": [], "text": "Let it doze", "when": ["runs"]} in menu
    OfLan(lan).do("doze", "web2")
    assert lan.machines["web2"].frozen


def test_a_new_verb_is_drawn_and_described(doze: FaultVerb) -> None:
    action = Action(1.0, "doze", "web1", "web1 dozes")
    assert timeline_text.phrase(action, name_host=True) == "the daemon on web1 fell asleep"
    events = Events(("192.168.1.10",), ("web1",), lambda host: {}).take([action])
    assert {"k": "dmn", "t": 1.0, "h": "web1", "s": "frozen"} in events


def test_a_new_verb_can_be_recorded_and_begun_with(
    doze: FaultVerb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lab_api.kind(faults.Faults.doze, "web1") is lab_api.Kind.COMMAND  # type: ignore[attr-defined]
    shutil.copytree(start_states.STATES / "basic", tmp_path / "states" / "basic")
    monkeypatch.setattr(start_states, "STATES", tmp_path / "states")
    (tmp_path / "states/own").mkdir()
    (tmp_path / "states/own/begin").write_text("from basic\ndoze web1\n")
    assert [step.text for _, step in start_states.read("own").steps] == ["doze web1"]


def test_a_new_verb_is_part_of_scenarios_and_of_the_random_search(doze: FaultVerb) -> None:
    lan = runner.simulate(
        parse("state basic\n0 wait holder web1\n+1 doze web1\n+5 holder web2 web1\n"),
        ping=None,
    )
    assert lan.machines["web1"].frozen
    dice = random.Random(1)
    setup = random_search.cluster(dice)
    drawn = {step.verb for _ in range(200) for step in random_search.burst(dice, setup)}
    assert "doze" in drawn
