import CFuzzer
import Foundation

// Chosen by the environment: the arguments are libFuzzer's.
let name = ProcessInfo.processInfo.environment["MESHWORK_FUZZ"] ?? ""
guard let target = FuzzTarget.all[name] else {
    print("set MESHWORK_FUZZ to one of: \(FuzzTarget.all.keys.sorted().joined(separator: " "))")
    exit(64)
}
let chosen = target

// Where the first run begins: what is in the corpus is not written again.
if let corpus = ProcessInfo.processInfo.environment["MESHWORK_FUZZ_CORPUS"] {
    for (index, seed) in chosen.seeds().enumerated() {
        try Data(seed).write(to: URL(filePath: corpus).appending(path: "seed-\(index)"))
    }
}

/// libFuzzer's name for what it runs.
@_cdecl("LLVMFuzzerTestOneInput")
func runOne(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    unsafe chosen.decode(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}

var argumentCount = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = unsafe CommandLine.unsafeArgv
exit(unsafe LLVMFuzzerRunDriver(&argumentCount, &arguments, runOne))
