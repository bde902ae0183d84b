"""Executes one lesson in the kernel that it names, as JupyterLab would, and writes the result.

    python tests/notebooks/execute.py notebooks/05-failover.ipynb RESULT.ipynb

A program of its own because the tests run it as another user. The result is written even if a cell
fails: the outputs up to there are what one wants to see. The exit status is 1 then.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

CELL_SECONDS = 60


def main(source: str, result: str) -> int:
    notebook = nbformat.read(source, as_version=4)
    place = {"metadata": {"path": str(Path(source).resolve().parent)}}
    client = NotebookClient(notebook, timeout=CELL_SECONDS, resources=place)
    try:
        client.execute()
    except CellExecutionError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        nbformat.write(notebook, result)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
