import MeshWire
import Testing

@Suite struct SplitMix64Tests {
    @Test("the numbers are those of the paper's algorithm")
    func known() {
        var generator = SplitMix64(seed: 1_234_567)
        let numbers = (0..<5).map { _ in generator.next() }
        #expect(
            numbers == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
                4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
            ])
    }

    @Test("units are in 0 ..< 1 and spread over it")
    func units() {
        var generator = SplitMix64(seed: 1)
        let units = (0..<10_000).map { _ in generator.nextUnit() }
        #expect(units.allSatisfy { (0..<1).contains($0) })
        for tenth in 0..<10 {
            let share = units.count { Int($0 * 10) == tenth }
            #expect((850...1_150).contains(share))
        }
    }
}
