import HTTPTypes
import HummingbirdCore
import NIOCore

/// Reads a request's body, at most as much as is allowed.
struct HTTPBodyReader {
    private let limit: Int
    private let declaredLength: Int?
    private var parts: RequestBody.AsyncIterator
    private var isFinished = false
    /// The bytes that have been read.
    private(set) var count = 0

    init(_ request: Request, limit: Int) {
        self.limit = limit
        declaredLength = request.headers[.contentLength].flatMap { Int($0) }
        parts = request.body.makeAsyncIterator()
    }

    /// Whether the head says already that the body is larger than the limit.
    var isDeclaredTooLarge: Bool { (declaredLength ?? 0) > limit }

    /// The body, or `nil` when it is larger than the limit.
    @concurrent mutating func collect() async throws -> ByteBuffer? {
        var body = ByteBuffer()
        // Room for what is on its way, but not for what is only promised.
        body.reserveCapacity(min(declaredLength ?? 0, 1 << 20))
        while let part = try await next() {
            guard body.readableBytes + part.readableBytes <= limit else { return nil }
            body.writeImmutableBuffer(part)
        }
        return body
    }

    /// Reads what has not been read, so that the connection's next request can be found; gives up after twice the limit
    /// by throwing, which closes the connection.
    @concurrent mutating func discardRest() async throws {
        var discarded = 0
        while let part = try await next() {
            discarded += part.readableBytes
            guard discarded / 2 <= limit else { throw EndlessBody() }
        }
    }

    @concurrent private mutating func next() async throws -> ByteBuffer? {
        guard !isFinished else { return nil }
        let part = try await parts.next()
        isFinished = part == nil
        count += part?.readableBytes ?? 0
        return part
    }

    /// The peer goes on sending a body that was refused.
    struct EndlessBody: Error {}
}
