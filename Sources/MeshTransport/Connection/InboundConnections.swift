import Identity
import Logging
import MeshWire
import NIOCore
import Synchronization

/// A connection that a peer has opened, whatever it speaks. Its functions are called from any thread.
package protocol InboundConnection: AnyObject, Sendable {
    /// Takes no new calls, finishes the open ones, then closes.
    func drain(reason: String)
    /// Says why and closes at once, with the open calls.
    func end(reason: String)
    /// Closes at once.
    func close()
    /// Ends the open calls that the policy in force does not allow.
    func policyChanged()
}

/// The connections that a server's listeners have taken, of every protocol, from the end of the handshake to their own.
///
/// A connection is drained when a certificate of it ends, when no root vouches for its peer any more, and when the
/// server stops; what has not ended by itself after `drainTimeout` is closed. One whose peer is denied ends at once,
/// with its calls: a key that somebody has stolen does not get to finish what it has begun, nor to begin more on a
/// connection that it does not care to close. A renewed certificate of our own ends no connection: what was shown is
/// good until it ends.
///
/// Guarded by a mutex.
final class InboundConnections: Sendable {
    /// A connection, with what its peer was judged by.
    struct Entry: Sendable {
        let connection: any InboundConnection
        let info: ConnectionInfo
        let channel: any Channel
        let handshake: SecureChannel
        let security: ChannelSecurity

        /// True if the peer was judged by another bundle or deny list than the one in force.
        var isOutdated: Bool { info.peer != nil && handshake.basis != TrustBasis(security.identity?.current) }
    }

    private struct State {
        var open: [UInt64: Entry] = [:]
        var opened: UInt64 = 0
        var isDraining = false

        /// In the order in which they were opened: what happens next must not depend on a dictionary's.
        var inOrder: [Entry] { open.sorted { $0.key < $1.key }.map(\.value) }
    }

    private let configuration: MeshConfiguration
    private let runtime: any Runtime
    private let logger: Logger
    private let state = Mutex(State())

    private static let shutdown = "the server is shutting down"

    init(_ configuration: MeshConfiguration, _ runtime: any Runtime, _ logger: Logger) {
        self.configuration = configuration
        self.runtime = runtime
        self.logger = logger
    }

    /// Counts a connection in until its channel closes; it is drained at once if the server is on its way out.
    func opened(_ entry: Entry) {
        let (number, isDraining) = state.withLock { state in
            state.opened += 1
            state.open[state.opened] = entry
            return (state.opened, state.isDraining)
        }
        let expiry = scheduleExpiry(of: entry)
        entry.channel.closeFuture.whenComplete { _ in
            // The timer would keep the connection in memory for the certificate's life.
            expiry?.cancel()
            _ = self.state.withLock { $0.open.removeValue(forKey: number) }
        }
        if isDraining { end(entry, reason: Self.shutdown) }
        // A change of trust between the beginning of the handshake and now has not been heard of here.
        if entry.isOutdated {
            // Ends with the verdict.
            runtime.spawn(on: runtime.taskExecutor) { await self.review(entry) }
        }
    }

    /// Judges all peers again that were trusted by another bundle or deny list than the one in force, and lets those go
    /// that are trusted no more.
    func review() async {
        for entry in state.withLock({ $0.inOrder }) { await review(entry) }
    }

    /// Has every connection end what the policy allows no more.
    func policyChanged() {
        for entry in state.withLock({ $0.inOrder }) { entry.connection.policyChanged() }
    }

    /// Tells every connection to finish, and closes after `drainTimeout` those that have not.
    func drain() async {
        let deadline = runtime.now.advanced(by: configuration.drainTimeout)
        for entry in draining() { entry.connection.drain(reason: Self.shutdown) }
        while !draining().isEmpty, runtime.now < deadline {
            guard (try? await runtime.sleep(for: .milliseconds(5))) != nil else { break }
        }
        for entry in draining() { entry.connection.close() }
    }

    private func draining() -> [Entry] {
        state.withLock { state in
            state.isDraining = true
            return state.inOrder
        }
    }

    private func review(_ entry: Entry) async {
        guard entry.isOutdated else { return }
        let snapshot = entry.security.identity?.current
        do throws(MeshError) {
            _ = try await entry.security.verify(entry.handshake.chain, against: snapshot)
        } catch {
            logger.warning(
                "peer is no longer trusted",
                metadata: [
                    "peer": "\(entry.info.peer?.description ?? "none")", "address": "\(entry.info.remoteAddress)",
                    "error": "\(error)",
                ])
            if error.isDenial || entry.handshake.isDenied(by: snapshot) {
                entry.connection.end(reason: "the peer is denied")
            } else {
                end(entry, reason: "the peer is no longer trusted")
            }
        }
    }

    /// No connection outlives the earlier end of its two certificates, give or take the clocks; one whose peer has shown
    /// none lasts for one call, so that strangers cannot keep the places of others.
    private func scheduleExpiry(of entry: Entry) -> Scheduled<Void>? {
        var life = entry.handshake.notAfter.map { $0.since(runtime.unixTime) + configuration.clockSkew }
        var reason = "a certificate of this connection has ended"
        if entry.security.isForJoining, configuration.callTimeout < life ?? .seconds(Int64.max) {
            life = configuration.callTimeout
            reason = "a connection without an identity lasts for one call"
        }
        guard let life else { return nil }
        return entry.channel.eventLoop.scheduleTask(in: .nanoseconds(max(0, life.inNanoseconds))) { [reason] in
            self.end(entry, reason: reason)
        }
    }

    /// Drains one connection, and closes it if that takes longer than `drainTimeout`.
    private func end(_ entry: Entry, reason: String) {
        entry.connection.drain(reason: reason)
        let limit = entry.channel.eventLoop.scheduleTask(in: .nanoseconds(configuration.drainTimeout.inNanoseconds)) {
            entry.connection.close()
        }
        entry.channel.closeFuture.whenComplete { _ in limit.cancel() }
    }
}
