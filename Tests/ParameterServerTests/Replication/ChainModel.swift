import Coordination
import MeshWire
import MeshworkTesting

@testable import ParameterServer

/// Servers, their streams and a coordinator around one partition, as the machines see them: every message may be late,
/// doubled or cut off with its stream, every map may be late, every server may die.
///
/// A record is known by a number of its own, so that two that were made for one position differ.
struct ChainModel {
    /// A life of a server.
    struct Server {
        var life: UInt64
        var member: ChainMember?
        /// The records that it has executed.
        var log: [UInt64] = []
        /// What a head has told its clients is at every server of the chain.
        var told = 0
        var known: PartitionMap.Partition?
        /// A snapshot that is being received.
        var copy: (epoch: UInt64, next: Int)?
        /// A snapshot that is being sent.
        var snapshot: [UInt64] = []
    }

    /// A stream from a server to the one that follows it.
    struct Stream {
        var id: UInt64
        var target: String
        var messages: [(epoch: UInt64, message: ChainMember.Message, snapshot: [UInt64])] = []
        var replies: [(epoch: UInt64, content: ChainReply.Content)] = []
    }

    static let names = ["a", "b", "c", "d"]
    static let pieces = 3
    let followers: Int
    private(set) var entry: PartitionMap.Partition
    private(set) var servers: [String: Server] = [:]
    private var streams: [String: Stream] = [:]
    private var generator: SplitMix64
    private var nextRecord: UInt64 = 1
    private var lastStream: UInt64 = 0
    /// What clients were told, by position.
    private(set) var acknowledged: [UInt64] = []
    private(set) var failures: [String] = []
    private(set) var (failovers, joins, snapshots) = (0, 0, 0)

    init(seed: UInt64, followers: Int) {
        self.followers = followers
        generator = SplitMix64(seed: seed)
        entry = PartitionMap.Partition(
            id: PartitionID(rawValue: 1), head: "a", epoch: 1, byteCount: 0,
            followers: Array(Self.names.dropFirst().prefix(followers)))
        for name in Self.names {
            servers[name] = Server(life: 1)
            if let place = ChainPlace(of: name, in: entry) { host(name, standingAt: [], place) }
        }
    }

    // MARK: What happens

    /// One thing, whichever the seed chooses.
    mutating func step(disturbs: Bool) {
        let name = Self.names.randomElement(using: &generator) ?? "a"
        switch Int.random(in: 0..<(disturbs ? 100 : 90), using: &generator) {
        case 0..<25: push(at: name)
        case 25..<60: deliver(from: name)
        case 60..<75: answer(to: name)
        case 75..<82: learn(name)
        case 82..<90: fulfil(name)
        case 90..<96: cut(name)
        case 96..<98: kill(name)
        default: raise(name)
        }
        check()
    }

    /// Everything that is under way, until nothing is.
    mutating func settle() {
        for _ in 0..<2_000 {
            for name in Self.names {
                raise(name)
                learn(name)
                deliver(from: name)
                answer(to: name)
                fulfil(name)
            }
            check()
        }
    }

    private mutating func host(_ name: String, standingAt log: [UInt64], _ place: ChainPlace) {
        var member = ChainMember(
            standingAt: UInt64(log.count), epoch: 1, limits: ChainMember.Limits(joiningBytes: 4_096))
        member.take(place)
        if place.role == .head { member.open() }
        servers[name]?.member = member
        servers[name]?.log = log
        servers[name]?.told = log.count
        servers[name]?.known = entry
    }

    private mutating func push(at name: String) {
        guard servers[name]?.member?.takesPushes == true else { return }
        append(nextRecord, at: name)
        nextRecord += 1
    }

    private mutating func append(_ number: UInt64, at name: String) {
        guard let position = servers[name]?.member?.appended else { return }
        let push = PartitionRecord.Push(
            session: SessionID(high: 1, low: 1), sequence: number, acknowledgedThrough: 0, increment: 1,
            basis: PartitionVersion(epoch: 1, applied: 0))
        let record = PartitionRecord(
            position: position + 1, epoch: 1, change: .reject(push, .nonFinite, ""))
        servers[name]?.member?.append(record, at: RuntimeInstant(nanoseconds: 0))
        servers[name]?.log.append(number)
        servers[name]?.member?.execute()
    }

