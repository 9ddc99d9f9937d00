import Identity
import MeshWire
import Synchronization

/// Whether a mesh should be given calls, and why not.
public struct Readiness: Sendable, Hashable, CustomStringConvertible {
    /// Why it should not, one line each; none if it should.
    public let reasons: [String]

    /// Whether it should.
    public var isReady: Bool { reasons.isEmpty }

    /// `ready`, or the reasons.
    public var description: String { isReady ? "ready" : reasons.joined(separator: "; ") }
}

/// What a process needs and does not have, and who is told.
struct Missing {
    fileprivate var names: Set<String> = []
    fileprivate var observers: [@Sendable (_ isComplete: Bool) -> Void] = []
}

extension Mesh {
    /// Whether this process should be given calls: it listens, is not about to stop, its certificate is valid, and
    /// nothing that the host has set with ``setReady(_:_:)`` is missing.
    ///
    /// Whether it is *alive* needs no asking: a process that answers is.
    public var readiness: Readiness {
        var reasons = state.withLock { state in
            state.isStopped ? ["it is stopping"] : state.listeners.isEmpty ? ["it does not listen"] : []
        }
        let (now, notAfter) = (runtime.unixTime, identity.current.svid.notAfter)
        if now > notAfter { reasons.append("its certificate has ended") }
        reasons += missing.withLock { $0.names.sorted() }.map { "\($0) is not ready" }
        return Readiness(reasons: reasons)
    }

    /// Notes whether something that the process needs is there: a model that is loaded, a database that answers. What
    /// was never noted is not needed.
    ///
    /// - Parameter name: for people: it is shown to whoever may ask.
    public func setReady(_ name: String, _ isReady: Bool) {
        missing.withLock { missing in
            let wasComplete = missing.names.isEmpty
            if isReady { missing.names.remove(name) } else { missing.names.insert(name) }
            guard missing.names.isEmpty != wasComplete else { return }
            // In the order of the changes: whoever is told neither waits nor calls back.
            for observer in missing.observers { observer(!wasComplete) }
        }
    }

    /// Tells `observer` now, and whenever it changes, whether all is there that ``setReady(_:_:)`` has named.
    package func observeReadiness(_ observer: @escaping @Sendable (_ isComplete: Bool) -> Void) {
        missing.withLock { missing in
            missing.observers.append(observer)
            observer(missing.names.isEmpty)
        }
    }
}
