import MeshWire
import TestSupport
import Testing

@testable import MeshTransport

@Suite struct RouteTableTests {
    private func names(_ table: RouteTable, _ method: String, _ destination: String) -> [String] {
        table.candidates(method: method, destination: destination).map(\.route.name)
    }

    @Test("the routes of a method are those that name it, up to the first that asks for nothing more")
    func candidates() throws {
        var tester = Route("tester", services: ["s"], methods: ["a/*"])
        tester.metadata = [MetadataMatch("x", .present)]
        let table = try RouteTable(
            RoutePolicy(routes: [
                tester, Route("exact", methods: ["a/b"]), Route("service", services: ["s"]), Route("rest"),
            ]), retry: RetryConfiguration())
        #expect(names(table, "a/b", "s") == ["tester", "exact"])
        #expect(names(table, "a/c", "s") == ["tester", "service"])
        #expect(names(table, "a/b", "t") == ["exact"])
        #expect(names(table, "c/c", "t") == ["rest"])
    }

    @Test(
        "metadata is there or not, is a value or begins so",
        arguments: [
            (.present, true), (.absent, false), (.exact("red"), true), (.exact("Red"), false), (.exact("blue"), true),
            (.prefix("bl"), true), (.prefix("x"), false),
        ] as [(MetadataMatch.Value, Bool)])
    func metadata(value: MetadataMatch.Value, isMatch: Bool) throws {
        var route = Route("r")
        route.metadata = [MetadataMatch("team", value)]
        let table = try RouteTable(RoutePolicy(routes: [route]), retry: RetryConfiguration())
        let found = try #require(table.candidates(method: "a/b", destination: "s").first)
        var metadata: Metadata = ["team": "red", "other": "x"]
        metadata.append(Metadata.Entry(key: "team", value: "blue"))
        #expect(found.matches(metadata) == isMatch)
        #expect(found.matches([:]) == (value == .absent))
    }

    @Test("a route's retries are the configuration's with what it says instead")
    func retry() throws {
        var route = Route("r")
        (route.maximumAttempts, route.attemptTimeout, route.retriedStatuses) = (7, .seconds(1), [.aborted])
        let table = try RouteTable(RoutePolicy(routes: [route, Route("plain")]), retry: RetryConfiguration())
        let retry = try #require(table.candidates(method: "a/b", destination: "s").first).retry
        #expect(retry.maximumAttempts == 7 && retry.attemptTimeout == .seconds(1) && retry.statuses == [.aborted])
        #expect(retry.backoffBase == RetryConfiguration().backoffBase)
    }

    @Test("every problem of every route is named")
    func problems() async {
        var bad = Route("x", methods: ["nothing"], backends: [RouteBackend(Destination(service: "s"), weight: 0)])
        bad.redirect = "method"
        (bad.timeout, bad.idleTimeout, bad.maximumAttempts, bad.retriedStatuses) = (.zero, .seconds(-1), 0, [.ok])
        bad.mirror = RouteMirror(Destination(service: "m"), share: 2, concurrent: 0)
        var faults = RouteFaults()
        (faults.delayShare, faults.abortShare, faults.delay, faults.abort) = (-1, .nan, .seconds(-1), .ok)
        bad.faults = faults
        let policy = RoutePolicy(routes: [Route("", methods: []), bad, Route("x")])
        let error = await meshError { _ = try RouteTable(policy, retry: RetryConfiguration()) }
        for part in [
            "route 1 (\"\"): expected a name", "route 1 (\"\"): expected at least one method", "found \"nothing\"",
            "redirect, found \"method\"", "a weight above 0", "timeout must be", "idleTimeout must be",
            "maximumAttempts",
            "retriedStatuses", "mirror.share", "mirror.concurrent", "faults.delayShare", "faults.abortShare",
            "faults.delay must", "faults.abort must", "route 3 (\"x\"): the name is taken",
        ] { #expect(error?.message.contains(part) == true, "\(part)") }
    }
}
