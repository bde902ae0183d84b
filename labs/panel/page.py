"""A run as one HTML file: the same bench.js and bench.css, with the data beside them.

It opens from a disk, a mail or a web page, in any browser, and fetches nothing.
"""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
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


def page(run: dict[str, Any]) -> str:
    """The text of the file; `run` is a network and a record's snapshot."""
    # Inside a script element only "</" could end it too early.
    data = json.dumps(run, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    address = run["network"]["addresses"][0]
    return _PAGE.format(
        title=html.escape(f"{address}: a run of VRRP Lab"),
        css=(HERE / "bench.css").read_text(encoding="utf-8"),
        js=(HERE / "bench.js").read_text(encoding="utf-8"),
        data=data,
    )
