/// What `grpc.health.v1.Health` answers: a status for each service, and who wants to be told when it changes.
///
/// A value without transport: whoever owns it sends what ``setStatus(_:of:)`` says to send.
package struct HealthRegistry: Sendable {
    package typealias Status = Grpc_Health_V1_HealthCheckResponse.ServingStatus

    /// A call to `Watch`.
    package struct Watcher: Sendable, Hashable {
        fileprivate let number: UInt64
    }

    /// What a watcher is to be sent.
    package struct Notification: Sendable, Hashable {
        package let watcher: Watcher
        package let status: Status
    }

    /// The service whose status is that of the server as a whole.
    package static let server = ""

    /// The most watchers at a time, of all services.
    private let largestWatchers: Int
    private var statuses: [String: Status] = [server: .serving]
    /// In the order in which they began, so that they are told in it.
    private var watchers: [(watcher: Watcher, service: String, told: Status)] = []
    private var nextWatcher: UInt64 = 0
    private var isShutDown = false
    /// Whether the process has all that it needs.
    private var isReady = true

    /// A registry with the server as a whole `serving`, for `largestWatchers` calls to `Watch` at most.
    package init(largestWatchers: Int = 1_024) {
        self.largestWatchers = largestWatchers
    }

    /// The number of watchers.
    package var watcherCount: Int { watchers.count }

    /// The status of a service, or `nil` if none was ever set: `Check` answers `notFound` then.
    package func status(of service: String) -> Status? {
        service == Self.server && !isReady ? .notServing : statuses[service]
    }

    /// Whether the server as a whole can be `serving`, whatever was set; the answer is who is told.
    package mutating func setReady(_ isReady: Bool) -> [Notification] {
        self.isReady = isReady
        return tell()
    }

    /// Sets a service's status; the answer is who is told. After ``shutDown()`` it has no effect.
    package mutating func setStatus(_ status: Status, of service: String) -> [Notification] {
        guard !isShutDown else { return [] }
        statuses[service] = status
        return tell()
    }

    /// Forgets a service; its watchers are told that it is unknown.
    package mutating func remove(_ service: String) -> [Notification] {
        guard !isShutDown else { return [] }
        statuses[service] = nil
        return tell()
    }

    /// Sets every service to `notServing`, for good: the server is about to stop.
    package mutating func shutDown() -> [Notification] {
        isShutDown = true
        statuses = statuses.mapValues { _ in .notServing }
        return tell()
    }

    /// Begins a call to `Watch`, whose first message is `first`; `nil` when there are too many.
    package mutating func watch(_ service: String) -> (watcher: Watcher, first: Status)? {
        guard watchers.count < largestWatchers else { return nil }
        let watcher = Watcher(number: nextWatcher)
        nextWatcher += 1
        let first = status(of: service) ?? .serviceUnknown
        watchers.append((watcher, service, first))
        return (watcher, first)
    }

    /// The call ended.
    package mutating func unwatch(_ watcher: Watcher) {
        watchers.removeAll { $0.watcher == watcher }
    }

    private mutating func tell() -> [Notification] {
        var notifications: [Notification] = []
        for index in watchers.indices {
            let status = status(of: watchers[index].service) ?? .serviceUnknown
            guard status != watchers[index].told else { continue }
            watchers[index].told = status
            notifications.append(Notification(watcher: watchers[index].watcher, status: status))
        }
        return notifications
    }
}
