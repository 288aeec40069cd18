// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let nio = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let nioLocks = Target.Dependency.product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")

let package = Package(
    name: "holdfast",
    products: [
        .library(name: "MountManager", targets: ["MountManager"]),
        .executable(name: "holdfastd", targets: ["holdfastd"]),
        .executable(name: "holdfast-worker", targets: ["holdfast-worker"]),
        .executable(name: "holdfast", targets: ["holdfast"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // The order is the architecture: each target may use those above it and none below.
        .target(name: "CLinux"),
        .target(name: "LinuxMount", dependencies: ["CLinux", system]),
        .target(name: "MountModel", dependencies: [system]),
        .target(name: "Diagnosis", dependencies: ["LinuxMount", "MountModel", system]),
        .target(name: "Filesystems", dependencies: ["MountModel", system]),
        .target(name: "MountWorker", dependencies: ["CLinux", "LinuxMount", "MountModel", "Filesystems", system]),
        .target(name: "Ledger", dependencies: ["MountModel", system, grdb]),
        .target(
            name: "MountManager",
            dependencies: [
                "LinuxMount", "MountModel", "Diagnosis", "Filesystems", "MountWorker", "Ledger", system, log, nio,
                nioLocks, crypto,
            ]),
        .target(name: "HoldfastAPI", dependencies: ["MountModel"]),
        .target(
            name: "HoldfastServer",
            dependencies: [
                "HoldfastAPI", "MountModel", "LinuxMount", "Filesystems", "MountManager", system, log,
                lifecycle, nio, nioCore,
                .product(name: "NIOHTTP1", package: "swift-nio"), nioLocks,
                .product(name: "HummingbirdCore", package: "hummingbird"),
                httpTypes,
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
            ],
            resources: [.embedInCode("openapi.yaml")]),
        .executableTarget(name: "holdfast-worker", dependencies: ["MountWorker", "MountModel", "LinuxMount", system]),
        .executableTarget(
            name: "holdfastd",
            dependencies: [
                "HoldfastServer", "MountManager", "Ledger", "MountWorker", "Filesystems", "LinuxMount", "MountModel",
                arguments, lifecycle, log, system, nioLocks, "TOMLKit",
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),
        .executableTarget(
            name: "holdfast",
            dependencies: ["HoldfastAPI", "MountModel", "LinuxMount", "Diagnosis", arguments, system],
            path: "Sources/holdfast-cli"),
        .target(
            name: "MountTestSupport",
            dependencies: [
                "LinuxMount", "MountModel", "Filesystems", "MountWorker", "Ledger", "MountManager", system, nioLocks,
            ]),
        .target(name: "MountExplorer", dependencies: ["MountModel"]),
        .executableTarget(name: "mount-explorer", dependencies: ["MountExplorer", arguments]),
        .executableTarget(
            name: "holdfast-torture",
            dependencies: ["HoldfastAPI", "Ledger", "LinuxMount", "MountModel", "MountTestSupport", arguments, system]),

        .testTarget(name: "TidyTests"),
        .testTarget(name: "LinuxMountTests", dependencies: ["LinuxMount", "CLinux", "MountTestSupport", system]),
        .testTarget(name: "MountModelTests", dependencies: ["MountModel", "MountExplorer", system]),
        .testTarget(name: "DiagnosisTests", dependencies: ["Diagnosis", "LinuxMount", "MountModel", system]),
        .testTarget(name: "FilesystemsTests", dependencies: ["Filesystems", "MountModel", "MountTestSupport", system]),
        .testTarget(
            name: "MountWorkerTests",
            dependencies: [
                "MountWorker", "MountManager", "LinuxMount", "CLinux", "Filesystems", "MountModel", "MountTestSupport",
                "holdfast-worker", system,
            ]),
        .testTarget(name: "LedgerTests", dependencies: ["Ledger", "MountModel", "MountTestSupport", system, grdb]),
        .testTarget(
            name: "MountManagerTests",
            dependencies: [
                "MountManager", "MountTestSupport", "MountModel", "LinuxMount", "Diagnosis", "Filesystems",
                "MountWorker", "Ledger", "holdfast-worker", system, log,
            ]),
        .testTarget(name: "TortureTests", dependencies: ["holdfast-torture"]),
        .testTarget(
            name: "ConformanceTests",
            dependencies: [
                "MountManager", "MountTestSupport", "MountModel", "MountWorker", "LinuxMount", "CLinux", system, log,
                nioLocks,
            ]),
        .testTarget(name: "HoldfastAPITests", dependencies: ["HoldfastAPI", "MountModel", "holdfast"]),
        .testTarget(
            name: "HoldfastServerTests",
            dependencies: [
                "HoldfastServer", "HoldfastAPI", "MountModel", "MountTestSupport", system, log, lifecycle, httpTypes,
                .product(name: "Yams", package: "Yams"),
            ]),
        .testTarget(
            name: "SystemTests",
            dependencies: [
                "holdfast", "holdfastd", "holdfast-worker", "HoldfastAPI", "LinuxMount", "MountModel",
                "MountTestSupport",
                system,
            ]),
    ]
)

// One settings loop for all Swift targets; C has none of these.
for target in package.targets where target.name != "CLinux" {
    target.swiftSettings = [
        .swiftLanguageMode(.v6),
        .treatAllWarnings(as: .error),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ]
}
