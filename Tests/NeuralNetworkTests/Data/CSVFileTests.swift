import Foundation
import NeuralNetwork
import Tensor
import Testing

@Suite struct CSVFileTests {
    /// Rows as the Adult data set has them: spaces, unknowns, dots behind the test set's labels, a blank line at the end.
    private static let adult = """
        age, workclass, occupation, income
        39, State-gov, Adm-clerical, <=50K
        50, Self-emp-not-inc, Exec-managerial, <=50K
        38, Private, ?, >50K
        53, ?, Handlers-cleaners, <=50K.
        28, Private, Prof-specialty, >50K.


        """

    private static let income = CSVColumn.category("income", ["<=50K": 0, "<=50K.": 0, ">50K": 1, ">50K.": 1])

    private static var spaced: CSVFile.Format {
        var format = CSVFile.Format()
        format.trimsSpaces = true
        format.missing = ["?"]
        return format
    }

    /// Calls `body` with the path of a file of `text`.
    private static func with<Result>(_ text: String, _ body: (String) throws -> Result) throws -> Result {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).csv").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return try body(path)
    }

    private static func failure(_ body: () throws -> Void) -> NeuralNetworkError? {
        do { try body() } catch { return error as? NeuralNetworkError }
        return nil
    }

    /// The numbers of a file of one column, in the order of its batches.
    private static func numbers(_ batches: CSVBatches) throws -> [[Float]] {
        var (batches, numbers) = (batches, [[Float]]())
        while let batch = try batches.next() { numbers.append(try batch.numbers(["n"]).scalars) }
        return numbers
    }

    @Test("numbers, categories and labels come out by name, with what stands for the missing")
    func reading() throws {
        try Self.with(Self.adult) { path in
            let plain = try CSVFile(path, columns: [], format: Self.spaced)
            #expect(plain.names == ["age", "workclass", "occupation", "income"])
            let classes = try plain.vocabulary(of: "workclass")
            #expect(classes == ["Private": 0, "Self-emp-not-inc": 1, "State-gov": 2])
            let file = try CSVFile(
                path,
                columns: [
                    .number("age"), .category("workclass", classes, missing: 3),
                    .hashed("occupation", buckets: 100, missing: 100),
                    Self.income,
                ], format: Self.spaced)
            var batches = try file.batches(of: 3)
            let first = try #require(try batches.next())
            #expect(first.count == 3)
            #expect(try first.numbers(["age"]).scalars == [39, 50, 38])
            #expect(try first.indices(["income", "workclass"]).scalars == [0, 2, 0, 1, 1, 0])
            #expect(try first.indices(["income", "workclass"]).shape == [3, 2])
            let second = try #require(try batches.next())
            #expect(try second.numbers(["income", "age"]).scalars == [0, 53, 1, 28])
            #expect(try second.indices(["workclass"]).scalars == [3, 0])
            #expect(try batches.next() == nil)
            let jobs = try first.indices(["occupation"]).scalars
            #expect(jobs[2] == 100 && jobs[0] != jobs[1] && (0..<100).contains(jobs[0]))
        }
    }

    @Test("a hash is the FNV-1a of the value's bytes, in every process")
    func hashes() throws {
        let hashes = try Self.with("c\n\"\"\na\nfoobar\n") { path in
            var batches = try CSVFile(path, columns: [.hashed("c", buckets: 1 << 30)]).batches(of: 9)
            return try #require(try batches.next()).indices(["c"]).scalars
        }
        // The test vectors of the FNV draft, of which 30 bits remain.
        let expected = [0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c, 0x8594_4171_f739_67e8] as [UInt64]
        #expect(hashes == expected.map { Int32($0 % (1 << 30)) })
    }

    @Test("a file without a header has the names that it is given")
    func noHeader() throws {
        try Self.with("1;2\n3;4\n") { path in
            var format = CSVFile.Format()
            format.separator = ";"
            format.names = ["m", "n"]
            let numbers = try Self.numbers(CSVFile(path, columns: [.number("n")], format: format).batches(of: 1))
            #expect(numbers == [[2], [4]])
        }
    }

    @Test("a value that its column does not take is refused with its line and column, and no other is")
    func values() throws {
        for (row, column, message) in [
            ("x,a", 1, "no finite decimal number"), ("1e999,a", 1, "no finite"), ("nan,a", 1, "no finite"),
            ("0x1p3,a", 1, "no finite"), (",a", 1, "missing"), ("\"\",a", 1, "no finite"),
            ("1,c", 3, "not in the vocabulary"),
            ("1,", 3, "missing"),
        ] {
            try Self.with("n,c\n-1.5e1,a\n\(row)\n") { path in
                let file = try CSVFile(path, columns: [.number("n"), .category("c", ["a": 0, "b": 1])])
                var batches = try file.batches(of: 1)
                #expect(try batches.next()?.numbers(["n"]).scalars == [-15])
                let error = Self.failure { _ = try batches.next() }
                #expect(error?.code == .valueInvalid, "\(row)")
                #expect(error?.position?.line == 3 && error?.position?.column == column, "\(row): \(error as Any)")
                #expect(error?.message.contains(message) == true, "\(row): \(error as Any)")
                let lenient = try CSVFile(
                    path, columns: [.number("n", missing: 7), .category("c", ["a": 0], unknown: 8, missing: 9)])
                var again = try lenient.batches(of: 9)
                if message == "missing" || column == 3 {
                    let batch = try #require(try again.next())
                    #expect(try batch.numbers(["n", "c"]).scalars[2...].contains { $0 >= 7 }, "\(row)")
                }
            }
        }
    }

    @Test("records with other numbers of fields, and headers that do not fit, are refused")
    func shapes() throws {
        try Self.with("n,m\n1,2\n\n3\n") { path in
            var batches = try CSVFile(path, columns: [.number("n")]).batches(of: 1)
            #expect(try batches.next()?.count == 1)
            let error = Self.failure { _ = try batches.next() }
            #expect(error?.code == .fileMalformed && error?.position?.line == 4)
            #expect(Self.failure { _ = try CSVFile(path, columns: [.number("k")]) }?.message.contains("n, m") == true)
            #expect(
                Self.failure { _ = try CSVFile(path, columns: [.number("n"), .number("n")]) }?.code == .datasetInvalid)
            var format = CSVFile.Format()
            format.separator = "\""
            #expect(Self.failure { _ = try CSVFile(path, columns: [], format: format) }?.code == .datasetInvalid)
            let batch = try #require(try CSVFile(path, columns: [.number("n")]).firstBatch())
            #expect(Self.failure { _ = try batch.indices(["n"]) }?.code == .datasetInvalid)
            #expect(Self.failure { _ = try batch.numbers(["m"]) }?.code == .datasetInvalid)
            let few = Self.failure { _ = try CSVFile(path, columns: []).vocabulary(of: "n", maximumValues: 0) }
            #expect(few?.code == .datasetInvalid)
        }
        try Self.with("n,n\n1,2\n") { path in
            #expect(Self.failure { _ = try CSVFile(path, columns: [.number("n")]) }?.code == .datasetInvalid)
        }
        try Self.with("") { path in
            #expect(Self.failure { _ = try CSVFile(path, columns: []) }?.code == .fileMalformed)
        }
        #expect(Self.failure { _ = try CSVFile("/nowhere.csv", columns: []) }?.code == .fileUnreadable)
    }

    @Test("shares deal a shuffled pass out among themselves, each record once, the same order in every process")
    func sharesAndShuffling() throws {
        // More than one piece of the file is read: a record has 7 bytes.
        let count = 20_000
        let text = "n\n" + (0..<count).map { "\(100_000 + $0)\n" }.joined()
        try Self.with(text) { path in
            let file = try CSVFile(path, columns: [.number("n")])
            let key = RandomKey(seed: 5)
            let inOrder = try Self.numbers(file.batches(of: 64))
            #expect(inOrder.flatMap { $0 } == (0..<count).map { Float(100_000 + $0) })
            let whole = try Self.numbers(file.batches(of: 64, epoch: 1, shuffling: 500, key: key))
            #expect(whole.map(\.count) == inOrder.map(\.count))
            let flat = whole.flatMap { $0 }
            for window in 0..<(count / 500) {
                let range = (window * 500)..<((window + 1) * 500)
                #expect(flat[range].sorted() == range.map { Float(100_000 + $0) })
                #expect(Array(flat[range]) != range.map { Float(100_000 + $0) })
            }
            let shares = try (0..<3).map {
                try Self.numbers(file.shard(index: $0, of: 3).batches(of: 64, epoch: 1, shuffling: 500, key: key))
            }
            for (index, batch) in whole.enumerated() { #expect(shares[index % 3][index / 3] == batch) }
            #expect(shares.map(\.count).reduce(0, +) == whole.count)
            #expect(try Self.numbers(file.batches(of: 64, epoch: 2, shuffling: 500, key: key)) != whole)
            let nested = file.shard(index: 1, of: 2).shard(index: 1, of: 2)
            #expect(
                try Self.numbers(nested.batches(of: 64))
                    == stride(from: 3, to: inOrder.count, by: 4).map { inOrder[$0] })
        }
    }
}

extension CSVFile {
    fileprivate func firstBatch() throws -> CSVBatch? {
        var batches = try batches(of: 1)
        return try batches.next()
    }
}
