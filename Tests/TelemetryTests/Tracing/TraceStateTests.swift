import Testing

@testable import Telemetry

@Suite struct TraceStateTests {
    private func member(_ key: String, _ value: String) throws -> TraceState.Member {
        try #require(TraceState.Member(key: key, value: value))
    }

    @Test(
        "members are read in their order, without blanks around them and without empty ones",
        arguments: [
            ("congo=t61rcWkgMzE,rojo=00f067aa0ba902b7", "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"),
            (" a=1 ,\tb=2\t,, ,c=3", "a=1,b=2,c=3"), ("", ""), (",,,", ""),
            ("0tenant@vendor_x-*/=v", "0tenant@vendor_x-*/=v"),
            ("a= x y", "a= x y"), ("a=!#$%&'()*+-./:;<>?@[\\]^_`{|}~", "a=!#$%&'()*+-./:;<>?@[\\]^_`{|}~"),
        ])
    func reads(text: String, expected: String) throws {
        #expect(try #require(TraceState(text)).description == expected)
    }

    @Test(
        "a list with a part that cannot be read is no list",
        arguments: [
            "a", "=1", "a=", "A=1", "a=1,a=2", "a=1=2", "_a=1", "@a=1", "a b=1", "é=1", "a=é", "a=\u{1}", "a=1\n",
            "a.b=1",
            "a=1, b", String(repeating: "k", count: 257) + "=1", "a=" + String(repeating: "v", count: 257),
            (0..<33).map { "k\($0)=v" }.joined(separator: ","),
        ])
    func refuses(text: String) {
        #expect(TraceState(text) == nil)
    }

    @Test("limits are reached and not passed")
    func limits() throws {
        let long = String(repeating: "k", count: 256) + "=" + String(repeating: "v", count: 255)
        #expect(TraceState(long)?.members.count == 1)
        #expect(TraceState((0..<32).map { "k\($0)=v" }.joined(separator: ","))?.members.count == 32)
    }

    @Test("what is changed or added stands first, and the last of a full list falls out")
    func mutation() throws {
        var state = try #require(TraceState("a=1,b=2,c=3"))
        state.set(try member("b", "4"))
        #expect(state.description == "b=4,a=1,c=3")
        state.set(try member("d", "5"))
        #expect(state.description == "d=5,b=4,a=1,c=3")
        state.remove(key: "a")
        #expect(state.description == "d=5,b=4,c=3")
        #expect(state["b"] == "4")
        #expect(state["a"] == nil)
        var full = try #require(TraceState((0..<32).map { "k\($0)=v" }.joined(separator: ",")))
        full.set(try member("new", "v"))
        #expect(full.members.count == 32)
        #expect(full.members.first?.key == "new")
        #expect(full.members.last?.key == "k30")
    }

    @Test("what is too long to send loses its long members first, from the right, then those on the right")
    func truncation() throws {
        let long = String(repeating: "v", count: 200)
        let short = String(repeating: "v", count: 90)
        let state = try #require(TraceState("a=\(short),l1=\(long),b=\(short),l2=\(long),c=\(short)"))
        #expect(state.description == "a=\(short),l1=\(long),b=\(short),c=\(short)")
        let shorts = try #require(TraceState((0..<8).map { "k\($0)=\(short)" }.joined(separator: ",")))
        #expect(shorts.description == (0..<5).map { "k\($0)=\(short)" }.joined(separator: ","))
        // Exactly 128 characters are not long, 129 are.
        let (edge, above) = (String(repeating: "v", count: 126), String(repeating: "v", count: 127))
        let edges = try #require(TraceState("x=\(above),a=\(edge),b=\(edge),c=\(edge)"))
        #expect(edges.description == "a=\(edge),b=\(edge),c=\(edge)")
        let exact = try #require(TraceState("a=\(edge),b=\(edge),c=\(edge),d=" + String(repeating: "v", count: 123)))
        #expect(exact.description.utf8.count == 512)
        // One that alone is too long is not sent at all.
        let alone = String(repeating: "k", count: 256) + "=" + String(repeating: "v", count: 256)
        #expect(try #require(TraceState(alone)).description == "")
        #expect(state.members.count == 5)
    }
}
