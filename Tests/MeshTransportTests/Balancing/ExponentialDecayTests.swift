import Foundation
import Testing

@testable import MeshTransport

@Suite struct ExponentialDecayTests {
    @Test("it is the exponential function, to better than one part in a million")
    func accurate() {
        for step in 0..<40_000 {
            let x = Double(step) / 1_000
            let expected = Foundation.exp(-x)
            #expect(abs(ExponentialDecay.factor(x) - expected) <= expected * 1e-6, "x = \(x)")
        }
    }

    @Test("time that goes back counts as none, and very old is gone")
    func ends() {
        #expect(ExponentialDecay.factor(-1) == 1)
        #expect(ExponentialDecay.factor(0) == 1)
        #expect(ExponentialDecay.factor(40) == 0)
        #expect(ExponentialDecay.factor(.infinity) == 0)
    }
}
