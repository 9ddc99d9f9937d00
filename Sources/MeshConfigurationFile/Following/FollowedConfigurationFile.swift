import Logging
public import MeshTransport
import MeshWire
public import ServiceLifecycle
import Synchronization

/// Keeps a mesh at what a file says, as the file changes.
///
/// ```swift
/// let file = try FollowedConfigurationFile("/etc/mesh/mesh.yaml", on: mesh)
/// try await file.load()                           // a host that begins with a wrong file says so, and ends
/// let group = ServiceGroup(services: [mesh, file], logger: logger)
/// ```
/// The file is looked at every interval, symbolic links being followed, so that it may be written to, replaced by
/// another, or swapped by a link as Kubernetes does it with a ConfigMap. A change is taken up when the file has been
/// the same at two looks. One that is wrong, or gone, changes nothing: the last good one stays in force, and the reason
/// is logged and counted (`mesh_configuration_rejections_total`).
///
/// What the file does not say is as the mesh had it when this was made; so what is taken out of a file goes back to that.
///
/// Guarded by a mutex.
public final class FollowedConfigurationFile: Service {
    /// What metrics and logs call this way of configuration.
    private static let source = "file"

    /// What has become of the file.
    public struct Status: Sendable, Hashable {
        /// The version of the file that is in force; `nil` before there is one.
        public internal(set) var version: String?
        /// Why nothing newer is; `nil` if the last one that was read is in force.
        public internal(set) var failure: String?
    }

    private let path: String
    private let mesh: Mesh
    private let base: DynamicConfiguration
    private let interval: Duration
    private let state = Mutex(Status())

    /// Makes it; nothing is read yet.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - mesh: whose runtime reads it, and which goes by it.
    ///   - interval: how often it is looked at. Default 1 s.
    /// - Throws: `MeshError` with code `invalidConfiguration`.
    public init(_ path: String, on mesh: Mesh, every interval: Duration = .seconds(1)) throws(MeshError) {
        guard interval > .zero, !path.isEmpty else {
            throw MeshError(
                .invalidConfiguration, "a configuration file has a path and an interval above zero, not \(interval)")
        }
        self.path = path
        self.mesh = mesh
        self.interval = interval
        base = mesh.dynamicConfiguration
    }

    /// What has become of the file so far.
    public var status: Status { state.withLock { $0 } }

    /// Reads the file now and puts it in force.
    ///
    /// - Throws: ``ConfigurationFileError``, also for a file that cannot be read; what was in force stays.
    public func load() async throws(ConfigurationFileError) {
        let bytes: [UInt8]
        do throws(FileAccessError) {
            bytes = try await mesh.runtime.files.read(path, limit: ConfigurationDocument.longest).bytes
        } catch {
            throw ConfigurationFileError(file: path, "\(error)")
        }
        try take(bytes)
    }

    /// Follows the file until the service group shuts down or the task is cancelled.
    public func run() async throws {
        await mesh.runtime.untilStopped { await self.follow() }
    }

    private func follow() async {
        var following = FileFollowing<FileVersion>()
        while !Task.isCancelled {
            let version: Result<FileVersion, FileAccessError>
            do throws(FileAccessError) {
                version = .success(try await mesh.runtime.files.version(of: path))
            } catch {
                version = .failure(error)
            }
            var action = following.looked(version)
            if action == .read { action = await read(&following) }
            if case .tell(let reason) = action, !Task.isCancelled { failed(reason) }
            guard (try? await mesh.runtime.sleep(for: interval)) != nil else { return }
        }
    }

    private func read(_ following: inout FileFollowing<FileVersion>) async -> FileFollowing<FileVersion>.Action {
        do throws(FileAccessError) {
            let (bytes, version) = try await mesh.runtime.files.read(path, limit: ConfigurationDocument.longest)
            guard !Task.isCancelled else { return .wait }
            do throws(ConfigurationFileError) {
                try take(bytes)
                return following.read(version, problem: nil)
            } catch {
                return following.read(version, problem: "\(error)")
            }
        } catch {
            return following.looked(.failure(error))
        }
    }

    private func take(_ bytes: [UInt8]) throws(ConfigurationFileError) {
        let configuration = try DynamicConfiguration(yaml: bytes, file: path, over: base)
        do throws(MeshError) {
            try mesh.apply(configuration, from: Self.source)
        } catch {
            throw ConfigurationFileError(file: path, error.message)
        }
        state.withLock { $0 = Status(version: configuration.version) }
    }

    private func failed(_ reason: String) {
        state.withLock { $0.failure = reason }
        mesh.configurationMetrics.rejected(Self.source)
        mesh.logger.warning(
            "configuration file is not taken, the last good one stays in force",
            metadata: ["file": "\(path)", "error": "\(reason)"])
    }
}
