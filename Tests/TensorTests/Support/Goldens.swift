import Tensor

/// Arrays that NumPy computed, from a file that is committed beside the tests; a script in Scripts/ writes each.
enum Goldens {
    static func read(_ name: String) throws -> NamedTensors {
        let tests = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        return try Safetensors.read("\(tests)/Goldens/\(name)")
    }
}
