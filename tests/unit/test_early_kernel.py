"""A kernel that is started before the page asks: it ends unless a page connects to it."""

from __future__ import annotations

import asyncio
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labs.jupyter import early_kernel, server


async def looks(connected: bool) -> list[tuple[bool, bool]]:
    """Look at a kernel of Jupyter's own manager, before the deadline and after it.

    For each: whether it is settled, and whether the kernel is still there.
    """
    server.leave_out_iri_grammar()
    from jupyter_server.services.contents import filemanager
    from jupyter_server.services.kernels import kernelmanager
    from jupyter_server.services.sessions import sessionmanager

    jupyter: Any = kernelmanager  # whose types do not say what it takes
    kernels = jupyter.AsyncMappingKernelManager(default_kernel_name="python3")
    jupyter = sessionmanager
    contents = filemanager.AsyncFileContentsManager()
    sessions = jupyter.SessionManager(kernel_manager=kernels, contents_manager=contents)
    application = SimpleNamespace(kernel_manager=kernels, session_manager=sessions)
    try:
        session: dict[str, Any] = await sessions.create_session(
            path="00.ipynb", name="00.ipynb", type="notebook", kernel_name="python3"
        )
        if connected:
            kernels.notify_connect(session["kernel"]["id"])
        found = []
        for deadline in (math.inf, -math.inf):
            settled = await early_kernel.settled(application, session, deadline)
            found.append((settled, len(await sessions.list_sessions()) == len(kernels) == 1))
        return found
    finally:
        await kernels.shutdown_all(now=True)


# Jupyter's server looks for a library of GNOME, which warns about its own loader.
@pytest.mark.filterwarnings("ignore::ImportWarning")
@pytest.mark.parametrize("connected", [False, True])
def test_a_kernel_ends_at_the_deadline_unless_a_page_has_connected(
    connected: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    stays, ends = [(True, True), (True, True)], [(False, True), (True, False)]
    assert asyncio.run(looks(connected)) == (stays if connected else ends)


@pytest.mark.parametrize(
    ("content", "ours"),
    [
        ({"metadata": {"kernelspec": {"name": "vrrp-lab"}}}, True),
        ({"metadata": {"kernelspec": {"name": "python3"}}}, False),
        ({"metadata": {}}, False),
        ([], False),
    ],
)
def test_only_a_notebook_of_the_lessons_gets_a_kernel(
    content: object, ours: bool, tmp_path: Path
) -> None:
    notebook = tmp_path / "a.ipynb"
    assert not early_kernel.is_for_our_kernel(notebook)
    notebook.write_text(json.dumps(content))
    assert early_kernel.is_for_our_kernel(notebook) is ours


def test_a_server_that_ends_waits_for_the_kernel_that_is_being_started(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text(
        json.dumps({"metadata": {"kernelspec": {"name": "vrrp-lab"}}})
    )
    done: list[str] = []

    async def end_while_it_starts() -> None:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def create_session(**_: str) -> dict[str, Any]:
            begun.set()
            await go_on.wait()
            done.append("started")
            return {"kernel": {"id": "1"}, "id": "2"}

        async def cleanup_kernels() -> None:
            done.append("cleaned up")

        application = SimpleNamespace(
            root_dir=str(tmp_path),
            session_manager=SimpleNamespace(create_session=create_session),
            kernel_manager={},
            cleanup_kernels=cleanup_kernels,
        )

        async def let_it_start() -> None:
            go_on.set()

        start = asyncio.ensure_future(early_kernel.start(application, "a.ipynb"))
        await begun.wait()
        await asyncio.gather(start, application.cleanup_kernels(), let_it_start())

    asyncio.run(end_while_it_starts())
    assert done == ["started", "cleaned up"]
