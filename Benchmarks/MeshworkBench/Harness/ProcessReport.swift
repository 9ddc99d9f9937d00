import Foundation

/// What a process has used since it began.
struct ProcessReport: Codable {
    var processorSeconds: Double
    var residentBytes: Int
    /// Counted where the counting library is loaded.
    var memory: MemoryCounts?

    /// This process's.
    static func current() throws -> ProcessReport {
        ProcessReport(
            processorSeconds: processorSeconds(), residentBytes: try residentBytes(of: "self"),
            memory: MemoryCounts.current())
    }

    /// Another process's, as the kernel tells it.
    static func of(_ process: Int32) throws -> ProcessReport {
        // In nanoseconds, where what other files say of a process is rounded to hundredths of a second.
        let tasks = "/proc/\(process)/task"
        let nanoseconds = try FileManager.default.contentsOfDirectory(atPath: tasks).map { task in
            let path = "\(tasks)/\(task)/schedstat"
            guard let field = try String(contentsOfFile: path, encoding: .utf8).split(separator: " ").first,
                let nanoseconds = Double(field)
            else { throw BenchmarkFailure("\(path) does not say how long the thread has run") }
            return nanoseconds
        }
        return ProcessReport(
            processorSeconds: nanoseconds.reduce(0, +) / 1e9, residentBytes: try residentBytes(of: "\(process)"))
    }

    /// The processor time that this process has used.
    static func processorSeconds() -> Double {
        var usage = rusage()
        // The structure outlives the call.
        _ = unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    private static func residentBytes(of process: String) throws -> Int {
        let path = "/proc/\(process)/statm"
        let fields = try String(contentsOfFile: path, encoding: .utf8).split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else {
            throw BenchmarkFailure("\(path) does not say how many pages are resident")
        }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}

/// What a process has allocated and copied, as the library that stands before the C library counts it.
struct MemoryCounts: Codable {
    var allocations: Int
    var releases: Int
    var liveBytes: Int
    var copiedBytes: Int

    /// Allocations that have not been released.
    var liveAllocations: Int { allocations - releases }

    /// This process's; `nil` where the library is not loaded.
    static func current() -> MemoryCounts? {
        typealias Read = @convention(c) (UnsafeMutablePointer<UInt64>) -> Void
        // The symbol is MemoryCounter.h's function of this type, and writes four numbers.
        guard let program = unsafe dlopen(nil, RTLD_NOW),
            let symbol = unsafe dlsym(program, "memory_counter_read")
        else { return nil }
        let read = unsafe unsafeBitCast(symbol, to: Read.self)
        var counts = [UInt64](repeating: 0, count: 4)
        unsafe counts.withUnsafeMutableBufferPointer { counts in
            if let start = counts.baseAddress { unsafe read(start) }
        }
        return MemoryCounts(
            allocations: Int(counts[0]), releases: Int(counts[1]), liveBytes: Int(Int64(bitPattern: counts[2])),
            copiedBytes: Int(counts[3]))
    }

    /// The library, which `swift build` makes beside the program.
    static func library() throws -> String {
        let program = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        let library = program.deletingLastPathComponent().appendingPathComponent("libMemoryCounter.so").path
        guard FileManager.default.fileExists(atPath: library) else {
            throw BenchmarkFailure(
                "\(library) is missing: build all of the package with `swift build -c release --package-path Benchmarks`"
            )
        }
        return library
    }
}
