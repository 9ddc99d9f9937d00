import MeshWire

/// What one server of a partition's chain has to do, given its place there: a state machine without I/O or clock.
///
/// ```
///   predecessor ──── begin, records ───►  appended ── executed ──►  begin, records ───► successor
///               ◄─── stands, acknowledged ─── committed  ◄─── stands, acknowledged ────
/// ```
/// What is to be sent, answered or asked of the coordinator is a condition of the state, not an event: whoever drives
/// it asks again for ``next()``, ``reply(on:)`` and ``wish`` until there is nothing, so that it may be late, cut off
/// and begin anew at any point.
///
/// A record is committed when every member of the chain has executed it, which the tail's acknowledgement says; a
/// server without a successor commits what it executes. Each member keeps what is not committed, so that it can go on
/// with another successor: the chain's logs are prefixes of each other, the head's the longest. What a member
/// acknowledges is in its own log first, where it has one, so that any of them can go on from its log.
struct ChainMember: Sendable {
    /// How much it keeps.
    struct Limits: Sendable {
        /// The most bytes of records that are kept for a server that joins.
        var joiningBytes: Int
    }

    /// What goes to the successor.
    enum Message: Sendable {
        case begin(isJoining: Bool)
        case record(PartitionRecord)
        case piece(Int)
    }

    /// What only the coordinator, or the partition itself, can give.
    enum Wish: Sendable, Hashable {
        /// A look at the map: somebody knows of this later epoch.
        case map(UInt64)
        /// The chain without this successor, which cannot go on from what is kept.
        case drop(String)
        /// The chain with the server that has caught up.
        case join(String)
        /// The chain without this server, which could not execute a record.
        case leave
        /// A snapshot for the server that joins.
        case snapshot
    }

    /// Where the exchange with the successor is.
    private enum Downstream: Sendable, Hashable {
        /// There is no stream to it.
        case closed
        /// `begin` is to be sent, or is answered.
        case beginning(isSent: Bool)
        /// It is sent records from this position on.
        case flowing(next: UInt64)
        /// It has nothing to go on from.
        case needsSnapshot
        /// It is sent a snapshot's pieces: those that may leave now, those that have left, all.
        case seeding(released: Int, sent: Int, count: Int)
        /// It cannot go on from what is kept.
        case apart
        /// It has answered that the chain is in a later epoch.
        case stale(UInt64)
    }

    /// How far a server is that joins.
    private enum Joining: Sendable, Hashable {
        /// It lacks too much.
        case behind
        /// It counts from now on; when it has all up to this position, it has all that was ever acknowledged.
        case counted(from: UInt64)
        /// The coordinator is asked, and may have done it already.
        case asked
    }

    /// The stream that the predecessor's messages come on.
    private struct Upstream: Sendable, Hashable {
        var stream: UInt64
        var epoch: UInt64
        var hasAnswered = false
        var acknowledged: UInt64?
    }

    private let limits: Limits
    /// Whether there is a log that what is acknowledged has to be in.
    private let isLogged: Bool
    private(set) var place: ChainPlace?
    /// The last record that was taken, and that was executed.
    private(set) var appended: UInt64
    private(set) var executed: UInt64
    /// The last record that every member has executed.
    private(set) var committed: UInt64
    /// The last record that the log is known to have; `nil` until something is known of it.
    private var logged: UInt64?
    /// The epochs of records that somebody may stand at, each with its first position; those before are left out.
    private var epochs: [(first: UInt64, epoch: UInt64)]
    private(set) var window: RecordWindow
    /// How often what was kept for a joining server was given up: it had not kept up, or its snapshot was lost.
    private(set) var restarts = 0
    /// Whether a head takes pushes: it knows of every session that may not.
    private(set) var isOpen = false
    /// Whether a head takes no pushes for now, because it is about to make way.
    private(set) var isPaused = false
    /// Whether a record was taken and could not be executed.
    private(set) var hasFailed = false
    private var downstream = Downstream.closed
    private var joining = Joining.behind
    /// What the successor has acknowledged.
    private var acknowledged: UInt64 = 0
    private var upstream: Upstream?

