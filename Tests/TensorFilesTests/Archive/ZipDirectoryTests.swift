import Tensor
import TensorFiles
import Testing

@Suite("npz files: zip files that lie")
struct ZipDirectoryTests {
    private let array: [UInt8]

    init() throws {
        array = try NumPyArray.encode(AnyTensor([1, 2, 3] as [Float], shape: [3]))
    }

    private func stored(_ change: (inout ZipFixture.Member) -> Void = { _ in }) -> ZipFixture {
        var member = ZipFixture.Member(array)
        change(&member)
        return ZipFixture(member)
    }

    private func deflated(_ change: (inout ZipFixture.Member) -> Void = { _ in }) -> ZipFixture {
        var member = ZipFixture.Member(deflating: array)
        change(&member)
        return ZipFixture(member)
    }

    private func changed(_ fixture: ZipFixture, _ change: (inout ZipFixture) -> Void) -> [UInt8] {
        var fixture = fixture
        change(&fixture)
        return fixture.bytes
    }

    /// An extra field of 64-bit sizes.
    private func wide(_ values: UInt64...) -> [UInt8] {
        let bytes = values.flatMap { ZipFixture.bytes($0) }
        return ZipFixture.bytes(1 as UInt16) + ZipFixture.bytes(UInt16(bytes.count)) + bytes
    }

    @Test("stored and deflated members, descriptors, comments, gaps and foreign extra fields are read")
    func sound() throws {
        let expected = try AnyTensor([1, 2, 3] as [Float], shape: [3])
        let foreign: [UInt8] = [0x55, 0x54, 2, 0, 9, 9]
        let count = UInt64(array.count)
        let files = [
            stored().bytes,
            deflated().bytes,
            ZipFixture(ZipFixture.Member(array).withDescriptor).bytes,
            ZipFixture(ZipFixture.Member(deflating: array).withDescriptor).bytes,
            changed(stored()) { $0.comment = Array("PK\u{5}\u{6} is how the end begins, says this comment".utf8) },
            stored { $0.behind = [1, 2, 3] }.bytes,
            stored {
                $0.extra = foreign
                $0.localExtra = foreign + foreign
            }.bytes,
            stored {
                ($0.compressed, $0.uncompressed) = (.max, .max)
                $0.extra = foreign + wide(count, count)
                $0.localExtra = wide(count, count)
            }.bytes,
            stored {
                $0.uncompressed = .max
                $0.extra = wide(count)
                $0.localExtra = wide(count)
            }.bytes,
            stored {
                $0.offset = .max
                $0.extra = wide(0)
            }.bytes,
        ]
        for (index, file) in files.enumerated() {
            expectSame(try NumPyArchive.decode(file).tensor(named: "x"), expected, "file \(index)")
        }
    }

