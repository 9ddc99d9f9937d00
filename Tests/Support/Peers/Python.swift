import Foundation

/// Where Python is, if it is installed.
package enum Python {
    /// The machine's own.
    package static let path = Peer.find("python3")

    /// One that has gRPC: what `Scripts/install-prerequisites.sh` has made, or the machine's own.
    package static let withGRPC: String? = {
        let installed = Interoperability.root.appending(path: ".build/python/bin/python3").path
        return [installed, path].compactMap { $0 }.first { hasGRPC($0) }
    }()

    private static func hasGRPC(_ path: String) -> Bool {
        let imports = ["-c", "import grpc, grpc_tools, grpc_health, grpc_reflection"]
        return (try? ChildProcess(path, imports))?.waitForEnd() == 0
    }
}

extension Peer {
    /// A script of `Tests/Interoperability`.
    package static func script(_ name: String, _ arguments: [String], python: String?) throws -> Peer {
        guard let python else { throw Failure("there is no Python for \(name)") }
        return try Peer(python, ["-B", Interoperability.file(name).path] + arguments)
    }
}
