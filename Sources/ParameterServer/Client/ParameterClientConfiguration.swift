/// How a client speaks to parameter servers.
public struct ParameterClientConfiguration: Sendable, Hashable {
    /// How long a pull or a push may take in all: retries are in it, and the search for partitions whose server has ended.
    /// Default 60 s.
    public var timeout: Duration = .seconds(60)
    /// The most bytes of parameters in one call; a larger step leaves in several. Default 64 MiB.
    public var callBytes = 64 << 20
    /// Whether gradients are looked at before anything of a step leaves. A NaN then stops the whole step; else the
    /// partitions that it belongs to reject it and the others apply their share. Default true.
    public var checksBeforeSend = true

    /// Makes the defaults.
    public init() {}

    /// Throws ``ParameterServerError/Code/invalidConfiguration`` that names every property that is out of range.
    public func validate() throws(ParameterServerError) {
        var problems: [String] = []
        if timeout <= .zero { problems.append("timeout must be above zero, is \(timeout)") }
        if callBytes < 1 { problems.append("callBytes must be at least 1, is \(callBytes)") }
        guard problems.isEmpty else {
            throw ParameterServerError(.invalidConfiguration, problems.joined(separator: "; "))
        }
    }
}
