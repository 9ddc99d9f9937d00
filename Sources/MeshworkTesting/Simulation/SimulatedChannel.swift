import NIOCore

/// One end of a simulated connection, a listener, or a socket for datagrams: a pipeline on its host's loop, whose
/// outermost handler is what it is wired to.
///
/// Sendable: used on the simulation's thread alone.
final class SimulatedChannel: Channel, ChannelCore, @unchecked Sendable {
    let loop: SimulatedLoop
    let allocator = ByteBufferAllocator()
    var localAddress: SocketAddress?
    var remoteAddress: SocketAddress?
    var isWritable = true
    private(set) var isOpen = true
    private(set) var isActive = false
    private let closePromise: EventLoopPromise<Void>
    // Set once: a pipeline is made for its channel.
    private var itsPipeline: ChannelPipeline?

    init(on loop: SimulatedLoop) {
        self.loop = loop
        closePromise = loop.makePromise()
        itsPipeline = ChannelPipeline(channel: self)
    }

    var pipeline: ChannelPipeline {
        guard let itsPipeline else { preconditionFailure("a channel has its pipeline from the beginning") }
        return itsPipeline
    }

    var eventLoop: any EventLoop { loop }
    var closeFuture: EventLoopFuture<Void> { closePromise.futureResult }
    var parent: (any Channel)? { nil }
    var _channelCore: any ChannelCore { self }

    /// The connection is there: its handlers may write, and read.
    func activate() {
        guard isOpen, !isActive else { return }
        isActive = true
        pipeline.fireChannelActive()
    }

    /// Closes it on its own loop, with an error for its handlers if there is one.
    func end(_ error: SimulatedNetworkError? = nil) {
        loop.perform { [self] in
            guard isOpen else { return }
            if let error, isActive { pipeline.fireErrorCaught(error) }
            close(promise: nil)
        }
    }

    func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> EventLoopFuture<Void> {
        eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
    }

    func getOption<Option: ChannelOption>(_ option: Option) -> EventLoopFuture<Option.Value> {
        eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
    }

    // MARK: What reaches the end of the pipeline

    func localAddress0() throws -> SocketAddress { try Self.known(localAddress) }

    func remoteAddress0() throws -> SocketAddress { try Self.known(remoteAddress) }

    private static func known(_ address: SocketAddress?) throws -> SocketAddress {
        guard let address else { throw ChannelError.operationUnsupported }
        return address
    }

    func register0(promise: EventLoopPromise<Void>?) { promise?.succeed() }

    func registerAlreadyConfigured0(promise: EventLoopPromise<Void>?) { promise?.succeed() }

    func bind0(to address: SocketAddress, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }

    func connect0(to address: SocketAddress, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }

    /// Nothing is wired to it.
    func write0(_ data: NIOAny, promise: EventLoopPromise<Void>?) { promise?.fail(ChannelError.ioOnClosedChannel) }

    func flush0() {}

    func read0() {}

    func close0(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard isOpen else { return promise?.fail(ChannelError.alreadyClosed) ?? () }
        isOpen = false
        isActive = false
        promise?.succeed()
        pipeline.syncOperations.fireChannelInactive()
        // Not now: whoever closes it may be on his way through the pipeline.
        loop.plan(at: loop.now) { [self] in
            removeHandlers(pipeline: pipeline)
            closePromise.succeed()
        }
    }

    func triggerUserOutboundEvent0(_ event: Any, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }

    func channelRead0(_ data: NIOAny) {}

    func errorCaught0(error: any Error) {}
}
