import Coordination
import Identity
import MeshWire
import NIOCore

/// The manifest as a file: one JSON object whose last member is the CRC32C of all bytes before it.
///
/// ```json
/// {"format":1,"job":"ads","step":1200,"mapVersion":7,"tables":[{"name":"weight","shape":[784,10],
///  "declaration":"CgZ3ZWlnaHQ…","partitions":[{"file":"checkpoint-…-00000-00000-00001.safetensors","bytes":94344,
///  "crc32c":"8f1c02aa","id":1,"epoch":1,"applied":1200,"counter":1200,"sessions":[[0,1763,9,[1,1200]]]}]}],
///  "crc32c":"04ad61f0"}
/// ```
/// A session is its slot, the halves of its number and the bounds of the runs that it had applied.
extension CheckpointManifest {
    /// The most bytes of a manifest: some 4,096 partitions for 256 workers.
    package static let largestByteCount = 64 << 20
    private static let limits = JSONParser.Limits(bytes: largestByteCount, values: 1 << 23)

    /// The file.
    package var bytes: [UInt8] {
        let members: [JSON.Member] = [
            .init("format", .number(Self.format)), .init("job", .string(job)), .init("step", .number(step)),
            .init("mapVersion", .number(mapVersion)),
            .init("tables", .array(tables.enumerated().map { $1.json(step: step, place: $0) })),
        ]
        var bytes = JSON.object(members).bytes
        bytes.removeLast()
        let checksum = CRC32C.of(ByteBuffer(bytes: bytes).readableBytesView)
        bytes += Self.tail(checksum)
        return bytes
    }

    private static func tail(_ checksum: UInt32) -> [UInt8] { Array(",\"crc32c\":\"\(hexadecimal(checksum))\"}".utf8) }

    fileprivate static func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// Reads a manifest.
    ///
    /// - Parameter path: what error messages call it.
    /// - Throws: ``ParameterServerError/Code/checkpointInvalid`` that names the byte or the member, and what to do.
    package init(bytes: [UInt8], path: String) throws(ParameterServerError) {
        let json: JSON
        do throws(JSONParser.Problem) {
            json = try JSONParser.parse(bytes, limits: Self.limits)
        } catch {
            throw ParameterServerError(
                .checkpointInvalid,
                "\(path), byte \(error.offset): \(error.message); restore the file from a copy, or go back to another checkpoint",
                cause: error)
        }
        let reader = ManifestReader(json, path)
        let format: Int = try reader.integer("format")
        guard format == Self.format else {
            throw ParameterServerError(
                .checkpointInvalid,
                "\(path): it is of format \(format), and this version of the library reads format \(Self.format): restore with the version that wrote it or a later one"
            )
        }
        let tailCount = Self.tail(0).count
        let body = ByteBuffer(bytes: bytes.dropLast(tailCount))
        guard bytes.suffix(tailCount).elementsEqual(Self.tail(CRC32C.of(body.readableBytesView))) else {
            throw reader.invalid("crc32c", "is not that of the bytes before it")
        }
        job = try reader.string("job")
        step = try reader.integer("step")
        mapVersion = try reader.integer("mapVersion")
        tables = []
        for (place, table) in try reader.array("tables").enumerated() {
            tables.append(try Table(table, step: step, place: place))
        }
    }
}

extension CheckpointManifest.Table {
    fileprivate func json(step: UInt64, place: Int) -> JSON {
        .object([
            .init("name", .string(declaration.name)),
            .init("shape", .array(declaration.shape.map { .number($0) })),
            .init("declaration", .string(Base64URL.encode(declaration.messageBytes()))),
            .init(
                "partitions",
                .array(
                    partitions.enumerated().map { index, partition in
                        partition.json(
                            file: CheckpointFolder.fileName(
                                step: step, table: place, partition: index, epoch: partition.version.epoch))
                    })),
        ])
    }

