import NIOCore
import Synchronization
import Telemetry

/// What one event loop records on; nobody else can.
///
/// Sendable: the shard is given out on its loop alone.
final class LoopShard: @unchecked Sendable {
    private let loop: any EventLoop
    private let shard: MetricsShard

    fileprivate init(_ loop: any EventLoop, _ shard: sending MetricsShard) {
        self.loop = loop
        self.shard = shard
    }

    /// The shard, on its loop; `nil` elsewhere, where what is recorded is shared.
    var here: MetricsShard? { loop.inEventLoop ? shard : nil }
}

/// The shards of a mesh's event loops, one for each. Asked when a connection or a client is made.
final class LoopShards: Sendable {
    private let registry: MetricsRegistry
    private let shards = Mutex<[ObjectIdentifier: LoopShard]>([:])

    init(_ registry: MetricsRegistry) { self.registry = registry }

    /// The shard of a loop.
    func shard(of loop: any EventLoop) -> LoopShard {
        shards.withLock { shards in
            if let known = shards[ObjectIdentifier(loop)] { return known }
            let made = LoopShard(loop, registry.makeShard())
            shards[ObjectIdentifier(loop)] = made
            return made
        }
    }
}
