#!/bin/sh
# keepalived runs this at every state transition, with INSTANCE VI_1 STATE PRIORITY.
echo "$(date +%s.%N) notify.sh $*" >>/var/log/called
