import Coordination
import MeshWire

/// Calls an updating function, once for each of some partitions of one server. Each call has its own sequence number, in
/// the call's deduplication, and is answered by itself, as a push is.
struct CallRequest: MeshMessage {
    static let messageName = "meshwork.parameters.CallRequest"

    /// The slot of the session that calls.
    var slot: Int
    var function: FunctionID
    var entries: [PushRequest.Entry]
    /// The argument as CBOR.
    var argument: Segment
    /// The keys of the rows, uint64: one an entry, and empty where its table is dense; none at all where all are. They
    /// ascend, each once.
    var keys: [Segment]

    init(
        slot: Int, function: FunctionID, entries: [PushRequest.Entry] = [], argument: Segment = Segment(copying: []),
        keys: [Segment] = []
    ) {
        self.slot = slot
        self.function = function
        self.entries = entries
        self.argument = argument
        self.keys = keys
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(slot: 0, function: FunctionID(name: "", version: 0))
        while let field = try decoder.nextField() {
            switch field {
            case 1: slot = try decoder.count()
            case 2: function = try decoder.message()
            case 3: entries.append(try decoder.message())
            case 4: argument = try decoder.segment()
            case 5: keys.append(try decoder.segment())
            default: break
            }
        }
        guard keys.isEmpty || keys.count == entries.count else {
            throw WireError(.malformed, "\(entries.count) calls with \(keys.count) lists of keys")
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, UInt64(slot))
        encoder.message(2, function)
        for entry in entries { encoder.message(3, entry) }
        encoder.segment(4, argument)
        for segment in keys { encoder.segment(5, segment) }
    }
}

/// An answer to each call of a request, in its order.
struct CallResponse: MeshMessage {
    static let messageName = "meshwork.parameters.CallResponse"

    /// Without the functions' answers.
    var replies: [PushReply]
    /// The functions' answers as CBOR, one a reply; empty where there is none.
    var answers: [Segment]

    init(_ replies: [PushReply]) {
        self.replies = replies
        answers = replies.map { Segment(copying: $0.answer ?? []) }
        for index in self.replies.indices { self.replies[index].answer = nil }
    }

    /// The replies with the functions' answers.
    var answered: [PushReply] {
        zip(replies, answers).map { reply, answer in
            var reply = reply
            if reply.outcome == .applied { reply.answer = answer.copiedBytes }
            return reply
        }
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        (replies, answers) = ([], [])
        while let field = try decoder.nextField() {
            switch field {
            case 1: replies.append(try decoder.message())
            case 2: answers.append(try decoder.segment())
            default: break
            }
        }
        guard replies.count == answers.count else {
            throw WireError(.malformed, "\(replies.count) replies with \(answers.count) answers")
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        for reply in replies { encoder.message(1, reply) }
        for answer in answers { encoder.segment(2, answer) }
    }
}

/// Asks a reading function about partitions of one server.
struct QueryRequest: MeshMessage {
    static let messageName = "meshwork.parameters.QueryRequest"

    /// A partition, and the version that it must have reached.
    struct Entry: MeshMessage, Hashable {
        static let messageName = "meshwork.parameters.QueryEntry"

        var partition: PartitionID
        var minimum: PartitionVersion
        /// Whether what is read must be committed.
        var isCommitted: Bool

        init(partition: PartitionID, minimum: PartitionVersion, isCommitted: Bool = false) {
            self.partition = partition
            self.minimum = minimum
            self.isCommitted = isCommitted
        }

        init(from decoder: inout MessageDecoder) throws(WireError) {
            self.init(partition: PartitionID(rawValue: 0), minimum: PartitionVersion(epoch: 0, applied: 0))
            while let field = try decoder.nextField() {
                switch field {
                case 1: partition = PartitionID(rawValue: try decoder.uint64())
                case 2: minimum = try decoder.message()
                case 3: isCommitted = try decoder.bool()
                default: break
                }
            }
        }

        func encode(to encoder: inout MessageEncoder) {
            encoder.uint64(1, partition.rawValue)
            encoder.message(2, minimum)
            encoder.bool(3, isCommitted)
        }
    }

    var function: FunctionID
    var entries: [Entry]
    /// The argument as CBOR.
    var argument: Segment
    /// The keys of the rows that are asked about, uint64: one an entry, and empty where its table is dense; none at all
    /// where all are. They ascend, each once.
    var keys: [Segment]

    init(
        function: FunctionID, entries: [Entry] = [], argument: Segment = Segment(copying: []), keys: [Segment] = []
    ) {
        self.function = function
        self.entries = entries
        self.argument = argument
        self.keys = keys
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(function: FunctionID(name: "", version: 0))
        while let field = try decoder.nextField() {
            switch field {
            case 1: function = try decoder.message()
            case 2: entries.append(try decoder.message())
            case 3: argument = try decoder.segment()
            case 4: keys.append(try decoder.segment())
            default: break
            }
        }
        guard keys.isEmpty || keys.count == entries.count else {
            throw WireError(.malformed, "\(entries.count) queries with \(keys.count) lists of keys")
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.message(1, function)
        for entry in entries { encoder.message(2, entry) }
        encoder.segment(3, argument)
        for segment in keys { encoder.segment(4, segment) }
    }
}

/// What a reading function answers for each partition of a request, in its order.
struct QueryResponse: MeshMessage {
    static let messageName = "meshwork.parameters.QueryResponse"

    /// The versions that were read.
    var versions: [PartitionVersion] = []
    /// The answers as CBOR, one a version.
    var answers: [Segment] = []

    init(versions: [PartitionVersion] = [], answers: [Segment] = []) {
        self.versions = versions
        self.answers = answers
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init()
        while let field = try decoder.nextField() {
            switch field {
            case 1: versions.append(try decoder.message())
            case 2: answers.append(try decoder.segment())
            default: break
            }
        }
        guard versions.count == answers.count else {
            throw WireError(.malformed, "\(versions.count) versions with \(answers.count) answers")
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        for version in versions { encoder.message(1, version) }
        for answer in answers { encoder.segment(2, answer) }
    }
}

extension Segment {
    /// The bytes, in memory of their own.
    var copiedBytes: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }
}