    /// A member that has executed all records up to a position, and has no place yet.
    ///
    /// - Parameters:
    ///   - epoch: that of the last record.
    ///   - isLogged: whether there is a log: ``logged(through:)`` says what it has.
    init(standingAt position: UInt64, epoch: UInt64, isLogged: Bool = false, limits: Limits) {
        self.limits = limits
        self.isLogged = isLogged
        epochs = [(position, epoch)]
        appended = position
        executed = position
        committed = position
        window = RecordWindow(after: position)
    }

    // MARK: Its place

    /// Whether it answers pulls.
    var isHead: Bool { place?.role == .head && !hasFailed }

    /// Whether it takes pushes: a head that nobody has told of a later epoch, and that is not about to make way.
    var takesPushes: Bool {
        if case .stale = downstream { return false }
        return isHead && isOpen && !isPaused
    }

    /// Whether what it executes is committed only when the successor has acknowledged it.
    var waitsForSuccessor: Bool {
        guard let place, place.successor != nil else { return false }
        return !place.isSuccessorJoining || joining != .behind
    }

    /// The bytes that count against a head's limit.
    var uncommittedBytes: Int { isHead && waitsForSuccessor ? window.bytes : 0 }

    /// Takes its place in a later epoch, or another joining server in the same. The caller has a head begin the epoch
    /// by a record next.
    mutating func take(_ newer: ChainPlace) {
        guard newer != place, newer.epoch >= place?.epoch ?? 0 else { return }
        let former = place
        place = newer
        if newer.role != .head || former?.role != .head { isOpen = false }
        joining = .behind
        acknowledged = 0
        if newer.successor == nil {
            window.restart(after: appended)
            downstream = .closed
        } else {
            // To a new server a stream is opened yet.
            downstream =
                former?.successor == newer.successor && downstream != .closed
                ? .beginning(isSent: false) : .closed
        }
        confirm()
    }

    /// Has a head take pushes.
    mutating func open() { isOpen = place?.role == .head }

    /// Has a head take no pushes, or take them again.
    mutating func pause(_ isPaused: Bool) { self.isPaused = isPaused }

    /// Has no place any more.
    mutating func leave() {
        place = nil
        isOpen = false
        upstream = nil
        downstream = .closed
        window.restart(after: appended)
    }

    // MARK: Its records

    /// Takes the next record, which can be sent on from now on.
    mutating func append(_ record: PartitionRecord, at now: RuntimeInstant) {
        appended = record.position
        if epochs.last?.epoch != record.epoch { epochs.append((record.position, record.epoch)) }
        guard let place, place.successor != nil else { return window.restart(after: appended) }
        window.append(record, at: now)
        guard place.isSuccessorJoining, joining == .behind, window.bytes > limits.joiningBytes else { return }
        seedAnew()
    }

    /// Keeps nothing of what was appended for the server that joins: it needs a newer snapshot.
    private mutating func seedAnew() {
        window.restart(after: appended)
        restarts += 1
        switch downstream {
        case .flowing, .seeding: downstream = .needsSnapshot
        case .closed, .beginning, .needsSnapshot, .apart, .stale: break
        }
    }

    /// Says that all records that were taken are executed.
    mutating func execute() {
        executed = appended
        confirm()
    }

    /// Says that the log has all records up to a position, as safely as it shall.
    mutating func logged(through position: UInt64) { logged = max(logged ?? 0, position) }

    /// Whether the predecessor waits for what the log does not have yet, as far as is known.
    var waitsForLog: Bool {
        guard isLogged, upstream != nil, !hasFailed, let place else { return false }
        return logged.map { $0 < appended } ?? (appended > 0 || place.role == .joining)
    }

    /// Says that the last record cannot be executed: this server must not go on.
    mutating func fail() { hasFailed = true }

    /// Says that a head cannot execute the record that it has just appended. Where a follower may have it, the head
    /// must not go on; else the record has never been, and a server that joins, which may have it, begins again.
    mutating func withdraw() {
        guard !waitsForSuccessor else { return fail() }
        appended = executed
        if epochs.count > 1, let last = epochs.last, last.first > appended { epochs.removeLast() }
        if place?.successor == nil { window.restart(after: appended) } else { seedAnew() }
    }

    private mutating func confirm() {
        committed = max(committed, waitsForSuccessor ? min(executed, acknowledged) : executed)
        defer { while epochs.count > 1, epochs[1].first <= min(window.start, executed) { epochs.removeFirst() } }
        guard let place, place.successor != nil else { return }
        window.trim(through: place.isSuccessorJoining ? acknowledged : committed)
        // What the successor was executing when it said where it stands need not be sent again.
        if case .flowing(let next) = downstream { downstream = .flowing(next: max(next, window.start + 1)) }
    }

