"""Files that a command writes: what can be known before something long is done, and the writing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from labs.errors import LabError


def require_writable(path: Path, option: str) -> None:
    """LabError, naming `option` as the remedy, if `path` cannot be written; it is left as it is."""
    folder = path.parent
    why = ""
    if path.is_dir():
        why = "it is a folder"
    elif not folder.is_dir():
        why = f"there is no folder {folder}"
    elif path.exists() and not os.access(path, os.W_OK):
        why = "you may not write to it"
    elif not path.exists() and not os.access(folder, os.W_OK | os.X_OK):
        why = f"you may not write to {'the current folder' if folder == Path() else folder}"
    if why:
        raise LabError(f"{path} cannot be written: {why}; name another with {option}")


def write_text(text: str, path: Path | None, option: str) -> None:
    """Write to `path`, or to standard output if it is None; LabError names `option` as remedy."""
    if path is None:
        sys.stdout.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LabError(
            f"{path} cannot be written: {error.strerror}; name another with {option}"
        ) from None
