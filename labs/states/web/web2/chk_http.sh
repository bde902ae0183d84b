#!/bin/bash
# Ask the web server of this host for its page, as a client does.
# Exit status 0: it answered within a second.
exec 3<>/dev/tcp/127.0.0.1/80 || exit 1
printf 'GET / HTTP/1.0\r\n\r\n' >&3
read -r -t 1 answer <&3 && [[ $answer == *" 200 "* ]]
