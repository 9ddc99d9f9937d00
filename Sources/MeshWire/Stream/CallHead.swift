/// What a request carries beside its message.
package struct CallHead: MeshMessage {
    package static let messageName = "meshwork.wire.CallHead"

    /// The number that the client declared for the method on this connection.
    package var method: UInt32
    /// How long the caller waits, from when the head was written. Zero when it has already given up.
    package var timeRemaining: Duration
    /// Whose pushes these are, and which: see ``Deduplication``.
    package var deduplication: Deduplication?
    package var metadata: Metadata
    package var layout: PayloadLayout
    /// What leaves first, on both sides.
    package var priority = CallPriority.normal
    /// Where the caller stands in its trace, if the call is traced.
    package var trace: TraceParent?

    package init(
        method: UInt32, timeRemaining: Duration, deduplication: Deduplication?, metadata: Metadata,
        layout: PayloadLayout, priority: CallPriority = .normal, trace: TraceParent? = nil
    ) {
        self.trace = trace
        self.priority = priority
        self.method = method
        self.timeRemaining = timeRemaining
        self.deduplication = deduplication
        self.metadata = metadata
        self.layout = layout
    }

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(method: 0, timeRemaining: .zero, deduplication: nil, metadata: Metadata(), layout: PayloadLayout())
        while let field = try decoder.nextField() {
            switch field {
            case 1: method = try decoder.uint32()
            case 2: timeRemaining = .microseconds(Int64(clamping: try decoder.uint64()))
            case 3: deduplication = try decoder.message()
            case 4: metadata.append(try decoder.message(), upTo: WireLimits.mostEntries)
            case 5: layout.headLength = try decoder.count()
            case 6: layout.segments.append(try decoder.message(), upTo: WireLimits.mostEntries)
            case 7: priority = CallPriority(onWire: try decoder.uint64())
            case 8: trace = try decoder.message()
            default: break
            }
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.uint32(1, method)
        encoder.uint64(2, UInt64(max(0, timeRemaining.inMicroseconds)))
        if let deduplication { encoder.message(3, deduplication) }
        for entry in metadata { encoder.message(4, entry) }
        encoder.uint64(5, UInt64(layout.headLength))
        for segment in layout.segments { encoder.message(6, segment) }
        encoder.uint64(7, priority.onWire)
        if let trace { encoder.message(8, trace) }
    }

    /// The bytes of the call's message, or an error if one side of a connection does not accept such a call.
    package func totalBytes(within limits: WireLimits) throws(WireError) -> Int {
        let total = try layout.totalBytes(within: limits)
        guard metadata.byteCount <= limits.metadataBytes else {
            throw WireError(.tooLarge, "metadata of \(metadata.byteCount) bytes is over \(limits.metadataBytes)")
        }
        let entries = deduplication?.entries.count ?? 0
        guard entries <= limits.deduplicationEntries else {
            throw WireError(.tooLarge, "\(entries) deduplication entries are over \(limits.deduplicationEntries)")
        }
        return total
    }
}

/// What a response carries beside its message.
package struct ReplyHead: MeshMessage {
    package static let messageName = "meshwork.wire.ReplyHead"

    /// The most bytes of text that a reply's status carries; what a handler says beyond it is cut off.
    package static let largestMessage = 4 << 10
    /// The most bytes of a status's details that are sent; longer ones are left out.
    package static let largestDetails = 16 << 10

    package var status: CallStatus
    package var message: String
    /// True when the server answers for a call that its handler has not seen: trying elsewhere is safe.
    package var hasNotRun: Bool
    /// What the server says of the call at its end.
    package var metadata: Metadata
    package var layout: PayloadLayout
    /// More about a status other than `ok`, in a form that caller and handler agree on: an encoded `google.rpc.Status`
    /// where the other wire is to carry it.
    package var details: [UInt8]
    /// When the call may be tried again, if the server says so.
    package var pushback: RetryPushback?

    package init(
        status: CallStatus = .ok, message: String = "", hasNotRun: Bool = false, metadata: Metadata = Metadata(),
        layout: PayloadLayout = PayloadLayout(), details: [UInt8] = [], pushback: RetryPushback? = nil
    ) {
        self.pushback = pushback
        self.status = status
        self.message = message
        self.hasNotRun = hasNotRun
        self.metadata = metadata
        self.details = details
        self.layout = layout
    }

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init()
        while let field = try decoder.nextField() {
            switch field {
            case 1: status = CallStatus(rawValue: try decoder.uint32())
            case 2: message = try decoder.string()
            case 3: hasNotRun = try decoder.bool()
            case 4: metadata.append(try decoder.message(), upTo: WireLimits.mostEntries)
            case 5: layout.headLength = try decoder.count()
            case 6: layout.segments.append(try decoder.message(), upTo: WireLimits.mostEntries)
            case 7: details = try decoder.bytes()
            case 8: pushback = RetryPushback(onWire: try decoder.uint64())
            default: break
            }
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.uint32(1, status.rawValue)
        encoder.string(2, message)
        encoder.bool(3, hasNotRun)
        for entry in metadata { encoder.message(4, entry) }
        encoder.uint64(5, UInt64(layout.headLength))
        for segment in layout.segments { encoder.message(6, segment) }
        encoder.bytes(7, details)
        encoder.uint64(8, pushback?.onWire ?? 0)
    }
}

extension String {
    /// The text if it has at most `limit` bytes of UTF-8, else its beginning.
    func cut(toBytes limit: Int) -> String {
        utf8.count <= limit ? self : String(decoding: utf8.prefix(limit), as: UTF8.self)
    }
}

extension Duration {
    /// Whole microseconds, rounded towards zero; clamped to what 64 bits hold.
    package var inMicroseconds: Int64 {
        Int64(clamping: attoseconds / 1_000_000_000_000)
    }
}
