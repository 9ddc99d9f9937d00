import Testing

@testable import Identity

@Suite struct IssuanceLogTests {
    static func log(_ count: Int = 0, storage: some IssuanceLogStorage = InMemoryIssuanceLogStorage()) throws
        -> IssuanceLog
    {
        var log = try IssuanceLog(signer: NoteSigner(name: "digits.example/issuance"), storage: storage)
        let record = try IssuanceRecordTests.record()
        for _ in 0..<count { _ = try log.append(record) }
        return log
    }

    /// Keeps entries elsewhere, and fails when it is told to.
    final class FailingStorage: IssuanceLogStorage {
        struct Failure: Error {}
        let count: UInt64 = 2
        func append(_ entry: [UInt8]) throws { throw Failure() }
        func entry(at index: UInt64) throws -> [UInt8] {
            guard index < 1 else { throw Failure() }
            return [1]
        }
    }

    @Test("records are appended in order, and the checkpoint is over all of them")
    func appends() throws {
        var log = try Self.log()
        #expect(log.checkpoint == LogCheckpoint(origin: "digits.example/issuance", size: 0, root: MerkleHash.empty))
        let records = try (0..<5).map { try IssuanceRecordTests.record("/worker/\($0)", seed: UInt64($0)) }
        for (index, record) in records.enumerated() { #expect(try log.append(record) == UInt64(index)) }
        #expect(try (0..<5).map { try log.record(at: $0) } == records)
        #expect(log.checkpoint.size == 5)
        #expect(log.checkpoint.root == MerkleTreeTests.naiveRoot(records.map(\.encoded)[...]))
        #expect(try LogCheckpoint(note: log.signedCheckpoint(), verifiedBy: log.publicKey) == log.checkpoint)
    }

    @Test("a log that is opened again goes on where it ended")
    func reopened() throws {
        let record = try IssuanceRecordTests.record()
        var storage = InMemoryIssuanceLogStorage()
        for _ in 0..<6 { storage.append(record.encoded) }
        let signer = try NoteSigner(name: "digits.example/issuance")
        var reopened = try IssuanceLog(signer: signer, storage: storage)
        var verifier = IssuanceLogVerifier(key: signer.publicKey)
        try verifier.accept(reopened.signedCheckpoint(), proof: reopened.consistencyProof(from: 0))
        #expect(try reopened.append(record) == 6)
        try verifier.accept(reopened.signedCheckpoint(), proof: reopened.consistencyProof(from: 6))
        #expect(verifier.latest.size == 7)
    }

    @Test("proofs of what is not there are refused")
    func bounds() throws {
        let log = try Self.log(3)
        let errors = [
            identityError { try log.inclusionProof(of: 3) }, identityError { try log.inclusionProof(of: 0, at: 4) },
            identityError { try log.inclusionProof(of: 2, at: 2) },
            identityError { try log.inclusionProof(of: 0, at: 0) },
            identityError { try log.consistencyProof(from: 4) },
            identityError { try log.consistencyProof(from: 2, to: 1) },
            identityError { try log.consistencyProof(from: 0, to: .max) }, identityError { try log.record(at: 3) },
        ]
        #expect(errors.map { $0?.code } == Array(repeating: .logNotStored, count: 8))
    }

    @Test("a store that fails changes nothing, and one that cannot be read opens no log")
    func failing() throws {
        let opening = identityError { try Self.log(storage: FailingStorage()) }
        #expect(opening?.code == .logNotStored)
        #expect(opening?.message.contains("entry 1 of 2") == true)

        struct Full: IssuanceLogStorage {
            let count: UInt64 = 0
            mutating func append(_ entry: [UInt8]) throws { throw FailingStorage.Failure() }
            func entry(at index: UInt64) -> [UInt8] { [] }
        }
        var log = try Self.log(storage: Full())
        let record = try IssuanceRecordTests.record()
        let error = identityError { try log.append(record) }
        #expect(error?.code == .logNotStored)
        #expect(error?.cause is FailingStorage.Failure)
        #expect(log.size == 0)
    }

    @Test("an entry that is no record is told from one that is missing")
    func malformed() throws {
        var storage = InMemoryIssuanceLogStorage()
        storage.append([1, 2, 3])
        let log = try Self.log(storage: storage)
        #expect(identityError { try log.record(at: 0) }?.code == .malformedRecord)
    }
}
