#!/usr/bin/env python3
"""A client of meshwork/1, written from Documentation/WireProtocol.md alone. Calls test.Echo and prints the outcomes."""

import argparse
import json
import os
import secrets
import socket
import ssl
import struct

PREFACE = bytes.fromhex("b74d574b0d0a1a0a")
HELLO, DECLARE, REQUEST, RESPONSE, DATA, CANCEL, GO_AWAY, MESSAGE, END, CREDIT, METADATA = range(1, 12)
STREAMS = 1 << 0
UNARY, CLIENT_STREAMING, SERVER_STREAMING, BIDIRECTIONAL = range(4)

STREAM_CREDIT, CONNECTION_CREDIT = 128 << 10, 1 << 20
LARGEST_FRAME, LARGEST_INLINE, MESSAGE_COST = 262_132, 16_384, 256


class ProtocolError(Exception):
    """The server has sent what this client does not understand."""


def varint(value):
    return bytes([value]) if value < 0x80 else bytes([value & 0x7F | 0x80]) + varint(value >> 7)


def read_varint(data, position):
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position


def field(number, value):
    """An integer, text or bytes as a field; a default is left out."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value) if value else b""
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value if value else b""


def fixed64(number, value):
    return varint(number << 3 | 1) + struct.pack("<Q", value)


def fields(data):
    """The fields of a message: number and value, which is an integer or bytes."""
    position = 0
    while position < len(data):
        key, position = read_varint(data, position)
        number, wire_type = key >> 3, key & 7
        if wire_type == 0:
            value, position = read_varint(data, position)
        elif wire_type == 1:
            value, position = struct.unpack_from("<Q", data, position)[0], position + 8
        elif wire_type == 2:
            length, position = read_varint(data, position)
            value, position = data[position:position + length], position + length
        else:
            raise ProtocolError(f"wire type {wire_type}")
        yield number, value


def layout(head, segments):
    """The fields that say what a message consists of; segments are pairs of field number and bytes."""
    return field(5, len(head)) + b"".join(field(6, field(1, number) + field(2, len(content)))
                                          for number, content in segments)


class Call:
    """One call: what has arrived of it, and what may still be sent."""

    def __init__(self, connection, stream, credit):
        self.connection, self.stream, self.credit = connection, stream, credit
        self.owed = 0
        self.metadata = {}
        self.messages = []            # those that nobody has taken, each a list of fields
        self.reply = None             # the fields of the response's head
        self.lengths = None           # of the message that arrives: pairs of field number and bytes, the head's 0
        self.body = bytearray()
        self.is_over = False

    def begins(self, payload):
        """Takes the payload of a frame that begins a message; answers its head's fields."""
        if self.lengths is not None:
            raise ProtocolError("a message begins inside another")
        length, position = read_varint(payload, 0)
        head = list(fields(payload[position:position + length]))
        segments = [dict(fields(value)) for number, value in head if number == 6]
        self.lengths = [(0, dict(head).get(5, 0))] + [(segment[1], segment.get(2, 0)) for segment in segments]
        self.body = bytearray()
        self.arrives(payload[position + length:])
        return head

    def arrives(self, data):
        self.body += data
        missing = sum(length for _, length in self.lengths or ()) - len(self.body)
        if self.lengths is None or missing < 0:
            raise ProtocolError("more data than was announced")
        if missing > 0:
            return
        message, position = [], 0
        for number, length in self.lengths:
            part = bytes(self.body[position:position + length])
            message += fields(part) if number == 0 else [(number, part)]
            position += length
        self.messages.append(message)
        self.lengths = None

    def send(self, head=b"", segments=()):
        """Sends one of several requests."""
        opening = layout(head, segments)
        payload = varint(len(opening)) + opening + head[:LARGEST_INLINE]
        self.spend(MESSAGE_COST + len(payload), at_least=MESSAGE_COST + len(payload))
        self.connection.write(MESSAGE, self.stream, payload)
        self.send_rest(head, segments)

    def send_rest(self, head, segments):
        """Sends what did not fit beside a message's head."""
        rest = head[LARGEST_INLINE:] + b"".join(content for _, content in segments)
        while rest:
            length = self.spend(min(LARGEST_FRAME, len(rest)), at_least=1)
            self.connection.write(DATA, self.stream, rest[:length])
            rest = rest[length:]

    def spend(self, wanted, at_least):
        """Takes up to `wanted` bytes of credit; reads while there is less than `at_least`."""
        while min(self.credit, self.connection.credit) < at_least:
            if self.is_over:
                raise ProtocolError("the call was answered before it was sent")
            self.connection.read()
        taken = min(wanted, self.credit, self.connection.credit)
        self.credit, self.connection.credit = self.credit - taken, self.connection.credit - taken
        return taken

    def next(self):
        """The next response, or None after the last."""
        while not self.messages and not self.is_over:
            self.connection.read()
        return self.messages.pop(0) if self.messages else None

    def outcome(self):
        """How the call ended: its status, and whether it has not run."""
        while not self.is_over:
            self.connection.read()
        reply = dict(self.reply)
        return {"status": reply.get(1, 0), "message": reply.get(2, b"").decode(), "hasNotRun": bool(reply.get(3, 0))}


