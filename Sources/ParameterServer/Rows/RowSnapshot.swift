import MeshWire

/// The rows inside a ``PartitionSnapshot``.
package struct RowSnapshot: Sendable {
    private enum Source {
        /// Held, and let go of where it costs too much.
        case held(HeldRows)
        case image(RowImage)
        /// It was revoked before it was written.
        case revoked
    }

    private let source: Source

    init(_ rows: HeldRows) { source = .held(rows) }

    /// Rows that nobody lets go of.
    init(_ image: RowImage) { source = .image(image) }

    /// The rows that a message has, whose segments stand behind its head.
    init(_ head: Head, slabs: [Segment], counters: [Segment]) {
        source =
            head.isRevoked
            ? .revoked
            : .image(
                RowImage(nextSwept: head.nextSwept, additions: head.additions, slabs: slabs, counters: counters))
    }

    /// The rows.
    ///
    /// - Throws: ``ParameterServerError/Code/snapshotRevoked``.
    func image() throws(ParameterServerError) -> RowImage {
        switch source {
        case .image(let image): return image
        case .held(let rows): if let table = rows.table { return table.image }
        case .revoked: break
        }
        throw ParameterServerError(
            .snapshotRevoked,
            "a snapshot of rows was let go of, because too many were held or too many rows have changed since: take "
                + "another, or raise ParameterServerConfiguration.rowSnapshots")
    }

    /// The bytes of the slabs and counters; 0 where they were let go of.
    var byteCount: Int { (try? image())?.byteCount ?? 0 }

    /// Whether they were let go of.
    var isRevoked: Bool {
        switch source {
        case .held(let rows): rows.isRevoked
        case .image: false
        case .revoked: true
        }
    }

    /// The same rows, which nobody revokes any more.
    func pinned() throws(ParameterServerError) -> RowSnapshot { RowSnapshot(try image()) }
}

extension RowSnapshot {
    /// What a message says of rows before their slabs. One that was revoked before it was written says that.
    struct Head: MeshMessage {
        static let messageName = "meshwork.parameters.RowSnapshotHead"

        var nextSwept: UInt64 = 0
        var additions: UInt64 = 0
        var isRevoked = false

        /// The head of an image, or of a snapshot that has none any more.
        init(_ image: RowImage?) {
            guard let image else {
                isRevoked = true
                return
            }
            nextSwept = image.nextSwept
            additions = image.additions
        }

        init(from decoder: inout MessageDecoder) throws(WireError) {
            while let field = try decoder.nextField() {
                switch field {
                case 1: nextSwept = try decoder.uint64()
                case 2: additions = try decoder.uint64()
                case 3: isRevoked = try decoder.bool()
                default: break
                }
            }
        }

        func encode(to encoder: inout MessageEncoder) {
            encoder.uint64(1, nextSwept)
            encoder.uint64(2, additions)
            encoder.bool(3, isRevoked)
        }
    }
}
