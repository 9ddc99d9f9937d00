import MeshWire
import NIOCore

/// Carries a ``DNSTransaction`` out over the runtime's network: its questions go out on a socket each, and what comes in
/// goes to it.
///
/// Sendable: everything mutable is touched on the event loop alone.
final class DNSExchange: @unchecked Sendable {
    private let loop: any EventLoop
    private let network: any RuntimeNetwork
    private let timeout: Duration
    private var generator: RuntimeRandomNumberGenerator
    private var transaction: DNSTransaction
    private var continuation: CheckedContinuation<Result<DNSAnswer, DNSFailure>, Never>?
    private var isOver = false
    /// Counts the questions: what concerns an earlier one is ignored.
    private var sent = 0
    private var channel: (any Channel)?
    private var timer: Scheduled<Void>?

    /// - Parameter timeout: for each time that a server is asked, over UDP and over TCP.
    init(_ transaction: DNSTransaction, timeout: Duration, _ runtime: any Runtime) {
        loop = runtime.eventLoopGroup.next()
        network = runtime.network
        generator = RuntimeRandomNumberGenerator(runtime)
        self.timeout = timeout
        self.transaction = transaction
    }

    /// The answer. Cancelling the task gives it up.
    func run() async throws(DNSFailure) -> DNSAnswer {
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                loop.execute { self.begin(continuation) }
            }
        } onCancel: {
            loop.execute { self.end(.failure(DNSFailure("given up"))) }
        }
        return try result.get()
    }

    private func begin(_ continuation: CheckedContinuation<Result<DNSAnswer, DNSFailure>, Never>) {
        guard !isOver else { return continuation.resume(returning: .failure(DNSFailure("given up"))) }
        self.continuation = continuation
        act(transaction.begin(using: &generator))
    }

    private func act(_ action: DNSTransaction.Action) {
        switch action {
        case .send(let question, let server, let carrier): send(question, to: server, carrier)
        case .wait: break
        case .finish(let answer): end(.success(answer))
        case .fail(let failure): end(.failure(failure))
        }
    }

    private func send(_ question: [UInt8], to server: Endpoint, _ carrier: DNSTransaction.Carrier) {
        sent += 1
        let number = sent
        forget()
        let set: @Sendable (any Channel) -> EventLoopFuture<Void> = { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(
                    DNSSocketHandler(carrier) { [weak self] event in
                        if let self, sent == number, !isOver { heard(event) }
                    })
            }
        }
        let opening =
            carrier == .udp
            ? network.openDatagrams(to: server, on: loop, initializer: set)
            : network.connect(to: server, on: loop, timeout: timeout, initializer: set)
        timer = loop.scheduleTask(in: .nanoseconds(timeout.inNanoseconds)) {
            self.act(self.transaction.timedOut(using: &self.generator))
        }
        opening.whenComplete { result in
            guard self.sent == number, !self.isOver else {
                if case .success(let channel) = result { channel.close(promise: nil) }
                return
            }
            switch result {
            case .success(let channel):
                self.channel = channel
                let length = carrier == .tcp ? [UInt8(question.count >> 8), UInt8(question.count & 0xFF)] : []
                channel.writeAndFlush(channel.allocator.buffer(bytes: length + question), promise: nil)
            case .failure(let error):
                self.heard(.failed("cannot be reached: \(error)"))
            }
        }
    }

    private func heard(_ event: DNSSocketHandler.Event) {
        switch event {
        case .message(let bytes): act(transaction.received(bytes, using: &generator))
        case .failed(let reason): act(transaction.failed(reason, using: &generator))
        }
    }

    private func forget() {
        timer?.cancel()
        channel?.close(promise: nil)
        (timer, channel) = (nil, nil)
    }

    private func end(_ result: Result<DNSAnswer, DNSFailure>) {
        isOver = true
        forget()
        continuation.take()?.resume(returning: result)
    }
}

/// Cuts what comes on a socket into messages.
private final class DNSSocketHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    enum Event {
        case message([UInt8])
        case failed(String)
    }

    private let carrier: DNSTransaction.Carrier
    private let tell: (Event) -> Void
    /// What has come of a message over TCP, which begins with its length (RFC 1035, section 4.2.2).
    private var begun = ByteBuffer()

    init(_ carrier: DNSTransaction.Carrier, _ tell: @escaping (Event) -> Void) {
        self.carrier = carrier
        self.tell = tell
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        guard carrier == .tcp else { return tell(.message(Array(bytes.readableBytesView))) }
        begun.writeBuffer(&bytes)
        while let message = begun.readLengthPrefixedSlice(as: UInt16.self) {
            tell(.message(Array(message.readableBytesView)))
        }
        begun.discardReadBytes()
    }

    func channelInactive(context: ChannelHandlerContext) { tell(.failed("closed the connection")) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { tell(.failed("cannot be reached: \(error)")) }
}
