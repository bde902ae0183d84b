"""11 Split brain: a weight that is only larger, and a path that is only mended."""

from tests.notebooks.wrong import Wrong

HEAVIER = """
lab.conf("master", lab.conf("master").replace("weight -60", "weight -149"))
lab.reload("master")
"""

WRONG = {
    "lonely": (
        Wrong(HEAVIER, hint="nobody is there to beat it"),
        Wrong("lab.mend('master')", hint="not the next one"),
    )
}
