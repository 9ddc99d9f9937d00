"""What the gRPC client and server of the tests share: the interoperability service and their credentials."""

import argparse
import pathlib
import sys

import grpc

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "Protos")]

messages, services = grpc.protos_and_services("interop.proto")

INITIAL_KEY = "x-grpc-test-echo-initial"
TRAILING_KEY = "x-grpc-test-echo-trailing-bin"


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
