"""What the table says about one keyword, and the kinds of argument there are.

| kind     | argument                                        | value in the model                |
|----------|-------------------------------------------------|-----------------------------------|
| flag     | none (any is ignored)                           | `constant`                        |
| bool     | nothing, or on off true false yes no            | bool                              |
| int      | a decimal number in [low, high]                 | int                               |
| seconds  | whole seconds in [low, high]                    | int, nanoseconds                  |
| decimal  | seconds with up to six places in [low, high]    | int, nanoseconds                  |
| word     | one word                                        | str                               |
| optional | one word or nothing                             | str, "" for nothing               |
| words    | the rest of the line                            | tuple of str                      |
| ip       | an address                                      | IPv4Address or IPv6Address        |
| choice   | one of `choices`                                | str (int where all are numbers)   |
| command  | a program with arguments                        | Command                           |
| list     | a block of words                                | tuple of str                      |
| block    | a block of keywords, described by block `opens` | (one object)                      |
| entries  | a block of lines with a syntax of their own     | (objects)                         |
| special  | see `syntax`                                    | (built by a function of its own)  |
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Status = Literal["done", "parsed", "skipped"]
Kind = Literal[
    "flag",
    "bool",
    "int",
    "seconds",
    "decimal",
    "word",
    "optional",
    "words",
    "ip",
    "choice",
    "command",
    "list",
    "block",
    "entries",
    "special",
]

_Bare = Literal["fatal", "ignored", "accepted"]

BLOCK_KINDS = ("list", "block", "entries")
UNLIMITED = 1_000_000


class Keyword(NamedTuple):
    """One keyword in one block."""

    name: str
    kind: Kind
    doc: str  # one line
    block: str = ""  # where it may stand: "" is the root of the file
    low: str = ""
    high: str = ""
    default: str = ""  # as one would write it; "" is none
    choices: tuple[str, ...] = ()
    syntax: str = ""  # how to write the argument, where the kind does not say it
    field: str = ""  # of the model; "": the keyword's name (+ `_ns` for times)
    constant: bool = True  # what a flag sets
    strict: bool = False  # a number followed by rubbish is ignored, not cut
    bare: _Bare = "fatal"  # what the keyword without its argument is
    once: bool = False  # the first one counts, not the last
    resets: bool = False  # a bad value sets the default; others leave what was given before
    since: str = ""  # the version of keepalived that brought it; filled in from since.py
    deprecated: str = ""  # what to write instead
    status: Status = "parsed"
    opens: str = ""  # the block in which the keywords inside are looked up

    @property
    def target(self) -> str:
        """The name of the field in the model."""
        if self.field:
            return self.field
        return self.name + "_ns" if self.kind in ("seconds", "decimal") else self.name

    def newer_than(self, version: str) -> bool:
        """Whether keepalived `version` ("2.2.7") does not know it yet."""
        if not self.since[:1].isdecimal():
            return True  # of no release yet
        mine, other = (tuple(map(int, one.split("."))) for one in (self.since, version))
        return mine > other

    @property
    def scope(self) -> str:
        """The part of keepalived a skipped keyword belongs to: the first word of its `doc`."""
        return self.doc.split(":")[0].split()[0].rstrip(",")

    @property
    def opens_block(self) -> bool:
        """Whether a block follows; at the root, one follows everything that is skipped."""
        return self.kind in BLOCK_KINDS or (self.status == "skipped" and not self.block)

    @property
    def most_arguments(self) -> int:
        """How many arguments count; the others are ignored, as keepalived does."""
        if self.kind in ("words", "command", "special"):
            return UNLIMITED
        return 0 if self.kind in ("flag", "list", "entries") else 1

    @property
    def needs_argument(self) -> bool:
        """A missing argument is a mistake; keepalived ends with exit 2 if `bare` is "fatal"."""
        if self.bare == "accepted":
            return False
        if self.kind == "special":
            return self.syntax != "" and not self.syntax.startswith(("[", "nothing"))
        return self.kind in ("int", "seconds", "decimal", "word", "ip", "choice", "command")

    @property
    def expected(self) -> str:
        """The argument as text, for diagnostics and the documentation."""
        if self.syntax:
            return self.syntax
        span = f" from {self.low} to {self.high}" if self.high else ""
        if not self.high and self.low:
            span = f", at least {self.low}"
        return {
            "flag": "no argument",
            "bool": "nothing, or one of on, off, true, false, yes, no",
            "int": "a whole number" + span,
            "seconds": "whole seconds" + span,
            "decimal": "seconds with up to six decimal places" + span,
            "word": "a word",
            "optional": "a word or nothing",
            "words": "words",
            "ip": "an IP address",
            "choice": "one of " + ", ".join(self.choices),
            "command": "a program, quoted together with its arguments",
            "list": "{ words }",
            "block": "a block { ... }",
            "entries": "a block { ... }",
            "special": "an argument",
        }[self.kind]
