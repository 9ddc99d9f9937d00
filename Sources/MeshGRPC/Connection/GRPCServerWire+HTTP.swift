import MeshTransport
import MeshWire
import NIOCore
import NIOHPACK

/// The streams that are no calls of gRPC's: their requests go to the mesh's HTTP front end, which answers on them.
extension GRPCServerWire: HTTPStreamWire {
    /// Requests of one connection at a time, so that none takes all the places of the front end.
    private static let mostPlain = 128

    func beginPlain(_ stream: Stream, _ headers: HPACKHeaders, endsStream: Bool) {
        stream.state.plain = HTTPServerStreamState(endsStream: endsStream)
        plainCount += 1
        // What waits for this peer is enough, as it is for calls.
        guard plainCount <= Self.mostPlain, streams.hasRoomForAnswers else {
            stream.state.plain?.refuse()
            return streams.enqueue(stream)
        }
        let messages = CallStream(calls.executor)
        messages.attach(to: self, stream.streamID)
        stream.call.exchange = messages
        calls.accept(HTTPExchange(HTTPRequestHead(headers), messages, on: self, stream.streamID))
        readOnPlain(stream)
    }

    func received(_ part: ByteBuffer, onPlain stream: Stream, endsStream: Bool) {
        stream.state.plain?.receive(part, endsStream: endsStream)
        readOnPlain(stream)
    }

    func receivedTrailers(of stream: Stream, endsStream: Bool) {
        stream.state.plain?.receiveTrailers(endsStream: endsStream)
        readOnPlain(stream)
    }

    /// Hands on what has come of a body, as far as its reader takes it.
    func readOnPlain(_ stream: Stream) {
        while streams.handsOn(stream), let event = stream.state.plain?.nextEvent() {
            switch event {
            case .part(let part):
                // No part is larger than the stream's credit, which needs no room beside it.
                _ = streams.handsOn(part.readableBytes, of: stream)
                stream.call.exchange?.deliver(Payload(head: part))
            case .ended:
                stream.call.exchange?.finish(.finished(ReplyHead(), Payload()))
            }
        }
        streams.settle(stream)
        streams.enqueue(stream)
    }

    /// The peer knows the stream no more.
    func closedPlain(_ stream: Stream) {
        abortPlain(stream)
        plainCount -= 1
        streams.remove(stream)
        settle()
    }

    /// Nobody waits for the answer any more.
    func abortPlain(_ stream: Stream) {
        abandonPlain(stream)
        let error = MeshError(.cancelled, "the client has given the request up", progress: .mayHaveRun)
        stream.call.exchange?.finish(.failed(error))
        stream.call.exchange?.stopWriting(error)
    }

    /// Tells who answers, unless that is done.
    func abandonPlain(_ stream: Stream) {
        guard stream.state.plain?.isFinished == false else { return }
        stream.call.exchange?.onAbort?()
        stream.call.exchange?.onAbort = nil
    }

    func respond(_ status: Int, _ fields: [HTTPHeaderField], isWhole: Bool, to stream: StreamID) {
        guard let stream = streams[stream] else { return }
        var headers: HPACKHeaders = [":status": "\(status)"]
        for field in fields where !HPACKHeaders.isOfConnection(field.name) {
            headers.add(name: field.name, value: field.value)
        }
        if status < 200 {
            stream.state.plain?.inform(headers)
        } else {
            stream.state.plain?.respond(headers, isWhole: isWhole)
        }
        write(stream)
    }

    func finishResponse(to stream: StreamID) {
        guard let stream = streams[stream] else { return }
        stream.state.plain?.finish()
        write(stream)
    }
}

extension HTTPRequestHead {
    /// The head of a request whose fields keep HTTP/2's rules.
    init(_ headers: HPACKHeaders) {
        self.init(method: "", target: "", authority: "", scheme: "", fields: [])
        var cookies: [String] = []
        for (name, value, _) in headers {
            switch name {
            case ":method": method = value
            case ":path": target = value
            case ":authority": authority = value
            case ":scheme": scheme = value
            case "host": if authority.isEmpty { authority = value }
            // One field each, for the sake of the tables (RFC 9113, 8.2.3).
            case "cookie": cookies.append(value)
            default: fields.append(HTTPHeaderField(name, value))
            }
        }
        if !cookies.isEmpty { fields.append(HTTPHeaderField("cookie", cookies.joined(separator: "; "))) }
    }
}
