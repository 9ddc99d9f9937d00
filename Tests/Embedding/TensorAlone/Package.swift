// swift-tools-version: 6.2

import PackageDescription

/// A host that wants one product of Meshwork and nothing else.
let package = Package(
    name: "TensorAlone",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "Meshwork", path: "../../..")
    ],
    targets: [
        .executableTarget(
            name: "TensorAlone",
            dependencies: [
                .product(name: "Tensor", package: "Meshwork")
            ])
    ]
)
