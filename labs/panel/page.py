"""The panel's program as one text, and a run as one HTML file with that program in it.

The modules in `js/` are plain ES modules, but a notebook (anywidget) and a saved page each take one
text. So `script` lays them end to end, each after those that it imports, without their import
lines; as they share one scope then, no two may give the same name to different things, which a test
holds.

The file opens from a disk, a mail or a web page, in any browser, and fetches nothing.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

JS = Path(__file__).with_name("js")
IMPORT = re.compile(r'^import [^;]* from "\./(?P<module>[\w-]+\.js)";\n', re.M)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<title>{title}</title>
<style>
{css}
</style>
</head>
<body class="vb-page">
<main id="bench"></main>
<script type="application/json" id="run">{data}</script>
<script type="module">
{js}
const run = document.getElementById("run").textContent;
window.bench = mount(document.getElementById("bench"), JSON.parse(run));
</script>
</body>
</html>
"""


def script(entry: str = "widget.js") -> str:
    """The module `entry` and all that it needs, as the text of one module."""
    found: dict[str, str] = {}

    def add(name: str) -> None:
        if name not in found:
            text = (JS / name).read_text(encoding="utf-8")
            for match in IMPORT.finditer(text):
                add(match["module"])
            found[name] = re.sub(r"^export (?!default)", "", IMPORT.sub("", text), flags=re.M)

    add(entry)
    return "\n".join(found.values())


def style() -> str:
    """The style sheet."""
    return (JS / "bench.css").read_text(encoding="utf-8")


def page(run: dict[str, Any]) -> str:
    """The text of the file; `run` is a network and a record's snapshot."""
    # Inside a script element only "</" could end it too early.
    data = json.dumps(run, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    address = run["network"]["addresses"][0]
    return _PAGE.format(
        title=html.escape(f"{address}: a run of VRRP Lab"),
        css=style(),
        js=script("bench.js"),
        data=data,
    )