    // MARK: The successor

    /// There is a new stream to the successor.
    mutating func successorReached() {
        guard place?.successor != nil else { return }
        if case .counted = joining { joining = .behind }
        downstream = .beginning(isSent: false)
        confirm()
    }

    /// The stream to the successor has ended.
    mutating func successorLost() {
        // What may have joined counts until the coordinator has said that it has not.
        if case .counted = joining { joining = .behind }
        downstream = .closed
        confirm()
    }

    /// The successor has been out of reach or silent for too long: if it is of the chain, the chain is to go on without
    /// it.
    mutating func giveUpSuccessor() {
        guard let place, place.successor != nil, !place.isSuccessorJoining else { return }
        downstream = .apart
    }

    /// The next message for the successor, once.
    mutating func next() -> Message? {
        guard let place, !hasFailed else { return nil }
        switch downstream {
        case .beginning(isSent: false):
            downstream = .beginning(isSent: true)
            return .begin(isJoining: place.isSuccessorJoining)
        case .flowing(let next) where next <= appended:
            downstream = .flowing(next: next + 1)
            return .record(window[next])
        case .seeding(let released, let sent, let count) where sent < released:
            downstream =
                sent + 1 == count
                ? .beginning(isSent: true) : .seeding(released: released, sent: sent + 1, count: count)
            return .piece(sent)
        default: return nil
        }
    }

    /// Whether ``next()`` has something.
    var hasNext: Bool {
        var copy = self
        return copy.next() != nil
    }

    /// The successor says where it stands. Records of one position and epoch are the same, and so are all before them:
    /// an epoch has one head. Of two epochs they are not, where a life of the head has lost the end of its log.
    mutating func successorStands(at standing: ChainStanding?, epoch: UInt64) {
        guard let place, epoch == place.epoch, downstream == .beginning(isSent: true) else { return }
        guard let standing, window.reaches(backTo: standing.position),
            self.epoch(at: standing.position) == standing.epoch
        else {
            downstream = place.isSuccessorJoining ? .needsSnapshot : .apart
            // Another life of it, for which nobody has asked: it counts when it has everything.
            if place.isSuccessorJoining { joining = .behind }
            return
        }
        downstream = .flowing(next: standing.position + 1)
    }

    /// The epoch of the record at a position that somebody may stand at.
    private func epoch(at position: UInt64) -> UInt64? { epochs.last { $0.first <= position }?.epoch }

    /// The successor says that the tail has all records up to a position; a server that joins, that it has them.
    mutating func successorAcknowledged(_ position: UInt64, epoch: UInt64) {
        guard let place, epoch == place.epoch, case .flowing = downstream, position <= appended else { return }
        // It is slow and there, and so is this server.
        if position == acknowledged, !place.isSuccessorJoining { showLife() }
        acknowledged = max(acknowledged, position)
        confirm()
        if place.isSuccessorJoining { catchUp() }
    }

    /// The successor is in a later epoch.
    mutating func successorIsLater(_ epoch: UInt64) {
        guard let place, epoch > place.epoch else { return }
        downstream = .stale(epoch)
    }

    /// A snapshot of the records up to a position is about to be sent in so many pieces.
    ///
    /// - Returns: false if it is not needed any more, or records after it are not kept.
    mutating func beginSnapshot(at position: UInt64, pieces: Int) -> Bool {
        guard downstream == .needsSnapshot, window.reaches(backTo: position) else { return false }
        window.trim(through: position)
        acknowledged = position
        downstream = .seeding(released: 0, sent: 0, count: pieces)
        return true
    }

    /// Lets the next piece of the snapshot leave; false if it is not being sent any more.
    mutating func releasePiece() -> Bool {
        guard case .seeding(let released, let sent, let count) = downstream, released < count else { return false }
        downstream = .seeding(released: released + 1, sent: sent, count: count)
        return true
    }

    /// The snapshot that is being sent cannot be kept any longer: a newer one is to be sent from its beginning.
    mutating func loseSnapshot() {
        guard isSeeding else { return }
        downstream = .needsSnapshot
        restarts += 1
    }

