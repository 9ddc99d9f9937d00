/// What an HAProxy of a pair is told: one frontend, one server, and its own defaults in all that is not said.
enum HAProxyConfiguration {
    /// HAProxy does not compare a certificate's URI with a name for a connection that it makes, so it asks for the name
    /// of the host; of a connection that it takes it asks for a certificate of the authority.
    static func text(_ route: ProxyRoute) -> String {
        let folder = route.folder
        let server = "ssl crt \(folder.chainAndKey) ca-file \(folder.roots) verify required verifyhost localhost"
        let bind = "ssl crt \(folder.chainAndKey) ca-file \(folder.roots) verify required curves P-256"
        return """
            global
                nbthread 1
                maxconn 1000
                ssl-default-bind-options ssl-min-ver TLSv1.3
                ssl-default-server-options ssl-min-ver TLSv1.3
                ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
                ssl-default-server-ciphersuites TLS_AES_128_GCM_SHA256

            defaults
                mode tcp
                timeout connect 5s
                timeout client 1h
                timeout server 1h

            frontend sidecar
                bind 127.0.0.1:\(route.port) \(route.side == .inbound ? bind : "")
                default_backend next

            backend next
                server next 127.0.0.1:\(route.serverPort) \(route.side == .outbound ? server : "")

            """
    }
}
