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
    products: [
        // Loaded before the C library into the processes whose allocations and copies are counted.
        .library(name: "MemoryCounter", type: .dynamic, targets: ["CMemoryCounter"])
    ],
    dependencies: [
        .package(name: "Meshwork", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
    ],
    targets: [
        .target(name: "CMemoryCounter", path: "MemoryCounter"),
        .target(name: "MachinePeaks", path: "MachinePeaks"),
        .executableTarget(
            name: "meshwork-bench",
            dependencies: [
                "MachinePeaks",
                .product(name: "MeshGRPC", package: "Meshwork"),
                .product(name: "MeshTransport", package: "Meshwork"),
                .product(name: "Identity", package: "Meshwork"),
                .product(name: "MeshWire", package: "Meshwork"),
                .product(name: "MeshworkTesting", package: "Meshwork"),
                .product(name: "Coordination", package: "Meshwork"),
                .product(name: "NeuralNetwork", package: "Meshwork"),
                .product(name: "Optimizers", package: "Meshwork"),
                .product(name: "ParameterServer", package: "Meshwork"),
                .product(name: "Telemetry", package: "Meshwork"),
                .product(name: "Tensor", package: "Meshwork"),
                .product(name: "Training", package: "Meshwork"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            path: "MeshworkBench",
            swiftSettings: shared
        ),
    ]
)
