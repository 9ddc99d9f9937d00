import Foundation
import Synchronization

/// What a program has printed and how it ended, as two threads learn of it: one reads, and one waits for the end.
///
/// Guarded by a mutex.
final class PeerOutput: Sendable {
    struct State {
        fileprivate(set) var printed: [UInt8] = []
        /// Its exit status, when it has ended.
        fileprivate(set) var status: Int32?
        /// True once nothing more is read.
        fileprivate(set) var isClosed = false
        /// True if it was killed because its time was up.
        fileprivate(set) var isOverdue = false
        /// Where the next line begins that has not been taken.
        private var lineStart = 0
        fileprivate var version = 0
        fileprivate var waiters: [CheckedContinuation<Void, Never>] = []

        /// The next line, if it is there whole.
        mutating func takeLine() -> String? {
            guard let end = printed[lineStart...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            defer { lineStart = end + 1 }
            return String(decoding: printed[lineStart..<end], as: UTF8.self)
        }
    }

    private let state = Mutex(State())

    /// Looks at what is known; the version is for ``change(since:)``.
    func look<Result>(_ body: (inout State) throws -> Result) rethrows -> (Result, version: Int) {
        try state.withLock { (try body(&$0), $0.version) }
    }

    /// Returns once more is known than there was in `version`.
    func change(since version: Int) async {
        await withCheckedContinuation { continuation in
            let isChanged = state.withLock { state in
                if state.version == version { state.waiters.append(continuation) }
                return state.version != version
            }
            if isChanged { continuation.resume() }
        }
    }

    /// Reads what a program prints, and kills it if there is no end until `deadline`.
    func follow(_ child: ChildProcess, printing pipe: FileHandle, until deadline: DispatchTime) {
        let hasEnded = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            let status = child.waitForEnd()
            self.update { $0.status = status }
            hasEnded.signal()
        }
        Thread.detachNewThread {
            while let bytes = Self.read(pipe, until: deadline) { self.update { $0.printed += bytes } }
            if hasEnded.wait(timeout: deadline) == .timedOut {
                self.update { $0.isOverdue = true }
                child.kill()
            }
            self.update { $0.isClosed = true }
        }
    }

    private func update(_ body: (inout State) -> Void) {
        let waiters = state.withLock { state in
            body(&state)
            state.version += 1
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// The next bytes, or `nil` at their end or at the deadline.
    private static func read(_ pipe: FileHandle, until deadline: DispatchTime) -> [UInt8]? {
        var request = pollfd(fd: pipe.fileDescriptor, events: Int16(POLLIN), revents: 0)
        while true {
            let now = DispatchTime.now().uptimeNanoseconds
            guard now < deadline.uptimeNanoseconds else { return nil }
            let milliseconds = Int32(clamping: (deadline.uptimeNanoseconds - now) / 1_000_000 + 1)
            if unsafe poll(&request, 1, milliseconds) > 0 { break }
        }
        let bytes = pipe.availableData
        return bytes.isEmpty ? nil : Array(bytes)
    }
}
