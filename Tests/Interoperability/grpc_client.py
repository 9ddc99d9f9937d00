"""gRPC's interoperability cases, by their names, from the C core's Python client."""

import socket
import sys
import time

import grpc

import grpc_peer
from grpc_peer import INITIAL_KEY, TRAILING_KEY, messages, services


def expect(actual, expected):
    assert actual == expected, f"expected {expected!r}, found {actual!r}"


def payload(size):
    return messages.Payload(body=bytes(size))


def expect_failure(call, code, message=None):
    try:
        call()
    except grpc.RpcError as error:
        expect(error.code(), code)
        if message is not None:
            expect(error.details(), message)
        return error
    raise AssertionError(f"no {code}")


def empty_unary(stub, _):
    expect(stub.EmptyCall(messages.Empty()), messages.Empty())


def large_request(**fields):
    """The request of the cases that are about size; a field that is true or false is a BoolValue."""
    flags = {name: messages.BoolValue(value=value) for name, value in fields.items()}
    return messages.SimpleRequest(response_size=314159, payload=payload(271828), **flags)


def large_unary(stub, _, compression=None):
    expect(len(stub.UnaryCall(large_request(), compression=compression).payload.body), 314159)


def client_compressed_unary(server):
    """What the client sends is counted: the server's handler cannot tell, and says so to who asks."""
    relay = grpc_peer.Relay(server.connect)
    with server.channel(through=relay) as channel:
        stub = services.TestServiceStub(channel)
        for value in (True, False):
            probe = large_request(expect_compressed=value)
            expect_failure(lambda: stub.UnaryCall(probe), grpc.StatusCode.UNIMPLEMENTED)
        for compression in (None, grpc.Compression.Gzip, grpc.Compression.Deflate):
            before = relay.sent
            large_unary(stub, channel, compression)
            sent = relay.sent - before
            assert (sent < 20_000) == (compression is not None), f"{sent} bytes with compression {compression}"


def server_compressed_unary(server):
    """Whether a response is compressed is what the server says of all of them."""
    with server.channel(grpc_peer.AS_THEY_CAME) as channel:
        method = "/grpc.testing.TestService/UnaryCall"
        call = channel.unary_unary(method, messages.SimpleRequest.SerializeToString, grpc_peer.decompressed)
        data, is_compressed = call(large_request(response_compressed=server.compresses))
        expect(is_compressed, server.compresses)
        expect(len(messages.SimpleResponse.FromString(data).payload.body), 314159)
        other = large_request(response_compressed=not server.compresses)
        expect_failure(lambda: call(other), grpc.StatusCode.UNIMPLEMENTED)


def client_streaming(stub, _):
    sizes = [27182, 8, 1828, 45904]
    requests = (messages.StreamingInputCallRequest(payload=payload(size)) for size in sizes)
    expect(stub.StreamingInputCall(requests).aggregated_payload_size, 74922)


def output_request(*sizes, interval=0, request_size=0):
    return messages.StreamingOutputCallRequest(
        response_parameters=[messages.ResponseParameters(size=size, interval_us=interval) for size in sizes],
        payload=payload(request_size),
    )


def server_streaming(stub, _):
    sizes = [31415, 9, 2653, 58979]
    expect([len(response.payload.body) for response in stub.StreamingOutputCall(output_request(*sizes))], sizes)


class Requests:
    """Requests that are sent one at a time, as the test says."""

    def __init__(self):
        import queue

        self.queue = queue.Queue()

    def __iter__(self):
        return iter(self.queue.get, None)

    def send(self, request):
        self.queue.put(request)

    def finish(self):
        self.queue.put(None)


def ping_pong(stub, _):
    requests = Requests()
    responses = stub.FullDuplexCall(iter(requests))
    for request_size, response_size in [(27182, 31415), (8, 9), (1828, 2653), (45904, 58979)]:
        requests.send(output_request(response_size, request_size=request_size))
        expect(len(next(responses).payload.body), response_size)
    requests.finish()
    expect(list(responses), [])


def empty_stream(stub, _):
    expect(list(stub.FullDuplexCall(iter([]))), [])


def cancel_after_begin(stub, _):
    requests = Requests()
    call = stub.StreamingInputCall.future(iter(requests))
    call.cancel()
    requests.finish()
    expect(call.cancelled(), True)
    expect(call.code(), grpc.StatusCode.CANCELLED)


