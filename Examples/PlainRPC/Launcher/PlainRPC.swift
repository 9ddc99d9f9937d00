import ArgumentParser
import Foundation
import Identity
import MeshGRPC
import MeshTransport

/// `plain-rpc`: two services, both wires, no tensors.
@main
struct PlainRPC: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plain-rpc",
        abstract: "Two services that call each other over mutual TLS, called over meshwork/1, gRPC and from Python.",
        discussion: """
            Starts an inventory, whose service is plain Swift, and a process that takes orders, whose service comes from \
            a .proto file, calls both, and has Python's grpcio do the same where there is one (see --python). Then rehearses what operators do: a canary, a \
            breaker that opens and closes, a tap, and the question why a call did what it did.
            """,
        subcommands: [InventoryCommand.self, OrdersCommand.self])

    @Option(help: "A Python with grpcio, grpcio-tools, grpcio-health-checking and grpcio-reflection.")
    var python: String?

    func run() async throws {
        let authority = try await ShopAuthority.start()
        let inventory = try Child(
            "inventory", .init(joinPort: authority.joinPort, token: try authority.token(for: SPIFFEIDs.inventory)))
        let orders = try Child(
            "orders",
            .init(
                joinPort: authority.joinPort, token: try authority.token(for: SPIFFEIDs.orders),
                inventoryPort: inventory.port))
        print("\(SPIFFEIDs.inventory) listens on port \(inventory.port)")
        print("\(SPIFFEIDs.orders) listens on port \(orders.port)\n")

        let mesh = try Mesh(
            identity: try authority.identity(SPIFFEIDs.swiftCustomer), policy: .denyAll, logger: .errors)
        try mesh.enableGRPC()
        var customer = Customer(
            inventory: mesh.client(try destination(inventory.port, SPIFFEIDs.inventory)),
            orders: try destination(orders.port, SPIFFEIDs.orders), mesh: mesh)
        try await customer.visitInventory()
        try await customer.order(over: "meshwork/1")
        try await customer.order(over: "gRPC")
        print("A Swift customer, \(SPIFFEIDs.swiftCustomer):")
        print(Visit.table(customer.visits))
        print("Its connections:")
        for connection in mesh.connections where connection.direction == .outbound {
            let peer = connection.info.peer?.description ?? "none"
            print("  to \(peer), \(connection.info.tlsVersion)")
        }
        print()
        let visits = try PythonCustomer(python)?.order(at: orders.port, certifiedBy: authority)
        if let visits {
            print("A Python customer with grpcio, \(SPIFFEIDs.pythonCustomer):")
            print(Visit.table(visits))
        } else {
            print("No Python with grpcio was found; Scripts/install-prerequisites.sh test makes one.")
        }
        try await Rehearsal.play(with: authority)
        orders.stop()
        inventory.stop()
        await mesh.stop()
        await authority.stop()
    }

    private func destination(_ port: Int, _ spiffeID: String) throws -> Destination {
        Destination(host: "localhost", port: port, identities: [try IdentityPattern(parsing: spiffeID)])
    }
}

/// `plain-rpc inventory`, which the launcher starts.
struct InventoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "inventory", shouldDisplay: false)

    func run() async throws { try await InventoryProcess.run(try await Member.join()) }
}

/// `plain-rpc orders`, which the launcher starts.
struct OrdersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "orders", shouldDisplay: false)

    func run() async throws {
        let member = try await Member.join()
        let port = member.invitation.inventoryPort ?? 0
        let inventory = Destination(
            host: "localhost", port: port, identities: [try IdentityPattern(parsing: SPIFFEIDs.inventory)])
        try await OrdersProcess.run(member, inventory: inventory)
    }
}
