import DigitsKit
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
        return try run(script, [path]).split(separator: "\n").map(String.init)
    }

    /// The fraction of the held-out digits that the model in a file knows, by NumPy's arithmetic alone.
    ///
    /// - Throws: `PythonFailure` with what Python says when it cannot read the file, or is not there.
    static func heldOutAccuracy(_ path: String) throws -> Double {
        let script = """
            import sys, numpy
            from safetensors.numpy import load_file
            model, count = load_file(sys.argv[1]), int(sys.argv[4])
            pixels = numpy.fromfile(sys.argv[2], numpy.uint8)[16:].reshape(-1, 784)[-count:]
            labels = numpy.fromfile(sys.argv[3], numpy.uint8)[8:][-count:]
            values = pixels.astype(numpy.float32) / 255
            for layer in ("hidden1", "hidden2", "head"):
                values = values @ model[layer + "/weight"] + model[layer + "/bias"]
                if layer != "head":
                    values = numpy.maximum(values, 0)
            print((values.argmax(axis=1) == labels).mean())
            """
        let printed = try run(
            script, [path, try Digits.imagesPath(), try Digits.labelsPath(), "\(Digits.heldOutCount)"])
        guard let accuracy = Double(printed.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw PythonFailure(description: "not a number: \(printed)")
        }
        return accuracy
    }

    struct PythonFailure: Error, CustomStringConvertible {
        let description: String
    }

    private static func run(_ script: String, _ arguments: [String]) throws -> String {
        let command = try Command(interpreter, ["-c", script] + arguments)
        guard command.status == 0 else { throw PythonFailure(description: command.errors) }
        return command.output
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
