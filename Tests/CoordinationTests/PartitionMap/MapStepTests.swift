import MeshWire
import Testing

@testable import Coordination

@Suite struct MapStepTests {
    @Test(
        "whoever is told the steps of a map has the map, however slowly it reads",
        arguments: 1...20 as ClosedRange<UInt64>)
    func follows(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        var configuration = CoordinatorConfiguration()
        configuration.slots = 4
        var state = CoordinatorState(configuration, firstOrdinal: 1)
        let feed = MapFeed(state.map)
        var history = MapHistory()
        var followed = FollowedMap()
        var known: PartitionMap?
        var shortcuts = 0
        for second in 0..<60 as Range<Int64> {
            let before = state.map
            CoordinatorChangeTests.step(&state, &generator, at: second)
            if let change = state.takeChange(), change.mapVersion != 0 {
                let step = MapStep(from: before.version, by: change)
                history.append(step)
                feed.offer(state.map, by: step)
            }
            guard Int.random(in: 0..<3, using: &generator) == 0, known?.version != state.map.version else { continue }
            let short = known.flatMap { history.step(from: $0.version, to: state.map.version) }
            if short != nil { shortcuts += 1 }
            known = nil
            for part in (short ?? MapStep(to: state.map)).parts(bytes: Int(generator.next() % 400)) {
                #expect(known == nil, "seed \(seed)")
                known = try followed.take(throughTheWire(part))
            }
            #expect(known == state.map, "seed \(seed)")
        }
        #expect(shortcuts > 3, "seed \(seed)")
        #expect(feed.newest == state.map)
    }

    @Test("steps that do not begin at the map that is known, and parts of others, are an error")
    func wrongSteps() throws {
        func step(_ base: UInt64, _ version: UInt64, part: Int = 0, continues: Bool = false) -> MapStep {
            var change = CoordinatorChange()
            (change.mapVersion, change.part, change.isContinued) = (version, part, continues)
            return MapStep(base: base, change: change)
        }
        func isRefused(_ steps: MapStep..., after first: MapStep = step(0, 3)) -> Bool {
            var followed = FollowedMap()
            do throws(WireError) {
                _ = try followed.take(first)
                for step in steps { _ = try followed.take(step) }
                return false
            } catch {
                return error.code == .malformed
            }
        }
        #expect(!isRefused(step(3, 5), step(0, 2), step(2, 3)))
        #expect(isRefused(after: step(2, 3)))
        #expect(isRefused(step(2, 5)))
        #expect(isRefused(step(4, 5)))
        #expect(isRefused(step(3, 3)))
        #expect(isRefused(step(3, 5, part: 1)))
        #expect(isRefused(step(3, 5, continues: true), step(3, 5)))
        #expect(isRefused(step(3, 5, continues: true), step(3, 6, part: 1)))
        #expect(isRefused(step(3, 5, continues: true), step(0, 5, part: 1)))
        #expect(isRefused(step(3, 5, continues: true), step(3, 5, part: 2)))
        #expect(!isRefused(step(3, 5, continues: true), step(3, 5, part: 1), step(5, 6)))
    }

    @Test("a history is bounded by what its steps change, and old steps are not known any more")
    func history() {
        var history = MapHistory()
        func append(_ version: UInt64, partitions: Int) {
            var change = CoordinatorChange()
            change.mapVersion = version
            change.partitions = (0..<partitions).map {
                PartitionMap.Partition(id: PartitionID(rawValue: UInt64($0)), head: "a", epoch: version, byteCount: 1)
            }
            history.append(MapStep(from: version - 1, by: change))
        }
        for version in 1...9 as ClosedRange<UInt64> { append(version, partitions: 1_000) }
        #expect(history.step(from: 0, to: 9) == nil)
        #expect(history.step(from: 1, to: 9)?.change.partitions.count == 8_000)
        #expect(history.step(from: 7, to: 8)?.change.partitions.map(\.epoch).max() == 8)
        #expect(history.step(from: 7, to: 10) == nil)
        append(10, partitions: 9_000)
        #expect(history.step(from: 8, to: 10) == nil && history.step(from: 9, to: 10) == nil)
        for version in 11...300 as ClosedRange<UInt64> { append(version, partitions: 1) }
        #expect(history.step(from: 43, to: 300) == nil)
        #expect(history.step(from: 44, to: 300)?.change.partitions.count == 256)
    }
}
