import Testing

@testable import Identity

@Suite struct IssuanceLogVerifierTests {
    /// A log, and a watcher of it that has seen nothing.
    static func pair() throws -> (IssuanceLog, IssuanceLogVerifier) {
        let log = try IssuanceLogTests.log()
        return (log, IssuanceLogVerifier(key: log.publicKey))
    }

    @Test("a watcher follows a log from size to size, and finds each record in it")
    func follows() throws {
        let seed: UInt64 = 0x106
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var (log, verifier) = try Self.pair()
        let records = try (0..<30).map { try IssuanceRecordTests.record("/worker/\($0)", seed: UInt64($0)) }
        var next = 0
        while next < records.count {
            for _ in 0..<Int.random(in: 0..<5, using: &generator) where next < records.count {
                _ = try log.append(records[next])
                next += 1
            }
            let proof = try log.consistencyProof(from: verifier.latest.size)
            #expect(try verifier.accept(log.signedCheckpoint(), proof: proof) == log.checkpoint)
            for (index, record) in records.prefix(next).enumerated() {
                try verifier.check(record, at: UInt64(index), proof: log.inclusionProof(of: UInt64(index)))
            }
        }
    }

    @Test("a record that is not in the log, or elsewhere in it, is not found")
    func notIncluded() throws {
        var (log, verifier) = try Self.pair()
        let records = try (0..<4).map { try IssuanceRecordTests.record("/worker/\($0)", seed: UInt64($0)) }
        for record in records.dropLast() { _ = try log.append(record) }
        try verifier.accept(log.signedCheckpoint(), proof: log.consistencyProof(from: 0))
        let proof = try log.inclusionProof(of: 1)
        for (record, index) in [(records[3], 1), (records[1], 0), (records[1], 3), (records[1], .max)]
            as [(IssuanceRecord, UInt64)]
        {
            let error = identityError { try verifier.check(record, at: index, proof: proof) }
            #expect(error?.code == .notInLog)
            #expect(error?.peer == record.spiffeID)
        }
    }

    @Test("a log that shrinks, forgets or changes what it showed is found out, and the watcher keeps what it knew")
    func inconsistent() throws {
        let signer = try NoteSigner(name: "digits.example/issuance")
        // Each record has a key of its own, so a record is made once.
        let records = try (0..<10).map { try IssuanceRecordTests.record(seed: $0) }
        func log(_ numbers: [Int]) throws -> IssuanceLog {
            var log = try IssuanceLog(signer: signer, storage: InMemoryIssuanceLogStorage())
            for number in numbers { _ = try log.append(records[number]) }
            return log
        }
        let honest = try log([1, 2, 3])
        var verifier = IssuanceLogVerifier(key: signer.publicKey)
        try verifier.accept(honest.signedCheckpoint(), proof: honest.consistencyProof(from: 0))
        let known = verifier.latest
        let liars = [try log([1, 2]), try log([1, 9, 3]), try log([1, 9, 3, 4]), try log([9, 1, 2, 3, 4])]
        for liar in liars {
            let proof = liar.size >= 3 ? try liar.consistencyProof(from: 3) : ConsistencyProof(hashes: [])
            let error = identityError { try verifier.accept(liar.signedCheckpoint(), proof: proof) }
            #expect(error?.code == .logInconsistent)
            #expect(verifier.latest == known)
        }
        // The same again is nothing new, and what follows honestly is taken.
        try verifier.accept(honest.signedCheckpoint(), proof: ConsistencyProof(hashes: []))
        let grown = try log([1, 2, 3, 4])
        try verifier.accept(grown.signedCheckpoint(), proof: grown.consistencyProof(from: 3))
        #expect(verifier.latest.size == 4)
    }

    @Test("a checkpoint of another key, another log or nobody is not taken")
    func foreign() throws {
        var (log, verifier) = try Self.pair()
        _ = try log.append(IssuanceRecordTests.record())
        var other = try IssuanceLogTests.log()
        _ = try other.append(IssuanceRecordTests.record())
        let proof = try other.consistencyProof(from: 0)
        #expect(identityError { try verifier.accept(other.signedCheckpoint(), proof: proof) }?.code == .noteNotSigned)
        #expect(identityError { try verifier.accept(log.checkpoint.text, proof: proof) }?.code == .malformedNote)
        #expect(verifier.latest.size == 0)
    }

    @Test("a watcher goes on from what it knew before")
    func resumed() throws {
        var (log, verifier) = try Self.pair()
        let record = try IssuanceRecordTests.record()
        _ = try log.append(record)
        try verifier.accept(log.signedCheckpoint(), proof: log.consistencyProof(from: 0))
        var resumed = IssuanceLogVerifier(key: log.publicKey, latest: verifier.latest)
        _ = try log.append(record)
        try resumed.accept(log.signedCheckpoint(), proof: log.consistencyProof(from: 1))
        #expect(resumed.latest.size == 2)
    }
}
