#!/bin/bash
# The article's remedy: once the service is down, stop the daemon, and the machine leaves the cluster.
while /etc/keepalived/chk_http.sh; do
    sleep 1
done
kill "$(cat /run/keepalived.pid /run/vrrpd.pid 2>/dev/null)"
