"""A class as `labs class` serves it, and learners who come by HTTP as a browser does.

with evening(user, users=3) as one:
    anna = Learner(one, "anna")
    anna.sign_up()
    anna.wait_for_the_server()
    with anna.kernel("07-failover.ipynb") as kernel:
        text = kernel.run("print(1 + 1)")
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import requests
import websocket

from tests.served import free_port
from tests.support import HUNG_S, OrdinaryUser, eventually

PROGRAM = Path(sys.executable).with_name("labs")
PASSWORD = "a password"
ASK_AGAIN_S = 60  # for a page that a busy proxy has lost


@dataclass
class Evening:
    """A class that runs: its `address`, the learners' `word`, the `teacher`'s password."""

    process: subprocess.Popen[bytes]
    address: str
    word: str
    teacher: str
    folder: Path
    output: Path


@contextmanager
def evening(
    user: OrdinaryUser | None, folder: Path, users: int, env: Mapping[str, str] | None = None
) -> Iterator[Evening]:
    """Serve a class in `folder` as `user`, or as this process's own; Ctrl-C ends it."""
    words: list[str | Path] = [PROGRAM, "class", "--users", str(users), "--folder", folder]
    words += ["--port", str(free_port())]
    log = folder.parent / "class.log"
    log.touch()
    with log.open("wb") as output:
        if user is None:
            process = subprocess.Popen(words, stdout=output, stderr=output)
        else:
            process = user.popen(words, env, stdout=output, stderr=output)

    def printed() -> list[str] | None:
        text = log.read_text()
        assert process.poll() is None, f"the class ended\n{text}"
        return re.findall(r"(http\S+)/hub/signup|the word +(\S+)|as teacher with +(\S+)", text)

    try:
        found = eventually(printed, what="the class to print its address")
        address, word, teacher = ("".join(each) for each in found)
        yield Evening(process, address, word, teacher, folder, log)
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ctrl-C, once."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(HUNG_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError("one Ctrl-C did not end the class") from None


@dataclass
class Learner:
    """One learner's browser, without the pictures."""

    evening: Evening
    name: str
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def prefix(self) -> str:
        """Where the learner's server is, behind the hub's proxy, as JupyterHub writes it."""
        return f"{self.evening.address}/user/{quote(self.name, safe='@~')}"

    def sign_up(self, word: str | None = None, password: str = PASSWORD) -> str:
        """Fill in the page; the problem that it shows, or ""."""
        fields = {"word": self.evening.word if word is None else word}
        fields |= {"signup_password": password, "signup_password_confirmation": password}
        return self._send("signup", fields)

    def log_in(self, password: str = PASSWORD) -> str:
        """Fill in the other page; the problem that it shows, or ""."""
        return self._send("login", {"password": password})

    def _send(self, page: str, fields: dict[str, str]) -> str:
        where = f"{self.evening.address}/hub/{page}"
        form = self.session.get(where, timeout=HUNG_S).text
        found = re.search(r'name="_xsrf" value="([^"]*)"', form)
        assert found, form
        fields = {"_xsrf": found[1], "username": self.name, **fields}
        answer = self.session.post(where, fields, timeout=HUNG_S)
        if urlsplit(answer.url).path != f"/hub/{page}":
            return ""
        shown = re.search(r'class="alert[^>]*>\s*(.*?)\s*</|login_error">\s*(.*?)\s*<', answer.text)
        return "".join(filter(None, shown.groups())) if shown else f"status {answer.status_code}"

    def wait_for_the_server(self, every: float = 0.5) -> float:
        """Open JupyterLab, again after `every` seconds, until it is there; the time it took."""
        began = time.monotonic()
        eventually(self._is_there, what=f"the server of {self.name}", every=every)
        return time.monotonic() - began

    def _is_there(self) -> bool:
        with suppress(requests.ConnectionError, requests.Timeout):  # a busy proxy, a busy hub
            page = self.session.get(f"{self.prefix}/lab", timeout=ASK_AGAIN_S)
            return bool(page.status_code == 200 and page.url.startswith(self.prefix))
        return False

    def start_the_server(self) -> None:
        """Ask the hub for it, as its page does."""
        self.session.get(f"{self.evening.address}/hub/spawn", timeout=HUNG_S)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """One request to the learner's server; what it answers."""
        (token,) = [c.value for c in self.session.cookies if c.name == "_xsrf" and "user" in c.path]
        headers = {"X-XSRFToken": token or ""}
        where = f"{self.prefix}/{path}"
        answer = self.session.request(method, where, json=body, headers=headers, timeout=HUNG_S)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    @contextmanager
    def kernel(self, notebook: str) -> Iterator[Kernel]:
        """A kernel that the learner's server has started for a notebook, and ends again."""
        body = {"path": notebook, "name": notebook, "type": "notebook"}
        started = self.ask("POST", "api/sessions", {**body, "kernel": {"name": "vrrp-lab"}})
        number = started["kernel"]["id"]
        where = f"{self.prefix}/api/kernels/{number}/channels".replace("http", "ws", 1)
        cookies = requests.cookies.get_cookie_header(
            self.session.cookies, requests.Request("GET", f"{self.prefix}/api").prepare()
        )
        channel = websocket.create_connection(where, HUNG_S, cookie=cookies)
        try:
            yield Kernel(channel)
        finally:
            channel.close()
            with suppress(requests.RequestException):  # its server may have been killed
                self.ask("DELETE", f"api/sessions/{started['id']}")


class Failed(AssertionError):
    """A cell ended with an error."""


@dataclass
class Kernel:
    """A kernel at the other end of a WebSocket."""

    channel: Any

    def run(self, code: str) -> str:
        """Run a cell; what it prints.  Raises Failed with the error's name and text."""
        number = uuid.uuid4().hex
        header = {"msg_id": number, "username": "", "session": number, "version": "5.3"}
        content = {"code": code, "silent": False, "store_history": True, "stop_on_error": True}
        content |= {"user_expressions": {}, "allow_stdin": False}
        message = {"header": header | {"msg_type": "execute_request"}, "content": content}
        message |= {"parent_header": {}, "metadata": {}, "channel": "shell"}
        self.channel.send(json.dumps(message))
        printed, error = "", ""
        while True:
            told = json.loads(self.channel.recv())
            if told["parent_header"].get("msg_id") != number:
                continue
            kind, content = told["msg_type"], told["content"]
            if kind == "stream":
                printed += content["text"]
            elif kind == "error":
                error = f"{content['ename']}: {content['evalue']}"
            elif kind == "status" and content["execution_state"] == "idle":
                break
        if error:
            raise Failed(f"{error}\n{printed}\n{code}")
        return printed


def cells(notebook: Path) -> list[str]:
    """The code cells of a solved lesson."""
    found = json.loads(notebook.read_text())["cells"]
    return ["".join(cell["source"]) for cell in found if cell["cell_type"] == "code"]
