import MeshWire
import MeshworkTesting
import Optimizers
import Tensor
import Testing

@testable import ParameterServer

@Suite struct CodecTests {
    private static func tensor(_ values: [Float]) throws -> AnyTensor { try AnyTensor(values, shape: [values.count]) }

    /// Values of many magnitudes, with zeros among them.
    static func values(_ count: Int, using generator: inout SplitMix64) -> [Float] {
        (0..<count).map { _ in
            guard Int.random(in: 0..<8, using: &generator) > 0 else { return 0 }
            let magnitude = Float(sign: .plus, exponent: Int.random(in: -12...12, using: &generator), significand: 1)
            return Float.random(in: -1...1, using: &generator) * magnitude
        }
    }

    static func encoded(
        _ encoding: GradientEncoding, _ values: AnyTensor, _ groups: RowGroups
    ) throws -> EncodedGradient {
        let bytes =
            switch encoding {
            case .none: try values.bytes()
            case .bfloat16: try values.cast(to: .bfloat16).bytes()
            case .float16: try values.cast(to: .float16).bytes()
            case .int8: try Int8Codec.encode(values, groups)
            case .sparse: try SparseCodec.encode(values, count: max(1, values.elementCount / 3))
            case .signs: try SignCodec.encode(values, groups)
            }
        return EncodedGradient(encoding, bytes: bytes, keys: nil)
    }

    /// A range of a tensor as partitions have them: it begins and ends within rows.
    private static func groups(using generator: inout SplitMix64) -> RowGroups {
        RowGroups(
            elementCount: Int.random(in: 1...90, using: &generator), width: Int.random(in: 1...20, using: &generator),
            offset: Int.random(in: 0...50, using: &generator))
    }

    @Test("rows of a range are cut where the tensor's are", arguments: 1...30 as ClosedRange<UInt64>)
    func rows(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        for _ in 0..<20 {
            let (count, width, offset) = (
                Int.random(in: 0...90, using: &generator), Int.random(in: 1...20, using: &generator),
                Int.random(in: 0...50, using: &generator)
            )
            let groups = RowGroups(elementCount: count, width: width, offset: offset)
            let rows = Set((0..<count).map { (offset + $0) / width })
            #expect(groups.count == rows.count, "seed \(seed)")
            #expect(groups.runs.reduce(0) { $0 + $1.rows } == rows.count, "seed \(seed)")
            #expect(groups.runs.flatMap(\.elements) == Array(0..<count), "seed \(seed)")
        }
    }

    @Test("what is decoded is as near as the encoding says", arguments: 1...40 as ClosedRange<UInt64>)
    func bounds(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        let groups = Self.groups(using: &generator)
        let values = Self.values(groups.elementCount, using: &generator)
        let whole = try Self.tensor(values)
        func decoded(_ encoding: GradientEncoding) throws -> [Float] {
            try Self.encoded(encoding, whole, groups).decoded(groups).scalars(as: Float.self)
        }
        #expect(try decoded(.none) == values, "seed \(seed)")
        for (value, found) in zip(values, try decoded(.bfloat16)) {
            #expect((value - found).magnitude <= value.magnitude / 256, "seed \(seed)")
        }
        for (value, found) in zip(values, try decoded(.float16)) {
            #expect((value - found).magnitude <= value.magnitude / 2_048 + 6e-8, "seed \(seed)")
        }
        let (bytes, signs) = (try decoded(.int8), try decoded(.signs))
        for run in groups.runs {
            let width = run.elements.count / run.rows
            for row in 0..<run.rows {
                let elements = run.elements.lowerBound + row * width..<run.elements.lowerBound + (row + 1) * width
                let peak: Float = values[elements].map(\.magnitude).max() ?? 0
                let sum: Double = values[elements].reduce(0) { $0 + Double($1.magnitude) }
                let mean = sum / Double(width)
                for place in elements {
                    let (value, sign) = (values[place], signs[place])
                    let error: Float = abs(value - bytes[place])
                    #expect(error <= peak / 253, "seed \(seed)")
                    let offMean: Double = abs(Double(sign.magnitude) - mean)
                    #expect(offMean <= mean * 1e-5, "seed \(seed)")
                    let isNegative = sign < 0
                    #expect(value == 0 || isNegative == (value < 0), "seed \(seed)")
                }
            }
        }
        let sparse = try decoded(.sparse)
        let kept = max(1, values.count / 3)
        let least: Float = values.map(\.magnitude).sorted(by: >)[kept - 1]
        for (value, found) in zip(values, sparse) {
            let isLeftOut = found == 0 && value.magnitude <= least
            #expect(found == value || isLeftOut, "seed \(seed)")
        }
    }

    @Test("the bytes are those that are published")
    func layouts() throws {
        let groups = RowGroups(elementCount: 5, width: 3, offset: 1)
        let values = try Self.tensor([127, -63.5, 0, -2, 1])
        func bytes(_ encoding: GradientEncoding) throws -> [UInt8] {
            try Self.encoded(encoding, values, groups).bytes.scalars(as: UInt8.self)
        }
        // Rows of two and three elements; scales 1 and 2/127.
        let scale = unsafe withUnsafeBytes(of: (Float(2) / 127).bitPattern.littleEndian) { unsafe Array($0) }
        #expect(try bytes(.int8) == [0, 0, 0x80, 0x3F] + scale + [127, 0xC0, 0, 0x81, 64])
        // Means 95.25 and 1; the signs +-+-+ from the lowest bit on.
        #expect(try bytes(.signs) == [0, 0x80, 0xBE, 0x42, 0, 0, 0x80, 0x3F, 0b10101])
        #expect(try bytes(.sparse) == [0, 0, 0, 0, 0, 0, 0xFE, 0x42])
        #expect(try bytes(.bfloat16) == [0xFE, 0x42, 0x7E, 0xC2, 0, 0, 0, 0xC0, 0x80, 0x3F])
    }

    @Test("bytes that are no such gradient are refused, whatever they are", arguments: 1...40 as ClosedRange<UInt64>)
    func refuses(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        let groups = Self.groups(using: &generator)
        for encoding in GradientEncoding.allCases where encoding != .none {
            let count = Int.random(in: 0...400, using: &generator)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let gradient = EncodedGradient(encoding, bytes: try AnyTensor(bytes, shape: [count]), keys: nil)
            do throws(ParameterServerError) {
                let values = try gradient.decoded(groups)
                #expect(values.elementCount == groups.elementCount && values.dtype == .float32, "seed \(seed)")
            } catch {
                #expect([.shapeMismatch, .malformedRequest].contains(error.code), "seed \(seed): \(error)")
                #expect(error.message.contains("\(encoding)"), "seed \(seed)")
            }
        }
    }

    @Test(
        "places that descend, occur twice or are beyond the end are refused",
        arguments: [[1, 0], [1, 1], [0, 5]] as [[UInt32]])
    func places(places: [UInt32]) throws {
        let bytes = try AnyTensor.concatenate([
            AnyTensor(places, shape: [2]).bytes(), AnyTensor.ones([2]).bytes(),
        ])
        do throws(ParameterServerError) {
            _ = try EncodedGradient(.sparse, bytes: bytes, keys: nil).decoded(RowGroups(elementCount: 5, width: 5))
            Issue.record("taken")
        } catch {
            #expect(error.code == .malformedRequest)
        }
    }
}
