"""10 Is the service alive?: the article's remedy by hand, and a weight that only draws level."""

from tests.notebooks.wrong import Wrong

LEVEL = """
lab.conf("master", lab.conf("master").replace("weight -20", "weight -50"))
lab.reload("master")
"""

WRONG = {
    "too-light": (
        Wrong("lab.stop('master')", hint="will not notice"),
        Wrong(LEVEL, hint="which 100 does not beat"),
    )
}
