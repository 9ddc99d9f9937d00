import Identity
public import MeshWire
public import NIOCore
public import Telemetry

/// Takes the `http/1.1` connections of a mesh's listener, after the handshake and before the first byte.
///
/// `MeshHTTP` implements it; a host that speaks no HTTP never compiles it.
public protocol HTTPAcceptor: Sendable {
    /// Sets up `channel`, on its event loop, and answers its requests.
    ///
    /// The connection ends with its certificates, with the trust in its peer and with the mesh, as every other does: NIO's
    /// `ChannelShouldQuiesceEvent` in the channel's pipeline asks to close it after the request that is under way, and
    /// ``MeshConfiguration/drainTimeout`` later the mesh closes it. Whatever works for the connection ends when the channel
    /// closes.
    ///
    /// - Parameters:
    ///   - channel: decrypted bytes in and out.
    ///   - connection: who calls.
    ///   - gate: asks the mesh about each request.
    func accept(_ channel: any Channel, _ connection: ConnectionInfo, gate: HTTPGate) throws
}

/// What an HTTP front end asks the mesh about each request.
public struct HTTPGate: Sendable {
    let core: ServerCore
    let info: ConnectionInfo
    private let connection: HTTPConnection?
    /// Of the connection's loop.
    private let shard: LoopShard

    /// - Parameter connection: `nil` where a wire ends its connections in its own way, whatever their requests.
    init(core: ServerCore, info: ConnectionInfo, connection: HTTPConnection?, shard: LoopShard) {
        self.shard = shard
        self.core = core
        self.info = info
        self.connection = connection
    }

    /// Whether the policy allows the connection's peer this path, whatever a request shows beside; a refusal is logged and
    /// counted.
    public func isAllowed(_ path: String) -> Bool {
        let permission = core.permission(path, info)
        permission.series?.increment()
        return permission.isAllowed
    }

    /// Counts a request in the rate limits that name its path, or says when there will be room for it.
    public func wait(for path: String) -> Duration? {
        let now = core.runtime.now
        guard let excess = core.rateBuckets(path, info, now: now)?.take(now: now) else { return nil }
        core.tell(of: excess, path, info)
        return excess.wait
    }

    /// Whether the connection is to end: an answer from now on is its last.
    public var isDraining: Bool { connection?.isDraining == true }

    /// Whether the connection has been ended: a request that still comes is not to be answered.
    public var hasEnded: Bool { connection?.hasEnded == true }

    /// Where a request that has come stands in its trace; `nil` if requests are not traced. Its span ends with
    /// ``answered(_:_:status:after:trace:)`` or ``gaveUp(_:after:trace:)``.
    ///
    /// - Parameters:
    ///   - method: such as `GET`.
    ///   - fields: the header fields, under names in lower case; asked for if the request is traced.
    public func trace(_ method: String, _ fields: @autoclosure () -> Metadata) -> HTTPTrace? {
        core.tracer.map { HTTPTrace(trace: $0.accept(method, nil, fields(), isOurs: core.isOurs(info), by: shard)) }
    }

    /// Ends the span of a request whose answer could not be sent as a whole.
    public func gaveUp(_ route: String, after duration: Duration, trace: HTTPTrace?) {
        guard let trace else { return }
        core.tracer?.record(route, .server, trace.trace, nanoseconds: duration.inNanoseconds) { span in
            span.set("http.route", .string(route))
            span.set("client.address", .string(info.remoteAddress))
            span.set(.error("the answer was not sent"))
        }
    }

    /// Counts and times an answered request in the mesh's metrics, records its span, writes it to the access log, and
    /// shows it to those who watch.
    ///
    /// - Parameters:
    ///   - route: the route's pattern, not the path that the peer chose: each value is a series of its own.
    ///   - status: what the answer counts as.
    public func answered(
        _ route: String, _ answer: HTTPAnswer, status: CallStatus, after duration: Duration, trace: HTTPTrace? = nil
    ) {
        let series = core.metrics.series(route, peer: info.peer)
        let exemplar = trace?.trace.exemplar
        series.requests.began()
        series.requests.ended(status.classification, after: duration, exemplar: exemplar)
        series.traffic.requestBytes.increment(by: UInt64(answer.requestBytes))
        series.traffic.responseBytes.increment(by: UInt64(answer.responseBytes))
        let (nanoseconds, peer) = (duration.inNanoseconds, info.peer?.description)
        if core.tap.isWatched {
            let now = core.runtime.now.nanoseconds
            core.tap.show(
                .inbound, status: status.description, nanoseconds: nanoseconds, now: now, chance: { shard.chance }
            ) {
                TapEvent(
                    direction: .inbound, method: route, peer: peer, status: status.description,
                    nanoseconds: nanoseconds, requestBytes: Int64(answer.requestBytes),
                    responseBytes: Int64(answer.responseBytes), context: trace?.context)
            }
        }
        if let log = core.accessLog {
            log.write(
                log.format.line(
                    AccessRecord(
                        unixNanoseconds: core.runtime.timeSince1970.inNanoseconds - nanoseconds,
                        peerAddress: info.remoteAddress, peer: peer, httpMethod: answer.method, path: answer.target,
                        version: answer.version, httpStatus: answer.status, status: status.description,
                        requestBytes: Int64(answer.requestBytes), responseBytes: Int64(answer.responseBytes),
                        nanoseconds: nanoseconds, userAgent: answer.userAgent, referrer: answer.referrer,
                        traceID: trace?.context.traceID)))
        }
        guard let trace else { return }
        core.tracer?.record(route, .server, trace.trace, nanoseconds: nanoseconds) { span in
            span.set("http.request.method", .string(answer.method))
            span.set("http.route", .string(route))
            span.set("http.response.status_code", .int(Int64(answer.status)))
            span.set("client.address", .string(info.remoteAddress))
            if let peer { span.set("meshwork.peer", .string(peer)) }
            // What the caller got wrong is no failure of the server's span (OpenTelemetry's conventions for HTTP).
            if answer.status >= 500 { span.set(.error("\(answer.status)")) }
        }
    }

    /// Where the connection's tasks run.
    public var runtime: any Runtime { core.runtime }
}

/// Where a request of plain HTTP stands in its trace.
public struct HTTPTrace: Sendable {
    let trace: CallTrace
    /// For what is done to answer it: ``/Telemetry/TraceContext/current``.
    public var context: TraceContext { trace.context }

    /// Runs what answers the request where the calls that it makes, and the host's own spans, find what they are part of.
    package func around<Result: Sendable>(_ body: () async -> Result) async -> Result { await trace.around(body) }
}

/// A request of plain HTTP and its answer, as the mesh tells of them.
public struct HTTPAnswer: Sendable, Hashable {
    /// Such as `POST`.
    public var method: String
    /// What was asked for, as it stood in the request line.
    public var target: String
    /// Such as `HTTP/1.1`.
    public var version: String
    /// The answer's status, such as 200.
    public var status: Int
    /// The bytes of the request's body.
    public var requestBytes = 0
    /// The bytes of the answer's body, as far as they are known.
    public var responseBytes = 0
    /// Who the request says that it is from.
    public var userAgent: String?
    /// Where the request says that it was found.
    public var referrer: String?

    /// A request that was answered with `status`.
    public init(method: String, target: String, version: String, status: Int) {
        self.method = method
        self.target = target
        self.version = version
        self.status = status
    }
}