class Connection:
    def __init__(self, channel):
        self.channel = channel
        self.calls, self.kinds, self.next_stream = {}, {}, 1
        self.owed = self.granted = 0  # the cost of what was read, not given back yet; credit frames that have come
        hello = field(1, 1) + field(2, 1) + fixed64(3, STREAMS)
        hello += b"".join(fixed64(number, secrets.randbits(64)) for number in (4, 5))
        channel.sendall(PREFACE)
        self.write(HELLO, 0, hello + field(6, STREAM_CREDIT) + field(7, CONNECTION_CREDIT))
        if self.receive(len(PREFACE)) != PREFACE:
            raise ProtocolError("no preface")
        kind, _, payload = self.read_frame()
        server = dict(fields(payload))
        if kind != HELLO or not server.get(1, 0) <= 1 <= server.get(2, 0) or not server.get(3, 0) & STREAMS:
            raise ProtocolError("the server does not speak version 1 with streams")
        self.stream_credit, self.credit = server[6], server[7]

    def declare(self, path, message_name, kind):
        number = len(self.kinds) + 1
        self.kinds[number] = kind
        self.write(DECLARE, 0, field(1, number) + field(2, path) + field(3, message_name) + field(4, message_name)
                   + field(5, kind))
        return number

    def open(self, method, head=b"", segments=(), seconds=60):
        """Opens a call; one that streams its requests has none here."""
        call = self.calls[self.next_stream] = Call(self, self.next_stream, self.stream_credit)
        call.kind = self.kinds[method]
        self.next_stream += 2
        opening = field(1, method) + field(2, seconds * 1_000_000) + layout(head, segments)
        self.write(REQUEST, call.stream, varint(len(opening)) + opening + head[:LARGEST_INLINE])
        call.send_rest(head, segments)
        return call

    def write(self, kind, stream, payload=b""):
        self.channel.sendall(struct.pack(">IBBHI", len(payload), kind, 0, 0, stream) + payload)

    def receive(self, count):
        data = bytearray()
        while len(data) < count:
            piece = self.channel.recv(count - len(data))
            if not piece:
                raise ProtocolError("the server has closed the connection")
            data += piece
        return bytes(data)

    def read_frame(self):
        length, kind, flags, zero, stream = struct.unpack(">IBBHI", self.receive(12))
        if flags or zero:
            raise ProtocolError(f"flags {flags} and {zero} in a frame of kind {kind}")
        return kind, stream, self.receive(length)

    def read(self):
        """Reads one frame and does what it says."""
        kind, stream, payload = self.read_frame()
        call = self.calls.get(stream)
        if kind == CREDIT:
            self.granted += 1
            (call if stream else self).credit += struct.unpack(">I", payload)[0]
            return
        if kind not in (RESPONSE, DATA, MESSAGE, METADATA) or call is None or call.is_over:
            raise ProtocolError(f"an unexpected frame of kind {kind} on stream {stream}")
        if kind in (MESSAGE, DATA):
            self.give_back(call, len(payload) + (MESSAGE_COST if kind == MESSAGE else 0))
        if kind == METADATA:
            entries = [dict(fields(value)) for number, value in fields(payload) if number == 4]
            call.metadata = {entry[1].decode(): entry.get(2, b"").decode() for entry in entries}
        elif kind == MESSAGE:
            call.begins(payload)
        elif kind == RESPONSE:
            call.reply = call.begins(payload)
            if call.kind in (SERVER_STREAMING, BIDIRECTIONAL):
                call.messages.pop()   # the response of such a call has none
        else:
            call.arrives(payload)
        call.is_over = call.reply is not None and call.lengths is None

    def give_back(self, call, cost):
        """Gives credit for what was read, a quarter of what there is at a time."""
        for owner, stream, most in ((call, call.stream, STREAM_CREDIT), (self, 0, CONNECTION_CREDIT)):
            owner.owed += cost
            if owner.owed >= most // 4:
                self.write(CREDIT, stream, struct.pack(">I", owner.owed))
                owner.owed = 0


