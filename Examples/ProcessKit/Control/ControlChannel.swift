import Dispatch
import Foundation
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// One end of the socket pair between the launcher and a child: typed messages, in order, both ways.
///
/// It carries what must not stand in arguments or the environment (the join token), and its end is each side's notice
/// that the other is gone, however it went. Reading blocks a thread of its own, never one of the cooperative pool, so
/// that a child whose pool is stuck still learns that its launcher died.
///
/// Safe to share: sending and the receive buffer are each guarded by a mutex; the descriptor never changes.
package final class ControlChannel<Incoming: Decodable & Sendable, Outgoing: Encodable & Sendable>: Sendable {
    private let descriptor: Int32
    private let queue = DispatchQueue(label: "example.control")
    private let decoder = Mutex(ControlFrameDecoder())
    private let sending = Mutex(())
    private let onEnd: @Sendable () -> Void

    /// Takes over `descriptor`, a connected stream socket.
    ///
    /// - Parameter onEnd: called on the reading thread, once, when the other side is gone.
    package init(adopting descriptor: Int32, onEnd: @escaping @Sendable () -> Void = {}) {
        self.descriptor = descriptor
        self.onEnd = onEnd
        #if canImport(Darwin)
            var on: Int32 = 1
            // SAFETY: the option's value is the address and size of a local that outlives the call.
            _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, socklen_t(MemoryLayout<Int32>.size))
        #endif
    }

    deinit {
        _ = systemClose(descriptor)
    }

    /// Writes one message; returns when the kernel has all of it, so that it reaches the other side even if this
    /// process is killed right after.
    ///
    /// - Throws: `ControlError.closed` when the other side is gone.
    package func send(_ message: Outgoing) throws(ControlError) {
        let body: [UInt8]
        do {
            body = Array(try JSONEncoder().encode(message))
        } catch {
            throw .unreadableMessage("\(error)")
        }
        let frame = try ControlFrameDecoder.frame(body)
        try sending.withLock { (_) throws(ControlError) in try write(frame) }
    }

    /// The next message, or nil when the other side has closed its end or died.
    ///
    /// - Throws: `ControlError` for bytes that are no message of this channel, and for a message cut short.
    package func receive() async throws(ControlError) -> Incoming? {
        let result: Result<Incoming?, ControlError> = await withCheckedContinuation { continuation in
            queue.async {
                continuation.resume(returning: Result { () throws(ControlError) in try self.receiveBlocking() })
            }
        }
        return try result.get()
    }

    /// Ends the channel both ways; a `receive` that waits answers nil.
    package func close() {
        _ = shutdown(descriptor, Int32(SHUT_RDWR))
    }

    private func receiveBlocking() throws(ControlError) -> Incoming? {
        while true {
            if let body = try decoder.withLock({ (decoder) throws(ControlError) in try decoder.next() }) {
                do {
                    return try JSONDecoder().decode(Incoming.self, from: Data(body))
                } catch {
                    throw .unreadableMessage("\(error)")
                }
            }
            let received = try read()
            guard !received.isEmpty else {
                onEnd()
                if decoder.withLock({ $0.endsInsideFrame }) { throw .unreadableMessage("it was cut short") }
                return nil
            }
            decoder.withLock { $0.append(received) }
        }
    }

    /// What has arrived, at least one byte; empty at the end.
    private func read() throws(ControlError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            // SAFETY: the buffer's own count bounds the read, and its address does not leave the closure.
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            if count >= 0 { return Array(buffer.prefix(count)) }
            switch errno {
            case EINTR: continue
            // The other side died with a message of ours unread.
            case ECONNRESET: return []
            case let code: throw .system(call: "recv", errno: code)
            }
        }
    }

    private func write(_ frame: [UInt8]) throws(ControlError) {
        #if canImport(Darwin)
            let flags: Int32 = 0
        #else
            let flags = Int32(MSG_NOSIGNAL)
        #endif
        var rest = frame[...]
        while !rest.isEmpty {
            // SAFETY: the slice's own count bounds the read, and its address does not leave the closure.
            let count = unsafe rest.withUnsafeBytes { unsafe systemSend(descriptor, $0, flags) }
            if count >= 0 {
                rest = rest.dropFirst(count)
                continue
            }
            switch errno {
            case EINTR: continue
            case EPIPE, ECONNRESET: throw .closed
            case let code: throw .system(call: "send", errno: code)
            }
        }
    }
}

/// The system's calls that methods of the same name hide.
private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }

private func systemSend(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, _ flags: Int32) -> Int {
    // SAFETY: the buffer's own address and count; the caller keeps it alive for the call.
    unsafe send(descriptor, bytes.baseAddress, bytes.count, flags)
}
