import Foundation
import ProcessKit

/// The digits that the example ships, and how they are split.
package enum Digits {
    /// The first examples train.
    package static let trainingCount = 8_500
    /// The last examples are held out.
    package static let heldOutCount = 1_500

    /// The IDX file of the images.
    ///
    /// - Throws: `LaunchError` when the program was moved away from its resources.
    package static func imagesPath() throws -> String { try path("t10k-images-idx3-ubyte") }

    /// The IDX file of the labels.
    ///
    /// - Throws: `LaunchError` when the program was moved away from its resources.
    package static func labelsPath() throws -> String { try path("t10k-labels-idx1-ubyte") }

    private static func path(_ name: String) throws -> String {
        guard let path = Bundle.module.path(forResource: name, ofType: nil) else {
            throw LaunchError("the file \(name) is not among the program's resources in \(Bundle.module.bundlePath)")
        }
        return path
    }
}
