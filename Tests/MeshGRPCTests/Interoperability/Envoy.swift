import Foundation
import MeshworkTesting
import TestSupport

/// An Envoy between two peers of a test: takes HTTP/2 on a free port of loopback and passes it on, with TLS 1.3 and a
/// certificate on one side and plain text on the other.
final class Envoy {
    /// Which side is TLS.
    enum Side { case clients, server }

    /// Where it is, if it is installed: the one that `Scripts/install-prerequisites.sh` has installed, or the machine's.
    static let path: String? = {
        let libraries = Interoperability.root.appending(path: ".build/python/lib")
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: libraries.path)) ?? []
        let installed = versions.map { libraries.appending(path: "\($0)/site-packages/envoy/_bin/envoy").path }
        return installed.first { FileManager.default.isExecutableFile(atPath: $0) } ?? Peer.find("envoy")
    }()

    /// Where it listens.
    let port: Int
    private let process: Peer
    /// Its configuration and its certificate, for as long as it may read them.
    private let folder: TemporaryFolder

    /// Starts it, with the certificate of the workload `path` towards `side`, whose peer must be `identity`.
    init(
        to serverPort: Int, tls side: Side, as path: String, of authority: TestAuthority, peer identity: String
    ) async throws {
        folder = try TemporaryFolder()
        _ = try folder.write(path, of: authority)
        let (configuration, admin) = (folder.file("envoy.json"), folder.file("admin"))
        try Data(Self.configuration(serverPort, side, folder, identity).utf8).write(to: configuration)
        // Its log is what it complains of.
        process = try Peer(
            Self.path ?? "envoy",
            [
                "-c", configuration.path, "--concurrency", "1", "--use-dynamic-base-id", "--admin-address-path",
                admin.path,
            ], complaints: .printed)
        var log: [String] = []
        while let line = try await process.nextLine() {
            log.append(line)
            if line.contains("starting main dispatch loop") { break }
        }
        guard let address = try? String(contentsOf: admin, encoding: .utf8),
            let port = try await Self.listeners(of: address).firstMatch(of: /"port_value": (\d+)/).flatMap({ Int($0.1) }
            )
        else { throw Failure(log: log.suffix(5).joined(separator: "\n")) }
        self.port = port
    }

    /// Ends it.
    func stop() async { await process.kill() }

    struct Failure: Error {
        let log: String
    }

    /// What its administration says of its listeners. Foundation's own HTTP client is a library of its own on Linux, and
    /// heavy for one request.
    private static func listeners(of address: String) async throws -> String {
        let curl = try Peer(
            Peer.find("curl") ?? "curl",
            ["--silent", "--fail", "--noproxy", "*", "http://\(address)/listeners?format=json"])
        return try await curl.finish().lines.joined(separator: "\n")
    }

    private static func configuration(
        _ serverPort: Int, _ side: Side, _ folder: TemporaryFolder, _ identity: String
    ) -> String {
        let common = """
            "common_tls_context": {
              "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
              "alpn_protocols": ["h2"],
              "tls_certificates": [{
                "certificate_chain": {"filename": "\(folder.file("chain.pem").path)"},
                "private_key": {"filename": "\(folder.file("key.pem").path)"}
              }],
              "validation_context": {
                "trusted_ca": {"filename": "\(folder.file("roots.pem").path)"},
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
