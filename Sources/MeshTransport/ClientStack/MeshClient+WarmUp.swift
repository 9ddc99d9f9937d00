import MeshWire
import NIOCore

extension MeshClient {
    /// Connects to the servers ahead of need, so that the first calls wait for no name, no handshake and no hello.
    ///
    /// ```swift
    /// let client = mesh.client(Destination(service: "scoring.shop.svc:7000", identities: [expected]))
    /// try await client.warmUp(.max)                 // then take traffic
    /// ```
    /// A client keeps a connection to every server of its service from its first call on, or from this one.
    ///
    /// - Parameters:
    ///   - count: how many servers to wait for, or all where the service has fewer; at least 1, which is the default.
    ///   - timeout: how long to wait; ``MeshConfiguration/callTimeout`` if `nil`. The client goes on connecting after that.
    /// - Returns: how many are connected.
    /// - Throws: ``MeshError/Code/noEndpoint`` or what kept it from connecting when the time is over, and
    ///   ``MeshError/Code/cancelled``.
    @discardableResult
    public func warmUp(_ count: Int = 1, timeout: Duration? = nil) async throws(MeshError) -> Int {
        let end = runtime.now.advanced(by: timeout ?? configuration.callTimeout)
        if pool.only != nil { return try await warmUpOne(until: end) }
        let wait = WarmUp(pool, max(1, count), runtime.now.duration(to: end))
        return try await withTaskCancellationHandler {
            await withCheckedContinuation { wait.begin($0) }
        } onCancel: {
            wait.cancel()
        }.get()
    }

    /// Connects to the one server, again after each failure that may pass.
    private func warmUpOne(until end: RuntimeInstant) async throws(MeshError) -> Int {
        var generator = SplitMix64(seed: runtime.randomBits())
        var failures = 0
        while true {
            let wait = FirstConnection(pool, max(.zero, runtime.now.duration(to: end)))
            do throws(MeshError) {
                try await withTaskCancellationHandler {
                    await withCheckedContinuation { wait.begin($0) }
                } onCancel: {
                    wait.cancel()
                }.get()
                return 1
            } catch {
                failures += 1
                let pause = configuration.connectBackoff.pause(after: failures, chance: generator.nextUnit())
                guard error.code.mayPass, runtime.now.advanced(by: pause) < end else { throw error }
                do { try await runtime.sleep(for: pause) } catch { throw WarmUp.cancelled(pool) }
            }
        }
    }
}

/// The wait of one task for the connection to a destination's one server.
///
/// Sendable: everything mutable is touched on the pool's event loop alone.
private final class FirstConnection: @unchecked Sendable {
    private let pool: EndpointPool
    private let limit: Duration
    private var continuation: CheckedContinuation<Result<Void, MeshError>, Never>?
    private var timer: Scheduled<Void>?
    private var isCancelled = false

    init(_ pool: EndpointPool, _ limit: Duration) {
        self.pool = pool
        self.limit = limit
    }

    func begin(_ continuation: CheckedContinuation<Result<Void, MeshError>, Never>) {
        let loop = pool.executor.eventLoop
        loop.execute { [self] in
            self.continuation = continuation
            if isCancelled { return end(.failure(WarmUp.cancelled(pool))) }
            // A connection that has no room is one.
            if pool.only?.lanes.small.isUp == true { return end(.success(())) }
            timer = loop.scheduleTask(in: .nanoseconds(limit.inNanoseconds)) { [self] in
                end(.failure(MeshError(.connectFailed, "no connection after \(limit)", progress: .notSent)))
            }
            pool.withConnection { self.end($0.map { _ in () }) }
        }
    }

    func cancel() {
        pool.executor.eventLoop.execute { [self] in
            isCancelled = true
            end(.failure(WarmUp.cancelled(pool)))
        }
    }

    private func end(_ result: Result<Void, MeshError>) {
        timer?.cancel()
        continuation.take()?.resume(returning: result)
    }
}

/// The wait of one task for a pool's connections.
///
/// Sendable: everything mutable is touched on the pool's event loop alone.
private final class WarmUp: @unchecked Sendable {
    private let pool: EndpointPool
    private let count: Int
    private let limit: Duration
    private var number: Int?
    private var timer: Scheduled<Void>?
    private var isCancelled = false

    init(_ pool: EndpointPool, _ count: Int, _ limit: Duration) {
        self.pool = pool
        self.count = count
        self.limit = limit
    }

    static func cancelled(_ pool: EndpointPool) -> MeshError {
        MeshError(.cancelled, "nobody waits for the connections any more", progress: .notSent)
    }

    func begin(_ continuation: CheckedContinuation<Result<Int, MeshError>, Never>) {
        let loop = pool.executor.eventLoop
        loop.execute { [self] in
            guard !isCancelled else { return continuation.resume(returning: .failure(Self.cancelled(pool))) }
            if pool.isClosed, let error = pool.hopelessness { return continuation.resume(returning: .failure(error)) }
            pool.start()
            timer = loop.scheduleTask(in: .nanoseconds(max(0, limit.inNanoseconds))) { self.timedOut() }
            number = pool.readiness.add(count) { result in
                self.timer?.cancel()
                continuation.resume(returning: result)
            }
        }
    }

    func cancel() {
        pool.executor.eventLoop.execute { [self] in
            isCancelled = true
            end(Self.cancelled(pool))
        }
    }

    private func timedOut() {
        end(
            pool.hopelessness
                ?? MeshError(
                    .noEndpoint, "fewer than \(count) endpoints are connected after \(limit)", progress: .notSent))
    }

    private func end(_ error: MeshError) {
        if let number { pool.readiness.fail(number, error) }
    }
}
