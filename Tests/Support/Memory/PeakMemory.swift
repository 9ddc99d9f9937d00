import Foundation

/// The memory of this process at its peak, as the kernel counts it.
package enum PeakMemory {
    /// Whether it can be told: Linux tells, and a sanitizer's own memory is not a program's.
    package static let isMeasurable: Bool = {
        let sanitizers = [unsafe dlsym(nil, "__asan_init") != nil, unsafe dlsym(nil, "__tsan_init") != nil]
        return !sanitizers.contains(true) && (try? restart()) != nil && (try? bytes("VmHWM")) != nil
    }()

    /// The most that a server may take for what an attacker sends: a few times as much, and 16 MiB for its own work.
    package static func allowance(forBytes count: Int) -> Int { 16 << 20 + 4 * count }

    /// How many bytes more the process has at its peak, while `body` runs, than it has before.
    package static func growth(_ body: () async throws -> Void) async throws -> Int {
        try restart()
        let before = try bytes("VmRSS")
        try await body()
        return try bytes("VmHWM") - before
    }

    /// Has the peak begin anew (proc(5), `clear_refs`).
    private static func restart() throws {
        let file = try FileHandle(forWritingTo: URL(filePath: "/proc/self/clear_refs"))
        try file.write(contentsOf: Data("5".utf8))
        try file.close()
    }

    private static func bytes(_ name: String) throws -> Int {
        // A line such as "VmHWM:     1234 kB".
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix(name) }),
            let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { throw CocoaError(.fileReadCorruptFile) }
        return kilobytes << 10
    }
}
