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
        # What is said of compression goes with the initial metadata.
        if request.HasField("response_compressed") and request.response_compressed.value:
            context.set_compression(grpc.Compression.Gzip)
        echo_metadata(context)
        echo_status(request, context)
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


def seeing_compression(service):
    """Answers UnaryCall, whose requests the C core hands on as they came."""

    def unary_call(request, context):
        data, is_compressed = request
        request = messages.SimpleRequest.FromString(data)
        if request.HasField("expect_compressed") and request.expect_compressed.value != is_compressed:
            found = "compressed" if is_compressed else "not compressed"
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"the request is {found}")
        return service.UnaryCall(request, context)

    method = grpc.unary_unary_rpc_method_handler(
        unary_call, grpc_peer.decompressed, messages.SimpleResponse.SerializeToString)
    return grpc.method_handlers_generic_handler("grpc.testing.TestService", {"UnaryCall": method})


def fail(request, context):
    """Fails as grpcio-status lets a handler fail: with a google.rpc.Status and messages in it."""
    from google.protobuf import duration_pb2
    from google.rpc import status_pb2
    from grpc_status import rpc_status

    status = status_pb2.Status(code=grpc.StatusCode.FAILED_PRECONDITION.value[0], message="not before 100 % \u263a")
    for detail in (messages.Payload(body=b"\x00\xff"), duration_pb2.Duration(seconds=7)):
        status.details.add().Pack(detail)
    context.abort_with_status(rpc_status.to_status(status))


def control():
    method = grpc.unary_unary_rpc_method_handler(
        fail, messages.Empty.FromString, messages.Empty.SerializeToString)
    return grpc.method_handlers_generic_handler("test.Control", {"Fail": method})


def main():
    parser = grpc_peer.arguments(__doc__)
    parser.add_argument("--max-age-ms", type=int, help="how old a connection may become")
    parser.add_argument("--sees-compression", action="store_true", help="UnaryCall alone, with expect_compressed")
    options = parser.parse_args()
    settings = [("grpc.max_receive_message_length", 64 << 20)]
    if options.max_age_ms:
        settings += [
            ("grpc.max_connection_age_ms", options.max_age_ms), ("grpc.max_connection_age_grace_ms", 30_000)]
    if options.sees_compression:
        settings += grpc_peer.AS_THEY_CAME
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), options=settings)
    if options.sees_compression:
        server.add_generic_rpc_handlers((seeing_compression(TestService()),))
    else:
        services.add_TestServiceServicer_to_server(TestService(), server)
        server.add_generic_rpc_handlers((control(),))
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
