import Testing

@testable import Identity

@Suite struct IssuanceLogStorageTests {
    @Test("entries in memory are kept in their order")
    func inMemory() {
        var storage = InMemoryIssuanceLogStorage()
        #expect(storage.count == 0)
        storage.append([1])
        storage.append([])
        storage.append([2, 3])
        #expect(storage.count == 3)
        #expect((0..<3).map { storage.entry(at: $0) } == [[1], [], [2, 3]])
    }
}
