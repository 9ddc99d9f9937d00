import MeshTransport
import MeshWire

/// A message of the tests' own service.
struct Word: MeshMessage, Equatable {
    static let messageName = "test.Word"

    var text: String

    init(_ text: String) { self.text = text }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init("")
        while let field = try decoder.nextField() {
            if field == 1 { text = try decoder.string() }
        }
    }

    func encode(to encoder: inout MessageEncoder) { encoder.string(1, text) }
}

enum Words: MeshService {
    static let name: ServiceName = "test.Words"
    // Not repeated: what fails is seen.
    static let say = unary("Say", Word.self, Word.self, retry: .never)
}
