// swift-tools-version: 6.2

import PackageDescription

/// The settings that every target of the project shares.
let shared: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let package = Package(
    name: "Benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "Meshwork", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    ],
    targets: [
        .executableTarget(
            name: "meshwork-bench",
            dependencies: [
                .product(name: "MeshTransport", package: "Meshwork"),
                .product(name: "Identity", package: "Meshwork"),
                .product(name: "MeshWire", package: "Meshwork"),
                .product(name: "Coordination", package: "Meshwork"),
                .product(name: "Optimizers", package: "Meshwork"),
                .product(name: "ParameterServer", package: "Meshwork"),
                .product(name: "Tensor", package: "Meshwork"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            path: "MeshworkBench",
            swiftSettings: shared
        )
    ]
)
