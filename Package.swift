// swift-tools-version: 6.2

import PackageDescription

/// The settings that every Swift target of the package shares.
let shared: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// Products of other packages, by the names that targets use.
extension Target.Dependency {
    static let argumentParser: Self = .product(name: "ArgumentParser", package: "swift-argument-parser")
    static let asn1: Self = .product(name: "SwiftASN1", package: "swift-asn1")
    static let coreMetrics: Self = .product(name: "CoreMetrics", package: "swift-metrics")
    static let crypto: Self = .product(name: "Crypto", package: "swift-crypto")
    static let cryptoExtras: Self = .product(name: "CryptoExtras", package: "swift-crypto")
    static let httpTypes: Self = .product(name: "HTTPTypes", package: "swift-http-types")
    static let hummingbird: Self = .product(name: "Hummingbird", package: "hummingbird")
    static let hummingbirdCore: Self = .product(name: "HummingbirdCore", package: "hummingbird")
    static let inMemoryTracing: Self = .product(name: "InMemoryTracing", package: "swift-distributed-tracing")
    static let jwtKit: Self = .product(name: "JWTKit", package: "jwt-kit")
    static let logging: Self = .product(name: "Logging", package: "swift-log")
    static let nioCore: Self = .product(name: "NIOCore", package: "swift-nio")
    static let nioEmbedded: Self = .product(name: "NIOEmbedded", package: "swift-nio")
    static let nioHPACK: Self = .product(name: "NIOHPACK", package: "swift-nio-http2")
    static let nioHTTP1: Self = .product(name: "NIOHTTP1", package: "swift-nio")
    static let nioHTTP2: Self = .product(name: "NIOHTTP2", package: "swift-nio-http2")
    static let nioPosix: Self = .product(name: "NIOPosix", package: "swift-nio")
    static let nioSSL: Self = .product(name: "NIOSSL", package: "swift-nio-ssl")
    static let nioTLS: Self = .product(name: "NIOTLS", package: "swift-nio")
    static let serviceLifecycle: Self = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let swiftProtobuf: Self = .product(name: "SwiftProtobuf", package: "swift-protobuf")
    static let swiftProtobufPlugin: Self = .product(name: "SwiftProtobufPluginLibrary", package: "swift-protobuf")
    static let tracing: Self = .product(name: "Tracing", package: "swift-distributed-tracing")
    static let x509: Self = .product(name: "X509", package: "swift-certificates")
    static let yams: Self = .product(name: "Yams", package: "Yams")
}

/// The libraries, lowest floor first: a target imports only rows above its own.
let rooms: [(name: String, dependencies: [Target.Dependency])] = [
    ("Telemetry", []),
    ("Tensor", ["CTensorKernels"]),
    ("TensorFiles", ["Tensor", "CZlib"]),
    ("Identity", [.x509, .crypto, .cryptoExtras, .asn1]),
    ("JWTIdentity", ["Identity", .crypto, .cryptoExtras, .jwtKit]),
    ("Autodiff", ["Tensor"]),
    ("Optimizers", ["Tensor", "CTensorKernels"]),
    ("MeshWire", [.nioCore]),
    (
        "MeshTransport",
        [
            "MeshWire", "Identity", "Telemetry", .nioCore, .nioPosix, .nioTLS, .nioSSL, .logging, .serviceLifecycle,
        ]
    ),
    (
        "MeshGRPC",
        ["MeshTransport", "MeshWire", "CZlib", .nioCore, .nioHPACK, .nioHTTP2, .swiftProtobuf]
    ),
    (
        "MeshHTTP",
        [
            "MeshTransport", "MeshWire", "Identity", "Telemetry", .hummingbird, .hummingbirdCore, .httpTypes, .nioCore,
            .logging,
        ]
    ),
    ("MeshJWT", ["JWTIdentity", "MeshTransport", "MeshWire", "Identity"]),
    ("MeshTracing", ["MeshTransport", "MeshWire", "Telemetry", .tracing]),
    ("MeshMetrics", ["MeshTransport", "MeshWire", "Telemetry", .coreMetrics, .serviceLifecycle]),
    ("IdentityServices", ["MeshTransport", "MeshWire", "Identity", "Telemetry", .logging, .serviceLifecycle]),
    (
        "MeshConfigurationFile",
        ["MeshTransport", "MeshWire", "Identity", .logging, .serviceLifecycle, .yams]
    ),
    (
        "MeshControl",
        ["MeshConfigurationFile", "MeshTransport", "MeshWire", "Identity", "Telemetry", .logging, .serviceLifecycle]
    ),
    ("NeuralNetwork", ["Tensor"]),
    ("Coordination", ["MeshTransport", "MeshWire", "Identity", "Telemetry", .nioCore, .logging, .serviceLifecycle]),
    (
        "ParameterServer",
        [
            "Tensor", "Optimizers", "Coordination", "MeshTransport", "MeshWire", "Identity", "Telemetry", .logging,
            .serviceLifecycle,
        ]
    ),
    ("Training", ["NeuralNetwork", "Autodiff", "Tensor", "Optimizers", "ParameterServer", "MeshWire"]),
    (
        "ModelServing",
        [
            "NeuralNetwork", "Tensor", "MeshTransport", "MeshHTTP", "MeshWire", "Telemetry", .hummingbird, .httpTypes,
            .nioCore, .logging,
        ]
    ),
    ("MeshworkTesting", ["MeshTransport", "MeshWire", "Identity", .nioCore, .nioPosix, .logging]),
]

