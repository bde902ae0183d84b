"""The formats that nbconvert exports to, as Jupyter Server's API lists them.

    python -m labs.jupyter.export_formats      {"html": {"output_mimetype": "text/html"}, ...}

A process of its own, with a lower priority than the page and the kernel that the learner waits for:
`labs.jupyter.export_handler` says why.
"""

from __future__ import annotations

import json
import os
from typing import Any

from labs.jupyter.server import leave_out_iri_grammar

# For nice(2): a third of what the page gets of a busy processor.  At the lowest priority, on a host
# with forty learners, the answer would take minutes.
_NICENESS = 5


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
    os.nice(_NICENESS)
    print(json.dumps(formats()))
