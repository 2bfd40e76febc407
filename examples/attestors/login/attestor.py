# SPDX-License-Identifier: Apache-2.0
"""An attestor of our own, in a process of its own: who logged in, by the kernel's audit login uid (/proc/PID/loginuid),
which stays what it is through su and sudo. It gives `login:uid:1000`, as *claimed*: a process whose login uid was never
set may set it itself.

The daemon starts it and tells it by ASSAY_PLUGIN_SOCKET where to serve; when standard input ends, the daemon has ended.
"""

import concurrent.futures
import json
import os
import select
import signal
import socket
import struct
import sys
import threading

import grpc

from assay.plugin.v1 import attestor_pb2 as messages
from assay.plugin.v1 import attestor_pb2_grpc as services

UNSET = 2**32 - 1
# A look that is cancelled leaves its descriptor behind; the oldest goes when there are so many.
MOST_PIDFDS = 256


class Pidfds:
    """Descriptors as the daemon hands them over: each under its ticket, before the request that names the ticket."""

    def __init__(self, path):
        self._changed = threading.Condition()
        self._fds = {}
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(path)
        listener.listen(1)
        threading.Thread(target=self._serve, args=(listener,), daemon=True).start()

    def take(self, ticket, timeout):
        """The caller owns the descriptor. None when it does not come."""
        with self._changed:
            self._changed.wait_for(lambda: ticket in self._fds, timeout)
            return self._fds.pop(ticket, None)

    def _serve(self, listener):
        while True:
            connection, _ = listener.accept()
            with connection:
                while self._receive(connection):
                    pass

    def _receive(self, connection):
        message, fds, _, _ = socket.recv_fds(connection, 8, 1)
        if len(message) != 8 or len(fds) != 1:
            return False
        with self._changed:
            self._fds[struct.unpack(">Q", message)[0]] = fds[0]
            while len(self._fds) > MOST_PIDFDS:
                os.close(self._fds.pop(next(iter(self._fds))))
            self._changed.notify_all()
        return True


class Attestor(services.AttestorServicer):
    def __init__(self, pidfds):
        self._pidfds = pidfds
        self._least = 0

    def Configure(self, request, context):
        config = json.loads(request.config_json) or {}
        least = config.get("least_uid", 1000)
        if not isinstance(least, int) or set(config) - {"least_uid"}:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "config takes least_uid, a number, and nothing else")
        self._least = least
        kind = messages.Kind(name="uid", strength=messages.STRENGTH_CLAIMED)
        return messages.ConfigureResponse(kinds=[kind], wants_pidfd=True)

    def Attest(self, request, context):
        pidfd = self._pidfds.take(request.process.pidfd_ticket, timeout=context.time_remaining() or 5)
        if pidfd is None:
            context.abort(grpc.StatusCode.UNAVAILABLE, "the process descriptor has not come")
        try:
            uid = self._login_uid(request.process.pid, pidfd, context)
        finally:
            os.close(pidfd)
        if uid == UNSET:
            return no("nobody logged in to start it")
        if uid < self._least:
            return no(f"uid {uid} logged in, and counts from {self._least} on")
        selector = messages.Selector(value=f"uid:{uid}")
        applies = messages.Applies(selectors=[selector], facts=[messages.Fact(name="login_uid", value=str(uid))])
        return messages.AttestResponse(applies=applies)

    def _login_uid(self, pid, pidfd, context):
        with open(f"/proc/{pid}/loginuid") as file:
            uid = int(file.read())
        # A pidfd is readable once its process has ended: alive after the read, the number was its own throughout.
        if select.select([pidfd], [], [], 0)[0]:
            context.abort(grpc.StatusCode.NOT_FOUND, "the process has ended")
        return uid


def no(reason):
    return messages.AttestResponse(does_not_apply=messages.DoesNotApply(reason=reason))


def main():
    path = os.environ["ASSAY_PLUGIN_SOCKET"]
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=8))
    services.add_AttestorServicer_to_server(Attestor(Pidfds(path + ".pidfd")), server)
    server.add_insecure_port("unix:" + path)
    server.start()
    print("serves", path, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while sys.stdin.buffer.read(4096):
        pass


if __name__ == "__main__":
    main()
