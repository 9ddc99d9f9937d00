/// How a client speaks to parameter servers.
public struct ParameterClientConfiguration: Sendable, Hashable {
    /// How long a pull or a push may take in all: retries are in it, and the search for partitions whose server has
    /// ended. Default 60 s.
    public var timeout: Duration = .seconds(60)
    /// The most bytes of parameters in one call; a larger step leaves in several. Default 64 MiB.
    public var callBytes = 64 << 20
    /// Whether gradients are looked at before anything of a step leaves. A NaN then stops the whole step; else the
    /// partitions that it belongs to reject it and the others apply their share. Default true.
    public var checksBeforeSend = true
    /// Whether rows of row tables are kept for some pulls, and which; pulls then ask the servers for the others alone.
    /// A kept row lacks what other workers have pushed since, for so many pulls. Default `nil`: every pull asks for
    /// all.
    public var hotRows: HotRowConfiguration?
    /// The bytes of gradients that are worth a call of their own while others are still being computed; smaller ones
    /// are fused. Default 1 MiB.
    public var fragmentBytes = 1 << 20
    /// The most fragments of a step that are under way at a time. Default 4.
    public var fragmentsInFlight = 4
    /// The most that the global norm of a step's gradients may be, all tables and rows together: a step with more is
    /// scaled to it before anything leaves, by one factor, as ``/Training/LocalParameters`` does with the same bits.
    /// Where a server combines the gradients of a round, it is each worker's own that is limited, and not the
    /// aggregate. Default `nil`: no limit.
    public var globalNormLimit: Double?
    /// How the gradients of these tables are made smaller, by name. It is after ``globalNormLimit``. Default: none are.
    public var compression: [String: GradientCompression] = [:]
    /// How the parameters of these tables come in pulls, by name: ``GradientCompression/bfloat16`` or
    /// ``GradientCompression/float16``, in half the bytes. Servers keep float32, and gradients are then of rounded
    /// parameters; those beyond 65,504 are no float16, and come as infinities. Default: float32.
    public var pullCompression: [String: GradientCompression] = [:]

    /// Makes the defaults.
    public init() {}

    /// Throws ``ParameterServerError/Code/invalidConfiguration`` that names every property that is out of range.
    public func validate() throws(ParameterServerError) {
        var problems: [String] = []
        if timeout <= .zero { problems.append("timeout must be above zero, is \(timeout)") }
        if callBytes < 1 { problems.append("callBytes must be at least 1, is \(callBytes)") }
        if fragmentBytes < 1 { problems.append("fragmentBytes must be at least 1, is \(fragmentBytes)") }
        if fragmentsInFlight < 1 { problems.append("fragmentsInFlight must be at least 1, is \(fragmentsInFlight)") }
        problems += hotRows?.problems ?? []
        if let limit = globalNormLimit, !(limit > 0 && limit.isFinite) {
            problems.append("globalNormLimit must be a finite number above 0, is \(limit)")
        }
        for (name, compression) in compression.sorted(by: { $0.key < $1.key }) {
            if let problem = compression.problem { problems.append("compression of \(name): \(problem)") }
        }
        for (name, compression) in pullCompression.sorted(by: { $0.key < $1.key })
        where compression.pullEncoding == nil {
            problems.append("parameters of \(name) cannot be pulled as \(compression): take a 16-bit float")
        }
        guard problems.isEmpty else {
            throw ParameterServerError(.invalidConfiguration, problems.joined(separator: "; "))
        }
    }
}
