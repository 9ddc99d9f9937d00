package import ParameterServer

/// Partition pushes of one run; attempts are not counted.
package struct PushFigures: Codable, Sendable {
    package var sent: UInt64
    package var acknowledged: UInt64
    package var applied: UInt64
    package var duplicatesSuppressed: UInt64

    package init(_ audit: PushAudit) {
        sent = audit.sent
        acknowledged = audit.acknowledged
        applied = audit.applied
        duplicatesSuppressed = audit.duplicatesSuppressed
    }
}
