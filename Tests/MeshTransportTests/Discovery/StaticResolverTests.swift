import MeshTransport
import Testing

@Suite struct StaticResolverTests {
    private let first = ServiceEndpoint(.tcp(host: "10.0.0.1", port: 80))
    private let second = ServiceEndpoint(.tcp(host: "10.0.0.2", port: 80), weight: 3, zone: "b")

    @Test("a watch hears what is known at once, and each change of its service")
    func changes() {
        let (resolver, heard) = (StaticResolver(["shop": [first]]), Heard())
        let watch = resolver.watch("shop") { heard.hear($0) }
        resolver.set([first, second], of: "shop")
        resolver.set([second], of: "another")
        resolver.set([], of: "shop")
        #expect(heard.list == [.endpoints([first]), .endpoints([first, second]), .endpoints([])])
        watch.cancel()
        resolver.set([second], of: "shop")
        #expect(heard.list.count == 3)
    }

    @Test("a service that nobody knows is told as such, and may come later")
    func unknown() {
        let (resolver, heard) = (StaticResolver(), Heard())
        let watch = resolver.watch("shop") { heard.hear($0) }
        resolver.set([first], of: "shop")
        resolver.set(nil, of: "shop")
        let failed = Resolution.failed("no service is called shop")
        #expect(heard.list == [failed, .endpoints([first]), failed])
        watch.cancel()
    }

    @Test("a watch ends when it is let go of")
    func released() {
        let (resolver, heard) = (StaticResolver(["shop": [first]]), Heard())
        do {
            let watch = resolver.watch("shop") { heard.hear($0) }
            withExtendedLifetime(watch) { resolver.set([], of: "shop") }
        }
        resolver.set([second], of: "shop")
        #expect(heard.list.count == 2)
    }
}
