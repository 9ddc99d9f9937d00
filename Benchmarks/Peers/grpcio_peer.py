#!/usr/bin/env python3
"""A client or a server of gRPC's C core, as the benchmark's other processes are.

It reads who it is from the first line of standard input, prints the port that it listens on (0 for a client), answers
each further line with one of JSON, and ends with its input."""

import argparse
import base64
import concurrent.futures
import json
import resource
import ssl
import sys
import time

import grpc

SERVICE = "bench.Service"
# Messages of any size, both ways.
OPTIONS = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


def credentials():
    """The key and the chain of this process, and the roots that it trusts, in PEM."""
    identity = json.loads(sys.stdin.readline())

    def pem(certificates):
        return "".join(ssl.DER_cert_to_PEM_cert(base64.b64decode(one)) for one in certificates).encode()

    return identity["key"].encode(), pem(identity["chain"]), pem(identity["roots"])


def serve(is_plain):
    """Starts a server and returns it with its port."""
    key, chain, roots = credentials()
    handlers = {
        "Echo": grpc.unary_unary_rpc_method_handler(lambda message, _: message),
        "Sink": grpc.unary_unary_rpc_method_handler(lambda message, _: b""),
    }
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=4), options=OPTIONS)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    if is_plain:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port(
            "127.0.0.1:0", grpc.ssl_server_credentials([(key, chain)], roots, require_client_auth=True)
        )
    server.start()
    return server, port


class Client:
    """Makes calls, one at a time or several."""

    def __init__(self, port, is_plain):
        key, chain, roots = credentials()
        if is_plain:
            self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=OPTIONS)
        else:
            self.channel = grpc.secure_channel(
                f"127.0.0.1:{port}",
                grpc.ssl_channel_credentials(roots, key, chain),
                options=OPTIONS + [("grpc.ssl_target_name_override", "localhost")],
            )
        grpc.channel_ready_future(self.channel).result(timeout=10)
        self.call_echo = self.channel.unary_unary(f"/{SERVICE}/Echo")
        self.call_sink = self.channel.unary_unary(f"/{SERVICE}/Sink")

    def echo(self, calls, depth):
        """The microseconds that each of `calls` round trips took."""
        if depth != 1:
            raise ValueError("the Python client makes one round trip at a time")
        message = b"\1" * 64
        latencies = []
        for _ in range(calls):
            start = time.perf_counter_ns()
            self.call_echo(message)
            latencies.append((time.perf_counter_ns() - start) / 1000)
        return latencies

    def load(self, calls, depth):
        """What `calls` round trips took, in all and each."""
        start, before = time.perf_counter(), time.process_time()
        latencies = self.echo(calls, depth)
        seconds, used = time.perf_counter() - start, time.process_time() - before
        latencies.sort()
        return {
            "seconds": seconds,
            "processorSeconds": used,
            "p50": latencies[len(latencies) // 2],
            "p99": latencies[len(latencies) * 99 // 100],
        }

    def send(self, size, count, depth):
        """Sends `count` messages, `depth` of them at a time."""
        message = b"\1" * size
        pending = []
        for _ in range(count):
            if len(pending) == depth:
                pending.pop(0).result()
            pending.append(self.call_sink.future(message))
        for call in pending:
            call.result()
        return []


def report():
    """What the process has used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    with open("/proc/self/statm", encoding="ascii") as statm:
        resident = int(statm.read().split()[1]) * resource.getpagesize()
    return {"processorSeconds": usage.ru_utime + usage.ru_stime, "residentBytes": resident}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=["client", "server"])
    parser.add_argument("--server-port", type=int, help="where a client connects to")
    parser.add_argument("--plain", action="store_true", help="without TLS")
    arguments = parser.parse_args()
    server, port, client = None, 0, None
    if arguments.role == "server":
        server, port = serve(arguments.plain)
    else:
        client = Client(arguments.server_port, arguments.plain)
    print(port, flush=True)
    for line in sys.stdin:
        command, *numbers = line.split()
        numbers = [int(number) for number in numbers]
        if command == "report":
            answer = report()
        else:
            answer = getattr(client, command)(*numbers)
        print(json.dumps(answer), flush=True)
    if server:
        server.stop(grace=None)


if __name__ == "__main__":
    main()
