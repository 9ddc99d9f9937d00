import ModelServing
import Tensor
import Testing

struct ModelRegistryTests {
    @Test("without a version the highest is meant, and unloading it brings the one before back")
    func versions() throws {
        let registry = ModelRegistry()
        for version in [2, 10, 9] { try registry.loadSmall(version: version) }
        #expect(registry.names == ["small"])
        #expect(registry.versions(of: "small") == [2, 9, 10])
        #expect(try registry.model("small").version == 10)
        #expect(try registry.model("small", version: 9).version == 9)
        try registry.unload("small", version: 10)
        #expect(try registry.model("small").version == 9)
        try registry.unload("small", version: 9)
        try registry.unload("small", version: 2)
        #expect(registry.names.isEmpty)
    }

    @Test("what is not loaded is unknown, by name and version")
    func unknown() throws {
        let registry = ModelRegistry()
        try registry.loadSmall()
        for (name, version) in [("other", nil), ("small", 7), ("small", 0)] as [(String, Int?)] {
            let error = #expect(throws: ServingError.self) { try registry.model(name, version: version) }
            #expect(error?.code == .unknownModel)
            let text = version.map { " version \($0)" } ?? ""
            #expect(error?.message == "Request for unknown model: '\(name)'\(text) is not found")
        }
        #expect(throws: ServingError.self) { try registry.unload("small", version: 2) }
    }

    @Test("a version that is loaded already is refused and stays as it is")
    func alreadyLoaded() throws {
        let registry = ModelRegistry()
        try registry.loadSmall()
        let error = #expect(throws: ServingError.self) { try registry.loadSmall() }
        #expect(error?.code == .alreadyLoaded)
        #expect(registry.versions(of: "small") == [1])
    }

    @Test(
        "names that would not stand in a path, and versions below 1, are refused",
        arguments: [
            ("", 1), ("a/b", 1), ("a b", 1), ("ä", 1), ("..", 1), (String(repeating: "a", count: 129), 1), ("a", 0),
        ])
    func names(name: String, version: Int) {
        let signature = ModelSignature(
            inputs: [TensorDeclaration("x", shape: [1])], outputs: [TensorDeclaration("y", shape: [1])])
        let error = #expect(throws: ServingError.self) {
            try ModelRegistry().add(name, version: version, signature: signature) { $0 }
        }
        #expect(error?.code == .invalidDeclaration)
    }
}
