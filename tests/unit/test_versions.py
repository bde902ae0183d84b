"""The table of what versions of keepalived do says clearly when it does not know one."""

from __future__ import annotations

import pytest

from tests.interop import versions
from tests.interop.versions import NoExpectations, expected, nearest


@pytest.mark.parametrize("version", versions.VERSIONS)
def test_a_version_of_the_table_is_found(version: str) -> None:
    assert expected(version) is versions.TABLE[version]


@pytest.mark.parametrize(
    ("version", "near"),
    [("2.4.3", "2.3.3"), ("2.3.3.1", "2.3.3"), ("2.3.2", "2.2.7"), ("2.10.0", "2.3.3"),
     ("2.2.4", "2.2.7")],
)  # fmt: skip
def test_an_unknown_version_is_named_with_the_nearest(version: str, near: str) -> None:
    assert nearest(version) == near
    words = f"no expectations for keepalived {version}: nearest is {near}; .*versions.py"
    with pytest.raises(NoExpectations, match=words):
        expected(version)


def test_a_machine_without_keepalived_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "KEEPALIVED", "/no/such/keepalived")
    versions.installed.cache_clear()
    with pytest.raises(NoExpectations, match="cannot ask /no/such/keepalived for its version"):
        expected()
    versions.installed.cache_clear()
