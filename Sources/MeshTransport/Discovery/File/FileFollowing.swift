package import MeshWire

/// Follows a file as it changes: when it is to be read, and what becomes of what was read before when it cannot be.
///
/// A state machine without I/O or clock. A change is taken up once the file has been the same at two looks, so that one
/// that is being written is not read halfway; the first time it is read at once.
package struct FileFollowing: Sendable {
    /// What is to be done after a look at the file.
    package enum Action: Sendable, Hashable {
        /// Nothing is new.
        case wait
        /// Read it.
        case read
        /// Tell why it cannot be read; what was read before holds.
        case tell(String)
    }

    private var known: FileVersion?
    private var seen: FileVersion?
    private var toldReason: String?
    private var isFirst = true

    package init() {}

    /// Which file is there now, or why that cannot be told.
    package mutating func looked(_ version: Result<FileVersion, FileAccessError>) -> Action {
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
    package mutating func read(_ version: FileVersion, problem: String?) -> Action {
        known = version
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
