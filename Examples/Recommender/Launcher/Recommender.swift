import Foundation
import ProcessKit

/// The records that the example ships.
package enum Recommender {
    /// The CSV file of the records.
    ///
    /// - Throws: `LaunchError` when the program was moved away from its resources.
    package static func dataPath() throws -> String {
        guard let path = Bundle.module.path(forResource: "adult", ofType: "csv") else {
            throw LaunchError("adult.csv is not among the program's resources in \(Bundle.module.bundlePath)")
        }
        return path
    }
}
