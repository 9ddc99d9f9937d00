package import ParameterServer

extension PushAudit {
    /// What the demonstration holds against a run, in words; empty when every push was applied exactly once although
    /// replies were lost.
    package var findings: [String] {
        discrepancies.map(\.description)
            + (duplicatesSuppressed > 0 ? [] : ["no duplicate was suppressed: the retries were not exercised"])
    }
}
