"""keepalived's dump of data, statistics and JSON."""
