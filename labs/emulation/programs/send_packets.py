"""Sends packets from the host that it runs on: once, or again and again.

    python send_packets.py PAUSE HEX...       PAUSE 0: once; otherwise every so many seconds

A frame goes out as it is; an IP packet is given its Ethernet header by the kernel.
It imports only the standard library, and is run without site-packages, so that it sends at once.
"""

from __future__ import annotations

import select
import socket
import sys


def main(pause: str, *packets: str) -> None:
    """Send the packets by eth0."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
    card = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    card.bind(("eth0", 0))
    while True:
        for packet in map(bytes.fromhex, packets):
            if packet[0] == 0x45:
                raw.sendto(packet, (socket.inet_ntoa(packet[16:20]), 0))
            else:
                card.send(packet)
        if not float(pause):
            break
        select.select((), (), (), float(pause))


if __name__ == "__main__":
    main(*sys.argv[1:])
