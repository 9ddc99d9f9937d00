import Logging
import MeshTransport
import MeshWire

extension CoordinationClient {
    /// Gives `body` the map as it is, and then each newer one, until the task is cancelled.
    ///
    /// One that takes its time gets the newest map afterwards, and not those between. While the coordinator cannot be
    /// reached nothing is given; when it can again the watch goes on by itself, also with a coordinator that was started
    /// again on its store. Versions always rise: a coordinator that has forgotten everything needs new servers and workers.
    public func watchMap(_ body: (PartitionMap) async -> Void) async {
        let feed = MapFeed()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.receiveMaps(feed) }
            var version: UInt64?
            while let map = await feed.next(after: version) {
                version = map.version
                await body(map)
            }
            group.cancelAll()
        }
    }

    /// Keeps a stream of maps open, until the task is cancelled.
    private func receiveMaps(_ feed: MapFeed) async {
        let runtime = mesh.runtime
        var wait = Self.firstWait
        var isReported = false
        while !Task.isCancelled {
            do {
                try await follow(timeout: Self.watchTime) { map in
                    feed.offer(map)
                    (wait, isReported) = (Self.firstWait, false)
                    return true
                }
            } catch {
                let isExpected = Task.isCancelled || (error as? MeshError)?.code == .deadlineExceeded
                if !isExpected, !isReported {
                    isReported = true
                    mesh.logger.warning("partition map not watched", metadata: ["error": "\(error)"])
                }
            }
            // Half to all of it, so that those that lost the same coordinator do not return at once.
            let share = Double(runtime.randomBits() >> 11) / Double(1 << 53)
            guard (try? await runtime.sleep(for: wait * (0.5 + share / 2))) != nil else { return }
            wait = min(wait * 2, Self.longestWait)
        }
    }

    /// Gives `body` the map as it is, and then each newer one, until it returns false, or the stream ends.
    func follow(timeout: Duration? = nil, _ body: (PartitionMap) -> Bool) async throws {
        try await client.call(CoordinationService.followMap, EmptyMessage(), timeout: timeout) { steps in
            var followed = FollowedMap()
            for try await step in steps {
                guard let map = try followed.take(step) else { continue }
                guard body(map) else { return }
            }
        }
    }

    /// After how long a stream is opened anew, so that no deadline is without end.
    private static let watchTime = Duration.seconds(3_600)
    private static let firstWait = Duration.milliseconds(50)
    private static let longestWait = Duration.seconds(1)
}
