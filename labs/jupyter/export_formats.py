"""The formats that nbconvert exports to, as Jupyter Server's API lists them.

    python -m labs.jupyter.export_formats      {"html": {"output_mimetype": "text/html"}, ...}

A process of its own, which gives way to all others: `labs.jupyter.export_handler` says why.
"""

from __future__ import annotations

import json
import os
from typing import Any

from labs.jupyter.server import leave_out_iri_grammar

_LOWEST_PRIORITY = 19  # of nice(2)


def formats() -> dict[str, dict[str, str]]:
    """The MIME type of what each exporter of nbconvert writes, by the exporter's name."""
    leave_out_iri_grammar()
    from nbconvert.exporters import base as nbconvert_base

    base: Any = nbconvert_base  # which has no types
    found = {}
    for name in base.get_export_names():
        try:
            found[name] = {"output_mimetype": base.get_exporter(name).output_mimetype}
        except ValueError:  # one that is being uninstalled
            continue
    return found


if __name__ == "__main__":
    os.nice(_LOWEST_PRIORITY)
    print(json.dumps(formats()))
