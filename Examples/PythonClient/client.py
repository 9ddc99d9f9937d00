#!/usr/bin/env python3
"""Trains a small table on a Meshwork parameter server with nothing but grpcio, each push applied exactly once.

It opens a session, declares a table, pulls, pushes, gives a push up and sends it again, sends one twice on purpose, and
reads the server's account of it all. It ends with an error where an answer is not what it must be.
"""

import argparse
import array
import pathlib
import secrets
import struct
import sys
import threading
import time

import grpc
from google.protobuf.empty_pb2 import Empty

ELEMENTS, PARTITIONS, RATE = 10, 3, 0.5
TABLE = "python/weight"
# The longest that one attempt of a call waits, and that a push is tried for, in seconds.
ATTEMPT, PUSH = 5, 30


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", required=True, help="host:port of the coordinator, or of a server of its own")
    parser.add_argument("--credentials", type=pathlib.Path, required=True,
                        help="a folder with certificate.pem, key.pem and roots.pem")
    parser.add_argument("--stubs", type=pathlib.Path, required=True, help="what generate-stubs.sh wrote")
    parser.add_argument("--read-only", metavar="TABLE", help="a table that this identity may pull and not push to")
    options = parser.parse_args()
    load_stubs(options.stubs)
    channels = Channels(options.credentials)
    session = Session(services.CoordinationStub(channels.to(options.address)))
    try:
        train(session, channels, options.read_only)
    finally:
        session.close()
        channels.close()


def load_stubs(folder):
    global services, parameters, coordination, parameter_services
    sys.path.insert(0, str(folder))
    from meshwork import coordination_pb2 as coordination
    from meshwork import coordination_pb2_grpc as services
    from meshwork import parameters_pb2 as parameters
    from meshwork import parameters_pb2_grpc as parameter_services


def train(session, channels, read_only):
    table = session.declare(declaration())
    say("declared", f"{TABLE} in {len(table.partitions)} partitions")
    worker = Worker(session, channels)
    check(worker.pull(table) == [0.0] * ELEMENTS, "the first values are zeros")

    worker.push(table, gradient(table, 1.0))
    check(worker.pull(table) == [-RATE] * ELEMENTS, "one step was made")
    say("pushed", "a step, and read it")

    # A push that is given up before its answer, as when a connection breaks: nobody knows if it was applied. Sent
    # again under the same numbers it is applied once, whichever it was.
    numbered = worker.number(table, gradient(table, 1.0))
    for call in numbered:
        worker.start(call).cancel()
    for call in numbered:
        worker.finish(call)
    check(worker.pull(table) == [-2 * RATE] * ELEMENTS, "a push that was given up and sent again is one step")
    say("retried", "a push that was given up, under its number")

    # The same bytes under the same numbers once more, although they were answered.
    for call in numbered:
        for reply in worker.start(call).result().replies:
            check(reply.code == parameters.PushReply.APPLIED and reply.is_replay, "the answer of before comes again")
    check(worker.pull(table) == [-2 * RATE] * ELEMENTS, "a duplicate changes nothing")
    say("duplicate", "answered as before, not applied again")

    poisoned = gradient(table, 1.0)
    poisoned[0][0] = float("nan")
    codes = worker.push(table, poisoned, expected=[parameters.PushReply.NON_FINITE] + [0] * (PARTITIONS - 1))
    say("refused", f"a gradient with a NaN, by the partition that it is in: {codes[0]}")

    if read_only:
        other = next(entry for entry in session.tables() if entry.name == read_only)
        worker.pull(other)
        codes = worker.push(other, gradient(other, 1.0), expected=[parameters.PushReply.NOT_ALLOWED])
        say("refused", f"a push to {read_only}, which this identity may only pull: {codes[0]}")

    audit(table, session, channels, worker)


def declaration():
    """Every client has to declare the table with the same bytes; protobuf writes them so."""
    return parameters.TableDeclaration(
        name=TABLE, shape=[ELEMENTS], dtype=1, initializer=parameters.TableDeclaration.Initializer(kind=1), key=7,
        update_rule=parameters.TableDeclaration.UpdateRule(kind=1, hyperparameters=[float_bits(RATE)]),
        partition_count=PARTITIONS)


