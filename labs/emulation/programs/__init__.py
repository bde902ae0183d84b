"""Programs that run on the hosts of a lab, started by `labs.emulation.services`.

Each is started in a host as `python -m labs.emulation.programs.NAME`, says `ready` in a line of its
own as
soon as others can rely on it, and runs until it is killed.
"""
