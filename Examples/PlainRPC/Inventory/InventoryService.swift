import MeshTransport

// A service between Swift processes: its messages are Swift types, and there is no `.proto` file.

/// So many of an item.
struct Amount: MeshMessage, Equatable {
    static let messageName = "shop.Amount"

    var item = ""
    var count: UInt32 = 0

    init(_ count: UInt32, of item: String) {
        self.item = item
        self.count = count
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        while let field = try decoder.nextField() {
            switch field {
            case 1: item = try decoder.string()
            case 2: count = try decoder.uint32()
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.string(1, item)
        encoder.uint32(2, count)
    }
}

/// What is in stock.
enum Inventory: MeshService {
    static let name: ServiceName = "shop.Inventory"
    /// How many of an item there are.
    static let stock = unary("Stock", Amount.self, Amount.self, retry: .idempotent)
    /// Takes so many of an item out, and answers with what is left. Taking twice is not taking once.
    static let take = unary("Take", Amount.self, Amount.self, retry: .deduplicated)
    /// Puts deliveries in, as they are unloaded, and answers with their number.
    static let restock = clientStreaming("Restock", Amount.self, Amount.self)
}