/// The tests of each library, and what they need beside it.
let tests: [(name: String, dependencies: [Target.Dependency])] = [
    ("CTensorKernelsTests", ["CTensorKernels"]),
    ("TelemetryTests", ["Telemetry"]),
    ("TensorTests", ["Tensor"]),
    ("IdentityTests", ["Identity", .x509, .crypto, .asn1]),
    ("JWTIdentityTests", ["JWTIdentity", "Identity", .crypto]),
    ("AutodiffTests", ["Autodiff", "Tensor"]),
    ("OptimizersTests", ["Optimizers", "Tensor", "CTensorKernels"]),
    ("MeshWireTests", ["MeshWire", "TestSupport", .nioCore, .nioEmbedded]),
    (
        "MeshTransportTests",
        [
            "MeshTransport", "MeshWire", "MeshworkTesting", "TestSupport", "Identity", "Telemetry", .crypto, .logging,
            .nioCore, .nioEmbedded, .nioPosix, .nioSSL, .nioTLS,
        ]
    ),
    (
        "MeshGRPCTests",
        [
            "MeshGRPC", "MeshTransport", "MeshWire", "MeshworkTesting", "TestSupport", "Identity", "Telemetry",
            "protoc-gen-meshwork", .logging,
            .nioCore, .nioHPACK, .nioHTTP2, .nioPosix, .nioSSL, .nioTLS, .swiftProtobuf,
        ]
    ),
    (
        "MeshHTTPTests",
        [
            "MeshHTTP", "MeshGRPC", "MeshJWT", "MeshTracing", "MeshTransport", "MeshworkTesting", "TestSupport",
            "JWTIdentity", "Identity", .hummingbird, .httpTypes, .inMemoryTracing, .logging, .nioCore, .nioHTTP1,
            .nioPosix, .nioSSL, .tracing,
        ]
    ),
    (
        "IdentityServicesTests",
        [
            "IdentityServices", "MeshTransport", "MeshWire", "MeshworkTesting", "TestSupport", "DocumentedCode",
            "Identity",
            "Telemetry", .logging,
        ]
    ),
    (
        "MeshConfigurationFileTests",
        [
            "MeshConfigurationFile", "MeshTransport", "MeshWire", "MeshworkTesting", "TestSupport", "Identity",
            "Telemetry", .logging,
        ]
    ),
    (
        "MeshControlTests",
        [
            "MeshControl", "MeshConfigurationFile", "MeshTransport", "MeshWire", "MeshworkTesting", "TestSupport",
            "Identity", "Telemetry",
        ]
    ),
    (
        "MeshJWTTests",
        [
            "MeshJWT", "JWTIdentity", "MeshGRPC", "MeshTransport", "MeshWire", "MeshworkTesting", "TestSupport",
            "Identity",
        ]
    ),
    (
        "MeshTracingTests",
        [
            "MeshTracing", "MeshGRPC", "MeshTransport", "MeshWire", "MeshworkTesting", "TestSupport", "Identity",
            "Telemetry", .inMemoryTracing, .tracing,
        ]
    ),
    (
        "MeshMetricsTests",
        [
            "MeshMetrics", "MeshTransport", "MeshWire", "MeshworkTesting", "TestSupport", "Identity", "Telemetry",
            .coreMetrics,
        ]
    ),
    ("NeuralNetworkTests", ["NeuralNetwork", "Autodiff", "Optimizers", "Tensor"]),
    (
        "CoordinationTests",
        [
            "Coordination", "MeshTransport", "MeshWire", "MeshworkTesting", "TestSupport", "Identity", "Telemetry",
            .logging,
            .nioCore,
        ]
    ),
    (
        "ParameterServerTests",
        [
            "ParameterServer", "Coordination", "MeshTransport", "MeshWire", "MeshGRPC", "MeshworkTesting",
            "TestSupport", "Identity", "Optimizers", "Telemetry", "Tensor", "DocumentedCode", "meshwork", .logging,
            .nioCore, .serviceLifecycle,
        ]
    ),
    (
        "TrainingTests",
        [
            "Training", "Autodiff", "NeuralNetwork", "ParameterServer", "Coordination", "Optimizers", "Tensor",
            "MeshTransport", "MeshWire", "MeshworkTesting", "Identity", "Telemetry", .logging,
        ]
    ),
    (
        "ModelServingTests",
        [
            "ModelServing", "MeshHTTP", "MeshTransport", "MeshWire", "MeshworkTesting", "TestSupport", "NeuralNetwork",
            "Identity", "Telemetry", "Tensor", .nioHTTP1,
        ]
    ),
    (
        "MeshworkTestingTests",
        ["MeshworkTesting", "MeshTransport", "MeshWire", "TestSupport", "Identity", .logging, .nioCore]
    ),
]

