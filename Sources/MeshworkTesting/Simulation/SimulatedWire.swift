import MeshWire
import NIOCore

/// One direction of a simulated connection: what is flushed arrives at the far end later, in order, as far as the
/// direction's faults let it.
///
/// Where something holds bytes up (a slow reader, one that does not read, a partition, a silent peer), the near channel
/// is writable as a socket's is: not above the high watermark, and again below the low one.
final class SimulatedWire: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    /// A NIO socket's watermarks, in bytes.
    private static let watermarks = (low: 32 << 10, high: 64 << 10)

    private enum Arrival {
        case bytes(CircularBuffer<ByteBuffer>)
        /// The near side has closed.
        case end
        /// The connection ends at both sides.
        case severed
        /// The near side's host has died.
        case reset

        /// Its bytes.
        var count: Int {
            guard case .bytes(let bytes) = self else { return 0 }
            return bytes.reduce(0) { $0 + $1.readableBytes }
        }

        /// Whether the near side is gone.
        var isEnd: Bool {
            switch self {
            case .end, .reset: true
            case .bytes, .severed: false
            }
        }
    }

    private let name: String
    /// Where the near side writes, and where the far side is handed what arrives.
    private let (nearLoop, farLoop): (SimulatedLoop, SimulatedLoop)
    // The network has the connection; its loop has tasks that hold the wire.
    private weak var network: SimulatedNetwork?
    private weak var near: SimulatedChannel?
    private weak var far: SimulatedChannel?
    weak var opposite: SimulatedWire?
    /// Ends the connection.
    var sever: (SimulatedNetworkError?) -> Void = { _ in }

    private var faults = NetworkFaults.Direction()
    private var isPartitioned = false
    /// True once nothing arrives any more.
    private var isSilent = false
    /// False while the near side does not ask for bytes.
    private var isReading = true

    private var written: CircularBuffer<ByteBuffer> = []
    private var onTheirWay = CircularBuffer<(due: NIODeadline, arrival: Arrival)>()
    private var lastArrival = NIODeadline.uptimeNanoseconds(0)
    /// The bytes that were written and that the far side has not taken; lost ones stay, as nobody acknowledges them.
    private var untaken = 0
    /// What a slow reader still takes until the end of the interval.
    private var interval = (bytes: 0, end: NIODeadline.uptimeNanoseconds(0))
    private var isDelivering = false
    private var isWakeScheduled = false

    init(
        _ name: String, from near: SimulatedChannel, to far: SimulatedChannel, _ network: SimulatedNetwork
    ) {
        self.name = name
        self.near = near
        self.far = far
        (nearLoop, farLoop) = (near.loop, far.loop)
        self.network = network
    }

    // MARK: The near side

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let bytes = unwrapOutboundIn(data)
        written.append(bytes)
        untaken += bytes.readableBytes
        promise?.succeed()
        updateWritability()
    }

    func flush(context: ChannelHandlerContext) {
        guard !written.isEmpty else { return }
        var batch = written
        written = []
        guard !isSilent, let network else { return }
        let count = batch.reduce(0) { $0 + $1.readableBytes }
        let (fate, extra) = network.choose(for: faults, count)
        if extra > .zero { network.record("\(name): a flush takes \(extra) more") }
        switch fate {
        case .deliver:
            send(.bytes(batch), extra)
        case .lose(let arriving):
            network.record("\(name): bytes are lost, and all that follows")
            batch.cut(to: arriving)
            send(.bytes(batch), extra)
            isSilent = true
            if let wait = faults.resetAfter {
                network.loop.plan(at: nearLoop.now + .nanoseconds(wait.inNanoseconds)) { self.reset() }
            }
        case .truncate(let arriving):
            network.record("\(name): ends after a part of a flush")
            batch.cut(to: arriving)
            send(.bytes(batch), extra)
            send(.severed, .zero)
            isSilent = true
        }
        updateWritability()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if !isSilent { send(.end, .zero) }
        context.close(mode: mode, promise: promise)
    }

    func read(context: ChannelHandlerContext) {
        isReading = true
        opposite?.deliver()
        opposite?.updateWritabilityOfNear()
        context.read()
    }

    // MARK: Faults

    func apply(_ faults: NetworkFaults.Direction, isPartitioned: Bool) {
        guard faults != self.faults || isPartitioned != self.isPartitioned else { return }
        self.faults = faults
        self.isPartitioned = isPartitioned
        // In the loops' next turns: whoever changes the faults is not interrupted by what arrives.
        farLoop.plan(at: farLoop.now) { self.deliver() }
        nearLoop.plan(at: nearLoop.now) { self.updateWritability() }
    }

    /// Hands over what has arrived before the far side's handlers were there.
    func farIsActive() { farLoop.perform { self.deliver() } }

    /// Lets a share of what is on its way arrive, and then tells that the near side's host is gone.
    func breakOff(_ share: Double) {
        // The far side of a connection that was lost before hears nothing of this either.
        guard !isSilent else { return }
        let count = onTheirWay.reduce(0) { $0 + $1.arrival.count }
        var missing = Int(Double(count) * share)
        var kept = CircularBuffer<(due: NIODeadline, arrival: Arrival)>()
        for (due, arrival) in onTheirWay {
            guard case .bytes(var bytes) = arrival, missing > 0 else { break }
            bytes.cut(to: missing)
            missing -= arrival.count
            kept.append((due, .bytes(bytes)))
        }
        onTheirWay = kept
        written.removeAll()
        send(.reset, .zero)
        isSilent = true
    }

    /// Lets nothing arrive from here on.
    func fallSilent() {
        isSilent = true
        onTheirWay.removeAll()
    }

    private func reset() {
        network?.record("\(name): reset")
        sever(SimulatedNetworkError(message: "the connection was reset"))
    }

    private var isHeldUp: Bool {
        isSilent || isPartitioned || faults.readingPace != nil || opposite?.isReading == false
            || farLoop.state != .running
    }

    /// The same from elsewhere than the near side's loop.
    func updateWritabilityOfNear() { nearLoop.perform { self.updateWritability() } }

    private func updateWritability() {
        guard let near, near.isActive else { return }
        let isWritable = near.isWritable
        if isWritable, isHeldUp, untaken > Self.watermarks.high {
            near.isWritable = false
        } else if !isWritable, !isHeldUp || untaken < Self.watermarks.low {
            near.isWritable = true
        }
        guard near.isWritable != isWritable else { return }
        network?.record("\(name): \(isWritable ? "un" : "")writable with \(untaken) bytes that wait")
        near.pipeline.fireChannelWritabilityChanged()
    }

    // MARK: The far side

    private func send(_ arrival: Arrival, _ extra: Duration) {
        guard let network else { return }
        lastArrival = max(
            lastArrival + .nanoseconds(1), nearLoop.now + network.delay() + .nanoseconds(extra.inNanoseconds))
        onTheirWay.append((lastArrival, arrival))
        farLoop.plan(at: lastArrival) { self.deliver() }
    }

    /// Hands what is due to the far side, on its loop.
    private func deliver() {
        // The far side may ask for more while it is given some.
        guard !isDelivering else { return }
        isDelivering = true
        defer { isDelivering = false }
        while let next = onTheirWay.first, next.due <= farLoop.now, !isPartitioned {
            guard let far, far.isOpen else { return onTheirWay.removeAll() }
            guard far.isActive else { return }
            switch next.arrival {
            case .bytes(let bytes):
                guard hand(bytes, to: far) else { return }
            case .end:
                onTheirWay.removeFirst()
                far.close(promise: nil)
            case .severed:
                onTheirWay.removeFirst()
                sever(nil)
            case .reset:
                onTheirWay.removeFirst()
                network?.record("\(name): reset")
                far.end(SimulatedNetworkError(message: "the connection was reset"))
            }
        }
    }

    /// Hands bytes over as far as the far side takes them now; false if some of them wait.
    private func hand(_ bytes: CircularBuffer<ByteBuffer>, to far: SimulatedChannel) -> Bool {
        guard opposite?.isReading ?? true else {
            // A side that reads nothing finds out about the end all the same: what it writes is answered with a reset.
            guard onTheirWay.last?.arrival.isEnd == true else { return false }
            onTheirWay.removeAll { !$0.arrival.isEnd }
            return true
        }
        var taken = bytes
        var rest: CircularBuffer<ByteBuffer> = []
        let allowed = allowance()
        guard allowed > 0 else {
            wake(at: interval.end)
            return false
        }
        taken.cut(to: allowed, rest: &rest)
        let count = taken.reduce(0) { $0 + $1.readableBytes }
        interval.bytes -= count
        onTheirWay.removeFirst()
        if !rest.isEmpty { onTheirWay.prepend((farLoop.now, .bytes(rest))) }
        untaken -= count
        opposite?.isReading = false
        for piece in taken { far.pipeline.fireChannelRead(piece) }
        far.pipeline.fireChannelReadComplete()
        far.pipeline.read()
        updateWritabilityOfNear()
        return true
    }

    /// The bytes that the far side takes now.
    private func allowance() -> Int {
        guard let pace = faults.readingPace else { return .max }
        if farLoop.now >= interval.end {
            interval = (pace.bytes, farLoop.now + .nanoseconds(pace.interval.inNanoseconds))
        }
        return interval.bytes
    }

    private func wake(at time: NIODeadline) {
        guard !isWakeScheduled else { return }
        isWakeScheduled = true
        farLoop.plan(at: time) {
            self.isWakeScheduled = false
            self.deliver()
        }
    }
}

extension CircularBuffer<ByteBuffer> {
    /// Keeps the first `count` bytes.
    fileprivate mutating func cut(to count: Int) {
        var rest: CircularBuffer<ByteBuffer> = []
        cut(to: count, rest: &rest)
    }

    /// Keeps the first `count` bytes, and appends the others to `rest`.
    fileprivate mutating func cut(to count: Int, rest: inout CircularBuffer<ByteBuffer>) {
        var (kept, missing) = (CircularBuffer<ByteBuffer>(), count)
        for var piece in self {
            if missing > 0 || piece.readableBytes == 0,
                let part = piece.readSlice(length: Swift.min(missing, piece.readableBytes))
            {
                missing -= part.readableBytes
                kept.append(part)
            }
            if piece.readableBytes > 0 { rest.append(piece) }
        }
        self = kept
    }
}
