/// What an Envoy of a pair is told: one listener, one cluster, and its own defaults in all that is not said.
enum EnvoyConfiguration {
    private static let types = "type.googleapis.com/envoy.extensions"

    static func text(_ route: ProxyRoute) -> String {
        let (isOutbound, isHTTP) = (route.side == .outbound, route.proxy == .envoyHTTP)
        return """
            {
              "static_resources": {
                "listeners": [{
                  "name": "listener",
                  "address": {"socket_address": {"address": "127.0.0.1", "port_value": \(route.port)}},
                  "filter_chains": [{
                    \(isOutbound ? "" : downstreamTLS(route, isHTTP))
                    "filters": [\(isHTTP ? connectionManager(isOutbound) : tcpProxy)]
                  }]
                }],
                "clusters": [{
                  "name": "next", "type": "STATIC", "connect_timeout": "5s",
                  \(isOutbound ? upstreamTLS(route, isHTTP) : "")
                  \(isHTTP ? http2 : "")
                  "load_assignment": {"cluster_name": "next", "endpoints": [{"lb_endpoints": [{
                    "endpoint": {"address": {"socket_address": {
                      "address": "127.0.0.1", "port_value": \(route.serverPort)
                    }}}
                  }]}]}
                }]
              }
            }
            """
    }

    private static let tcpProxy = """
        {"name": "envoy.filters.network.tcp_proxy", "typed_config": {
          "@type": "\(types).filters.network.tcp_proxy.v3.TcpProxy", "stat_prefix": "sidecar", "cluster": "next"
        }}
        """

    /// The client's side repeats calls that failed; the server's side must not do so again.
    private static func connectionManager(_ isOutbound: Bool) -> String {
        let retries = """
            , "retry_policy": {
              "retry_on": "connect-failure,refused-stream,reset,unavailable", "num_retries": 2, "per_try_timeout": "5s"
            }
            """
        return """
            {"name": "envoy.filters.network.http_connection_manager", "typed_config": {
              "@type": "\(types).filters.network.http_connection_manager.v3.HttpConnectionManager",
              "stat_prefix": "sidecar", "codec_type": "HTTP2",
              "route_config": {"virtual_hosts": [{
                "name": "all", "domains": ["*"],
                "routes": [{
                  "match": {"prefix": "/bench.Service/"},
                  "route": {"cluster": "next", "timeout": "15s" \(isOutbound ? retries : "")}
                }]
              }]},
              "http_filters": [{
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": "\(types).filters.http.router.v3.Router"}
              }]
            }}
            """
    }

    private static let http2 = """
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
          "@type": "\(types).upstreams.http.v3.HttpProtocolOptions",
          "explicit_http_config": {"http2_protocol_options": {}}
        }},
        """

    private static func downstreamTLS(_ route: ProxyRoute, _ isHTTP: Bool) -> String {
        """
        "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": {
          "@type": "\(types).transport_sockets.tls.v3.DownstreamTlsContext",
          "require_client_certificate": true, \(commonTLS(route, isHTTP))
        }},
        """
    }

    private static func upstreamTLS(_ route: ProxyRoute, _ isHTTP: Bool) -> String {
        """
        "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": {
          "@type": "\(types).transport_sockets.tls.v3.UpstreamTlsContext",
          "sni": "localhost", \(commonTLS(route, isHTTP))
        }},
        """
    }

    /// TLS 1.3 alone, in which BoringSSL takes AES-128-GCM where the processor has instructions for it.
    private static func commonTLS(_ route: ProxyRoute, _ isHTTP: Bool) -> String {
        let applicationProtocol = isHTTP ? "\"alpn_protocols\": [\"h2\"]," : ""
        return """
            "common_tls_context": {
              "tls_params": {
                "tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3",
                "ecdh_curves": ["P-256"]
              },
              \(applicationProtocol)
              "tls_certificates": [{
                "certificate_chain": {"filename": "\(route.folder.chain)"},
                "private_key": {"filename": "\(route.folder.key)"}
              }],
              "validation_context": {
                "trusted_ca": {"filename": "\(route.folder.roots)"},
                "match_typed_subject_alt_names": [{"san_type": "URI", "matcher": {"exact": "\(route.peer)"}}]
              }
            }
            """
    }
}
