package import MeshWire

/// Follows a file as it changes, or several that belong together: when they are to be read, and what becomes of what was
/// read before when they cannot be.
///
/// A state machine without I/O or clock. A change is taken up once the file has been the same at two looks, so that one
/// that is being written is not read halfway; the first time it is read at once.
package struct FileFollowing<Version: Sendable & Hashable>: Sendable {
    /// What is to be done after a look at the file.
    package enum Action: Sendable, Hashable {
        /// Nothing is new.
        case wait
        /// Read it.
        case read
        /// Tell why it cannot be read; what was read before holds.
        case tell(String)
    }

    private var known: Version?
    private var seen: Version?
    private var toldReason: String?
    private var isFirst = true

    /// Follows what has not been looked at; or what `known` was read of.
    package init(known: Version? = nil) {
        self.known = known
        seen = known
        isFirst = known == nil
    }

    /// Which file is there now, or why that cannot be told.
    package mutating func looked(_ version: Result<Version, FileAccessError>) -> Action {
        defer { isFirst = false }
        switch version {
        case .failure(let error):
            seen = nil
            // One that was there is read again when it comes back, whatever it is then.
            known = nil
            return tell("\(error)")
        case .success(let version):
            defer { seen = version }
            guard version != known else { return .wait }
            return isFirst || seen == version ? .read : .wait
        }
    }

    /// It was read: which file that was, and what is wrong with it.
    ///
    /// - Parameter isFinal: whether it stays wrong until it changes, and so is not read again before.
    package mutating func read(_ version: Version, problem: String?, isFinal: Bool = true) -> Action {
        known = isFinal ? version : nil
        guard let problem else {
            toldReason = nil
            return .wait
        }
        return tell(problem)
    }

    private mutating func tell(_ reason: String) -> Action {
        guard reason != toldReason else { return .wait }
        toldReason = reason
        return .tell(reason)
    }
}
