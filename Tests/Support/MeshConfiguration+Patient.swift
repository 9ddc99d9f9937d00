package import MeshTransport

extension MeshConfiguration {
    /// For tests in real time: on a busy machine a handler may wait long for its turn, and that is no failure.
    package static var patient: MeshConfiguration {
        var configuration = MeshConfiguration()
        configuration.connectTimeout = .seconds(120)
        configuration.limits.frameTimeout = .seconds(240)
        configuration.handshakeTimeout = .seconds(120)
        configuration.callTimeout = .seconds(240)
        configuration.retry.attemptTimeout = .seconds(240)
        return configuration
    }
}
