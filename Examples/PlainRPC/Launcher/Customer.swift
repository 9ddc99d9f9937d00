import MeshGRPC
import MeshTransport

/// Calls the shop's services from Swift.
struct Customer {
    let inventory: MeshClient
    let orders: Destination
    let mesh: Mesh
    private(set) var visits: [Visit] = []
    /// Kept, and with them their connections.
    private var clients: [MeshClient] = []

    init(inventory: MeshClient, orders: Destination, mesh: Mesh) {
        self.inventory = inventory
        self.orders = orders
        self.mesh = mesh
    }

    /// A service without a `.proto` file.
    mutating func visitInventory() async throws {
        let inventory = inventory
        _ = try await inventory.connection()
        try await visit("meshwork/1", "Inventory.restock") {
            let received = try await inventory.call(Inventory.restock) { deliveries in
                for count: UInt32 in [10, 20, 30] { try await deliveries.send(Amount(count, of: "plum")) }
            }
            return "\(received.count) deliveries"
        }
        try await visit("meshwork/1", "Inventory.stock") {
            "\(try await inventory.call(Inventory.stock, Amount(0, of: "plum"), timeout: .seconds(1)).count) plums"
        }
        // What only the orders' process may do.
        try await visit("meshwork/1", "Inventory.take") {
            "\(try await inventory.call(Inventory.take, Amount(1, of: "plum")).count) left"
        }
    }

    /// The service of the `.proto` file, over either wire: the calls are the same.
    mutating func order(over wire: String) async throws {
        let client = mesh.client(wire == "gRPC" ? orders.overGRPC : orders)
        clients.append(client)
        // The times are to be those of calls, not of the first handshake.
        _ = try await client.connection()
        let service = Shop_Orders.Client(client)
        var order = Shop_Order()
        order.item = "apple"
        order.quantity = 2
        var query = Shop_Query()
        try await visit(wire, "Orders.place") {
            let receipt = try await service.place(order, timeout: .seconds(5))
            query.number = receipt.number
            return "order \(receipt.number) for \(receipt.customer), \(receipt.left) left"
        }
        try await visit(wire, "Orders.track") {
            try await service.track(query) { progress in
                var stages: [String] = []
                for try await step in progress { stages.append(step.stage) }
                return stages.joined(separator: ", ")
            }
        }
        order.item = "pear"
        order.quantity = 1_000
        try await visit(wire, "Orders.place") { "order \(try await service.place(order).number)" }
    }

    private mutating func visit(_ wire: String, _ method: String, _ body: () async throws -> String) async throws {
        visits.append(try await Visit.make(wire, method, body))
    }
}
