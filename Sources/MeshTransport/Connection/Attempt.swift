import MeshWire
import NIOCore
import Telemetry

/// How one attempt of a call ended.
enum AttemptOutcome: Sendable {
    case replied(Attempt.Answer)
    case failed(MeshError, AttemptFailure)
}

/// One sending of a call: waits on a connection's event loop for its answer, its deadline or its cancellation,
/// whichever comes first.
///
/// Sendable: everything mutable is touched on the client's event loop alone, and by the caller once it was resumed.
@safe final class Attempt: DeadlineBound, @unchecked Sendable {
    /// Where the call is.
    private enum Place {
        /// With the client: no server has seen it.
        case here
        /// On its way to a server or back.
        case sent(ClientConnection, StreamID)
        /// Lost on purpose, as far as the caller can tell on its way.
        case lost
    }

    /// What a server answered.
    final class Answer: Sendable {
        /// What it said before the response.
        let metadata: Metadata
        let head: ReplyHead
        let payload: Payload
        let peer: String

        init(metadata: Metadata, head: ReplyHead, payload: Payload, peer: String) {
            self.metadata = metadata
            self.head = head
            self.payload = payload
            self.peer = peer
        }
    }

    let request: CallRequest
    let deadline: RuntimeInstant
    /// Which of its call's attempts it is, from 1 on.
    let number: Int
    /// Where it stands in its call's trace, if the call is traced.
    let trace: CallTrace?
    /// What the server said before its response.
    var metadata = Metadata()
    /// When the answer began, if it was not there all at once.
    var firstByte: RuntimeInstant?
    /// The server that the attempt was sent to.
    private(set) var server: ServerInstance?
    /// The one whose calls its server has to know, if there is one.
    private let required: ServerInstance?
    private let faults: (any FaultInjector)?
    /// True for a copy, sent on purpose, whose reply nobody is to hear.
    private let isUnheard: Bool
    private var place = Place.here
    /// Where the balancer has put it, if there was a choice.
    private(set) var placement: EndpointPlacement?
    /// The lanes there that it may go on.
    private(set) var route: LaneRoute?
    /// The loop that it is on instead of its client's: that of the connection for bulk.
    private(set) var other: (any EventLoop)?
    private var ended: AttemptOutcome?
    /// Where the attempt is that had the call's answer in place of this one, and when that began.
    private(set) var winner: EndpointPlacement?
    private(set) var outrunSince: RuntimeInstant?
    /// True once its endpoint has been told what became of it.
    private var hasLeft = false
    /// Says what the attempt ends with, or that another one beside it decides that later.
    var onEnd: ((AttemptOutcome) -> AttemptOutcome?)?
    private var continuation: UnsafeContinuation<Void, Never>?
    private var deadlines: DeadlineTimer?
    var position = -1

    /// - Parameter required: the server that an earlier attempt of a deduplicated call was sent to.
    init(
        _ request: CallRequest, number: Int = 1, deadline: RuntimeInstant, boundTo required: ServerInstance?,
        trace: CallTrace? = nil, faults: (any FaultInjector)?, isUnheard: Bool = false
    ) {
        self.request = request
        self.number = number
        self.deadline = deadline
        self.required = required
        self.trace = trace
        self.faults = faults
        self.isUnheard = isUnheard
    }

    /// A copy of a call that is sent beside it, on purpose.
    static func unheard(_ original: Attempt) -> Attempt {
        Attempt(
            original.request, number: original.number, deadline: original.deadline, boundTo: nil, trace: original.trace,
            faults: nil, isUnheard: true)
    }

    /// Whether somebody still waits for the outcome.
    var isOpen: Bool { ended == nil }

    /// How it ended; not before the caller was resumed.
    var outcome: AttemptOutcome {
        guard let ended else { preconditionFailure("an attempt that has not ended was asked how it did") }
        return ended
    }

    /// Starts to wait, at most until the deadline.
    @unsafe
    func begin(
        _ continuation: UnsafeContinuation<Void, Never>, until deadlines: DeadlineTimer, _ now: RuntimeInstant
    ) {
        guard isOpen else { return unsafe continuation.resume() }
        unsafe self.continuation = continuation
        self.deadlines = deadlines
        deadlines.add(self, now)
    }

