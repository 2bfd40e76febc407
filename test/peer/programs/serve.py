# SPDX-License-Identifier: Apache-2.0
"""Serves a unix socket, of type stream or seqpacket, and says in JSON what arrives. `hand-on` on stdin leaves the listening
socket to a child and ends; `stop-reading` leaves what comes in the kernel."""
import json
import os
import socket
import struct
import sys
import threading

path, kind = sys.argv[1], sys.argv[2]
reading = threading.Event()
reading.set()


def say(event, **more):
    os.write(1, (json.dumps({"event": event, "pid": os.getpid(), **more}) + "\n").encode())


def pid_of(fd):
    with open(f"/proc/self/fdinfo/{fd}") as info:
        return next(int(line.split()[1]) for line in info if line.startswith("Pid:"))


def serve(listener):
    kept = []
    while True:
        connection, _ = listener.accept()
        kept.append(connection)
        if kind == "stream":
            continue
        while reading.is_set():
            message, fds, _, _ = socket.recv_fds(connection, 64, 4)
            if not message:
                break
            say("message", ticket=struct.unpack(">Q", message)[0], pids=[pid_of(fd) for fd in fds])
            for fd in fds:
                os.close(fd)


listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM if kind == "stream" else socket.SOCK_SEQPACKET)
listener.bind(path)
listener.listen(8)
threading.Thread(target=serve, args=(listener,), daemon=True).start()
say("ready")
for line in sys.stdin:
    if line == "stop-reading\n":
        reading.clear()
        say("stopped")
    if line == "hand-on\n":
        child = os.fork()
        if child != 0:
            say("handed-on", child=child)
            os._exit(0)
        threading.Event().wait(60)
