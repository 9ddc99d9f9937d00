"""gRPC's interoperability service on the C core's Python server; prints its port, and ends with its standard input."""

import sys
import time
from concurrent import futures

import grpc

import grpc_peer
from grpc_peer import INITIAL_KEY, TRAILING_KEY, messages, services


def echo_metadata(context):
    sent = context.invocation_metadata()
    context.send_initial_metadata([(key, value) for key, value in sent if key == INITIAL_KEY])
    context.set_trailing_metadata([(key, value) for key, value in sent if key == TRAILING_KEY])


def echo_status(request, context):
    if request.HasField("response_status"):
        codes = {code.value[0]: code for code in grpc.StatusCode}
        context.abort(codes[request.response_status.code], request.response_status.message)


def wait(seconds, context):
    """Sleeps, but no longer than somebody waits: a thread that sleeps on would keep the process from its end."""
    end = time.monotonic() + seconds
    while context.is_active() and (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 0.05))


class TestService(services.TestServiceServicer):
    def EmptyCall(self, request, context):
        return request

    def UnaryCall(self, request, context):
        echo_metadata(context)
        echo_status(request, context)
        if request.HasField("response_compressed") and request.response_compressed.value:
            context.set_compression(grpc.Compression.Gzip)
        return messages.SimpleResponse(payload=messages.Payload(body=bytes(request.response_size)))

    def StreamingOutputCall(self, request, context):
        for parameters in request.response_parameters:
            wait(parameters.interval_us / 1e6, context)
            yield messages.StreamingOutputCallResponse(payload=messages.Payload(body=bytes(parameters.size)))
        echo_status(request, context)

    def StreamingInputCall(self, requests, context):
        size = sum(len(request.payload.body) for request in requests)
        return messages.StreamingInputCallResponse(aggregated_payload_size=size)

    def FullDuplexCall(self, requests, context):
        echo_metadata(context)
        for request in requests:
            yield from self.StreamingOutputCall(request, context)


def main():
    parser = grpc_peer.arguments(__doc__)
    parser.add_argument("--max-age-ms", type=int, help="how old a connection may become")
    options = parser.parse_args()
    settings = [("grpc.max_receive_message_length", 64 << 20)]
    if options.max_age_ms:
        settings += [
            ("grpc.max_connection_age_ms", options.max_age_ms), ("grpc.max_connection_age_grace_ms", 30_000)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), options=settings)
    services.add_TestServiceServicer_to_server(TestService(), server)
    address = f"127.0.0.1:{options.port}"
    if options.certificate:
        credentials = grpc.ssl_server_credentials(
            [(grpc_peer.read(options.key), grpc_peer.read(options.certificate))], grpc_peer.read(options.roots),
            require_client_auth=True)
        port = server.add_secure_port(address, credentials)
    else:
        port = server.add_insecure_port(address)
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(0)


if __name__ == "__main__":
    main()
