import DigitsKit
import ExampleTestSupport

extension RunningExample {
    /// Starts `digits` with these arguments.
    init(digits arguments: [String]) throws {
        try self.init("digits", besides: try Digits.imagesPath(), arguments)
    }
}
