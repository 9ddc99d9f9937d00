import Foundation
import NeuralNetwork
import Tensor
import Testing

@Suite struct IDXFileTests {
    static func file(_ dimensions: [UInt32], _ elements: [UInt8], type: UInt8 = 8) -> [UInt8] {
        [0, 0, type, UInt8(dimensions.count)]
            + dimensions.flatMap { d in (0..<4).map { UInt8(truncatingIfNeeded: d >> (24 - 8 * UInt32($0))) } }
            + elements
    }

    @Test("images come out as floats in their shape, labels as integers")
    func reading() throws {
        let images = try IDXFile(Self.file([2, 1, 3], [0, 51, 255, 1, 2, 3]), source: "images")
        #expect(images.shape == [2, 1, 3])
        #expect(images.floats(scale: 1 / 255).scalars == [0, 51, 255, 1, 2, 3].map { $0 * Float(1.0 / 255) })
        #expect(images.floats().shape == [2, 1, 3])
        let labels = try IDXFile(Self.file([4], [9, 0, 5, 255]), source: "labels")
        #expect(labels.integers().scalars == [9, 0, 5, 255])
    }

    @Test("a file is read by its path")
    func readingAFile() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).idx").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(Self.file([3], [7, 8, 9])).write(to: URL(fileURLWithPath: path))
        #expect(try IDXFile(path: path).integers().scalars == [7, 8, 9])
    }

    @Test("every way of cutting a file short is refused with its name")
    func truncatedFiles() {
        let whole = Self.file([2, 3], [1, 2, 3, 4, 5, 6])
        for length in 0..<whole.count {
            let error = #expect(throws: NeuralNetworkError.self) {
                try IDXFile(Array(whole.prefix(length)), source: "digits.idx")
            }
            #expect(error?.code == .fileMalformed)
            #expect(error?.message.contains("digits.idx") == true, "\(length) bytes")
        }
    }

    @Test(
        "headers that lie are refused",
        arguments: [
            file([2, 3], [1, 2, 3, 4, 5, 6, 7]), file([7], [1]), file([0xffff_ffff, 0xffff_ffff, 0xffff_ffff], [1]),
            file([0, 0xffff_ffff], [1]), file([], [1]), file([1, 1, 1, 1, 1, 1, 1, 1, 1], [1]),
            file([1], [1], type: 0x0d),
            [0x1f, 0x8b, 8, 0, 0, 0, 0, 0], [1, 0, 8, 1, 0, 0, 0, 1, 5],
        ])
    func lyingHeaders(bytes: [UInt8]) {
        let error = #expect(throws: NeuralNetworkError.self) { try IDXFile(bytes, source: "digits.idx") }
        #expect(error?.code == .fileMalformed)
        #expect(error?.description.contains("digits.idx") == true)
    }

    @Test("a path that cannot be read is named", arguments: ["/nowhere/digits.idx", "/"])
    func unreadablePath(path: String) {
        let error = #expect(throws: NeuralNetworkError.self) { try IDXFile(path: path) }
        #expect(error?.code == .fileUnreadable)
        #expect(error?.message.contains(path) == true)
    }
}
