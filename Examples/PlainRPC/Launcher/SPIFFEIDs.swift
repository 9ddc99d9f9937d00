/// Who is who in the shop.
enum SPIFFEIDs {
    static let trustDomain = "shop.example"
    static let authority = "spiffe://shop.example/authority"
    static let inventory = "spiffe://shop.example/inventory"
    static let orders = "spiffe://shop.example/orders"
    static let shelf = "spiffe://shop.example/shelf"
    static let everybody = "spiffe://shop.example/*"
    static let customers = "spiffe://shop.example/customer/*"
    static let swiftCustomer = "spiffe://shop.example/customer/swift"
    static let pythonCustomer = "spiffe://shop.example/customer/python"
}
