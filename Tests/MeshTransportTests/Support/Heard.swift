import MeshTransport
import MeshWire
import MeshworkTesting
import Synchronization

/// What a watch of a service was told.
final class Heard: Sendable {
    private let told = Mutex<[Resolution]>([])
    private let watch = Mutex<ResolutionWatch?>(nil)

    init() {}

    /// Follows a service.
    init(_ service: String, of resolver: any Resolver) {
        let started = resolver.watch(service) { [weak self] in self?.hear($0) }
        watch.withLock { $0 = started }
    }

    func hear(_ resolution: Resolution) { told.withLock { $0.append(resolution) } }

    var list: [Resolution] { told.withLock { $0 } }

    /// What has been told since the last time, each as a line.
    func take() -> [String] {
        told.withLock { told in
            defer { told = [] }
            return told.map { resolution in
                switch resolution {
                case .endpoints(let endpoints): endpoints.map { "\($0.endpoint)" }.joined(separator: " ")
                case .failed(let reason): "failed: \(reason)"
                }
            }
        }
    }

    func stop() { watch.withLock { $0.take() }?.cancel() }
}
