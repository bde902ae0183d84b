"""Programs that run on the hosts of a lab.

Those of `bin` are typed by a learner: stand-ins for a server's systemctl, journalctl and
service, and for sudo, ssh and scp, which a host of a lab does not need.
The others are started by `labs.emulation.services`, each as
`python -m labs.emulation.programs.NAME`; it says `ready` in a line of its own as soon as others can
rely on it, and runs until it is killed.
"""
