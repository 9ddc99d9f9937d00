import Foundation

/// What can go wrong between the launcher and a child on their control channel.
package enum ControlError: Error, Equatable, CustomStringConvertible {
    /// The descriptor that the launcher would have passed is not there: the subcommand was started by hand.
    case notStartedByLauncher
    /// A frame's length passes `ControlFrameDecoder.maximumBodyBytes`.
    case frameTooLarge(Int)
    /// A frame's body is not the JSON of a message that this side knows.
    case unreadableMessage(String)
    /// The other side is gone.
    case closed
    /// A system call failed; its name and `errno`.
    case system(call: String, errno: Int32)

    private static var program: String { ProcessInfo.processInfo.processName }

    package var description: String {
        switch self {
        case .notStartedByLauncher:
            "this command is one of the processes that `\(Self.program)` starts by itself: run `\(Self.program)` instead"
        case .frameTooLarge(let count):
            "a control message of \(count) bytes, at most \(ControlFrameDecoder.maximumBodyBytes) expected"
        case .unreadableMessage(let reason):
            "a control message could not be read: \(reason)"
        case .closed:
            "the control channel is closed"
        case .system(let call, let code):
            "\(call) failed: \(systemMessage(code))"
        }
    }
}
