"""keepalived.conf: text in, frozen values and diagnostics out.

loaded = load("/etc/keepalived/keepalived.conf")
for instance in loaded.config.instances: ...
for diagnostic in loaded.diagnostics: print(diagnostic)
"""

from vrrpd.config.diagnostics import ConfigError, Diagnostic
from vrrpd.config.grammar import Keyword, keywords
from vrrpd.config.loader import Loaded, load, loads
from vrrpd.config.model import (
    Address,
    Auth,
    Command,
    Config,
    Garp,
    GarpGroup,
    Globals,
    Instance,
    IPAddress,
    Notify,
    Peer,
    Route,
    Rule,
    SourceLocation,
    SyncGroup,
    Track,
    TrackFile,
    TrackGroup,
    TrackProcess,
    TrackScript,
    Vmac,
)

__all__ = [
    "Address",
    "Auth",
    "Command",
    "Config",
    "ConfigError",
    "Diagnostic",
    "Garp",
    "GarpGroup",
    "Globals",
    "IPAddress",
    "Instance",
    "Keyword",
    "Loaded",
    "Notify",
    "Peer",
    "Route",
    "Rule",
    "SourceLocation",
    "SyncGroup",
    "Track",
    "TrackFile",
    "TrackGroup",
    "TrackProcess",
    "TrackScript",
    "Vmac",
    "keywords",
    "load",
    "loads",
]
