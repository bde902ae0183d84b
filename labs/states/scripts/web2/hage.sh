#!/bin/sh
# I am not in charge any more.
echo "$(date +%s.%N) hage.sh $*" >>/var/log/called
rm -f /run/in-charge
