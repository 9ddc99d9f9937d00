import MeshWire
import NIOCore
import Telemetry

/// Counts one connection, as its first handler: nearest to the socket.
final class ConnectionMeter: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let series: ConnectionSeries
    private let shard: LoopShard
    private let runtime: any Runtime
    private var start: RuntimeInstant?

    init(_ series: ConnectionSeries, _ shard: LoopShard, _ runtime: any Runtime) {
        self.series = series
        self.shard = shard
        self.runtime = runtime
    }

    func handlerAdded(context: ChannelHandlerContext) {
        start = runtime.now
        series.opened.increment(on: shard.here)
        series.open.add(1, on: shard.here)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        series.read.increment(by: UInt64(unwrapInboundIn(data).readableBytes), on: shard.here)
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        series.written.increment(by: UInt64(unwrapOutboundIn(data).readableBytes), on: shard.here)
        context.write(data, promise: promise)
    }

    func channelInactive(context: ChannelHandlerContext) {
        closed()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { closed() }

    private func closed() {
        guard let start = start.take() else { return }
        series.closed.increment(on: shard.here)
        series.open.add(-1, on: shard.here)
        series.durations.record(nanoseconds: start.nanoseconds(to: runtime.now), on: shard.here)
    }
}
