import Identity
public import MeshTransport
import MeshWire

/// Shows what the mesh's authority has issued to whoever watches it.
public enum IssuanceLogService: MeshService {
    /// `meshwork.identity.IssuanceLog`, which a policy names to let workloads and auditors watch.
    public static let name: ServiceName = "meshwork.identity.IssuanceLog"
    static let checkpoint = unary("Checkpoint", CheckpointRequest.self, SignedCheckpoint.self, retry: .idempotent)
    static let entry = unary("Entry", EntryRequest.self, LogEntry.self, retry: .idempotent)
}

/// The size that its sender knows the log at.
struct CheckpointRequest: MeshMessage, Hashable {
    static let messageName = "meshwork.identity.CheckpointRequest"

    var knownSize: UInt64

    init(knownSize: UInt64) { self.knownSize = knownSize }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(knownSize: 0)
        while let field = try decoder.nextField() {
            if field == 1 { knownSize = try decoder.uint64() }
        }
    }

    func encode(to encoder: inout MessageEncoder) { encoder.uint64(1, knownSize) }
}

/// A signed checkpoint, and the proof that the log grew to it from the size that was asked for.
struct SignedCheckpoint: MeshMessage, Hashable {
    static let messageName = "meshwork.identity.SignedCheckpoint"

    var note: String
    var proof: [[UInt8]]

    init(note: String, proof: [[UInt8]]) {
        self.note = note
        self.proof = proof
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(note: "", proof: [])
        while let field = try decoder.nextField() {
            switch field {
            case 1: note = try decoder.string()
            case 2: proof.append(try decoder.bytes())
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.string(1, note)
        for hash in proof { encoder.repeatedBytes(2, hash) }
    }
}

/// A certificate, by the SHA-256 of its DER, and the size of the log that it is looked for in.
struct EntryRequest: MeshMessage, Hashable {
    static let messageName = "meshwork.identity.EntryRequest"

    var certificate: [UInt8]
    var size: UInt64

    init(certificate: [UInt8], size: UInt64) {
        self.certificate = certificate
        self.size = size
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(certificate: [], size: 0)
        while let field = try decoder.nextField() {
            switch field {
            case 1: certificate = try decoder.bytes()
            case 2: size = try decoder.uint64()
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.bytes(1, certificate)
        encoder.uint64(2, size)
    }
}

/// An entry, its place, and the proof that it is there.
struct LogEntry: MeshMessage, Hashable {
    static let messageName = "meshwork.identity.LogEntry"

    var record: [UInt8]
    var index: UInt64
    var proof: [[UInt8]]

    init(record: [UInt8], index: UInt64, proof: [[UInt8]]) {
        self.record = record
        self.index = index
        self.proof = proof
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(record: [], index: 0, proof: [])
        while let field = try decoder.nextField() {
            switch field {
            case 1: record = try decoder.bytes()
            case 2: index = try decoder.uint64()
            case 3: proof.append(try decoder.bytes())
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.bytes(1, record)
        encoder.uint64(2, index)
        for hash in proof { encoder.repeatedBytes(3, hash) }
    }
}

extension [[UInt8]] {
    /// A proof's hashes, of which no log of ours has more than 65.
    func hashes() throws(IdentityError) -> [SHA256Fingerprint] {
        let hashes = prefix(66).compactMap { SHA256Fingerprint(bytes: $0) }
        guard hashes.count == count else {
            throw IdentityError(.logInconsistent, "expected a proof of at most 65 hashes of 32 bytes, found another")
        }
        return hashes
    }
}