    /// Notes where the balancer has put it.
    func place(_ placement: EndpointPlacement, _ route: LaneRoute) {
        self.placement = placement
        self.route = route
    }

    /// Goes on to wait on another loop.
    func move(to loop: any EventLoop) {
        deadlines?.remove(self)
        deadlines = nil
        other = loop
    }

    /// Waits there.
    func moved(_ deadlines: DeadlineTimer, _ now: RuntimeInstant) {
        self.deadlines = deadlines
        deadlines.add(self, now)
    }

    /// Whether it may be sent to `candidate`; if so, that is noted.
    func mayGo(to candidate: ServerInstance?) -> Bool {
        if let required {
            guard let candidate, candidate.knowsCalls(of: required) else { return false }
        }
        server = candidate
        return true
    }

    /// Whether servers other than its first may have it.
    var mayGoElsewhere: Bool { required?.store != nil && placement != nil }

    /// What its server is told of it.
    var facts: AttemptFacts {
        let first = required.flatMap { $0.id == server?.id ? nil : $0.id }
        return AttemptFacts(number: number, firstInstance: first, trace: trace)
    }

    /// Notes which connection carries it.
    func wasSent(on connection: ClientConnection, _ stream: StreamID) { place = .sent(connection, stream) }

    /// Notes that nobody carries it, although it counts as sent.
    func wasLost() { place = .lost }

    func deadlinePassed() { abandon(.deadlineExceeded, "no answer in time", .mayHaveRun) }

    /// Only attempts whose messages were lost are still open then: nobody else knows of them.
    func stopped(_ error: MeshError) {
        var error = error
        error.progress = .mayHaveRun
        finish(.failed(error, .final))
    }

    /// Gives the call up, telling the server if it has been sent.
    func abandon(_ code: MeshError.Code, _ message: String, _ failure: AttemptFailure) {
        guard isOpen else { return }
        let error: MeshError
        var failure = failure
        switch place {
        case .here:
            error = MeshError(
                code, "\(request.method.path): \(message)", progress: .notSent, peer: request.method.destination)
            if failure != .final { failure = .notRun }
        case .sent, .lost:
            error = MeshError(
                code, "\(request.method.path): \(message)", progress: .mayHaveRun, peer: request.method.destination)
        }
        if case .sent(let connection, let stream) = place { connection.withdraw(stream) }
        finish(.failed(error, failure))
    }

    /// Takes the server's answer.
    func answered(_ head: ReplyHead, _ payload: Payload, peer: String) {
        guard isOpen, !isUnheard else { return }
        if let faults, faults.fate(ofReply: request.method.path) == .lose { return wasLost() }
        finish(.replied(Answer(metadata: metadata, head: head, payload: payload, peer: peer)))
    }

    /// Notes where an attempt that hedges another one has been put.
    func hedge(at placement: EndpointPlacement) { self.placement = placement }

    /// Ends the wait; later outcomes are ignored.
    func finish(_ outcome: AttemptOutcome) {
        guard isOpen else { return }
        leave(EndpointOutcome(outcome))
        guard let onEnd else { return endsWith(outcome) }
        if let end = onEnd(outcome) { endsWith(end) }
    }

    /// Another attempt beside this one has the call's answer: the one at `winner`, which began at `start`.
    func isOutrun(by outcome: AttemptOutcome, at winner: EndpointPlacement?, since start: RuntimeInstant) {
        guard isOpen else { return }
        (self.winner, outrunSince) = (winner, start)
        withdraw()
        endsWith(outcome)
    }

    /// Gives the attempt up without an outcome: another one has the call's answer.
    func withdraw() {
        onEnd = nil
        if case .sent(let connection, let stream) = place { connection.withdraw(stream) }
        leave(.outrun)
    }

    /// It is nowhere any more.
    private func leave(_ outcome: EndpointOutcome) {
        if case .sent = place { place = .lost }
        deadlines?.remove(self)
        deadlines = nil
        guard !hasLeft else { return }
        hasLeft = true
        placement?.ended(outcome)
    }

    /// Resumes its caller.
    func endsWith(_ outcome: AttemptOutcome) {
        guard isOpen else { return }
        ended = outcome
        onEnd = nil
        guard let waiting = unsafe continuation else { return }
        unsafe continuation = nil
        unsafe waiting.resume()
    }
}
