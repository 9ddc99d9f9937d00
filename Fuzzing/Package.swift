// swift-tools-version: 6.2

import PackageDescription

/// Fuzzers of everything that reads bytes from outside; Scripts/fuzz.sh builds them with libFuzzer and runs them.
let package = Package(
    name: "Fuzzing",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "Meshwork", path: ".."),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
    ],
    targets: [
        .target(name: "CFuzzer", path: "CFuzzer"),
        .executableTarget(
            name: "meshwork-fuzz",
            dependencies: [
                "CFuzzer",
                .product(name: "Coordination", package: "Meshwork"),
                .product(name: "Identity", package: "Meshwork"),
                .product(name: "IdentityServices", package: "Meshwork"),
                .product(name: "JWTIdentity", package: "Meshwork"),
                .product(name: "MeshConfigurationFile", package: "Meshwork"),
                .product(name: "MeshControl", package: "Meshwork"),
                .product(name: "MeshGRPC", package: "Meshwork"),
                .product(name: "MeshTransport", package: "Meshwork"),
                .product(name: "MeshWire", package: "Meshwork"),
                .product(name: "MeshworkTesting", package: "Meshwork"),
                .product(name: "ModelServing", package: "Meshwork"),
                .product(name: "NeuralNetwork", package: "Meshwork"),
                .product(name: "Optimizers", package: "Meshwork"),
                .product(name: "ParameterServer", package: "Meshwork"),
                .product(name: "Telemetry", package: "Meshwork"),
                .product(name: "Tensor", package: "Meshwork"),
                .product(name: "TensorFiles", package: "Meshwork"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
            ],
            path: "MeshworkFuzz",
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .strictMemorySafety(),
                .treatAllWarnings(as: .error),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
            ]
        ),
    ]
)