    /// Opens a stream if there is none, else sends and delivers something.
    private mutating func deliver(from name: String) {
        guard let member = servers[name]?.member, let successor = member.place?.successor else {
            streams[name] = nil
            return
        }
        guard streams[name]?.target == successor else {
            guard servers[successor] != nil else { return }
            lastStream += 1
            streams[name] = Stream(id: lastStream, target: successor)
            servers[name]?.member?.successorReached()
            return
        }
        if Bool.random(using: &generator), let epoch = member.place?.epoch,
            let message = servers[name]?.member?.next()
        {
            streams[name]?.messages.append((epoch, message, servers[name]?.snapshot ?? []))
        }
        if case .piece? = streams[name]?.messages.first?.message {
        } else if servers[name]?.member?.isSeeding == true {
            if Int.random(in: 0..<16, using: &generator) == 0 {
                servers[name]?.member?.loseSnapshot()
            } else {
                _ = servers[name]?.member?.releasePiece()
            }
        }
        guard let stream = streams[name], let message = stream.messages.first else { return }
        if Int.random(in: 0..<12, using: &generator) > 0 { streams[name]?.messages.removeFirst() }
        receive(message.message, epoch: message.epoch, message.snapshot, on: stream, from: name)
    }

    private mutating func receive(
        _ message: ChainMember.Message, epoch: UInt64, _ snapshot: [UInt64], on stream: Stream, from name: String
    ) {
        let target = stream.target
        guard let server = servers[target] else { return }
        switch message {
        case .begin(let isJoining):
            servers[target]?.copy = nil
            guard let known = server.known, known.epoch >= epoch, let place = ChainPlace(of: target, in: known) else {
                // It waits for the map: here, by beginning again later.
                return cut(name)
            }
            guard known.epoch == epoch else { return reply(epoch, .stale(known.epoch), on: stream, from: name) }
            guard place.predecessor == name, (place.role == .joining) == isJoining else { return cut(name) }
            guard server.member != nil else {
                if isJoining { reply(epoch, .stands(nil), on: stream, from: name) } else { cut(name) }
                return
            }
            switch servers[target]?.member?.predecessorBegins(on: stream.id, epoch: epoch, isJoining: isJoining) {
            case .stale(let newest): reply(epoch, .stale(newest), on: stream, from: name)
            case .early: cut(name)
            default: break
            }
        case .record(let record):
            guard let member = server.member else { return }
            switch member.reception(ofRecordAt: record.position, on: stream.id, epoch: epoch) {
            case .taken:
                if case .reject(let push, _, _) = record.change { append(push.sequence, at: target) }
            case .stale(let newest): reply(epoch, .stale(newest), on: stream, from: name)
            case .gap: failures.append("a gap before \(record.position) at \(target)")
            case .ignored, .early: break
            }
        case .piece(let number):
            guard let known = server.known, known.epoch == epoch, known.joining == target else { return }
            if number == 0 {
                servers[target]?.member = nil
                servers[target]?.copy = (epoch, 0)
            }
            guard let copy = servers[target]?.copy, copy.epoch == epoch, copy.next == number else { return }
            servers[target]?.copy = (epoch, number + 1)
            guard number + 1 == Self.pieces, let place = ChainPlace(of: target, in: known) else { return }
            servers[target]?.copy = nil
            host(target, standingAt: snapshot, place)
            servers[target]?.known = known
            _ = servers[target]?.member?.predecessorBegins(on: stream.id, epoch: epoch, isJoining: true)
        }
    }

    private mutating func reply(
        _ epoch: UInt64, _ content: ChainReply.Content, on stream: Stream, from name: String
    ) {
        guard streams[name]?.id == stream.id else { return }
        streams[name]?.replies.append((epoch, content))
    }

    /// Takes an answer of the one that follows `name`.
    private mutating func answer(to name: String) {
        guard let stream = streams[name] else { return }
        if Bool.random(using: &generator), let (epoch, content) = servers[stream.target]?.member?.reply(on: stream.id) {
            streams[name]?.replies.append((epoch, content))
        }
        guard let reply = streams[name]?.replies.first else { return }
        if Int.random(in: 0..<12, using: &generator) > 0 { streams[name]?.replies.removeFirst() }
        switch reply.content {
        case .stands(let standing): servers[name]?.member?.successorStands(at: standing, epoch: reply.epoch)
        case .acknowledged(let position): servers[name]?.member?.successorAcknowledged(position, epoch: reply.epoch)
        case .stale(let newest): servers[name]?.member?.successorIsLater(newest)
        }
    }

    private mutating func cut(_ name: String) {
        guard let stream = streams.removeValue(forKey: name) else { return }
        servers[name]?.member?.successorLost()
        servers[stream.target]?.member?.predecessorLost(stream.id)
    }

