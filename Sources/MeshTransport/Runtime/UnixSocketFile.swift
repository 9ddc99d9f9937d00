import MeshWire
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The file of a listening Unix domain socket, on its channel: removed when the listener closes, while nobody else can
/// have taken its path.
final class UnixSocketFile: ChannelOutboundHandler {
    typealias OutboundIn = Never

    private let path: SocketPath
    private let number: SocketPath.FileNumber?

    private init(_ path: SocketPath, _ number: SocketPath.FileNumber?) {
        self.path = path
        self.number = number
    }

    /// Opens a listener at `path`; the file of one that is gone makes room.
    ///
    /// - Parameter listen: listens on a bound socket, whose owner it becomes. NIO's own binding would remove, when the
    ///   listener closes, whatever socket is at the path by then.
    static func open(
        _ path: String, on loop: any EventLoop,
        listen: @escaping @Sendable (NIOBSDSocket.Handle) -> EventLoopFuture<any Channel>
    ) -> EventLoopFuture<any Channel> {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            return loop.makeFailedFuture(UnixSocketError(message: "the path is empty or has a zero byte"))
        }
        return makeRoom(at: path, on: loop).flatMapThrowing { try bind(path) }.flatMap { socket in
            let place = SocketPath(path)
            let number: SocketPath.FileNumber? = if case .socket(let number) = place.occupant { number } else { nil }
            // On the channel's own loop.
            return listen(socket).flatMapThrowing { channel in
                try channel.pipeline.syncOperations.addHandler(UnixSocketFile(place, number))
                return channel
            }
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        // Before the socket closes: later another process may have found it dead and taken its place.
        if let number { path.remove(number) }
        context.close(mode: mode, promise: promise)
    }

    /// Removes the file of a socket that nobody listens on.
    private static func makeRoom(at path: String, on loop: any EventLoop) -> EventLoopFuture<Void> {
        let place = SocketPath(path)
        let found: SocketPath.FileNumber
        switch place.occupant {
        case .nothing: return loop.makeSucceededVoidFuture()
        case .somethingElse:
            return loop.makeFailedFuture(UnixSocketError(message: "there is a file that is no socket"))
        case .socket(let number): found = number
        }
        return ClientBootstrap(group: loop).connectTimeout(.seconds(1)).connect(unixDomainSocketPath: path).map {
            $0.close(promise: nil)
            return true
        }.flatMapErrorThrowing { error in
            switch (error as? IOError)?.errnoCode {
            case ECONNREFUSED?, ENOENT?: return false
            // Such as a full queue: somebody is there.
            default: throw error
            }
        }.flatMapThrowing { isInUse in
            guard !isInUse else { throw UnixSocketError(message: "the socket is in use") }
            place.remove(found)
        }
    }
}

extension UnixSocketFile {
    /// A new socket, bound to `path`.
    private static func bind(_ path: String) throws -> NIOBSDSocket.Handle {
        let address = try SocketAddress(unixDomainSocketPath: path)
        let handle = socket(AF_UNIX, type, 0)
        guard handle >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
        // Other processes that this one starts have no part in it.
        guard fcntl(handle, F_SETFD, FD_CLOEXEC) == 0,
            // The address is valid for the call.
            unsafe address.withSockAddr({ unsafe systemBind(handle, $0, socklen_t($1)) }) == 0
        else {
            let error = IOError(errnoCode: errno, reason: "bind")
            _ = systemClose(handle)
            throw error
        }
        return handle
    }

    #if canImport(Glibc)
        private static let type = CInt(SOCK_STREAM.rawValue)
    #else
        private static let type = SOCK_STREAM
    #endif
}

/// The system's, which methods of this file would hide.
private func systemBind(_ handle: CInt, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> CInt {
    // As the caller says.
    unsafe bind(handle, address, length)
}

/// The system's, which methods of this file would hide.
private func systemClose(_ handle: CInt) -> CInt { close(handle) }

/// Why a Unix domain socket was not opened.
struct UnixSocketError: Error, CustomStringConvertible {
    let message: String
    var description: String { message }
}
