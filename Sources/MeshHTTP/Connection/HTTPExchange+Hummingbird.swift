import HTTPTypes
import HummingbirdCore
import MeshTransport
import NIOCore

/// The parts of an exchange's body, in the order in which they come.
struct HTTPExchangeParts: AsyncSequence, Sendable {
    let exchange: HTTPExchange

    struct Iterator: AsyncIteratorProtocol {
        let exchange: HTTPExchange

        @concurrent mutating func next() async throws -> ByteBuffer? { try await exchange.nextPart() }
    }

    func makeAsyncIterator() -> Iterator { Iterator(exchange: exchange) }
}

/// Writes an answer's body to an exchange.
struct HTTPExchangeBodyWriter: ResponseBodyWriter {
    let exchange: HTTPExchange

    @concurrent mutating func write(_ buffer: ByteBuffer) async throws { try await exchange.write(buffer) }

    /// Trailers are not sent: no route of ours has any.
    @concurrent consuming func finish(_ trailingHeaders: HTTPFields?) async throws { exchange.finish() }
}

extension Request {
    /// The request as Hummingbird has it; `nil` if its method is no word.
    init?(_ exchange: HTTPExchange) {
        let head = exchange.request
        guard let method = HTTPRequest.Method(head.method) else { return nil }
        var fields = HTTPFields()
        for field in head.fields {
            if let name = HTTPField.Name(field.name) { fields.append(HTTPField(name: name, value: field.value)) }
        }
        self.init(
            head: HTTPRequest(
                method: method, scheme: head.scheme, authority: head.authority, path: head.target,
                headerFields: fields),
            body: RequestBody(asyncSequence: HTTPExchangeParts(exchange: exchange)))
    }
}
