"""14 Split brain: what the client sees after the repair, and what a check of the gateway does."""

from tests.notebooks.truths import Truth

TRUE: dict[str, Truth] = {
    "heal": r"it was [1-9]\d*(\.\d+)? s",
    "heal-better": (r"\A(?!.*No answer from \S+ s to \S+ s \([1-9]).*held 192\.168\.1\.10 at once"),
    "unicast": r"all to and from web1 +web1 and web2 +web2",
    "gateway": "it was web2",
    "check-after": "Lonely at the top: done",
}
