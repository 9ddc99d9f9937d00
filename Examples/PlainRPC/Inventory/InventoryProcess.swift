import Identity
import MeshTransport

/// The process that keeps the inventory: it speaks `meshwork/1` alone, and compiles neither HTTP/2 nor protobuf for it.
enum InventoryProcess {
    /// What is in stock. An actor: calls run at the same time.
    private actor Shelves {
        private var counts: [String: UInt32] = ["apple": 100, "pear": 3]

        func count(of item: String) -> UInt32 { counts[item, default: 0] }

        func put(_ amount: Amount) { counts[amount.item, default: 0] += amount.count }

        func take(_ amount: Amount) throws(CallFailure) -> UInt32 {
            let left = counts[amount.item, default: 0]
            guard left >= amount.count else {
                throw CallFailure(.failedPrecondition, "\(amount.count) \(amount.item) wanted, \(left) in stock")
            }
            counts[amount.item] = left - amount.count
            return left - amount.count
        }
    }

    static func run(_ member: Member) async throws {
        // The orders' process takes; customers may look, and the drivers deliver.
        let mesh = try member.mesh(policy: [
            .init("orders take", methods: ["shop.Inventory/Take"], identities: [SPIFFEIDs.orders]),
            .init(
                "everybody looks and delivers", methods: ["shop.Inventory/Stock", "shop.Inventory/Restock"],
                identities: [SPIFFEIDs.everybody]),
        ])
        let shelves = Shelves()
        mesh.serve(Inventory.stock) { query, _ in Amount(await shelves.count(of: query.item), of: query.item) }
        mesh.serve(Inventory.take) { amount, _ in Amount(try await shelves.take(amount), of: amount.item) }
        mesh.serve(Inventory.restock) { deliveries, _ in
            var count: UInt32 = 0
            for try await delivery in deliveries {
                await shelves.put(delivery)
                count += 1
            }
            return Amount(count, of: "deliveries")
        }
        try await member.serve(mesh)
    }
}
