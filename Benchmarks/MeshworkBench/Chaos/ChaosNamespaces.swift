import Foundation

/// A network namespace for each server of a run, joined to this one by a pair of virtual interfaces and a bridge: where
/// a link is down, nothing that the server says or hears comes through, and nobody is told.
///
/// Needs `ip` of iproute2, and the right to make namespaces and interfaces.
struct ChaosNamespaces: Sendable {
    /// This side's address, which servers reach.
    let gateway: String
    private let program: String
    private let prefix: String
    private let network: String
    private let count: Int

    /// Makes so many.
    init(_ count: Int) throws {
        guard let program = Programs.find("ip") else {
            throw BenchmarkFailure("--namespaces needs `ip`: install iproute2, or leave the option out")
        }
        self.program = program
        self.count = count
        let number = ProcessInfo.processInfo.processIdentifier
        prefix = "mw\(number % 100_000)"
        // Of the documentation's private block, so that it meets no other network of the machine.
        network = "10.214.\(number % 256)"
        gateway = "\(network).1"
        do {
            try run("link", "add", bridge, "type", "bridge")
            try run("addr", "add", "\(gateway)/24", "dev", bridge)
            try run("link", "set", bridge, "up")
            for server in 0..<count { try add(server) }
        } catch {
            remove()
            throw error
        }
    }

    /// The address that a server listens at.
    func address(of server: Int) -> String { "\(network).\(server + 10)" }

    /// The command that runs `command` where a server is.
    func command(of server: Int, _ command: [String]) -> [String] {
        [program, "netns", "exec", namespace(server)] + command
    }

    /// Cuts a server off, or lets it be heard again.
    func setLink(of server: Int, isUp: Bool) throws { try run("link", "set", link(server), isUp ? "up" : "down") }

    /// Takes everything away again, as far as it is there.
    func remove() {
        for server in 0..<count {
            try? run("link", "del", link(server))
            try? run("netns", "del", namespace(server))
        }
        try? run("link", "del", bridge)
    }

    private var bridge: String { "\(prefix)b" }
    private func link(_ server: Int) -> String { "\(prefix)v\(server)" }
    private func namespace(_ server: Int) -> String { "\(prefix)n\(server)" }

    private func add(_ server: Int) throws {
        let (own, other) = (link(server), "\(prefix)p\(server)")
        try run("netns", "add", namespace(server))
        try run("link", "add", own, "type", "veth", "peer", "name", other)
        try run("link", "set", other, "netns", namespace(server))
        try run("link", "set", own, "master", bridge)
        try run("link", "set", own, "up")
        try run("-n", namespace(server), "addr", "add", "\(address(of: server))/24", "dev", other)
        try run("-n", namespace(server), "link", "set", other, "up")
        try run("-n", namespace(server), "link", "set", "lo", "up")
    }

    private func run(_ arguments: String...) throws {
        guard Programs.output(of: program, arguments) != nil else {
            throw BenchmarkFailure(
                "`ip \(arguments.joined(separator: " "))` failed: --namespaces needs the capabilities NET_ADMIN and SYS_ADMIN"
            )
        }
    }
}
