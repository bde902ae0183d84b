"""Record: a frozen value with named fields, made without compiling code.

    class Peer(Record, kw_only=True):
        ip: IPAddress
        min_ttl: int = 0

    peer = Peer(ip=address)
    replace(peer, min_ttl=254)    another Peer
    peer == other, hash(peer)     by class and fields
    Peer._fields                  ("ip", "min_ttl"), as of a NamedTuple

This is what `@dataclass(frozen=True)` does, and `mypy` checks it alike (PEP 681).  The decorator
compiles six functions for each class, and its module imports a parser for Python: with some eighty
classes that was half of the processor time between the start of vrrpd and its first Advertisement.
Here the functions are written once, for all classes.

What is made for every packet or every line of a file is a NamedTuple: it is faster to make, but two
of them are equal whenever their values are, whatever their classes.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:  # part of the standard library since Python 3.11; for type checkers only
    from typing import TypeVar

    from typing_extensions import dataclass_transform

    _Record = TypeVar("_Record", bound="Record")
else:

    def dataclass_transform(**_options):
        return lambda record: record


@dataclass_transform(frozen_default=True)
class Record:
    """Base of frozen values; the annotations of a class are its fields, in their order.

    A field with a value in the class has that as its default: it must be immutable, all objects
    share it.  With `kw_only` fields are given by name only; `uncompared` fields make no difference
    to `==` and hash().
    """

    _fields: ClassVar[tuple[str, ...]] = ()
    __match_args__: ClassVar[tuple[str, ...]] = ()
    _names: ClassVar[frozenset[str]] = frozenset()
    _required: ClassVar[frozenset[str]] = frozenset()
    _positional: ClassVar[int] = -1  # so many values, and each field has its own
    _identity: ClassVar[attrgetter[Any]] = attrgetter("__class__")

    def __init_subclass__(cls, kw_only: bool = False, uncompared: tuple[str, ...] = ()) -> None:
        cls._fields = tuple(cls.__annotations__)
        cls._names = frozenset(cls._fields)
        cls._positional = -1 if kw_only else len(cls._fields)
        cls._required = frozenset(name for name in cls._fields if not hasattr(cls, name))
        cls._identity = attrgetter("__class__", *(f for f in cls._fields if f not in uncompared))
        cls.__match_args__ = () if kw_only else cls._fields  # type: ignore[misc]  # for mypy it is Final

    def __init__(self, *values: Any, **named: Any) -> None:
        if len(values) == self._positional and not named:
            if values:
                self.__dict__.update(zip(self._fields, values, strict=True))
            return
        own = self.__dict__
        own.update(named)
        if not values and self._required.issubset(own) and self._names.issuperset(own):
            return
        own.update(zip(self.__match_args__, values, strict=False))
        if len(own) != len(values) + len(named):
            count = len(values) + len(named)
            raise TypeError(f"{type(self).__name__}: {count} values, some for no field")
        if not (self._required.issubset(own) and self._names.issuperset(named)):
            unknown, missing = sorted(own.keys() - self._names), sorted(self._required - own.keys())
            raise TypeError(f"{type(self).__name__}: no fields {unknown}, no values for {missing}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: use replace(value, {name}=...)")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} stays")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return NotImplemented
        return bool(self._identity(self) == other._identity(other))

    def __hash__(self) -> int:
        return hash(self._identity(self))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields)
        return f"{type(self).__name__}({values})"


def replace(record: _Record, **changes: Any) -> _Record:
    """Return a copy of a record with these fields changed.  Raises TypeError for unknown names."""
    return type(record)(**{**record.__dict__, **changes})