    /// Whether there is no stream to the successor.
    var isCutOff: Bool { downstream == .closed }

    /// Whether a snapshot is being sent.
    var isSeeding: Bool {
        if case .seeding = downstream { return true }
        return false
    }

    /// The pieces of the snapshot that is being sent.
    var seedingProgress: (sent: Int, count: Int)? {
        if case .seeding(_, let sent, let count) = downstream { return (sent, count) }
        return nil
    }

    /// Whether an answer of the successor is waited for.
    var isWaiting: Bool {
        switch downstream {
        case .flowing: acknowledged < appended
        case .beginning: waitsForSuccessor && committed < appended
        default: false
        }
    }

    private mutating func catchUp() {
        if joining == .behind, window.bytes <= limits.joiningBytes / 8, window.count <= Self.countedRecords {
            joining = .counted(from: appended)
        }
        if case .counted(let mark) = joining, acknowledged >= mark { joining = .asked }
    }

    /// A server that joins counts when it lacks no more than so many records: pushes wait for it from then on.
    private static let countedRecords = 64

    // MARK: The predecessor

    /// What becomes of a message of the predecessor.
    enum Reception: Sendable, Hashable {
        case taken
        /// It is of no use, and does no harm.
        case ignored
        /// It is of a chain that this server has not heard of yet.
        case early
        /// The chain is in this later epoch.
        case stale(UInt64)
        /// Records are missing before it: the stream has to begin anew.
        case gap
    }

    /// The predecessor begins on a stream.
    mutating func predecessorBegins(on stream: UInt64, epoch: UInt64, isJoining: Bool) -> Reception {
        guard let place, epoch <= place.epoch else { return .early }
        guard epoch == place.epoch else { return .stale(place.epoch) }
        guard place.role == (isJoining ? .joining : .follower) else { return .early }
        upstream = Upstream(stream: stream, epoch: epoch)
        return .taken
    }

    /// Whether the record at `position` is the next, and comes from the predecessor. Changes nothing.
    func reception(ofRecordAt position: UInt64, on stream: UInt64, epoch: UInt64) -> Reception {
        guard let place, !hasFailed else { return .ignored }
        guard epoch >= place.epoch else { return .stale(place.epoch) }
        guard let upstream, upstream.stream == stream, upstream.epoch == epoch, epoch == place.epoch else {
            return .ignored
        }
        guard position > appended else { return .ignored }
        return position == appended + 1 ? .taken : .gap
    }

    /// Has the last acknowledgement repeated: this server is slow, and there.
    mutating func showLife() { upstream?.acknowledged = nil }

    /// A stream of the predecessor has ended.
    mutating func predecessorLost(_ stream: UInt64) {
        if upstream?.stream == stream { upstream = nil }
    }

    /// The stream on which something is to be answered.
    var replyStream: UInt64? {
        var copy = self
        return upstream.flatMap { copy.reply(on: $0.stream) == nil ? nil : $0.stream }
    }

    /// The next answer to the predecessor on a stream, once.
    mutating func reply(on stream: UInt64) -> (epoch: UInt64, content: ChainReply.Content)? {
        guard let place, var current = upstream, current.stream == stream, !hasFailed else { return nil }
        guard current.epoch == place.epoch else {
            upstream = nil
            return (current.epoch, .stale(place.epoch))
        }
        defer { upstream = current }
        guard current.hasAnswered else {
            current.hasAnswered = true
            return (place.epoch, .stands(epoch(at: executed).map { ChainStanding(position: executed, epoch: $0) }))
        }
        // A server that joins says so, too, when there is nothing yet.
        guard let safe = isLogged ? logged.map({ min(committed, $0) }) : committed,
            current.acknowledged.map({ safe > $0 }) ?? (safe > 0 || place.role == .joining)
        else { return nil }
        current.acknowledged = safe
        return (place.epoch, .acknowledged(safe))
    }

    // MARK: The coordinator

    /// What is to be asked for; asked for again until it is given.
    var wish: Wish? {
        guard let place else { return nil }
        if hasFailed { return .leave }
        if let successor = place.successor {
            if downstream == .apart { return .drop(successor) }
            if downstream == .needsSnapshot { return .snapshot }
            if case .flowing = downstream, joining == .asked { return .join(successor) }
        }
        if case .stale(let epoch) = downstream { return .map(epoch) }
        return nil
    }
}
