public import MeshWire
import Synchronization

/// Finds the servers of services in a file, and follows it as it is changed.
///
/// ```
/// scoring.shop    10.0.0.1:7000     weight=2 zone=a identity=spiffe://shop.example/scoring
/// scoring.shop    [fd00::2]:7000    or=10.0.0.2:7000 priority=1
/// ledger.shop     -
/// ```
/// ```swift
/// configuration.resolver = try FileResolver("/etc/mesh/endpoints")
/// ```
/// A line is a service, where a server of it listens (`host:port`, `[address]:port` or `unix:path`), and what else is
/// known: `weight=`, `priority=`, `zone=`, `identity=` and `or=` for another address of the same server; a place of `-`
/// says that there is none for now. The file is looked at every interval, symbolic links being followed, so that it may
/// be written to, replaced by another, or swapped by a link as Kubernetes does it with a ConfigMap. A service that its
/// lines do not name any more has no server. A file that cannot be read, or in which a line is wrong, changes nothing.
///
/// Guarded by a mutex.
public final class FileResolver: Resolver {
    /// The longest file.
    private static let largestFile = 4 << 20

    private struct State {
        var feeds: [String: (feed: ResolutionFeed, watches: Int)] = [:]
        /// What was read last.
        var list: EndpointList?
        /// Why nothing newer was.
        var failure: String?
        /// Looks at the file, while anybody follows it.
        var task: Task<Void, Never>?
    }

    private let path: String
    private let interval: Duration
    private let runtime: any Runtime
    private let state = Mutex(State())

    /// Makes a resolver; nothing is read yet.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - interval: how often it is looked at; a change is taken up at the second look after it. Default 1 s.
    ///   - runtime: the mesh's.
    /// - Throws: ``MeshError/Code/invalidConfiguration``.
    public init(
        _ path: String, every interval: Duration = .seconds(1), runtime: any Runtime = SystemRuntime.shared
    ) throws(MeshError) {
        guard interval > .zero, !path.isEmpty else {
            throw MeshError(
                .invalidConfiguration, "a file of endpoints has a path and an interval above zero, not \(interval)")
        }
        self.path = path
        self.interval = interval
        self.runtime = runtime
    }

    /// Follows a service: the file is looked at until nobody follows anything.
    public func watch(_ service: String, _ update: @escaping @Sendable (Resolution) -> Void) -> ResolutionWatch {
        let feed = state.withLock { state in
            let feed = state.feeds[service]?.feed ?? newFeed(service, state)
            state.feeds[service] = (feed, (state.feeds[service]?.watches ?? 0) + 1)
            if state.task == nil { state.task = follow() }
            return feed
        }
        let number = feed.add(update)
        return ResolutionWatch { [weak self] in
            feed.remove(number)
            self?.leave(service)
        }
    }

    private func leave(_ service: String) {
        let task = state.withLock { state -> Task<Void, Never>? in
            guard let (feed, watches) = state.feeds.removeValue(forKey: service) else { return nil }
            if watches > 1 { state.feeds[service] = (feed, watches - 1) }
            guard state.feeds.isEmpty else { return nil }
            // Whoever comes next reads it anew.
            defer { state = State() }
            return state.task
        }
        task?.cancel()
    }

    /// A feed that knows what was read already.
    private func newFeed(_ service: String, _ state: State) -> ResolutionFeed {
        let feed = ResolutionFeed()
        if let list = state.list { tell(service, list, to: feed) }
        if let failure = state.failure { feed.tell(.failed(failure)) }
        return feed
    }

    private func follow() -> Task<Void, Never> {
        runtime.spawn(on: runtime.taskExecutor) { [weak self, path, interval, runtime] in
            var following = FileFollowing<FileVersion>()
            while !Task.isCancelled {
                let version: Result<FileVersion, FileAccessError>
                do throws(FileAccessError) {
                    version = .success(try await runtime.files.version(of: path))
                } catch {
                    version = .failure(error)
                }
                var action = following.looked(version)
                if action == .read { action = await self?.read(&following) ?? .wait }
                if case .tell(let reason) = action, !Task.isCancelled { self?.failed(reason) }
                try? await runtime.sleep(for: interval)
            }
        }
    }

    private func read(_ following: inout FileFollowing<FileVersion>) async -> FileFollowing<FileVersion>.Action {
        do throws(FileAccessError) {
            let (bytes, version) = try await runtime.files.read(path, limit: Self.largestFile)
            do throws(EndpointListError) {
                let list = try EndpointList(parsing: bytes)
                if !Task.isCancelled { changed(list) }
                return following.read(version, problem: nil)
            } catch {
                return following.read(version, problem: "\(path): \(error)")
            }
        } catch {
            return following.looked(.failure(error))
        }
    }

    private func changed(_ list: EndpointList) {
        let feeds = state.withLock { state in
            state.list = list
            state.failure = nil
            return state.feeds.sorted { $0.key < $1.key }.map { (service: $0.key, feed: $0.value.feed) }
        }
        for (service, feed) in feeds { tell(service, list, to: feed) }
    }

    private func failed(_ reason: String) {
        let feeds = state.withLock { state in
            state.failure = reason
            return state.feeds.sorted { $0.key < $1.key }.map(\.value.feed)
        }
        for feed in feeds { feed.tell(.failed(reason)) }
    }

    private func tell(_ service: String, _ list: EndpointList, to feed: ResolutionFeed) {
        feed.tell(.endpoints(list.services[service] ?? []))
        if list.services[service] == nil { feed.tell(.failed("\(path) names no server of \(service)")) }
    }

    deinit { state.withLock { $0.task }?.cancel() }
}