def cancel_after_first_response(stub, _):
    requests = Requests()
    responses = stub.FullDuplexCall(iter(requests))
    requests.send(output_request(31415, request_size=27182))
    expect(len(next(responses).payload.body), 31415)
    responses.cancel()
    expect_failure(lambda: next(responses), grpc.StatusCode.CANCELLED)
    requests.finish()


def timeout_on_sleeping_server(stub, _):
    requests = Requests()
    requests.send(output_request(31415, interval=2_000_000_000, request_size=27182))
    responses = stub.FullDuplexCall(iter(requests), timeout=0.2)
    expect_failure(lambda: next(responses), grpc.StatusCode.DEADLINE_EXCEEDED)
    requests.finish()


def custom_metadata(stub, _):
    sent = ((INITIAL_KEY, "test_initial_metadata_value"), (TRAILING_KEY, b"\xab\xab\xab"))
    _, unary = stub.UnaryCall.with_call(large_request(), metadata=sent)
    duplex = stub.FullDuplexCall(iter([output_request(314159, request_size=271828)]), metadata=sent)
    expect(len(list(duplex)), 1)
    for call in (unary, duplex):
        expect(dict(call.initial_metadata()).get(INITIAL_KEY), "test_initial_metadata_value")
        expect(dict(call.trailing_metadata()).get(TRAILING_KEY), b"\xab\xab\xab")


def status(stub, code, message):
    echo = messages.EchoStatus(code=code.value[0], message=message)
    expect_failure(lambda: stub.UnaryCall(messages.SimpleRequest(response_status=echo)), code, message)
    request = messages.StreamingOutputCallRequest(response_status=echo)
    expect_failure(lambda: list(stub.FullDuplexCall(iter([request]))), code, message)


def status_code_and_message(stub, _):
    status(stub, grpc.StatusCode.UNKNOWN, "test status message")


def special_status_message(stub, _):
    text = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n"
    status(stub, grpc.StatusCode.UNKNOWN, text)


def unimplemented_method(_, channel):
    call = channel.unary_unary("/grpc.testing.TestService/UnimplementedCall", messages.Empty.SerializeToString)
    expect_failure(lambda: call(messages.Empty()), grpc.StatusCode.UNIMPLEMENTED)


def unimplemented_service(_, channel):
    stub = services.UnimplementedServiceStub(channel)
    expect_failure(lambda: stub.UnimplementedCall(messages.Empty()), grpc.StatusCode.UNIMPLEMENTED)