    // MARK: Servers and the coordinator

    /// A server dies; the coordinator notices when somebody lives that can go on.
    private mutating func kill(_ name: String) {
        guard servers[name] != nil, !entry.chain.allSatisfy({ $0 == name || servers[$0] == nil }) else { return }
        cut(name)
        for (other, stream) in streams where stream.target == name { cut(other) }
        servers[name] = nil
        let living = entry.chain.filter { servers[$0] != nil }
        guard entry.chain.contains(name) || entry.joining == name else { return }
        if entry.joining == name { entry.joining = "" }
        if living.count < entry.chain.count, let head = living.first {
            if head != entry.head { failovers += 1 }
            entry.head = head
            entry.followers = Array(living.dropFirst())
            entry.epoch += 1
        }
        fill()
    }

    /// A dead server starts again, with nothing.
    private mutating func raise(_ name: String) {
        guard servers[name] == nil else { return }
        servers[name] = Server(life: UInt64.random(in: 2...UInt64.max, using: &generator))
        fill()
    }

    private mutating func fill() {
        guard entry.followers.count < followers, entry.joining.isEmpty else { return }
        let free = Self.names.filter { servers[$0] != nil && !entry.chain.contains($0) }
        entry.joining = free.randomElement(using: &generator) ?? ""
    }

    private mutating func learn(_ name: String) {
        guard let server = servers[name], server.known != entry else { return }
        servers[name]?.known = entry
        let place = ChainPlace(of: name, in: entry)
        guard let member = server.member else { return }
        guard let place, place.role != .joining || member.place?.role == .joining else {
            cut(name)
            servers[name]?.member = nil
            return
        }
        servers[name]?.member?.take(place)
        if place.role == .head { servers[name]?.member?.open() }
    }

    private mutating func fulfil(_ name: String) {
        guard let member = servers[name]?.member, let wish = member.wish, let place = member.place else { return }
        switch wish {
        case .map: learn(name)
        case .leave: failures.append("\(name) wants to leave")
        case .snapshot:
            let log = servers[name]?.log ?? []
            if servers[name]?.member?.beginSnapshot(at: UInt64(log.count), pieces: Self.pieces) == true {
                servers[name]?.snapshot = log
                snapshots += 1
            }
        case .drop(let successor):
            guard entry.epoch == place.epoch, let index = entry.followers.firstIndex(of: successor) else { return }
            entry.followers.remove(at: index)
            entry.epoch += 1
            fill()
        case .join(let successor):
            guard entry.epoch == place.epoch, entry.joining == successor else { return }
            entry.followers.append(successor)
            entry.joining = ""
            entry.epoch += 1
            joins += 1
            fill()
        }
    }

    // MARK: What must be

    /// What heads tell is added up, and must be at every server of the chain that the coordinator has.
    private mutating func check() {
        for name in Self.names {
            guard let server = servers[name], let member = server.member, member.isHead else { continue }
            let committed = Int(member.committed)
            guard committed > server.told else { continue }
            for position in server.told..<committed {
                let number = server.log[position]
                if position < acknowledged.count {
                    if acknowledged[position] != number {
                        failures.append("\(name) tells of another record at \(position + 1) than was told before")
                    }
                } else {
                    acknowledged.append(number)
                }
            }
            servers[name]?.told = committed
        }
        for name in entry.chain {
            guard let server = servers[name], server.life > 0 else { continue }
            guard server.log.count >= acknowledged.count,
                server.log.prefix(acknowledged.count).elementsEqual(acknowledged)
            else {
                failures.append(
                    "\(name), of the chain \(entry.chain) of epoch \(entry.epoch), has \(server.log.count) records, \(acknowledged.count) were told"
                )
                return
            }
        }
    }

    /// What is wrong when nothing is under way any more.
    var problems: [String] {
        var problems = failures
        let logs = entry.chain.compactMap { servers[$0]?.log }
        if Set(logs).count != 1 { problems.append("the logs differ: \(logs.map(\.count))") }
        if entry.followers.count != followers { problems.append("\(entry.chain) and joining \(entry.joining)") }
        for name in entry.chain {
            guard let member = servers[name]?.member else {
                problems.append("\(name) has nothing")
                continue
            }
            if member.committed != member.executed { problems.append("\(name) has not committed what it has") }
            if member.window.count > 0 || member.window.bytes != 0 {
                problems.append("\(name) keeps \(member.window.count) records, \(member.window.bytes) bytes")
            }
        }
        return problems
    }
}
