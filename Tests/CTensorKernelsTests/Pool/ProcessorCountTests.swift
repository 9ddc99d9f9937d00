#if os(Linux)
    import CTensorKernels
    import Foundation
    import Testing

    @Suite struct ProcessorCountTests {
        /// What the kernel shows of a process's control groups.
        struct System: CustomTestStringConvertible, Sendable {
            let testDescription: String
            /// `/proc/self/cgroup`, or nil where there is none.
            var groups: String?
            /// Files below `/sys/fs/cgroup`, by path.
            var files: [String: String] = [:]
            /// Processors that the quotas leave; `Int.max` for no quota.
            var expected = Int.max

            init(
                _ name: String, groups: String?, files: [String: String] = [:], expected: Int = .max
            ) {
                testDescription = name
                self.groups = groups
                self.files = files
                self.expected = expected
            }

            /// Calls a function with the root of a tree that has these files.
            func withRoot<Result>(_ body: (String) -> Result) throws -> Result {
                let root = FileManager.default.temporaryDirectory.appending(path: "cgroup-\(UUID().uuidString)")
                defer { try? FileManager.default.removeItem(at: root) }
                func write(_ text: String, to path: String) throws {
                    let file = root.appending(path: path)
                    try FileManager.default.createDirectory(
                        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                    try Data(text.utf8).write(to: file)
                }
                if let groups { try write(groups, to: "proc/self/cgroup") }
                for (path, text) in files { try write(text, to: "sys/fs/cgroup/\(path)") }
                return body(root.path())
            }
        }

        static func version2(_ limit: String, expected: Int = .max) -> System {
            System(
                "cpu.max \(limit.debugDescription)", groups: "0::/service\n", files: ["service/cpu.max": limit],
                expected: expected)
        }

        static func version1(_ quota: String, _ period: String?, expected: Int = .max) -> System {
            var files = ["cpu/service/cpu.cfs_quota_us": quota]
            files["cpu/service/cpu.cfs_period_us"] = period
            return System(
                "quota \(quota.debugDescription), period \(period.debugDescription)", groups: "1:cpu:/service\n",
                files: files, expected: expected)
        }

        static let quotas: [System] = [
            version2("200000 100000\n", expected: 2), version2("200001 100000\n", expected: 3),
            version2("1000 100000\n", expected: 1), version2("25000 10000\n", expected: 3),
            version2("6400000 100000\n", expected: 64), version2("max 100000\n"),
            version1("200000\n", "100000\n", expected: 2), version1("200001\n", "100000\n", expected: 3),
            version1("1000\n", "100000\n", expected: 1), version1("25000\n", "10000\n", expected: 3),
            version1("-1\n", "100000\n"),
        ]

        static let layouts: [System] = [
            System(
                "a group's parent is tighter", groups: "0::/slice/service\n",
                files: ["slice/cpu.max": "100000 100000\n", "slice/service/cpu.max": "300000 100000\n"], expected: 1),
            System(
                "a group is tighter than its parents", groups: "0::/a/b/c\n",
                files: [
                    "a/cpu.max": "800000 100000\n", "a/b/cpu.max": "max 100000\n", "a/b/c/cpu.max": "300000 100000\n",
                ], expected: 3),
            System(
                "a neighbour's quota is not the process's", groups: "0::/a/b\n",
                files: ["a/b/cpu.max": "300000 100000\n", "a/c/cpu.max": "100000 100000\n"], expected: 3),
            System(
                "a container sees its own group as the mount, under a path from outside",
                groups: "0::/docker/0123abcd\n", files: ["cpu.max": "400000 100000\n"], expected: 4),
            System(
                "a container with a namespace of its own", groups: "0::/\n", files: ["cpu.max": "400000 100000\n"],
                expected: 4),
            System(
                "version 1 among hierarchies of other controllers",
                groups: "5:memory:/m\n4:cpuset:/s\n3:cpuacct:/t\n2:cpu:/a/b\n1:name=systemd:/c\n",
                files: [
                    "cpu/a/cpu.cfs_quota_us": "500000\n", "cpu/a/cpu.cfs_period_us": "100000\n",
                    "cpu/a/b/cpu.cfs_quota_us": "-1\n", "cpu/a/b/cpu.cfs_period_us": "100000\n",
                    "cpuset/s/cpu.cfs_quota_us": "100000\n", "cpuset/s/cpu.cfs_period_us": "100000\n",
                    "cpuacct/t/cpu.cfs_quota_us": "100000\n", "cpuacct/t/cpu.cfs_period_us": "100000\n",
                ], expected: 5),
            System(
                "two controllers mounted together", groups: "4:cpu,cpuacct:/a\n",
                files: [
                    "cpu,cpuacct/a/cpu.cfs_quota_us": "300000\n", "cpu,cpuacct/a/cpu.cfs_period_us": "100000\n",
                ], expected: 3),
            System(
                "two controllers that the kernel lists in the other order", groups: "4:cpuacct,cpu:/a\n",
                files: ["cpu/a/cpu.cfs_quota_us": "300000\n", "cpu/a/cpu.cfs_period_us": "100000\n"], expected: 3),
            System(
                "both versions at once: the tighter counts", groups: "1:cpu:/a\n0::/b\n",
                files: [
                    "cpu/a/cpu.cfs_quota_us": "300000\n", "cpu/a/cpu.cfs_period_us": "100000\n",
                    "b/cpu.max": "200000 100000\n",
                ], expected: 2),
        ]

        static let noQuota: [System] =
            ["", "\n", "max", "100000\n", "two 100000\n", "-5 100000\n", "100000 0\n", "100000 -1\n", "0 100000\n"]
            .map { version2($0) } + [
                version1("", "100000\n"), version1("many\n", "100000\n"), version1("100000\n", "0\n"),
                version1("100000\n", ""), version1("100000\n", nil),
                System("no control groups", groups: nil, files: ["cpu.max": "100000 100000\n"]),
                System("an empty list of groups", groups: "", files: ["cpu.max": "100000 100000\n"]),
                System(
                    "a list of groups that is none", groups: "nonsense\n:\n::\n0::relative\n:::::\n1:cpu\n",
                    files: ["cpu.max": "100000 100000\n"]),
                System("groups without files", groups: "1:cpu:/a\n0::/b/c\n"),
                System(
                    "a path longer than any may be", groups: "0::/\(String(repeating: "x", count: 20_000))\n",
                    files: ["service/cpu.max": "100000 100000\n"]),
            ]

        @Test("a quota leaves its quotient by the period, rounded up", arguments: quotas)
        func quota(system: System) throws {
            #expect(try system.withRoot { unsafe mw_processors_of_control_groups($0) } == system.expected)
        }

        @Test("the tightest quota of the groups that the process is in counts", arguments: layouts)
        func layout(system: System) throws {
            #expect(try system.withRoot { unsafe mw_processors_of_control_groups($0) } == system.expected)
        }

        @Test("what is not as the kernel writes it is no quota", arguments: noQuota)
        func garbage(system: System) throws {
            #expect(try system.withRoot { unsafe mw_processors_of_control_groups($0) } == .max)
        }

        @Test("a quota larger than any machine neither overflows nor bounds the pool")
        func hugeQuota() throws {
            let largest = Self.version2("9223372036854775807 1\n")
            #expect(try largest.withRoot { unsafe mw_processors_of_control_groups($0) } == .max)
            let none = Self.version2("max 100000\n")
            let all = try none.withRoot { unsafe mw_usable_processors($0) }
            #expect(try largest.withRoot { unsafe mw_usable_processors($0) } == all)
            #expect(all >= 1)
            #expect(all <= ProcessInfo.processInfo.processorCount)
        }

        @Test("a quota bounds the processors that the pool takes as its width")
        func bound() throws {
            #expect(try Self.version2("50000 100000\n").withRoot { unsafe mw_usable_processors($0) } == 1)
            #expect(try Self.version1("100000\n", "100000\n").withRoot { unsafe mw_usable_processors($0) } == 1)
            #expect(unsafe mw_pool_width() <= mw_usable_processors(""))
            #expect(unsafe mw_usable_processors("") <= mw_processors_of_control_groups(""))
        }
    }
#endif
