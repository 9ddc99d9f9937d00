/// What an HTTP front end allows when the host does not say otherwise.
public struct HTTPConfiguration: Sendable, Hashable {
    /// The largest request body in bytes; a larger one is answered with 413. Default 64 MiB: 10,000 pictures of
    /// 28 × 28 pixels as JSON. A body is in memory as a whole before its handler runs.
    public var requestBodyBytes = 64 << 20
    /// The most bytes of a request's header fields together. Default 64 KiB.
    public var headerBytes = 64 << 10
    /// How long a request may take, from its head to the last byte of its answer; then its connection is closed.
    /// Default 60 s.
    public var requestTimeout: Duration = .seconds(60)
    /// How long a connection may stay open without a request. Default 60 s.
    public var idleTimeout: Duration = .seconds(60)
    /// The most HTTP/1.1 connections and HTTP/2 requests at a time; further ones are closed or answered with 503. Default
    /// 1,024: fewer than a listener takes in all, because each may hold a request body.
    public var connections = 1_024

    /// Makes the defaults.
    public init() {}

    /// Throws ``MeshHTTPError/Code/invalidConfiguration`` that names every property that is out of range.
    public func validate() throws(MeshHTTPError) {
        var problems: [String] = []
        for (name, count) in [
            ("requestBodyBytes", requestBodyBytes), ("headerBytes", headerBytes), ("connections", connections),
        ] where count < 1 {
            problems.append("\(name) must be at least 1, is \(count)")
        }
        for (name, duration) in [("requestTimeout", requestTimeout), ("idleTimeout", idleTimeout)]
        where duration <= .zero {
            problems.append("\(name) must be above zero, is \(duration)")
        }
        guard problems.isEmpty else {
            throw MeshHTTPError(.invalidConfiguration, problems.joined(separator: "; "))
        }
    }
}