    fileprivate init(_ reader: ManifestReader, step: UInt64, place: Int) throws(ParameterServerError) {
        guard let bytes = Base64URL.decode(try reader.string("declaration").utf8) else {
            throw reader.invalid("declaration", "is not base64url")
        }
        do throws(WireError) {
            declaration = try TableDeclaration(messageBytes: bytes)
        } catch {
            throw reader.invalid("declaration", "cannot be read: \(error.message)")
        }
        guard try reader.string("name") == declaration.name else {
            throw reader.invalid("name", "is not that of the declaration, \(declaration.name)")
        }
        partitions = []
        for (index, entry) in try reader.array("partitions").enumerated() {
            let partition = try CheckpointManifest.Partition(entry)
            let file = CheckpointFolder.fileName(
                step: step, table: place, partition: index, epoch: partition.version.epoch)
            guard try entry.string("file") == file else { throw entry.invalid("file", "should be \(file)") }
            partitions.append(partition)
        }
        guard partitions.count == declaration.partitionCount else {
            throw reader.invalid(
                "partitions", "has \(partitions.count) entries, the table has \(declaration.partitionCount) partitions")
        }
    }
}

extension CheckpointManifest.Partition {
    fileprivate func json(file: String) -> JSON {
        .object([
            .init("file", .string(file)), .init("bytes", .number(byteCount)),
            .init("crc32c", .string(CheckpointManifest.hexadecimal(checksum))), .init("id", .number(id.rawValue)),
            .init("epoch", .number(version.epoch)), .init("applied", .number(version.applied)),
            .init("counter", .number(counter)), .init("sessions", .array(sessions.map(\.json))),
        ])
    }

    fileprivate init(_ reader: ManifestReader) throws(ParameterServerError) {
        guard let checksum = UInt32(try reader.string("crc32c"), radix: 16) else {
            throw reader.invalid("crc32c", "is no checksum")
        }
        self.init(
            id: PartitionID(rawValue: try reader.integer("id")),
            version: PartitionVersion(epoch: try reader.integer("epoch"), applied: try reader.integer("applied")),
            counter: try reader.integer("counter"), byteCount: try reader.integer("bytes"), checksum: checksum,
            sessions: [])
        for session in try reader.array("sessions") { sessions.append(try CheckpointManifest.Session(session)) }
    }
}

extension CheckpointManifest.Session {
    fileprivate var json: JSON {
        .array([
            .number(slot), .number(session.high), .number(session.low),
            .array(applied.runs.flatMap { [.number($0.lowerBound), .number($0.upperBound)] }),
        ])
    }

    fileprivate init(_ reader: ManifestReader) throws(ParameterServerError) {
        guard let parts = reader.json.array, parts.count == 4, let slot: Int = parts[0].integer(),
            let high: UInt64 = parts[1].integer(), let low: UInt64 = parts[2].integer(), let bounds = parts[3].array
        else { throw reader.invalid("sessions", "has an entry that is no session") }
        var numbers: [UInt64] = []
        for bound in bounds {
            guard let number: UInt64 = bound.integer() else {
                throw reader.invalid("sessions", "has a bound that is none")
            }
            numbers.append(number)
        }
        let applied: SequenceSet
        do throws(WireError) { applied = try SequenceSet(bounds: numbers) } catch {
            throw reader.invalid("sessions", "cannot be read: \(error.message)")
        }
        self.init(session: SessionID(high: high, low: low), slot: slot, applied: applied)
    }
}

/// Reads members of an object of a manifest, and says where they are.
private struct ManifestReader {
    let json: JSON
    let path: String

    init(_ json: JSON, _ path: String) {
        self.json = json
        self.path = path
    }

    func string(_ name: String) throws(ParameterServerError) -> String {
        guard let value = json[name]?.string else { throw missing(name, "a string") }
        return value
    }

    func integer<Integer: FixedWidthInteger>(_ name: String) throws(ParameterServerError) -> Integer {
        guard let value: Integer = json[name]?.integer() else { throw missing(name, "a whole number") }
        return value
    }

    /// The elements, each with its place in `path`.
    func array(_ name: String) throws(ParameterServerError) -> [ManifestReader] {
        guard let elements = json[name]?.array else { throw missing(name, "an array") }
        return elements.enumerated().map { ManifestReader($1, "\(path), \(name)[\($0)]") }
    }

    func invalid(_ name: String, _ reason: String) -> ParameterServerError {
        ParameterServerError(
            .checkpointInvalid,
            "\(path), \(name): it \(reason); restore the file from a copy, or go back to another checkpoint")
    }

    private func missing(_ name: String, _ kind: String) -> ParameterServerError {
        invalid(name, "should be \(kind), and is \(json[name]?.kind ?? "missing")")
    }
}
