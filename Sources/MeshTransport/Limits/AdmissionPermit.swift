import MeshWire

/// An attempt's place among those under way at its destination; given back once.
struct AdmissionPermit: Sendable {
    private let control: AdmissionControl
    private let start: RuntimeInstant

    init(_ control: AdmissionControl, since start: RuntimeInstant) {
        self.control = control
        self.start = start
    }

    /// The attempt has ended. From any thread.
    func ended(_ request: CallRequest, _ outcome: AttemptOutcome, at now: RuntimeInstant) {
        ended(request, tellsTime: outcome.tellsServiceTime, at: now)
    }

    /// The same for one that may tell nothing of how long the server takes.
    func ended(_ request: CallRequest, tellsTime: Bool, at now: RuntimeInstant) {
        let time = start.nanoseconds(to: now)
        // Large payloads take as long as the path does, and several messages as long as their callers like.
        let tellsTime = tellsTime && request.method.kind == .unary && !request.isBulk
        if tellsTime { request.method.serviceTime.record(nanoseconds: time) }
        control.ended(after: time, tellsTime: tellsTime, isStream: request.method.kind != .unary, now: now)
    }

    /// The attempt was not made after all: nothing is learnt of it.
    func unused(at now: RuntimeInstant) { control.ended(after: nil, tellsTime: false, isStream: false, now: now) }
}

extension AttemptOutcome {
    /// Whether an attempt's time is how long its server takes, or at least so long: what failed may have failed at once or
    /// after any time, and what its caller gave up, or was never sent, took as long as the caller liked.
    fileprivate var tellsServiceTime: Bool {
        switch self {
        case .replied(let answer): answer.head.status == .ok
        case .failed(let error, _): error.code == .deadlineExceeded && error.progress == .mayHaveRun
        }
    }
}