def gradient(table, value):
    """A gradient for each partition, all of one value."""
    return [array.array("f", [value] * (partition.byte_count // 4)) for partition in table.partitions]


def audit(table, session, channels, worker):
    """Three counts that the server keeps apart, and this program's own."""
    ids = {partition.id for partition in table.partitions}
    for channel in channels.of_servers(session.map):
        answer = parameter_services.ParametersStub(channel).Audit(Empty(), timeout=ATTEMPT)
        for account in answer.accounts:
            if account.partition not in ids:
                continue
            applied = sum(last - first + 1 for entry in account.sessions for first, last in runs(entry.applied))
            check(account.counter == account.version.applied == applied == worker.applied[account.partition],
                  f"the account of partition {account.partition} agrees")
            check(account.duplicates_suppressed >= 1, "the duplicate was recognised")
            say("audited", f"{account.table}#{account.index}: counter {account.counter}, "
                           f"version {account.version.applied}, ledger {applied}, "
                           f"duplicates suppressed {account.duplicates_suppressed}")


class Channels:
    """Connections by address, over mutual TLS with the workload's certificate."""

    def __init__(self, folder):
        read = lambda name: (folder / name).read_bytes()
        self._credentials = grpc.ssl_channel_credentials(read("roots.pem"), read("key.pem"), read("certificate.pem"))
        self._channels = {}

    def to(self, address):
        if address not in self._channels:
            self._channels[address] = grpc.secure_channel(address, self._credentials)
        return self._channels[address]

    def of_servers(self, partition_map):
        return [self.to(f"{server.host}:{server.port}") for server in partition_map.servers]

    def close(self):
        for channel in self._channels.values():
            channel.close()


class Session:
    """A life of a slot, renewed by a thread until it is closed."""

    def __init__(self, coordinator):
        self._coordinator = coordinator
        # Random bits tell the coordinator that a second attempt is the same request.
        request = coordination.OpenSessionRequest(request=secrets.randbits(64) | 1)
        opened = retry(lambda: coordinator.OpenSession(request, timeout=ATTEMPT, wait_for_ready=True))
        self.id, self.slot = opened.session, opened.slot
        self.map = None
        self._held = coordination.HeldSession(session=opened.session, slot=opened.slot)
        self._ended = threading.Event()
        self._renewal = threading.Thread(target=self._renew, args=(opened.lease_microseconds / 1e6,), daemon=True)
        self._renewal.start()
        say("session", f"slot {self.slot}")

    def _renew(self, lease):
        while not self._ended.wait(lease / 3):
            try:
                self._coordinator.RenewSession(self._held, timeout=lease / 6)
            except grpc.RpcError as error:
                # Without a coordinator training goes on; a session that is lost shows in the next push.
                print(f"not renewed: {error.code().name}: {error.details()}", file=sys.stderr)

    def declare(self, table):
        elements, larger = divmod(ELEMENTS, PARTITIONS)
        request = coordination.TableRequest(
            name=table.name, declaration=table.SerializeToString(deterministic=True),
            partition_byte_counts=[4 * (elements + (index < larger)) for index in range(PARTITIONS)])
        requests = coordination.TableRequests(tables=[request])
        self.map = retry(lambda: self._coordinator.DeclareTables(requests, timeout=ATTEMPT))
        return next(entry for entry in self.map.tables if entry.name == table.name)

    def tables(self):
        self.map = retry(lambda: self._coordinator.FetchMap(Empty(), timeout=ATTEMPT))
        return self.map.tables

    def close(self):
        self._ended.set()
        self._renewal.join()
        retry(lambda: self._coordinator.CloseSession(self._held, timeout=ATTEMPT))


class NumberedCall:
    """The pushes of one call: the bytes and the numbers that every attempt of it has."""

    def __init__(self, stub, request, deduplication):
        self.stub, self.request, self.numbers = stub, request, deduplication
        self.metadata = (("meshwork-deduplication-bin", deduplication.SerializeToString()),)


class Worker:
    """Pulls and pushes; keeps each partition's numbers, and the versions that gradients are computed from."""

    def __init__(self, session, channels):
        self._session, self._channels = session, channels
        self._numbers, self._settled, self._basis, self._seen = {}, {}, {}, {}
        self.applied = {}

    def pull(self, table):
        values = []
        for partition in table.partitions:
            # No older than this worker's last push.
            entry = parameters.PullRequest.Entry(partition=partition.id, minimum=self._seen.get(partition.id))
            request = parameters.PullRequest(entries=[entry])
            answer = retry(lambda: self._stub(partition.head).Pull(request, timeout=ATTEMPT))
            self._basis[partition.id] = answer.versions[0]
            values += struct.unpack(f"<{len(answer.parameters[0]) // 4}f", answer.parameters[0])
        return values

    def push(self, table, gradients, expected=None):
        """Pushes a step, and returns the names of the codes of its replies."""
        codes = [code for call in self.number(table, gradients) for code in self.finish(call)]
        check(codes == (expected or [parameters.PushReply.APPLIED] * len(codes)), f"the codes are {codes}")
        return [parameters.PushReply.Code.Name(code) for code in codes]

    def number(self, table, gradients):
        """One call a server, in the order of servers; each push has the next number of its partition."""
        heads = {}
        for partition, values in zip(table.partitions, gradients):
            heads.setdefault(partition.head, []).append((partition, values))
        calls = []
        for head, shares in heads.items():
            request = parameters.PushRequest(slot=self._session.slot)
            numbers = parameters.Deduplication(high=self._session.id.high, low=self._session.id.low)
            for partition, values in shares:
                number = self._numbers[partition.id] = self._numbers.get(partition.id, 0) + 1
                # Without a basis the push would be of the epoch 0, and refused.
                basis = self._basis.get(partition.id) or parameters.PartitionVersion(epoch=partition.epoch)
                request.entries.add(partition=partition.id, increment=1, basis=basis)
                request.gradients.append(struct.pack(f"<{len(values)}f", *values))
                numbers.entries.add(
                    scope=partition.id, sequence=number, acknowledged_through=self._settled.get(partition.id, 0))
            calls.append(NumberedCall(self._stub(head), request, numbers))
        return calls

    def start(self, call):
        """One attempt."""
        return call.stub.Push.future(call.request, metadata=call.metadata, timeout=ATTEMPT)

    def finish(self, call):
        """Sends the same bytes under the same numbers until they are answered, and returns the replies' codes."""
        again = (parameters.PushReply.BUSY, parameters.PushReply.NOT_REGISTERED)
        deadline = time.monotonic() + PUSH
        while True:
            response = retry(lambda: self.start(call).result(), deadline)
            if not any(reply.code in again for reply in response.replies) or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        for entry, reply in zip(call.numbers.entries, response.replies):
            # This worker has one push under way at a time: all numbers up to an answered one are settled.
            self._settled[entry.scope] = entry.sequence
            if reply.code == parameters.PushReply.APPLIED:
                self.applied[entry.scope] = self.applied.get(entry.scope, 0) + 1
                self._seen[entry.scope] = reply.version
        return [reply.code for reply in response.replies]

    def _stub(self, head):
        server = next(entry for entry in self._session.map.servers if entry.name == head)
        return parameter_services.ParametersStub(self._channels.to(f"{server.host}:{server.port}"))


def retry(attempt, deadline=None):
    """Makes a call until it is answered: only what leaves open whether it ran, or may come again, is made again."""
    deadline = deadline or time.monotonic() + PUSH
    pause = 0.05
    while True:
        try:
            return attempt()
        except grpc.RpcError as error:
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                raise
            if time.monotonic() + pause > deadline:
                raise
        time.sleep(pause)
        pause = min(1, 2 * pause)


def runs(sequences):
    return zip(sequences.bounds[::2], sequences.bounds[1::2])


def float_bits(value):
    return struct.unpack("<I", struct.pack("<f", value))[0]


def say(what, detail):
    print(f"{what}\t{detail}", flush=True)


def check(holds, claim):
    if not holds:
        raise SystemExit(f"this must hold and does not: {claim}")


if __name__ == "__main__":
    main()
