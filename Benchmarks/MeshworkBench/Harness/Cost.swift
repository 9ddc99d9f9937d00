import NIOCore

/// What something took: time, and processor time of this process and a server's.
struct Cost {
    var seconds: Double
    /// Of this process.
    var own: Double
    /// Of the server; `nil` where it is no process of ours.
    var server: Double?

    /// Of both processes.
    var processor: Double? { server.map { own + $0 } }

    static func of(_ server: PeerProcess?, _ body: () async throws -> Void) async throws -> Cost {
        let before = try server?.report().processorSeconds
        let own = ProcessReport.processorSeconds()
        let start = NIODeadline.now()
        try await body()
        let seconds = Double((NIODeadline.now() - start).nanoseconds) / 1e9
        let used = ProcessReport.processorSeconds() - own
        let after = try server?.report().processorSeconds
        return Cost(seconds: seconds, own: used, server: before.flatMap { before in after.map { $0 - before } })
    }
}
