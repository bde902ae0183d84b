"""Files of the project that are not Python: the lessons, the AppArmor profile.

a checkout              notebooks/07-failover.ipynb, beside labs/
a wheel in a venv       VENV/share/vrrp-lab/notebooks/07-failover.ipynb
Debian's package        /usr/share/vrrp-lab/notebooks/07-failover.ipynb
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def in_checkout(package: Path = _PACKAGE) -> bool:
    """Whether `package` lies in a checkout, which has a Makefile, or is installed, with none."""
    return (package.parent / "pyproject.toml").exists()


def make_or(target: str, installed: str) -> str:
    """A command to type: `make TARGET` in a checkout, or the words that do it when installed."""
    return f"make {target}" if in_checkout() else installed


def shared(name: str, package: Path = _PACKAGE) -> Path:
    """The path of `name`, a file or folder as it is called in a checkout; it may be absent.

    Installed, it is in the share/vrrp-lab nearest above `package`: where pip puts it for a venv,
    for --user and for --target, and Debian for the system's Python.
    """
    beside = package.parent
    if in_checkout(package):
        return beside / name
    places = (above / "share" / "vrrp-lab" for above in package.parents)
    return next((place for place in places if place.is_dir()), beside) / name
