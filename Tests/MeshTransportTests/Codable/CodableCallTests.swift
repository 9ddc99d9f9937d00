import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5))) struct CodableCallTests {
    private struct Basket: Codable, Sendable { var items: [String: Int] }
    private struct Score: Codable, Equatable, Sendable {
        struct Unknown: Error {}
        var value: Double?

        func encode(to encoder: any Encoder) throws {
            guard let value else { throw Unknown() }
            var container = encoder.singleValueContainer()
            try container.encode(["value": value])
        }
    }
    /// What a server of another version expects as a basket.
    private struct OtherBasket: NamedCodable, Sendable {
        static let codableName = "MeshTransportTests.CodableCallTests.Basket"
        var items: [String: Bool]
    }

    private enum Scoring: MeshService {
        static let name: ServiceName = "shop.Scoring"
        static let score = unary(
            "Score", CodableMessage<Basket>.self, CodableMessage<Score>.self, retry: .idempotent)
        static let other = unary(
            "Other", CodableMessage<Basket>.self, CodableMessage<Score>.self, retry: .idempotent)
        static let served = unary(
            "Other", CodableMessage<OtherBasket>.self, CodableMessage<Score>.self, retry: .idempotent)
    }

    @Test("a host's own Codable types are called and answered with; what is none of them says where")
    func calls() async throws {
        try await Simulated.run(seed: 7) { simulation in
            let server = try await simulation.server { mesh in
                mesh.serve(Scoring.score) { basket, _ in
                    let total = basket.value.items.values.reduce(0, +)
                    return CodableMessage(Score(value: total > 0 ? Double(total) / 2 : nil))
                }
                mesh.serve(Scoring.served) { _, _ in CodableMessage(Score()) }
            }
            let client = try simulation.client()
            let basket = CodableMessage(Basket(items: ["apple": 3, "pear": 4]))
            #expect(try await client.call(Scoring.score, basket).value == Score(value: 3.5))
            let unwritten = await meshError {
                _ = try await client.call(Scoring.score, CodableMessage(Basket(items: [:])))
            }
            #expect(unwritten?.code == .malformedMessage)
            #expect(unwritten?.message.hasSuffix("the sender could not encode it: Unknown()") == true)
            let unread = await meshError { _ = try await client.call(Scoring.other, basket) }
            #expect(unread?.code == .status && unread?.status == .invalidArgument)
            #expect(unread?.message.contains(": expected Bool, found an integer") == true)
            client.close()
            await server.stop()
        }
    }
}
