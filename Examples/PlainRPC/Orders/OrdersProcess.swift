import Foundation
import Identity
import MeshGRPC
import MeshTransport

/// The process that takes orders: its service comes from `shop.proto`, and one handler answers both wires.
enum OrdersProcess {
    static func run(_ member: Member, inventory: Destination) async throws {
        let mesh = try member.mesh(policy: [
            .init(
                "customers order", methods: ["shop.Orders/*"], identities: [SPIFFEIDs.customers]),
            .init(
                "customers ask what gRPC's tools ask",
                methods: [
                    "grpc.health.v1.Health/*", "grpc.reflection.v1.ServerReflection/*",
                    "grpc.reflection.v1alpha.ServerReflection/*",
                ], identities: [SPIFFEIDs.customers]),
        ])
        try mesh.enableGRPC()
        mesh.serve(Orders(inventory: mesh.client(inventory)))
        let health = mesh.serveHealth()
        health.setStatus(.serving, of: Shop_Orders.name)
        let descriptors = Data(base64Encoded: ShopDescriptors.fileDescriptorSet) ?? Data()
        try mesh.serveReflection(descriptorSets: [Array(descriptors)])
        try await member.serve(mesh)
    }
}

/// Answers the service of `shop.proto`.
private actor Orders: Shop_Orders.Handler {
    private let inventory: MeshClient
    private var lastNumber: UInt64 = 0

    init(inventory: MeshClient) { self.inventory = inventory }

    func place(_ order: Shop_Order, _ call: CallContext) async throws -> Shop_Receipt {
        // On to the other process, within the time that the caller still waits.
        let left: Amount
        do {
            left = try await inventory.call(
                Inventory.take, Amount(order.quantity, of: order.item), timeout: call.timeRemaining)
        } catch {
            // What the inventory said, the customer is told.
            guard let status = error.status else { throw error }
            throw CallFailure(status, error.message)
        }
        lastNumber += 1
        var receipt = Shop_Receipt()
        receipt.number = lastNumber
        receipt.left = left.count
        receipt.customer = call.peer?.description ?? ""
        return receipt
    }

    func track(
        _ query: Shop_Query, _ responses: ResponseSender<Shop_Progress>, _ call: CallContext
    ) async throws {
        guard (1...max(1, lastNumber)).contains(query.number), lastNumber > 0 else {
            throw CallFailure(.notFound, "there is no order \(query.number)")
        }
        for stage in ["packed", "shipped", "delivered"] {
            var progress = Shop_Progress()
            progress.stage = stage
            try await responses.send(progress)
        }
    }
}
