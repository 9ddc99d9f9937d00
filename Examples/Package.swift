// swift-tools-version: 6.2

import PackageDescription

/// The settings that every Swift target of the package shares: those of the root package.
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
    name: "Examples",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "digits", targets: ["Digits"]),
        .executable(name: "plain-rpc", targets: ["PlainRPC"]),
        .executable(name: "python-client", targets: ["PythonClient"]),
        .executable(name: "recommender", targets: ["Recommender"]),
    ],
    dependencies: [
        .package(name: "Meshwork", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    ],
    targets: [
        // The processes of an example with workers and parameter servers: how they are started, and what each does.
        .target(
            name: "ProcessKit",
            dependencies: [
                .product(name: "Coordination", package: "Meshwork"),
                .product(name: "Identity", package: "Meshwork"),
                .product(name: "IdentityServices", package: "Meshwork"),
                .product(name: "MeshTransport", package: "Meshwork"),
                .product(name: "MeshWire", package: "Meshwork"),
                .product(name: "MeshworkTesting", package: "Meshwork"),
                .product(name: "NeuralNetwork", package: "Meshwork"),
                .product(name: "ParameterServer", package: "Meshwork"),
                .product(name: "Telemetry", package: "Meshwork"),
                .product(name: "Tensor", package: "Meshwork"),
                .product(name: "Training", package: "Meshwork"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "ProcessKit",
            swiftSettings: shared),
        // Everything but `main`, so that tests can import it.
        .target(
            name: "DigitsKit",
            dependencies: [
                "ProcessKit",
                .product(name: "Identity", package: "Meshwork"),
                .product(name: "IdentityServices", package: "Meshwork"),
                .product(name: "MeshHTTP", package: "Meshwork"),
                .product(name: "MeshTransport", package: "Meshwork"),
                .product(name: "MeshWire", package: "Meshwork"),
                .product(name: "ModelServing", package: "Meshwork"),
                .product(name: "NeuralNetwork", package: "Meshwork"),
                .product(name: "Optimizers", package: "Meshwork"),
                .product(name: "ParameterServer", package: "Meshwork"),
                .product(name: "Coordination", package: "Meshwork"),
                .product(name: "Tensor", package: "Meshwork"),
                .product(name: "Training", package: "Meshwork"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Digits",
            exclude: ["Command", "Resources/ATTRIBUTION.md"],
            resources: [
                .copy("Resources/t10k-images-idx3-ubyte"),
                .copy("Resources/t10k-labels-idx1-ubyte"),
            ],
            swiftSettings: shared),
        .executableTarget(
            name: "Digits",
            dependencies: [
                "DigitsKit",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Digits/Command",
            swiftSettings: shared),
        .target(
            name: "RecommenderKit",
            dependencies: [
                "ProcessKit",
                .product(name: "MeshWire", package: "Meshwork"),
                .product(name: "NeuralNetwork", package: "Meshwork"),
                .product(name: "Optimizers", package: "Meshwork"),
                .product(name: "ParameterServer", package: "Meshwork"),
                .product(name: "Tensor", package: "Meshwork"),
                .product(name: "Training", package: "Meshwork"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Recommender",
            exclude: ["Command", "Resources/ATTRIBUTION.md"],
            resources: [.copy("Resources/adult.csv")],
            swiftSettings: shared),
        .executableTarget(
            name: "Recommender",
            dependencies: [
                "RecommenderKit",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Recommender/Command",
            swiftSettings: shared),
        .executableTarget(
            name: "PlainRPC",
            dependencies: [
                .product(name: "Identity", package: "Meshwork"),
                .product(name: "IdentityServices", package: "Meshwork"),
                .product(name: "MeshGRPC", package: "Meshwork"),
                .product(name: "MeshTransport", package: "Meshwork"),
                .product(name: "Telemetry", package: "Meshwork"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            path: "PlainRPC",
            exclude: ["Orders/shop.proto", "Orders/orders_client.py"],
            swiftSettings: shared),
        // What the tests of several examples share.
        .target(name: "ExampleTestSupport", path: "Tests/Support", swiftSettings: shared),
        .testTarget(name: "ProcessKitTests", dependencies: ["ProcessKit"], swiftSettings: shared),
        .testTarget(
            name: "DigitsTests",
            dependencies: [
                "DigitsKit",
                "ProcessKit",
                "ExampleTestSupport",
                .product(name: "Coordination", package: "Meshwork"),
                .product(name: "MeshWire", package: "Meshwork"),
                .product(name: "ParameterServer", package: "Meshwork"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: shared),
        .testTarget(
            name: "RecommenderTests",
            dependencies: [
                "RecommenderKit",
                "ProcessKit",
                "ExampleTestSupport",
                .product(name: "MeshTransport", package: "Meshwork"),
                .product(name: "Optimizers", package: "Meshwork"),
                .product(name: "ParameterServer", package: "Meshwork"),
                .product(name: "Tensor", package: "Meshwork"),
                .product(name: "Training", package: "Meshwork"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: shared),
        .executableTarget(
            name: "PythonClient",
            dependencies: [
                .product(name: "Coordination", package: "Meshwork"),
                .product(name: "Identity", package: "Meshwork"),
                .product(name: "MeshGRPC", package: "Meshwork"),
                .product(name: "MeshTransport", package: "Meshwork"),
                .product(name: "Optimizers", package: "Meshwork"),
                .product(name: "ParameterServer", package: "Meshwork"),
                .product(name: "Tensor", package: "Meshwork"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "PythonClient/Host",
            swiftSettings: shared),
        .testTarget(name: "PlainRPCTests", dependencies: ["PlainRPC"], swiftSettings: shared),
        .testTarget(name: "PythonClientTests", dependencies: ["PythonClient"], swiftSettings: shared),
    ]
)
