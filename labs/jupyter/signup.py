"""How learners of a class come in, and where their servers run: loaded by the hub of `labs class`.

    /hub/signup    a name, the class's word, a password of one's own; then straight into the lessons
    /hub/login     the next time, and for the teacher

A learner's name is the name of the folder, so it is any word of letters and digits in any script,
with a few signs ("lee,anna" and 花子 are names), and two that look the same are one.
"""

from __future__ import annotations

import hmac
import os
import shutil
import stat
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bcrypt
from jupyterhub.handlers.login import LoginHandler
from jupyterhub.spawner import LocalProcessSpawner
from nativeauthenticator.handlers import SignUpHandler
from nativeauthenticator.nativeauthenticator import NativeAuthenticator
from nativeauthenticator.orm import UserInfo
from tornado.ioloop import IOLoop
from traitlets import Integer, Unicode

from labs.jupyter.trial import FIRST_ID, LAST_ID, TEACHER
from labs.progress import VARIABLE

MOST_CHARACTERS = 40
SHORTEST_PASSWORD = 6
MOST_BYTES = 72  # of a password: bcrypt takes no more
# A server and a notebook write about as many bytes before the first cell is run.
NEEDED_SPACE = 20_000_000
_SIGNS = "-_.,'@+"


async def _in_thread(function: Callable[..., Any], *words: Any) -> Any:
    return await IOLoop.current().run_in_executor(None, function, *words)


def problem_of_name(name: str) -> str:
    """Why a learner cannot be called `name`; "" if there is no reason."""
    if not name:
        return "a name is missing"
    if len(name) > MOST_CHARACTERS or len(name.encode(errors="replace")) > 200:
        return f"a name has at most {MOST_CHARACTERS} characters"
    if name[0] in _SIGNS:
        return f"a name begins with a letter or a digit, not with “{name[0]}”"
    for sign in name:
        if unicodedata.category(sign)[0] not in "LNM" and sign not in _SIGNS:
            shown = "a space" if sign == " " else f"“{sign}”" if sign.isprintable() else "a control"
            return f"a name has letters, digits and {_SIGNS}, not {shown}"
    return ""


class SignUp(SignUpHandler):
    """The page on which a learner signs up."""

    async def get(self) -> None:
        """Show the empty form."""
        await self._show("", "")

    async def post(self) -> None:
        """Sign the learner up and go on to the lessons, or say why not."""
        name, word, password, again = (
            self.get_body_argument(field, "", strip=field in ("username", "word"))
            for field in ("username", "word", "signup_password", "signup_password_confirmation")
        )
        name = self.authenticator.normalize_username(name)
        rules = self.authenticator
        problem = rules.problem(name, word, password, again)
        if not problem:
            # A hash takes a third of a second: forty in the hub's own loop would stop it.
            hashed = await _in_thread(bcrypt.hashpw, password.encode(), bcrypt.gensalt())
            problem = rules.problem(name, word, password, again)  # others came meanwhile
        if problem:
            self.set_status(400)
            await self._show(problem, name)
            return
        rules.add(name, hashed)
        user = await self.auth_to_user({"name": name})
        self.set_login_cookie(user)
        self.redirect(self.get_next_url(user))

    async def _show(self, problem: str, name: str) -> None:
        page = await self.render_template("signup.html", problem=problem, username=name)
        self.finish(page)


