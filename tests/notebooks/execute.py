"""Executes one lesson in the kernel that it names, as JupyterLab would, and writes the result.

    python tests/notebooks/execute.py notebooks/07-failover.ipynb RESULT.ipynb
    python tests/notebooks/execute.py LESSON RESULT.ipynb --passes 3 --seed 7

A program of its own because the tests run it as another user.

    pass 1    top to bottom, written to RESULT.ipynb
    pass 2    the same once more, in the same kernel, written to RESULT.2.ipynb
    pass 3    with the code cells of every section (## heading) in an order that the seed decides;
              a cell that fails does not end it; written to RESULT.3.ipynb

The result is written even if a cell fails: the outputs up to there are what one wants to see.
The exit status is 1 then. Each cell's time is in its metadata, as JupyterLab's timing is.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from pathlib import Path
from typing import Any

from labs.jupyter.server import leave_out_iri_grammar

leave_out_iri_grammar()

import nbformat  # noqa: E402
from nbclient import NotebookClient  # noqa: E402
from nbclient.exceptions import CellExecutionError  # noqa: E402

CELL_SECONDS = 400


def sections(cells: list[Any]) -> list[list[int]]:
    """The numbers of the code cells, section by section; a heading of level 2 begins a section."""
    found: list[list[int]] = [[]]
    for number, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            found[-1].append(number)
        elif any(line.startswith("## ") for line in "".join(cell["source"]).splitlines()):
            found.append([])
    return found


def shuffled(cells: list[Any], seed: int) -> list[int]:
    """The numbers of the code cells: sections in order, cells within them in any."""
    dice = random.Random(seed)
    order = []
    for section in sections(cells):
        dice.shuffle(section)
        order += section
    return order


class Run:
    """One kernel, in which a notebook is executed several times."""

    def __init__(self, source: Path, result: Path) -> None:
        self.notebook = nbformat.read(source, as_version=4)
        self.result = result
        place = {"metadata": {"path": str(source.resolve().parent)}}
        self.client = NotebookClient(
            self.notebook, timeout=CELL_SECONDS, startup_timeout=CELL_SECONDS, resources=place
        )

    def path(self, number: int) -> Path:
        """Where pass `number` is written."""
        return self.result if number == 1 else self.result.with_suffix(f".{number}.ipynb")

    async def all(self, passes: int, seed: int) -> int:
        """Executes the passes; 1 if one of the first two met an error."""
        cells = self.notebook.cells
        in_order = [number for section in sections(cells) for number in section]
        async with self.client.async_setup_kernel():
            for number in range(1, passes + 1):
                order = in_order if number < 3 else shuffled(cells, seed)
                if not await self._pass(number, order):
                    return 1
        return 0

    async def _pass(self, number: int, order: list[int]) -> bool:
        cells = self.notebook.cells
        for cell in cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        try:
            for index in order:
                began = time.monotonic()
                try:
                    await self.client.async_execute_cell(cells[index], index)
                except CellExecutionError as error:
                    cells[index].metadata["refused"] = True
                    if number < 3:
                        print(error, file=sys.stderr)
                        return False
                finally:
                    cells[index].metadata["seconds"] = round(time.monotonic() - began, 3)
        finally:
            self.notebook.metadata["order"] = order
            nbformat.write(self.notebook, self.path(number))
        return True


def main(arguments: list[str]) -> int:
    """The program; returns its exit status."""
    parser = argparse.ArgumentParser(description="Execute a lesson.")
    parser.add_argument("source", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--passes", type=int, default=1, choices=(1, 2, 3))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    run = Run(options.source, options.result)
    return asyncio.run(run.all(options.passes, options.seed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
