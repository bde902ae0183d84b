"""The Python side of the browser edition: what the pages in `site/` call in their worker.

    page  ── call("module.function", arguments) ──>  worker.js  ──>  rpc.py  ──>  this package

A page never computes anything about the protocol: it asks a function of a module here, which asks
`vrrpd`, `labs.simulation` or `labs.analysis`.  Arguments and results are JSON.
Only the standard library is there (Pyodide without packages), and no threads, processes or sockets.
"""
