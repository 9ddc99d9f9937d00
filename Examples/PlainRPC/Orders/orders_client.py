"""Orders over gRPC with the C core's Python client, and asks after the server's health and services."""

import argparse
import pathlib
import sys
import time

import grpc

HERE = pathlib.Path(__file__).resolve().parent
# The .proto files of the example, and the option that its methods have.
sys.path[:0] = [str(HERE), str(HERE.parent.parent.parent / "Protos")]
messages, services = grpc.protos_and_services("shop.proto")


def read(path):
    return pathlib.Path(path).read_bytes()


def report(what, answer, start):
    print(f"{what}\t{answer}\t{(time.monotonic() - start) * 1e6:.0f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--credentials", type=pathlib.Path, required=True, help="a folder of PEM files")
    options = parser.parse_args()
    folder = options.credentials
    credentials = grpc.ssl_channel_credentials(
        read(folder / "roots.pem"), read(folder / "key.pem"), read(folder / "certificate.pem"))
    with grpc.secure_channel(f"localhost:{options.port}", credentials) as channel:
        grpc.channel_ready_future(channel).result(timeout=30)
        orders = services.OrdersStub(channel)
        start = time.monotonic()
        receipt = orders.Place(messages.Order(item="apple", quantity=2), timeout=5)
        report("Orders.Place", f"order {receipt.number} for {receipt.customer}, {receipt.left} left", start)
        start = time.monotonic()
        stages = [progress.stage for progress in orders.Track(messages.Query(number=receipt.number), timeout=5)]
        report("Orders.Track", ", ".join(stages), start)
        start = time.monotonic()
        try:
            orders.Place(messages.Order(item="pear", quantity=1000), timeout=5)
        except grpc.RpcError as error:
            report("Orders.Place", f"{error.code().name}: {error.details()}", start)
        ask(channel)


def ask(channel):
    """What grpc_health_probe and grpcurl would ask."""
    from grpc_health.v1 import health_pb2, health_pb2_grpc
    from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

    start = time.monotonic()
    health = health_pb2_grpc.HealthStub(channel).Check(
        health_pb2.HealthCheckRequest(service="shop.Orders"), timeout=5)
    report("Health.Check", health_pb2.HealthCheckResponse.ServingStatus.Name(health.status), start)
    start = time.monotonic()
    report("ServerReflection", " ".join(ProtoReflectionDescriptorDatabase(channel).get_services()), start)


if __name__ == "__main__":
    main()
