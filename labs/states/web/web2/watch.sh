#!/bin/bash
# The article's remedy: when the service is down, stop the daemon.
while /etc/keepalived/chk_http.sh; do
    sleep 1
done
systemctl stop keepalived
