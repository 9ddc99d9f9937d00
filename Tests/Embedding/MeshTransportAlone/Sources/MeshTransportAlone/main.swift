import MeshTransport

struct Line: MeshMessage {
    static let messageName = "hello.Line"
    var text = ""
    init(_ text: String) { self.text = text }
    init(from decoder: inout MessageDecoder) throws(WireError) {
        while let field = try decoder.nextField() { if field == 1 { text = try decoder.string() } }
    }
    func encode(to encoder: inout MessageEncoder) { encoder.string(1, text) }
}

enum Hello: MeshService {
    static let name: ServiceName = "hello.Hello"
    static let greet = unary("Greet", Line.self, Line.self, retry: .idempotent)
}

let mesh = try Mesh.development()  // an authority in memory; a real mesh joins one with a token
mesh.serve(Hello.greet) { name, call in Line("Hello \(name.text), you are \(call.peer!)") }
let address = try await mesh.listen(host: "127.0.0.1", port: 0)
let client = mesh.client(mesh.own(address))
print(try await client.call(Hello.greet, Line("Ada"), timeout: .seconds(1)).text)
await mesh.stop()
