import CFuzzer
import Foundation

/// What a decoder is given; it may refuse it, and must not trap, hang or take memory without end.
typealias FuzzTarget = ([UInt8]) -> Void

let targets: [String: FuzzTarget] = [
    "server-connection": Connections.server,
    "client-connection": Connections.client,
    "server-call": Calls.server,
    "client-call": Calls.client,
    "messages": Messages.decode,
    "certificates": Certificates.read,
    "safetensors": Files.safetensors,
    "infer-request": Files.inferRequest,
]

// Chosen by the environment: the arguments are libFuzzer's.
let name = ProcessInfo.processInfo.environment["MESHWORK_FUZZ"] ?? ""
guard let target = targets[name] else {
    print("set MESHWORK_FUZZ to one of: \(targets.keys.sorted().joined(separator: " "))")
    exit(64)
}
nonisolated(unsafe) let chosen = target

/// libFuzzer's name for what it runs.
@_cdecl("LLVMFuzzerTestOneInput")
func runOne(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    unsafe chosen(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}

var argumentCount = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = unsafe CommandLine.unsafeArgv
exit(unsafe LLVMFuzzerRunDriver(&argumentCount, &arguments, runOne))
