"""13 Beyond one pair: a priority that is right today, and a router taken out by hand."""

from tests.notebooks.wrong import Wrong

STRONGER = """
lab.conf("r2", lab.conf("r2").replace("priority 100", "priority 200"))
lab.reload("r2")
"""

WRONG = {
    "together": (
        Wrong(STRONGER, hint="belong together"),
        Wrong("lab.stop('r1')", hint="cannot help"),
    )
}
