import Foundation

/// Python's own safetensors library, which `Scripts/install-prerequisites.sh test` provides.
enum PythonSafetensors {
    /// What the library finds in a file: a line for each tensor with its name, type and shape, in the order of names.
    ///
    /// - Throws: `PythonFailure` with what Python says when it cannot read the file, or is not there.
    static func describe(_ path: String) throws -> [String] {
        let script = """
            import sys, numpy
            from safetensors.numpy import load_file
            for name, tensor in sorted(load_file(sys.argv[1]).items()):
                assert numpy.isfinite(tensor).all() and (tensor != tensor.flat[0]).any(), name
                print(name, tensor.dtype, list(tensor.shape))
            """
        let process = Process()
        let (output, errors) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [interpreter, "-c", script, path]
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaint = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw PythonFailure(description: complaint) }
        return text.split(separator: "\n").map(String.init)
    }

    struct PythonFailure: Error, CustomStringConvertible {
        let description: String
    }

    /// The interpreter that the script has set up in the project's build folder, or the machine's own.
    private static var interpreter: String {
        var root = URL(fileURLWithPath: #filePath)
        // Examples/Tests/DigitsTests/Processes/PythonSafetensors.swift
        for _ in 0..<5 { root.deleteLastPathComponent() }
        let own = root.appendingPathComponent(".build/python/bin/python3").path
        return FileManager.default.isExecutableFile(atPath: own) ? own : "python3"
    }
}
