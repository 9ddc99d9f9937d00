"""What the gRPC client and server of the tests share: the interoperability service and their credentials."""

import argparse
import pathlib
import socket
import sys
import threading
import zlib

import grpc

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "Protos")]

messages, services = grpc.protos_and_services("interop.proto")

INITIAL_KEY = "x-grpc-test-echo-initial"
TRAILING_KEY = "x-grpc-test-echo-trailing-bin"


# The C core hands messages on as they came, compressed or not.
AS_THEY_CAME = [("grpc.per_message_decompression", 0)]


def decompressed(data):
    """The bytes of a message that may have come compressed, and whether it has."""
    # No message of the tests begins as gzip does, or as zlib does.
    if data.startswith((b"\x1f\x8b", b"\x78")):
        return zlib.decompress(data, zlib.MAX_WBITS | 32), True
    return data, False


class Relay:
    """Passes connections to a port of loopback on to what `connect` connects to, and counts the bytes of who came."""

    def __init__(self, connect):
        self.connect, self.sent = connect, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            far = self.connect()
            for source, sink, counts in ((near, far, True), (far, near, False)):
                threading.Thread(target=self.pass_on, args=(source, sink, counts), daemon=True).start()

    def pass_on(self, source, sink, counts):
        try:
            while data := source.recv(1 << 16):
                # Before anybody can answer them.
                self.sent += len(data) if counts else 0
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # One side has gone, and the other is told nothing more.


def arguments(description):
    """A parser of the arguments that both have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--certificate", help="a PEM chain; plain text without it")
    parser.add_argument("--key")
    parser.add_argument("--roots")
    return parser


def read(path):
    return pathlib.Path(path).read_bytes()
