import MeshWire
import NIOCore
import NIOPosix
import Synchronization

/// Stands before a process and passes its connections on, and does to them what networks do: they end in the middle of
/// a message, are late, are refused, or nothing comes through until it does again. Guarded by a mutex.
final class ChaosProxy: Sendable {
    /// What happens to connections.
    enum Weather: Sendable, Equatable {
        /// Few chunks are late, and fewer are the last of their connection, and cut off.
        case fair
        /// Nothing happens.
        case clear
        /// Every chunk is late by up to so much.
        case slow(Duration)
        /// Connections end, and new ones do too.
        case refusing
        /// Nothing comes through, either way, until the weather changes; then all of it does.
        case silent
    }

    private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private struct State {
        var target: (host: String, port: Int)?
        var weather = Weather.fair
        var generator: SplitMix64
        var open: [ObjectIdentifier: any Channel] = [:]
        var truncated = 0
    }

    /// Where others reach the process.
    let port: Int
    private let listener: NIOAsyncChannel<Connection, Never>
    private let state: Mutex<State>

    /// A proxy that listens at `host`.
    init(seed: UInt64, host: String = "127.0.0.1") async throws {
        listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: host, port: 0) { channel in
                channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
            }
        guard let port = listener.channel.localAddress?.port else { throw BenchmarkFailure("a proxy has no port") }
        self.port = port
        state = Mutex(State(generator: SplitMix64(seed: seed)))
    }

    /// Connections that ended in the middle of a message.
    var truncated: Int { state.withLock { $0.truncated } }

    /// Passes connections on to this port from now on.
    func setTarget(_ port: Int, host: String = "127.0.0.1") { state.withLock { $0.target = (host, port) } }

    func setWeather(_ weather: Weather) {
        let ending = state.withLock { state in
            state.weather = weather
            return weather == .refusing ? Array(state.open.values) : []
        }
        for channel in ending { channel.close(promise: nil) }
    }

    /// Passes connections on until the task is cancelled.
    func run() async throws {
        try await listener.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { group in
                for try await connection in connections {
                    group.addTask { try? await self.pass(connection) }
                }
            }
        }
    }

    private func pass(_ near: Connection) async throws {
        try await near.executeThenClose { nearIn, nearOut in
            try await self.throughWeather()
            guard let target = self.state.withLock({ $0.target }) else { return }
            let far = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: target.host, port: target.port) { channel in
                    channel.eventLoop.makeCompletedFuture { try Connection(wrappingChannelSynchronously: channel) }
                }
            try await far.executeThenClose { farIn, farOut in
                let ends = [near.channel, far.channel]
                self.state.withLock { state in for end in ends { state.open[ObjectIdentifier(end)] = end } }
                defer {
                    self.state.withLock { state in for end in ends { state.open[ObjectIdentifier(end)] = nil } }
                }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await self.relay(nearIn, farOut) }
                    group.addTask { try await self.relay(farIn, nearOut) }
                    // One direction that has ended is the end of both.
                    defer { group.cancelAll() }
                    try await group.next()
                }
            }
        }
    }

    private func relay(
        _ chunks: NIOAsyncChannelInboundStream<ByteBuffer>, _ writer: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async throws {
        for try await var chunk in chunks {
            try await throughWeather()
            if let count = cut(chunk.readableBytes) {
                if let part = chunk.readSlice(length: count) { try await writer.write(part) }
                return
            }
            try await writer.write(chunk)
        }
    }

    /// Waits as the weather says; throws where it lets nothing through.
    private func throughWeather() async throws {
        while true {
            let (weather, chance) = state.withLock { ($0.weather, $0.generator.nextUnit()) }
            switch weather {
            case .clear: return
            case .fair:
                if chance < 0.005 { try await Task.sleep(for: .milliseconds(chance * 8_000)) }
                return
            case .slow(let most):
                try await Task.sleep(for: most * chance)
                return
            case .refusing: throw BenchmarkFailure("refused")
            case .silent: try await Task.sleep(for: .milliseconds(10))
            }
        }
    }

    /// How many of so many bytes come through, if the connection ends here.
    private func cut(_ count: Int) -> Int? {
        state.withLock { state in
            guard state.weather != .clear, state.generator.nextUnit() < 0.000_3 else { return nil }
            state.truncated += 1
            return Int(state.generator.nextUnit() * Double(count))
        }
    }
}