class ClassAuthenticator(NativeAuthenticator):
    """Names and passwords of a class: anyone with the word signs up, the teacher has a password."""

    teacher_password = Unicode(config=True)
    learners_word = Unicode(config=True)
    most_learners = Integer(40, config=True)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.open_signup = self.allow_all = True
        # Guessing is slow; a learner who mistypes waits a minute.
        self.allowed_failed_logins, self.seconds_before_next_try = 10, 60

    def normalize_username(self, username: str) -> str:
        """One spelling for names that look the same."""
        return unicodedata.normalize("NFKC", username.strip()).lower()

    def validate_username(self, username: str) -> bool:
        """Whether a learner can be called so."""
        return not problem_of_name(username)

    def user_exists(self, username: str) -> bool:
        """Whether this name is taken."""
        return username == TEACHER or bool(super().user_exists(username))

    def problem(self, name: str, word: str, password: str, again: str) -> str:
        """Why a learner cannot sign up so; "" if there is no reason."""
        if found := problem_of_name(name):
            return found
        if not hmac.compare_digest(word.encode(), self.learners_word.encode()):
            return "this is not the class's word: the teacher has it"
        if self.user_exists(name):
            return f"“{name}” is taken: log in, or choose another name"
        if len(password) < SHORTEST_PASSWORD:
            return f"a password has at least {SHORTEST_PASSWORD} characters"
        if len(password.encode()) > MOST_BYTES:
            return f"a password has at most {MOST_BYTES} bytes"
        if password != again:
            return "the two passwords differ"
        if len(self.get_authed_users() - {TEACHER}) >= self.most_learners:
            return f"the class is full ({self.most_learners} learners): ask the teacher"
        return ""

    async def authenticate(self, handler: Any, data: dict[str, str]) -> str | None:
        """The name, if the password is right."""
        name, password = self.normalize_username(data["username"]), data["password"].encode()
        if self.is_blocked(name):
            return None
        if name == TEACHER:
            right = hmac.compare_digest(password, self.teacher_password.encode())
        else:
            known = self.get_user(name)
            right = (
                known is not None
                and known.is_authorized
                and len(password) <= MOST_BYTES
                and await _in_thread(bcrypt.checkpw, password, known.password)
            )
        if not right:
            self.add_login_attempt(name)
            return None
        self.successful_login(name)
        return name

    def add(self, name: str, hashed: bytes) -> None:
        """Note down a learner, with the hash of the password."""
        self.db.add(UserInfo(username=name, password=hashed, is_authorized=True))
        self.db.commit()

    def get_handlers(self, app: Any) -> list[tuple[str, Any]]:
        """The pages: for signing up our own, for logging in JupyterHub's.

        NativeAuthenticator 1.3.0 has one that fails with JupyterHub 6, which has no statsd.
        """
        instead = {"/signup": SignUp, "/login": LoginHandler}
        return [(path, instead.get(path, page)) for path, page in super().get_handlers(app)]


class Refusal(Exception):
    """Why a learner's server is not started; JupyterHub's page shows `jupyterhub_message`."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.jupyterhub_message = message


class ClassSpawner(LocalProcessSpawner):
    """Starts a learner's server in the learner's folder below `class_folder`."""

    class_folder = Unicode(config=True)

    @property
    def folder(self) -> Path:
        """The learner's folder, which is the home directory there, too."""
        return Path(self.class_folder, self.user.name)

    async def start(self) -> tuple[str, int]:
        """Start the server; raises Refusal if the folder cannot be used."""
        prepare(self.folder)
        address: tuple[str, int] = await super().start()
        return address

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        """The environment of the server."""
        env.update(USER=self.user.name, LOGNAME=self.user.name, SHELL="/bin/bash")
        env.update({"HOME": str(self.folder), VARIABLE: str(self.folder)})
        return env

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        """What the new process does before it becomes the server."""
        owner = self.folder.stat()

        def drop_privileges() -> None:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(owner.st_gid)
                os.setuid(owner.st_uid)

        return drop_privileges

    def load_state(self, state: dict[str, Any]) -> None:
        """Forget the process of a hub that has ended: the server has ended with it."""
        super().load_state({key: value for key, value in state.items() if key != "pid"})


def prepare(folder: Path) -> None:
    """Make a learner's folder, or check that it is the learner's.  Raises Refusal."""
    try:
        if not os.path.lexists(folder):
            folder.mkdir(mode=0o700)
            if os.geteuid() == 0:
                number = _free_id(folder.parent)
                os.chown(folder, number, number)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode):
            raise Refusal(f"{folder} is not a directory: ask the teacher to move it away")
        ours = range(FIRST_ID, LAST_ID + 1) if os.geteuid() == 0 else [os.geteuid()]
        if found.st_uid not in ours:
            raise Refusal(f"{folder} belongs to user id {found.st_uid}, not to a learner: "
                          "ask the teacher to move it away")  # fmt: skip
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise Refusal(f"{folder} cannot be used ({error.strerror}): ask the teacher") from None
    if free < NEEDED_SPACE:
        raise Refusal(f"the disk of the class is full ({free // 1_000_000} MB are free): your work "
                      "is kept; ask the teacher to make room")  # fmt: skip


def _free_id(class_folder: Path) -> int:
    """A user id that owns no learner's folder yet."""
    with os.scandir(class_folder) as entries:
        owners = {entry.stat(follow_symlinks=False).st_uid for entry in entries}
    return next(number for number in range(FIRST_ID, LAST_ID + 1) if number not in owners)
