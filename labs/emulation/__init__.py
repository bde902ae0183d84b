"""The real lab: Mininet hosts, daemons, services and faults."""
