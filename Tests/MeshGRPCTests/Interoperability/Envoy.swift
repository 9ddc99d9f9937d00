import Foundation

/// An Envoy between two peers of a test: takes HTTP/2 on a free port of loopback and passes it on, with TLS 1.3 and a
/// certificate on one side and plain text on the other.
final class Envoy {
    /// Which side is TLS.
    enum Side { case clients, server }

    /// Where it is, if it is installed: the one that `Scripts/install-prerequisites.sh` has installed, or the machine's.
    static let path: String? = {
        let libraries = Python.root.appending(path: ".build/python/lib")
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: libraries.path)) ?? []
        let installed = versions.map { libraries.appending(path: "\($0)/site-packages/envoy/_bin/envoy").path }
        let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        return (installed + folders.map { "\($0)/envoy" }).first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    /// Where it listens.
    let port: Int
    private let process: Peer
    private let folder: URL
    /// Kept for as long as it may read them.
    private let files: CredentialFiles

    /// Starts it, with the certificate of `files` towards `side`, whose peer must be `identity`.
    init(to serverPort: Int, tls side: Side, _ files: CredentialFiles, peer identity: String) async throws {
        self.files = files
        folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        let configuration = folder.appending(path: "envoy.json")
        let admin = folder.appending(path: "admin")
        try Data(Self.configuration(serverPort, side, files, identity).utf8).write(to: configuration)
        // Its log is on standard error.
        process = try Peer(
            "/bin/sh",
            [
                "-c", #"exec "$0" "$@" 2>&1"#, Self.path ?? "envoy", "-c", configuration.path, "--concurrency", "1",
                "--use-dynamic-base-id", "--admin-address-path", admin.path,
            ])
        var log: [String] = []
        while let line = await process.nextLine(), !line.contains("starting main dispatch loop") { log.append(line) }
        guard let address = try? String(contentsOf: admin, encoding: .utf8),
            let url = URL(string: "http://\(address)/listeners?format=json"),
            let listeners = String(data: try await Self.get(url), encoding: .utf8),
            let port = listeners.firstMatch(of: /"port_value": (\d+)/).flatMap({ Int($0.1) })
        else { throw Failure(log: log.suffix(5).joined(separator: "\n")) }
        self.port = port
    }

    /// Ends it.
    func stop() async {
        await process.kill()
        try? FileManager.default.removeItem(at: folder)
    }

    struct Failure: Error {
        let log: String
    }

    /// Foundation's own HTTP client is a library of its own on Linux, and heavy for one request.
    private static func get(_ url: URL) async throws -> Data {
        let curl = try Peer("/usr/bin/curl", ["--silent", "--fail", "--noproxy", "*", url.absoluteString])
        return Data(await curl.finish().lines.joined(separator: "\n").utf8)
    }

    private static func configuration(
        _ serverPort: Int, _ side: Side, _ files: CredentialFiles, _ identity: String
    ) -> String {
        let common = """
            "common_tls_context": {
              "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
              "alpn_protocols": ["h2"],
              "tls_certificates": [{
                "certificate_chain": {"filename": "\(files.path("chain.pem"))"},
                "private_key": {"filename": "\(files.path("key.pem"))"}
              }],
              "validation_context": {
                "trusted_ca": {"filename": "\(files.path("roots.pem"))"},
                "match_typed_subject_alt_names": [{"san_type": "URI", "matcher": {"exact": "\(identity)"}}]
              }
            }
            """
        let types = "type.googleapis.com/envoy.extensions"
        let downstream = """
            "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": {
              "@type": "\(types).transport_sockets.tls.v3.DownstreamTlsContext",
              "require_client_certificate": true, \(common)
            }},
            """
        let upstream = """
            "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": {
              "@type": "\(types).transport_sockets.tls.v3.UpstreamTlsContext", \(common)
            }},
            """
        return """
            {
              "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
              "static_resources": {
                "listeners": [{
                  "name": "listener",
                  "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
                  "filter_chains": [{
                    \(side == .clients ? downstream : "")
                    "filters": [{
                      "name": "envoy.filters.network.http_connection_manager",
                      "typed_config": {
                        "@type": "\(types).filters.network.http_connection_manager.v3.HttpConnectionManager",
                        "stat_prefix": "mesh", "codec_type": "HTTP2", "stream_idle_timeout": "0s",
                        "route_config": {"virtual_hosts": [{
                          "name": "all", "domains": ["*"],
                          "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "next", "timeout": "0s"}}]
                        }]},
                        "http_filters": [{
                          "name": "envoy.filters.http.router",
                          "typed_config": {"@type": "\(types).filters.http.router.v3.Router"}
                        }]
                      }
                    }]
                  }]
                }],
                "clusters": [{
                  "name": "next", "type": "STATIC", "connect_timeout": "120s",
                  \(side == .server ? upstream : "")
                  "load_assignment": {"cluster_name": "next", "endpoints": [{"lb_endpoints": [{
                    "endpoint": {"address": {"socket_address": {
                      "address": "127.0.0.1", "port_value": \(serverPort)
                    }}}
                  }]}]},
                  "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                    "@type": "\(types).upstreams.http.v3.HttpProtocolOptions",
                    "explicit_http_config": {"http2_protocol_options": {}}
                  }}
                }]
              }
            }
            """
    }
}
