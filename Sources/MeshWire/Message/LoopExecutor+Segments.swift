import NIOCore

extension LoopExecutor {
    /// How long the memory of segments lies idle, at least, until it is given back. Long for a training step that pushes
    /// and pulls the same sizes again and again, and short for who looks at the process's memory afterwards.
    package static let segmentIdleTime = Duration.seconds(2)

    /// Notes that a connection of the loop carries `payload`, in either direction; on the loop. Once there are segments,
    /// the memory that they leave behind is looked after for as long as there is any.
    package func carries(_ payload: Payload) {
        guard mayTrimSegments, !payload.segments.isEmpty else { return }
        mayTrimSegments = false
        trimLater()
    }

    private func trimLater() {
        _ = eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(Self.segmentIdleTime.inNanoseconds)) {
            if BlockCache.shared.trim() { self.trimLater() } else { self.mayTrimSegments = true }
        }
    }
}
