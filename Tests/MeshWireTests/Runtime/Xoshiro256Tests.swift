import MeshWire
import Testing

@Suite struct Xoshiro256Tests {
    @Test("the first numbers are those of the published generator")
    func knownAnswers() {
        var generator = Xoshiro256(1, 2, 3, 4)
        let numbers = (0..<10).map { _ in generator.next() }
        #expect(
            numbers == [
                11_520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360,
                607_988_272_756_665_600, 16_172_922_978_634_559_625, 8_476_171_486_693_032_832,
                10_595_114_339_597_558_777, 2_904_607_092_377_533_576,
            ])
    }

    @Test("a state of zeros would stay there, and is not taken")
    func zeros() {
        var generator = Xoshiro256(0, 0, 0, 0)
        let numbers = (0..<8).map { _ in generator.next() }
        #expect(numbers.contains { $0 != 0 })
    }
}
