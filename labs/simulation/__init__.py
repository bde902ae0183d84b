"""The daemon on a LAN in memory, in virtual time; the standard library only."""
