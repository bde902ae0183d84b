"""The labs as a lesson knows them: each with its live panel and its figures.

    lab.Lab                   Mininet hosts, a real daemon on each server
    recording.RecordingLab    the same, and everything that is asked and done is written down
    replay.ReplayLab          a recorded run: the same questions, the recorded answers
    lan.Lan                   the same daemon on a LAN in memory, in virtual time

`from labs import Lab` gives one of the first three, as $LAB_MODE says.
Below this package nothing knows the panel, and nothing but the figures draws.
Each class has a module of its own: a replay runs where there is no Mininet to import.
The panel is imported when it is shown: its widgets take longer to import than a lab to start.
"""
