import MeshWire
import NIOCore
import Synchronization
import Telemetry

/// What one event loop has to itself: what it records on, and its dice.
///
/// Sendable: both are touched on the loop alone.
final class LoopShard: @unchecked Sendable {
    private let loop: any EventLoop
    private let shard: MetricsShard
    private let runtime: any Runtime
    private var generator: Xoshiro256

    fileprivate init(_ loop: any EventLoop, _ shard: sending MetricsShard, _ runtime: any Runtime) {
        self.loop = loop
        self.shard = shard
        self.runtime = runtime
        generator = Xoshiro256(runtime)
    }

    /// The shard, on its loop; `nil` elsewhere, where what is recorded is shared.
    var here: MetricsShard? { loop.inEventLoop ? shard : nil }

    /// Bits that are different each time and that a stranger may guess. The system's own cost a system call, which is
    /// asked where the loop is not at hand.
    func randomBits() -> UInt64 { loop.inEventLoop ? generator.next() : runtime.randomBits() }

    /// Uniform in 0 ..< 1.
    var chance: Double { Double(randomBits() >> 11) * 0x1p-53 }
}

/// A loop's dice, for Swift's `random(using:)` and its like.
struct LoopChance: RandomNumberGenerator {
    private let shard: LoopShard

    init(_ shard: LoopShard) { self.shard = shard }

    mutating func next() -> UInt64 { shard.randomBits() }
}

/// The shards of a mesh's event loops, one for each. Asked when a connection or a client is made.
final class LoopShards: Sendable {
    private let registry: MetricsRegistry
    private let runtime: any Runtime
    private let shards = Mutex<[ObjectIdentifier: LoopShard]>([:])

    init(_ registry: MetricsRegistry, _ runtime: any Runtime) {
        self.registry = registry
        self.runtime = runtime
    }

    /// The shard of a loop.
    func shard(of loop: any EventLoop) -> LoopShard {
        shards.withLock { shards in
            if let known = shards[ObjectIdentifier(loop)] { return known }
            let made = LoopShard(loop, registry.makeShard(), runtime)
            shards[ObjectIdentifier(loop)] = made
            return made
        }
    }
}
