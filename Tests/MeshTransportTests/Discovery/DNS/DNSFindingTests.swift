import MeshWire
import Testing

@testable import MeshTransport

@Suite struct DNSFindingTests {
    private func v6(_ last: UInt8) -> [UInt8] { [0xFD] + [UInt8](repeating: 0, count: 14) + [last] }
    private func v4(_ last: UInt8) -> [UInt8] { [10, 0, 0, last] }

    private func places(_ first: [[UInt8]], _ second: [[UInt8]]) -> [[String]] {
        DNSEndpoints.servers(first: first, second: second, .init(port: 80))
            .map { [$0.endpoint] + $0.alternatives }.map { $0.map(\.description) }
    }

    @Test("each address of one family is a server")
    func oneFamily() {
        #expect(places([], [v4(2), v4(1)]) == [["10.0.0.1:80"], ["10.0.0.2:80"]])
        #expect(places([v6(1)], []) == [["[fd00::1]:80"]])
    }

    @Test("an address of either family is one server with two")
    func dualStack() { #expect(places([v6(1)], [v4(1)]) == [["[fd00::1]:80", "10.0.0.1:80"]]) }

    @Test("of several of both families, each is connected to once, whichever works")
    func several() {
        #expect(
            places([v6(2), v6(1)], [v4(3), v4(1), v4(2)])
                == [["[fd00::1]:80", "10.0.0.1:80"], ["[fd00::2]:80", "10.0.0.2:80"], ["10.0.0.3:80"]])
    }

    @Test("addresses that nobody can have are none")
    func unspecified() {
        #expect(places([[UInt8](repeating: 0, count: 16)], [[0, 0, 0, 0], v4(1)]) == [["10.0.0.1:80"]])
    }

    @Test(
        "weights are in proportion, and 0 is the hundredth of the least where others have more",
        arguments: [([1, 3], [1, 3]), ([0, 0], [1, 1]), ([0, 1, 65_535], [1, 100, 6_553_500])] as [([UInt16], [UInt32])]
    )
    func weights(records: [UInt16], expected: [UInt32]) {
        #expect(records.map { DNSEndpoints.weight($0, beside: records) } == expected)
    }

    @Test("endpoints are in an order of their own, each once, and at most so many")
    func settled() {
        let (a, b) = (ServiceEndpoint(.tcp(host: "a", port: 1)), ServiceEndpoint(.tcp(host: "b", port: 1)))
        let first = ServiceEndpoint(.tcp(host: "z", port: 1), priority: 0)
        var late = a
        late.priority = 1
        #expect(DNSEndpoints.settled([b, a, b], limit: 9) == [a, b])
        #expect(DNSEndpoints.settled([late, first], limit: 9) == [first, late])
        #expect(DNSEndpoints.settled([b, a], limit: 1) == [a])
    }
}
