"""12 Is the service alive?: the article's remedy by hand, and a weight that only draws level."""

from tests.notebooks.wrong import Wrong

LEVEL = """
lab.conf("web1", lab.conf("web1").replace("weight -20", "weight -80"))
lab.reload("web1")
"""

LOWER = """
lab.conf("web1", lab.conf("web1").replace("priority 180", "priority 50"))
lab.reload("web1")
"""

RESTARTED = "lab.stop('web1')\nlab.start('web1')"

WRONG = {
    "too-light": (
        Wrong("lab.stop('web1')", hint="does not notice"),
        Wrong(LOWER, hint="do not return"),
        Wrong(RESTARTED, hint="still higher than 100"),
        Wrong(LEVEL, hint="100 is not higher"),
    )
}
