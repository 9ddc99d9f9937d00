/// The identities of the demonstration's processes.
enum SPIFFEIDs {
    static let trustDomain = "digits.example"
    static let launcher = id("launcher")
    static let coordinator = id("coordinator")
    static let servers = [id("server/0"), id("server/1")]
    /// The worker of each slot. The one that takes the place of a killed one takes its identity too, with a certificate
    /// of its own: a slot with a living session is its owner's alone to take over.
    static let workers = [id("worker/0"), id("worker/1")]
    static let modelServer = id("model-server")
    /// Whoever asked for credentials.
    static let `operator` = id("operator")

    private static func id(_ path: String) -> String { "spiffe://\(trustDomain)/\(path)" }
}