def note(text, payload=b""):
    """A test.Note: field 1 is text, field 2 bytes that may travel as a segment."""
    return field(1, text), [(2, payload)] if payload else []


def read_note(message):
    return dict(message).get(1, b"").decode(), dict(message).get(2, b"")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("port", "certificate", "key", "roots", "server-id"):
        parser.add_argument(f"--{name}", required=True)
    arguments = parser.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False    # the SPIFFE ID is compared instead
    context.load_verify_locations(arguments.roots)
    context.load_cert_chain(arguments.certificate, arguments.key)
    context.set_alpn_protocols(["meshwork/1"])
    with socket.create_connection(("127.0.0.1", int(arguments.port)), timeout=240) as plain, \
            context.wrap_socket(plain) as channel:
        identities = [name for kind, name in channel.getpeercert()["subjectAltName"] if kind == "URI"]
        if identities != [arguments.server_id]:
            raise ProtocolError(f"the server is {identities}")
        connection = Connection(channel)
        result = {"tls": channel.version(), "alpn": channel.selected_alpn_protocol()}

        echo = connection.declare("test.Echo/Echo", "test.Note", UNARY)
        payload = os.urandom(2 << 20)
        call = connection.open(echo, *note("two MiB", payload))
        text, answer = read_note(call.next())
        result["unary"] = {**call.outcome(), "text": text, "bytes": len(answer), "isSame": answer == payload,
                           "metadata": call.metadata, "trailers": sum(number == 4 for number, _ in call.reply)}

        repeated = connection.declare("test.Echo/Repeated", "test.Note", SERVER_STREAMING)
        payload = os.urandom(100_000)
        call = connection.open(repeated, *note("abcdef", payload))
        texts, answers = zip(*(read_note(message) for message in iter(call.next, None)))
        result["serverStreaming"] = {**call.outcome(), "text": "".join(texts), "isSame": set(answers) == {payload}}

        chat = connection.declare("test.Echo/Chat", "test.Note", BIDIRECTIONAL)
        call = connection.open(chat)
        rounds = [(f"round {number}", os.urandom(number * 10_000)) for number in range(20)]
        same = 0
        for text, payload in rounds:
            call.send(*note(text, payload))
            same += read_note(call.next()) == (text, payload)
        connection.write(END, call.stream)
        result["bidirectional"] = {"same": same, "isEnded": call.next() is None, **call.outcome()}

        missing = connection.declare("test.Echo/Missing", "test.Note", UNARY)
        result["missing"] = connection.open(missing, *note("x")).outcome()
        result["creditFrames"] = connection.granted
    print(json.dumps(result))


if __name__ == "__main__":
    main()
