import Foundation
import Identity
import NIOCore
import NIOPosix

/// A proxy as the child of a peer, whose certificates and configuration are in a folder of its own.
///
/// A proxy does not end with the standard input of the case, as our own peers do; its parent does, and ends it before,
/// whether the case is done, has failed or was interrupted.
final class ProxyProcess {
    /// Where it listens.
    let port: Int
    private let process = Process()
    private let folder: ProxyFolder

    /// Runs a proxy that passes on to `serverPort` for as long as `body` runs.
    static func with(
        _ proxy: SidecarProxy, _ side: SidecarProxy.Side, as identity: IdentitySnapshot, to serverPort: Int,
        _ body: (ProxyProcess) async throws -> Void
    ) async throws {
        // A terminal interrupts this process together with the case; what is to be done then is told by the input's end.
        for number in [SIGHUP, SIGINT, SIGTERM, SIGPIPE] { _ = signal(number, SIG_IGN) }
        let child = try await ProxyProcess(proxy, side, identity, serverPort)
        defer { child.end() }
        try await child.waitUntilListening()
        try await body(child)
    }

    private init(
        _ proxy: SidecarProxy, _ side: SidecarProxy.Side, _ identity: IdentitySnapshot, _ serverPort: Int
    ) async throws {
        guard let program = proxy.program else { throw BenchmarkFailure("\(proxy.label): the program is missing") }
        port = try await Self.freePort()
        folder = try ProxyFolder(identity)
        do {
            try start(program, ProxyRoute(proxy: proxy, side: side, port: port, serverPort: serverPort, folder: folder))
        } catch {
            // A private key is in there.
            folder.remove()
            throw error
        }
    }

    private func start(_ program: String, _ route: ProxyRoute) throws {
        process.executableURL = URL(fileURLWithPath: program)
        switch route.proxy {
        case .envoyTCP, .envoyHTTP:
            let file = try folder.write(EnvoyConfiguration.text(route), to: "envoy.json")
            process.arguments = ["-c", file, "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]
        case .haproxy:
            let file = try folder.write(HAProxyConfiguration.text(route), to: "haproxy.cfg")
            // In the foreground.
            process.arguments = ["-db", "-f", file]
        }
        let log = try folder.log()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = log
        process.standardError = log
        try process.run()
    }

    /// What the proxy has used until now.
    func report() throws -> ProcessReport { try ProcessReport.of(process.processIdentifier) }

    /// Ends it, by the one signal that it can't have inherited as blocked; it has nothing to finish.
    private func end() {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        folder.remove()
    }

    private func waitUntilListening() async throws {
        for _ in 0..<500 {
            guard process.isRunning else { break }
            let connection = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: port)
            if let channel = try? await connection.get() {
                try await channel.close()
                return
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw BenchmarkFailure("\(process.executableURL?.path ?? "") does not listen: \(folder.endOfLog())")
    }

    /// A port that nobody listens on.
    private static func freePort() async throws -> Int {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = channel.localAddress?.port
        // Whoever connects there from now on has found the proxy.
        try await channel.close()
        guard let port else { throw BenchmarkFailure("loopback has no free port") }
        return port
    }
}

/// Where a proxy listens, and where it passes on to.
struct ProxyRoute {
    let proxy: SidecarProxy
    let side: SidecarProxy.Side
    let port: Int
    let serverPort: Int
    let folder: ProxyFolder

    /// Who must be at the other end of the TLS connection.
    var peer: String { "spiffe://bench.example/\(side == .outbound ? "server" : "client")" }
}
