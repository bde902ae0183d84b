#!/bin/bash
# The article's remedy: when the service is down, stop the daemon.
while /etc/keepalived/chk_http.sh; do
    sleep 1
done
kill "$(cat /run/keepalived.pid /run/vrrpd.pid 2>/dev/null)"
