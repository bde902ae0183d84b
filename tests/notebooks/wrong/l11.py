"""11 Split brain: a weight that is only larger, and a path that is only mended."""

from tests.notebooks.wrong import Wrong

HEAVIER = """
lab.conf("web1", lab.conf("web1").replace("weight -60", "weight -149"))
lab.reload("web1")
"""

WRONG = {
    "lonely": (
        Wrong(HEAVIER, hint="nobody is there to beat it"),
        Wrong("lab.mend('web1')", hint="not the next one"),
    )
}
