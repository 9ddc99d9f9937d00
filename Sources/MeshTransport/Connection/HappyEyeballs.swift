import MeshWire
import NIOCore

/// Which of a server's addresses are connected to when: one after the other, each with a start before the next, until the
/// first one answers.
///
/// A state machine without I/O or clock.
///
/// Source: RFC 8305, sections 4 and 5.
struct HappyEyeballs: Sendable {
    /// The start that an address has before the next is tried, as the standard recommends.
    static let delay = Duration.milliseconds(250)

    /// What is to be done.
    enum Action: Sendable, Hashable {
        /// Connect to the address of this number, and tell when ``delay`` is over.
        case attempt(Int)
        /// Every address has failed.
        case fail
    }

    /// The addresses in the order of their attempts.
    let places: [Endpoint]
    private var next = 0
    private var failed = 0
    private var isOver = false

    /// - Parameter places: at least one.
    init(_ places: [Endpoint]) { self.places = Self.interleaved(places) }

    /// The addresses of one family and the other by turns, in the order that each family's have: so that the second try is
    /// not in the same broken network as the first.
    static func interleaved(_ places: [Endpoint]) -> [Endpoint] {
        guard let first = places.first else { return [] }
        let isFirst = isIPv6(first)
        let (own, others) = (places.filter { isIPv6($0) == isFirst }, places.filter { isIPv6($0) != isFirst })
        return (0..<max(own.count, others.count)).flatMap { index in
            [own, others].compactMap { index < $0.count ? $0[index] : nil }
        }
    }

    private static func isIPv6(_ place: Endpoint) -> Bool {
        guard case .tcp(let host, _) = place else { return false }
        return host.contains(":")
    }

    /// The first attempt.
    mutating func begin() -> Action? { attempt() }

    /// The last address that was tried has had its start.
    mutating func delayElapsed() -> Action? { isOver ? nil : attempt() }

    /// An attempt has failed: the next one need not wait.
    mutating func attemptFailed() -> Action? {
        guard !isOver else { return nil }
        failed += 1
        if let attempt = attempt() { return attempt }
        guard failed == places.count else { return nil }
        isOver = true
        return .fail
    }

    /// An address has answered. False where another one was faster: its connection is to be closed.
    mutating func connected() -> Bool {
        defer { isOver = true }
        return !isOver
    }

    /// It takes too long.
    mutating func giveUp() { isOver = true }

    private mutating func attempt() -> Action? {
        guard next < places.count else { return nil }
        defer { next += 1 }
        return .attempt(next)
    }
}

extension RuntimeNetwork {
    /// Connects to whichever of a server's addresses answers first; see ``HappyEyeballs``. `initializer` sets up the one
    /// channel that is used.
    func connect(
        toFirstOf places: [Endpoint], on loop: any EventLoop, timeout: Duration,
        initializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) -> EventLoopFuture<any Channel> {
        if places.count == 1 { return connect(to: places[0], on: loop, timeout: timeout, initializer: initializer) }
        return ConnectionRace(places, self, on: loop, timeout: timeout, initializer).run()
    }
}

/// Carries ``HappyEyeballs`` out.
///
/// Sendable: everything mutable is touched on the event loop alone.
private final class ConnectionRace: @unchecked Sendable {
    private let network: any RuntimeNetwork
    private let loop: any EventLoop
    private let timeout: Duration
    private let initializer: @Sendable (any Channel) -> EventLoopFuture<Void>
    private let promise: EventLoopPromise<any Channel>
    private var order: HappyEyeballs
    private var start: Scheduled<Void>?
    private var end: Scheduled<Void>?
    private var failures: [String] = []

    init(
        _ places: [Endpoint], _ network: any RuntimeNetwork, on loop: any EventLoop, timeout: Duration,
        _ initializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) {
        order = HappyEyeballs(places)
        self.network = network
        self.loop = loop
        self.timeout = timeout
        self.initializer = initializer
        promise = loop.makePromise()
    }

    func run() -> EventLoopFuture<any Channel> {
        loop.execute {
            self.end = self.loop.scheduleTask(in: .nanoseconds(self.timeout.inNanoseconds)) {
                self.order.giveUp()
                self.finish(.failure(ConnectionRaceError("none of \(self.order.places) answered in time")))
            }
            self.act(self.order.begin())
        }
        return promise.futureResult
    }

    private func act(_ action: HappyEyeballs.Action?) {
        switch action {
        case .attempt(let number):
            start?.cancel()
            start = loop.scheduleTask(in: .nanoseconds(HappyEyeballs.delay.inNanoseconds)) {
                self.act(self.order.delayElapsed())
            }
            attempt(order.places[number])
        case .fail: finish(.failure(ConnectionRaceError(failures.joined(separator: "; "))))
        case nil: break
        }
    }

    private func attempt(_ place: Endpoint) {
        let (isUsed, initializer) = (loop.makePromise(of: Bool.self), initializer)
        network.connect(to: place, on: loop, timeout: timeout) { channel in
            // A connection that comes second is closed before it has said anything.
            guard self.order.connected() else {
                isUsed.succeed(false)
                return channel.eventLoop.makeFailedFuture(ConnectionRaceError("another address was faster"))
            }
            isUsed.succeed(true)
            return initializer(channel)
        }.whenComplete { result in
            isUsed.succeed(false)
            isUsed.futureResult.whenSuccess { isUsed in
                switch result {
                case _ where isUsed: self.finish(result)
                case .success: break
                case .failure(let error):
                    self.failures.append("\(place): \(error)")
                    self.act(self.order.attemptFailed())
                }
            }
        }
    }

    private func finish(_ result: Result<any Channel, any Error>) {
        start?.cancel()
        end?.cancel()
        promise.completeWith(result)
    }
}

/// Why none of a server's addresses is connected to.
private struct ConnectionRaceError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