let package = Package(
    name: "Meshwork",
    platforms: [.macOS(.v15)],
    products: rooms.map { .library(name: $0.name, targets: [$0.name]) }
        + [
            .executable(name: "protoc-gen-meshwork", targets: ["protoc-gen-meshwork"]),
            .executable(name: "meshwork", targets: ["meshwork"]),
        ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        // Swift names libm by itself; a program of C alone does not.
        .target(
            name: "CTensorKernels", linkerSettings: [.linkedLibrary("m", .when(platforms: [.linux, .android]))]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .executableTarget(
            name: "protoc-gen-meshwork", dependencies: [.swiftProtobuf, .swiftProtobufPlugin], swiftSettings: shared),
        .executableTarget(
            name: "meshwork",
            dependencies: [
                "ParameterServer", "Coordination", "MeshTransport", "MeshWire", "Identity", "Optimizers", "Tensor",
                .argumentParser,
            ],
            path: "Sources/MeshworkCommand", swiftSettings: shared),
    ]
        + rooms.map { .target(name: $0.name, dependencies: $0.dependencies, swiftSettings: shared) }
        + tests.map { .testTarget(name: $0.name, dependencies: $0.dependencies, swiftSettings: shared) }
        + [
            .testTarget(
                name: "TensorFilesTests", dependencies: ["TensorFiles", "Tensor", "DocumentedCode"],
                exclude: ["Goldens"],
                swiftSettings: shared),
            .target(name: "DocumentedCode", path: "Tests/DocumentedCode", swiftSettings: shared),
            // What the tests of several libraries share: no product has it, so that no embedder compiles it.
            .target(
                name: "TestSupport",
                dependencies: [
                    "MeshTransport", "MeshworkTesting", "Identity", "Telemetry", .nioCore, .nioPosix, .nioSSL, .nioTLS,
                ],
                path: "Tests/Support", swiftSettings: shared),
            // What the fuzzers run, in the test run: building them takes a sanitized build of everything.
            .testTarget(
                name: "FuzzingTests",
                dependencies: [
                    "Coordination", "Identity", "IdentityServices", "JWTIdentity", "MeshConfigurationFile",
                    "MeshControl", "MeshGRPC", "MeshTransport", "MeshWire", "MeshworkTesting", "ModelServing",
                    "NeuralNetwork", "Optimizers", "ParameterServer", "Telemetry", "Tensor", "TensorFiles", .nioCore,
                    .nioHPACK,
                    .nioHTTP2,
                ],
                path: "Fuzzing", exclude: ["CFuzzer", "Corpus", "Package.swift", "MeshworkFuzz/main.swift"],
                sources: ["MeshworkFuzz", "Replay"], swiftSettings: shared),
        ]
)
