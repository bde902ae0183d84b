"""The live panel: a lab to play with in a notebook, and to replay anywhere.

    lab.bench()      a panel: click a cable, watch the address fly; pause, scrub back, save

    facts ──> events.py ──> record.py ──> labs.api.panel_widget ──(12 a second)──> js/
              what there     bounded;       a thread, only                      draws the LAN as it
              is to draw     the scene at   while the panel                     was at any moment
                             any moment     is shown
                                 └──> page.py: the same program with the data in one HTML file

`js/` are plain ES modules, and `js/bench.js` is where to begin: no build step, no library, nothing
from a network.
Nothing here knows the protocol but the Master_Down_Timers, which are those of
`labs.analysis.master_down_timer`.
"""