    @Test("each contradiction throws an error that names the file and the fault")
    func lies() throws {
        let count = UInt32(array.count)
        let other = ZipFixture.Member(array, named: "y.npy")
        var twice = ZipFixture(.init(array), .init(array))
        twice.members[1].offset = 0
        twice.members[1].name = "x.npy"
        var shared = ZipFixture(.init(array), other)
        shared.members[1].offset = 0
        shared.members[0].localName = "y.npy"
        // A member whose data holds the header of another: the bomb of overlapping members.
        let inner = Array(ZipFixture(other).bytes.prefix(30 + 5 + array.count))
        var nested = ZipFixture(.init(inner), other)
        nested.members[1].offset = 30 + 5
        let bomb = try NumPyArchive.encode(NamedTensors([("x", .zeros([100_000]))]), compression: .deflated)
        let cases: [(bytes: [UInt8], fault: String)] = [
            ([], "too few for a zip file"),
            ([UInt8](repeating: 0, count: 100), "no zip directory"),
            (array, "no zip directory"),
            (Array(stored().bytes.dropLast()), "no zip directory"),
            (stored().bytes + [0], "no zip directory"),
            (Array(stored().bytes.dropFirst()), "does not end where its end is told"),
            (changed(stored()) { $0.before = [0] }, "does not end where its end is told"),
            (changed(stored()) { $0.afterDirectory = [0] }, "does not end where its end is told"),
            (changed(stored()) { $0.memberCount = 0 }, "51 bytes after its 0 members"),
            (changed(stored()) { $0.memberCount = 2 }, "2 members do not fit"),
            (changed(stored()) { $0.memberCount = .max }, "65535 members do not fit"),
            (changed(stored()) { $0.directorySize = 5 }, "does not end where its end is told"),
            (changed(stored()) { $0.directoryOffset = .max }, "does not end where its end is told"),
            (changed(stored()) { $0.members[0].offset = 1 }, "\"x.npy\": it has no header of its own at byte 1"),
            (changed(stored()) { $0.members[0].offset = .max - 1 }, "no header of its own"),
            (stored { $0.disk = 1 }.bytes, "another disk"),
            (stored { $0.flags = 1 }.bytes, "encrypted"),
            (stored { $0.method = 12 }.bytes, "method 12"),
            (stored { $0.localMethod = 8 }.bytes, "differ in name or method"),
            (stored { $0.localName = "y.npy" }.bytes, "differ in name or method"),
            (stored { $0.localName = "longer.npy" }.bytes, "differ in name or method"),
            (stored { $0.localChecksum = 1 }.bytes, "differ in sizes or checksum"),
            (stored { $0.localCompressed = 1 }.bytes, "differ in sizes or checksum"),
            (stored { $0.localUncompressed = 1 }.bytes, "differ in sizes or checksum"),
            (stored { $0.extra = [1, 0, 9] }.bytes, "extra field is cut off"),
            (stored { $0.extra = [1, 0, 9, 0, 1] }.bytes, "extra field is cut off"),
            (
                stored {
                    $0.compressed = .max
                    $0.extra = [1, 0, 0, 0]
                }.bytes, "64-bit sizes lacks one"
            ),
            (
                stored {
                    $0.compressed = .max
                    $0.extra = wide(.max)
                    $0.localExtra = wide(.max)
                }.bytes, "do not fit before the directory"
            ),
            (stored { $0.compressed += 1000 }.bytes, "do not fit before the directory"),
            (stored { $0.uncompressed += 1 }.bytes, "cannot be"),
            (deflated { $0.uncompressed = .max - 1 }.bytes, "cannot be 4294967294 outside it"),
            (stored { $0.checksum ^= 1 }.bytes, "do not have the checksum"),
            (deflated { $0.checksum ^= 1 }.bytes, "do not have the checksum"),
            (twice.bytes, "two members are called \"x.npy\""),
            (shared.bytes, "differ in name"),
            (nested.bytes, "members \"x.npy\" and \"y.npy\" overlap"),
            (ZipFixture(.init([1, 2, 3])).bytes, "3 bytes are too few"),
            (ZipFixture(.init(deflating: [1, 2, 3])).bytes, "3 bytes are too few"),
            (ZipFixture(.init(deflating: array + [0])).bytes, "13 follow the head"),
            (ZipFixture(.init(deflating: Array(array.dropLast()))).bytes, "11 follow the head"),
            (deflated { $0.uncompressed = count - 20 }.bytes, "the head ends at byte 128, the member at"),
            (
                deflated {
                    $0.bytes.removeLast()
                    $0.compressed -= 1
                }.bytes, "compressed data is cut off"
            ),
            (
                deflated {
                    $0.bytes.append(0)
                    $0.compressed += 1
                }.bytes, "something follows its compressed data"
            ),
            (deflated { $0.bytes[0] = 7 }.bytes, "compressed data is corrupt"),
        ]
        for (bytes, fault) in cases {
            expectError(.fileMalformed, mentioning: "weights.npz", fault) {
                _ = try NumPyArchive.decode(bytes, source: "weights.npz")
            }
        }
        try expectSame(NumPyArchive.decode(bomb), NamedTensors([("x", .zeros([100_000]))]))
    }

    @Test("data that becomes more than its shape says stops there, and a shape of more than the data takes no memory")
    func bombs() throws {
        // A megabyte of deflated zeros, told as the three floats that the head has, and as the four that it has not.
        let zeros = try NumPyArchive.encode(NamedTensors([("x", .zeros([250_000]))]), compression: .deflated)
        let compressed = Int(zeros[18]) | Int(zeros[19]) << 8 | Int(zeros[20]) << 16
        var member = ZipFixture.Member(Array(zeros[35..<35 + compressed]))
        member.method = 8
        member.uncompressed = 128 + 999_996
        expectError(.fileMalformed, mentioning: "takes 1000000 bytes; 999996 follow the head") {
            _ = try NumPyArchive.decode(ZipFixture(member).bytes)
        }
        // A head that agrees with the declared size, before data that goes on.
        var long = ZipFixture.Member(deflating: array + [0, 0, 0, 0])
        long.uncompressed -= 4
        expectError(.fileMalformed, mentioning: "becomes more than it says") {
            _ = try NumPyArchive.decode(ZipFixture(long).bytes)
        }
        // And before data that ends early.
        var short = ZipFixture.Member(deflating: Array(array.dropLast(4)))
        short.uncompressed += 4
        expectError(.fileMalformed, mentioning: "compressed data ends early") {
            _ = try NumPyArchive.decode(ZipFixture(short).bytes)
        }
        // A head that tells 120 GB, in a member of a few bytes.
        let head = NumPyArrayTests.head("'<f4'", shape: "(30000000000,)")
        expectError(.fileMalformed, mentioning: "takes 120000000000 bytes") {
            _ = try NumPyArchive.decode(ZipFixture(.init(deflating: NumPyArrayTests.file(head))).bytes)
        }
    }

    @Test("no mutation of a sound file traps, or gives more than the file can hold", arguments: 0..<4)
    func mutations(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let tensors = try NamedTensors([
            ("a", AnyTensor([1, 2, 3] as [Float], shape: [3])), ("b", AnyTensor([true, false], shape: [2, 1])),
        ])
        let sound = [
            try NumPyArchive.encode(tensors), try NumPyArchive.encode(tensors, compression: .deflated),
            try NumPyArchive.encode(tensors, compression: .deflated, wideFrom: 0),
            ZipFixture(ZipFixture.Member(deflating: array).withDescriptor).bytes,
        ]
        for index in 0..<600 {
            var bytes = sound[index % sound.count]
            bytes.mutate(using: &generator)
            if let found = try? NumPyArchive.decode(bytes, unknownMembers: .skipped) {
                #expect(found.byteCount <= 1_032 * bytes.count, "seed \(seed)")
            }
        }
    }
}
