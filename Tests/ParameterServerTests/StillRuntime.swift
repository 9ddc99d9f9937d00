import MeshTransport
import MeshWire
import NIOCore

/// The machine's runtime with a clock that stands still, for what only reads it.
final class StillRuntime: Runtime {
    private let system = SystemRuntime.shared

    var now: RuntimeInstant { RuntimeInstant(nanoseconds: 0) }
    var timeSince1970: Duration { .zero }
    func randomBits() -> UInt64 { 0 }
    func sleep(until deadline: RuntimeInstant) async throws { throw CancellationError() }
    var eventLoopGroup: any EventLoopGroup { system.eventLoopGroup }
    func loopExecutor(for loop: any EventLoop) -> LoopExecutor { system.loopExecutor(for: loop) }
    var taskExecutor: (any TaskExecutor)? { nil }
    var computeExecutor: any TaskExecutor { system.computeExecutor }
    var network: any RuntimeNetwork { system.network }
}
