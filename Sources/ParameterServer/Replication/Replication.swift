import Coordination
import Logging
import MeshTransport
import MeshWire
import Synchronization

/// Drives the chains of a server's partitions: keeps a stream to each server that follows it, answers those that it
/// follows, and asks the coordinator for what a chain needs.
///
/// What is to be done the partitions' ``ChainMember`` know; here is only who is told. Safe to use from any task:
/// guarded by a mutex.
final class Replication: ChainDriver, Sendable {
    /// What ``run()`` is woken for.
    private enum Due: Hashable {
        /// Partitions have taken new places.
        case places
        /// A chain needs something of the coordinator.
        case wish(PartitionID)
        /// A predecessor waits for the log.
        case log(PartitionID)
        /// A follower does not answer.
        case loss(ServerRecord)
        /// A partition is not one for this server's log.
        case refusal(PartitionID)
    }

    private struct State {
        weak var hosted: HostedPartitions?
        var links: [String: ChainLink] = [:]
        var streams: [UInt64: ChainStream] = [:]
        var lastStream: UInt64 = 0
        /// What is being done for a partition.
        var underWay: Set<Due> = []
    }

    let server: String
    let coordination: any ServerCoordination
    let configuration: ParameterServerConfiguration
    let meter: ReplicationMeter
    let logger: Logger
    let pace: SeedingPace
    private let uncommitted = Atomic(0)
    private let due = DueList<Due>()
    private let state = Mutex(State())

    init(
        server: String, coordination: any ServerCoordination, configuration: ParameterServerConfiguration,
        logger: Logger
    ) {
        self.server = server
        self.coordination = coordination
        self.configuration = configuration
        self.logger = logger
        meter = ReplicationMeter(coordination.mesh.metrics, limit: configuration.replication.uncommittedBytes)
        pace = SeedingPace(bytesPerSecond: configuration.replication.seedingBytesPerSecond)
    }

    var runtime: any Runtime { coordination.mesh.runtime }

    /// Whose partitions these are.
    func serves(_ hosted: HostedPartitions) { state.withLock { $0.hosted = hosted } }

    var hosted: HostedPartitions? { state.withLock { $0.hosted } }

    func partition(_ id: PartitionID) -> Partition? { hosted?.known(id) }

    // MARK: What has changed

    func take(_ news: ChainNews) {
        meter.count(news)
        if news.uncommittedBytes != 0 { uncommitted.add(news.uncommittedBytes, ordering: .relaxed) }
        if news.waitsForLog { due.mark(.log(news.partition)) }
        guard news.successor != nil || news.replyStream != nil || news.hasWish else { return }
        let (link, stream) = state.withLock { state in
            (news.successor.flatMap { state.links[$0] }, news.replyStream.flatMap { state.streams[$0] })
        }
        link?.mark(news.partition)
        stream?.due.mark(news.partition)
        if news.hasWish { due.mark(.wish(news.partition)) }
    }

    /// Ends ``run()``, and with it the server's signs of life.
    func makeWay() { due.close() }

    /// Has the coordinator told that a follower does not answer. Nobody waits for that.
    func reportLoss(of record: ServerRecord) { due.mark(.loss(record)) }

    /// Has the coordinator told that this server cannot join a partition's chain. Nobody waits for that.
    func refuseToFollow(_ partition: PartitionID) { due.mark(.refusal(partition)) }

    func placesChanged() { due.mark(.places) }

    var recordBytes: Int {
        min(configuration.replication.uncommittedBytes, coordination.mesh.limits.messageBytes - Self.recordOverhead)
    }

    /// What a message has beside the tensors of its record.
    private static let recordOverhead = 64 << 10

    func reserve(_ bytes: Int) -> Bool {
        let before = uncommitted.add(bytes, ordering: .relaxed).oldValue
        // One record is taken whatever its size.
        guard before > 0, before + bytes > configuration.replication.uncommittedBytes else { return true }
        release(bytes)
        return false
    }

    func release(_ bytes: Int) { uncommitted.subtract(bytes, ordering: .relaxed) }

    func refuse(_ partition: PartitionID, on stream: UInt64, epoch: UInt64, newest: UInt64) {
        state.withLock { $0.streams[stream] }?.answer(
            ChainReply(partition: partition, epoch: epoch, content: .stale(newest)))
    }

    func breakOff(_ stream: UInt64) { state.withLock { $0.streams[stream] }?.due.close() }

    func makeRoom() { hosted?.compactLogIfNeeded() }

    func cannotExecute(_ partition: PartitionName, _ error: ParameterServerError) {
        logger.error(
            "a record cannot be executed: this server leaves the partition's chain",
            metadata: [
                "server": "\(server)", "partition": "\(partition)", "code": "\(error.code)", "error": "\(error)",
            ])
        hosted?.meter.countRefusal(error.code)
    }

