/// A piece of work that has ended, as tracing back ends want it: OpenTelemetry's span, in fixed fields.
public struct SpanRecord: Sendable, Hashable {
    /// Which side of a call it is.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Within a process.
        case `internal`
        /// The handling of a call.
        case server
        /// The making of a call, or of one attempt.
        case client
        /// The sending of a message that is handled later.
        case producer
        /// The handling of such a message.
        case consumer
    }

    /// What it came to.
    public enum Status: Sendable, Hashable {
        /// Nobody said.
        case unset
        /// It did what it was for.
        case ok
        /// It failed; the message is for people.
        case error(String)
    }

    /// A fact about it, under OpenTelemetry's names where it has them.
    public struct Attribute: Sendable, Hashable {
        /// One of the kinds of value that there are.
        public enum Value: Sendable, Hashable {
            /// Text.
            case string(String)
            /// A whole number.
            case int(Int64)
            /// A number.
            case double(Double)
            /// Yes or no.
            case bool(Bool)
        }

        /// Such as `rpc.method`.
        public let key: String
        /// Its value.
        public let value: Value

        /// A fact.
        public init(_ key: String, _ value: Value) {
            self.key = key
            self.value = value
        }
    }

    /// The most attributes of a span; more are counted in ``droppedAttributes``.
    public static let maximumAttributes = 32
    /// The most bytes of a string attribute, and of a status' message; longer ones are cut at a character.
    public static let maximumStringBytes = 1_024

    /// Such as `shop.Scoring/Score`: what calls of the same kind have in common.
    public var name: String
    /// Which side of a call it is.
    public var kind: Kind
    /// Its trace, its own identifier, and what was handed on.
    public var context: TraceContext
    /// The piece of work that it is part of; nil: none, it began the trace.
    public var parent: SpanID?
    /// When it began, in nanoseconds since 1970.
    public var startUnixNanoseconds: Int64
    /// When it ended, in nanoseconds since 1970; not before ``startUnixNanoseconds``.
    public private(set) var endUnixNanoseconds: Int64
    /// What it came to.
    public private(set) var status: Status = .unset
    /// In the order in which they were set.
    public private(set) var attributes: [Attribute] = []
    /// How many attributes had no room.
    public private(set) var droppedAttributes = 0

    /// A piece of work from its begin to its end; an end before the begin counts as the begin.
    public init(
        _ name: String, kind: Kind, context: TraceContext, parent: SpanID? = nil, startUnixNanoseconds: Int64,
        endUnixNanoseconds: Int64
    ) {
        self.name = name
        self.kind = kind
        self.context = context
        self.parent = parent
        self.startUnixNanoseconds = startUnixNanoseconds
        self.endUnixNanoseconds = max(startUnixNanoseconds, endUnixNanoseconds)
    }

    /// Moves the end; one before the begin counts as the begin.
    public mutating func end(atUnixNanoseconds time: Int64) {
        endUnixNanoseconds = max(startUnixNanoseconds, time)
    }

    /// Says what it came to. A failure's message is cut to ``maximumStringBytes``.
    public mutating func set(_ status: Status) {
        if case .error(let message) = status {
            self.status = .error(Self.cut(message))
        } else {
            self.status = status
        }
    }

    /// Adds a fact, or changes the one of its key.
    public mutating func set(_ key: String, _ value: Attribute.Value) {
        let value = if case .string(let text) = value { Attribute.Value.string(Self.cut(text)) } else { value }
        if let index = attributes.firstIndex(where: { $0.key == key }) {
            attributes[index] = Attribute(key, value)
        } else if attributes.count < Self.maximumAttributes {
            attributes.append(Attribute(key, value))
        } else {
            droppedAttributes += 1
        }
    }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > maximumStringBytes else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: maximumStringBytes)
        while end > text.startIndex, end.samePosition(in: text.unicodeScalars) == nil {
            text.utf8.formIndex(before: &end)
        }
        return String(text[..<end])
    }
}
