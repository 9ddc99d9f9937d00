public import MeshWire
import NIOCore
import Synchronization

/// The disk of a simulated machine: it forgets at a crash what was not synced, is full when it is told to be, and does
/// so as its seed says. Guarded by a mutex.
///
/// ``SimulatedRuntime/disk`` and ``SimulatedHost/disk`` are the simulation's; one that is made alone is for tests of
/// what reads and writes logs without a simulation.
public final class SimulatedLogs: RuntimeLogs {
    private let state: Mutex<DiskState>
    private let pause: @Sendable (Duration) async -> Void

    /// Makes an empty disk.
    ///
    /// - Parameter pause: waits for as long as a sync takes; default: not at all.
    public init(seed: UInt64, pause: @escaping @Sendable (Duration) async -> Void = { _ in }) {
        state = Mutex(DiskState(seed: seed))
        self.pause = pause
    }

    /// Sets what goes wrong from now on; it is a mistake of the caller if a fault is out of range.
    public func setFaults(_ faults: LogFaults) {
        precondition(faults.problems.isEmpty, faults.problems.joined(separator: "; "))
        state.withLock { $0.faults = faults }
    }

    /// Stops the machine as a loss of power does: what was not synced is lost, or kept in part, and what is open is
    /// closed. Files can be opened again at once, by the machine's next life.
    public func crash() { state.withLock { $0.crash() } }

    /// Stops the process as SIGKILL does: what it wrote is there, synced or not, and what it had open is closed.
    public func killProcess() { state.withLock { $0.killProcess() } }

    /// Flips one bit of one file, chosen by the seed; `nil` where no file has bytes.
    ///
    /// - Parameter path: the file; default: any.
    /// - Returns: where.
    @discardableResult
    public func flipBit(in path: String? = nil) -> (path: String, offset: Int)? {
        state.withLock { $0.flipBit(in: path) }
    }

    /// The bytes of a file, synced or not; `nil` where there is none.
    public func bytes(of path: String) -> [UInt8]? {
        state.withLock { state in state.node(at: path).map { state.bytes(of: $0) } }
    }

    /// Puts a file on the disk, durable, in place of the one at that path.
    public func setBytes(of path: String, to bytes: [UInt8]) { state.withLock { $0.set(path, to: bytes) } }

    /// Opens a file; see the protocol.
    public func open(_ path: String, mode: LogFileMode) async throws(LogFileError) -> any LogFile {
        let (file, isNew) = try state.withLock { (state) throws(LogFileError) in
            let (node, isNew) = try state.open(path, mode)
            return (SimulatedLogFile(path, node, state.life, self, mode), isNew)
        }
        if isNew { try await keepNames(path) }
        return file
    }

    /// The names in a folder.
    public func list(_ folder: String) async throws(LogFileError) -> [String] {
        state.withLock { $0.list(folder) }
    }

    /// Gives a file another name.
    public func rename(_ path: String, to newPath: String) async throws(LogFileError) {
        try state.withLock { (state) throws(LogFileError) in try state.rename(path, to: newPath) }
        try await keepNames(path)
    }

    /// Removes a file.
    public func remove(_ path: String) async throws(LogFileError) {
        try state.withLock { (state) throws(LogFileError) in try state.remove(path) }
    }

    /// Makes the names durable.
    public func sync(folder: String) async throws(LogFileError) { try await keepNames(folder) }

    private func keepNames(_ path: String) async throws(LogFileError) {
        let (time, count, life) = state.withLock { ($0.drawSyncTime(), $0.changeCount, $0.life) }
        await pause(time)
        try state.withLock { (state) throws(LogFileError) in
            try Self.expect(life, path, in: state)
            state.keepNames(through: count)
        }
    }

    fileprivate static func expect(_ life: Int, _ path: String, in state: DiskState) throws(LogFileError) {
        guard life == state.life else { throw LogFileError(.closed, path: path, "the machine has crashed") }
    }

    fileprivate func withState<Result>(
        _ body: (inout sending DiskState) throws(LogFileError) -> sending Result
    ) throws(LogFileError) -> Result {
        try state.withLock(body)
    }

    fileprivate func pauseForSync() async { await pause(state.withLock { $0.drawSyncTime() }) }
}

/// A file of a simulated disk, open in one life of its machine.
private final class SimulatedLogFile: LogFile {
    let path: String
    private let node: Int
    private let life: Int
    private let logs: SimulatedLogs
    private let isWritable: Bool
    private let isClosed = Atomic(false)

    init(_ path: String, _ node: Int, _ life: Int, _ logs: SimulatedLogs, _ mode: LogFileMode) {
        isWritable = mode != .reading
        self.path = path
        self.node = node
        self.life = life
        self.logs = logs
    }

    deinit { release() }

    var size: Int64 { (try? logs.withState { Int64($0.count(of: node)) }) ?? 0 }

    func append(_ buffers: [ByteBuffer]) async throws(LogFileError) {
        try write { (state) throws(LogFileError) in
            for buffer in buffers {
                guard state.append(Array(buffer.readableBytesView), to: node) == buffer.readableBytes else {
                    throw LogFileError(.diskFull, path: path, "cannot be written: simulated full disk")
                }
            }
        }
    }

    func sync() async throws(LogFileError) {
        let count = try use { (state) throws(LogFileError) in state.count(of: node) }
        await logs.pauseForSync()
        try use { (state) throws(LogFileError) in try state.sync(node, path, through: count) }
    }

    func read(_ range: Range<Int64>) async throws(LogFileError) -> ByteBuffer {
        try use { (state) throws(LogFileError) in
            ByteBuffer(bytes: state.bytes(of: node).prefix(Int(range.upperBound)).dropFirst(Int(range.lowerBound)))
        }
    }

    func truncate(to size: Int64) async throws(LogFileError) {
        try write { (state) throws(LogFileError) in state.truncate(node, to: Int(size)) }
    }

    func close() async { release() }

    private func release() {
        guard !isClosed.exchange(true, ordering: .relaxed) else { return }
        if isWritable { try? logs.withState { $0.release(node, life) } }
    }

    private func write(_ body: (inout DiskState) throws(LogFileError) -> Void) throws(LogFileError) {
        guard isWritable else {
            throw LogFileError(.ioFailure, path: path, "cannot be written: it was opened for reading")
        }
        try use(body)
    }

    private func use<Result>(
        _ body: (inout DiskState) throws(LogFileError) -> Result
    ) throws(LogFileError) -> Result {
        guard !isClosed.load(ordering: .relaxed) else {
            throw LogFileError(.closed, path: path, "the file has been closed")
        }
        return try logs.withState { (state) throws(LogFileError) in
            try SimulatedLogs.expect(life, path, in: state)
            return try body(&state)
        }
    }
}