def health(_, channel):
    """grpcio-health-checking's messages: Check, and Watch until something changes."""
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    stub = health_pb2_grpc.HealthStub(channel)
    serving = health_pb2.HealthCheckResponse.SERVING
    expect(stub.Check(health_pb2.HealthCheckRequest()).status, serving)
    request = health_pb2.HealthCheckRequest(service="grpc.testing.TestService")
    expect(stub.Check(request).status, serving)
    missing = health_pb2.HealthCheckRequest(service="missing")
    expect_failure(lambda: stub.Check(missing), grpc.StatusCode.NOT_FOUND)
    watch = stub.Watch(missing)
    expect(next(watch).status, health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
    watch.cancel()
    # The test's server changes it when it is asked to.
    watch = stub.Watch(health_pb2.HealthCheckRequest(service="changing"))
    expect(next(watch).status, serving)
    channel.unary_unary("/test.Control/Change", messages.Empty.SerializeToString)(messages.Empty())
    expect(next(watch).status, health_pb2.HealthCheckResponse.NOT_SERVING)
    watch.cancel()


def reflection(_, channel):
    """grpcio-reflection's client: it lists the services and finds a message by its name."""
    from google.protobuf.descriptor_pool import DescriptorPool
    from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

    database = ProtoReflectionDescriptorDatabase(channel)
    expected = {"grpc.testing.TestService", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"}
    expect(expected - set(database.get_services()), set())
    service = DescriptorPool(database).FindServiceByName("grpc.testing.TestService")
    expect(service.methods_by_name["UnaryCall"].input_type.full_name, "grpc.testing.SimpleRequest")
    try:
        database.FindFileContainingSymbol("no.such.Thing")
        raise AssertionError("a missing symbol was found")
    except KeyError:
        pass


def reflection_v1(_, channel):
    """The same questions under the service's newer name, whose messages are the same."""
    from grpc_reflection.v1alpha import reflection_pb2

    call = channel.stream_stream(
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString, reflection_pb2.ServerReflectionResponse.FromString)
    symbols = ["grpc.testing.TestService", "no.such.Thing"]
    requests = [reflection_pb2.ServerReflectionRequest(file_containing_symbol=symbol) for symbol in symbols]
    found, missing = call(iter(requests))
    expect(len(found.file_descriptor_response.file_descriptor_proto), 3)
    expect(missing.error_response.error_code, grpc.StatusCode.NOT_FOUND.value[0])


def rich_status(_, channel):
    """grpcio-status reads a failure's google.rpc.Status, and the messages in it."""
    from google.protobuf import duration_pb2
    from grpc_status import rpc_status

    call = channel.unary_unary("/test.Control/Fail", messages.Empty.SerializeToString)
    failure = expect_failure(lambda: call(messages.Empty()), grpc.StatusCode.FAILED_PRECONDITION)
    # It compares the code and the text with the call's own.
    status = rpc_status.from_call(failure)
    expect((status.code, status.message), (9, "not before 100 % \u263a"))
    first, second = status.details
    found, wait = messages.Payload(), duration_pb2.Duration()
    expect((first.Unpack(found), found.body), (True, b"\x00\xff"))
    expect((second.Unpack(wait), wait.seconds), (True, 7))
    plain = expect_failure(lambda: services.UnimplementedServiceStub(channel).UnimplementedCall(messages.Empty()),
                           grpc.StatusCode.UNIMPLEMENTED)
    expect(rpc_status.from_call(plain), None)


CASES = [
    empty_unary, large_unary, client_streaming, server_streaming, ping_pong, empty_stream, cancel_after_begin,
    cancel_after_first_response, timeout_on_sleeping_server, custom_metadata, status_code_and_message,
    special_status_message, unimplemented_method, unimplemented_service,
]
# These open channels of their own.
COMPRESSION = [client_compressed_unary, server_compressed_unary]
SERVICES = [health, reflection, reflection_v1]


class Server:
    """Where the server is, and what is known of it."""

    def __init__(self, options):
        self.options = options
        self.target = options.target or f"{options.host}:{options.port}"
        self.compresses = options.compresses

    def channel(self, settings=(), through=None):
        """A channel to it, or to a relay that stands before it."""
        target = f"127.0.0.1:{through.port}" if through else self.target
        if not self.options.certificate:
            return grpc.insecure_channel(target, list(settings))
        credentials = grpc.ssl_channel_credentials(*(
            grpc_peer.read(path) for path in (self.options.roots, self.options.key, self.options.certificate)))
        name = ("grpc.ssl_target_name_override", "localhost")
        return grpc.secure_channel(target, credentials, [name, *settings])

    def connect(self):
        """A connection to it without TLS or HTTP/2."""
        if not self.target.startswith("unix:"):
            return socket.create_connection((self.options.host.strip("[]"), self.options.port))
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self.target.removeprefix("unix:"))
        return connection


def main():
    parser = grpc_peer.arguments(__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--target", help="where the server is, as gRPC names it, instead of a host and a port")
    parser.add_argument("--services", action="store_true", help="health and reflection as well")
    parser.add_argument("--rich-status", action="store_true", help="a failure with details, and nothing else")
    parser.add_argument("--compresses", action="store_true", help="the server's responses are to be compressed")
    options = parser.parse_args()
    server = Server(options)
    failed = 0
    with server.channel() as channel:
        stub = services.TestServiceStub(channel)
        own = [rich_status] if options.rich_status else CASES + (SERVICES if options.services else [])
        cases = [(case, (stub, channel)) for case in own]
        cases += [(case, (server,)) for case in COMPRESSION if not options.rich_status]
        for case, arguments in cases:
            start = time.monotonic()
            try:
                case(*arguments)
                print(f"passed {case.__name__} {(time.monotonic() - start) * 1000:.0f} ms", flush=True)
            except Exception as error:  # every case is run, whatever the others do
                failed += 1
                print(f"failed {case.__name__}: {type(error).__name__}: {error}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