    func waited(_ duration: Duration) { meter.waited(duration) }

    // MARK: Running

    /// Takes maps and does what they and the chains ask for, until the task is cancelled or ``makeWay()``.
    func run() async {
        await withDiscardingTaskGroup { group in
            // What computes is not in the way of records and acknowledgements.
            let compute = runtime.computeExecutor
            group.addTask(executorPreference: compute) {
                await self.coordination.watchMap { map in await self.hosted?.told(map) }
            }
            while let item = await due.next() {
                switch item {
                case .places:
                    for link in linksToRun() { group.addTask { await link.run() } }
                    retryParked()
                    group.addTask { await self.hosted?.openHeads() }
                case .loss(let record):
                    group.addTask {
                        try? await self.coordination.reportLoss(of: record.name, life: record.life)
                    }
                case .refusal(let id):
                    group.addTask { await self.hosted?.refuse(id) }
                case .log(let id), .wish(let id):
                    guard state.withLock({ $0.underWay.insert(item).inserted }) else { continue }
                    group.addTask(executorPreference: compute) {
                        if case .log = item { await self.waitForLog(of: id) } else { await self.fulfil(id) }
                        self.state.withLock { _ = $0.underWay.remove(item) }
                        // What came up meanwhile was not begun with.
                        guard !Task.isCancelled, let partition = self.partition(id) else { return }
                        let (waits, wishes) = partition.chain.withLock { ($0.waitsForLog, $0.wish != nil) }
                        if waits { self.due.mark(.log(id)) }
                        if wishes { self.due.mark(.wish(id)) }
                    }
                }
            }
            group.cancelAll()
        }
    }

    /// Has a partition's predecessor told what the log has, until it has all. One that fails has this server leave the
    /// chain.
    private func waitForLog(of id: PartitionID) async {
        while !Task.isCancelled, let partition = partition(id), let log = partition.log,
            let position = partition.chain.withLock({ $0.waitsForLog ? $0.appended : nil })
        {
            // What comes after it is waited for next: a log that is slow always has more to come.
            let end = log.last
            var isLogged = false
            while !isLogged {
                do throws(ParameterServerError) {
                    try await log.settled(through: end, until: runtime.now.advanced(by: Partition.signOfLife))
                    isLogged = true
                } catch {
                    guard error.code == .unconfirmed else { return partition.chained { $0.fail() } }
                    // A disk may take its time.
                    partition.chained { $0.showLife() }
                    guard (try? await runtime.sleep(for: .milliseconds(5))) != nil else { return }
                }
            }
            partition.chained { $0.logged(through: position) }
        }
    }

    /// Has a link to each server that follows this one, and none to others; returns those that are new.
    private func linksToRun() -> [ChainLink] {
        guard let hosted, let map = hosted.state.withLock({ $0.map }) else { return [] }
        let partitions = hosted.all
        let names = Set(partitions.compactMap { $0.chain.withLock { $0.place?.successor } })
        let (new, gone, all) = state.withLock { state in
            var new: [ChainLink] = []
            for name in names.sorted() where state.links[name] == nil {
                guard let record = map.server(named: name) else { continue }
                let link = ChainLink(to: record, self)
                state.links[name] = link
                new.append(link)
            }
            let gone = state.links.filter { !names.contains($0.key) }
            for name in gone.keys { state.links[name] = nil }
            return (new, gone, state.links)
        }
        for (_, link) in gone.sorted(by: { $0.key < $1.key }) { link.close() }
        for (name, link) in all.sorted(by: { $0.key < $1.key }) {
            if let record = map.server(named: name) { link.leads(to: record) }
            link.attach()
        }
        return new
    }

    /// The partitions whose records go to a server.
    func partitions(followedBy successor: String) -> [Partition] {
        (hosted?.all ?? []).filter { $0.chain.withLock { $0.place?.successor } == successor }
    }

    // MARK: Streams of predecessors

    func openStream(_ stream: (UInt64) -> ChainStream) -> ChainStream {
        state.withLock { state in
            state.lastStream += 1
            let new = stream(state.lastStream)
            state.streams[new.id] = new
            return new
        }
    }

    func closeStream(_ stream: ChainStream) {
        state.withLock { $0.streams[stream.id] = nil }
        for partition in hosted?.all ?? [] { partition.chained { $0.predecessorLost(stream.id) } }
    }

    private func retryParked() {
        for (_, stream) in state.withLock({ $0.streams }).sorted(by: { $0.key < $1.key }) { stream.retryParked() }
    }
}
