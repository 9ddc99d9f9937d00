import Foundation

extension String {
    /// The string in `width` columns, with spaces after it, or before it when aligned right.
    package func padding(to width: Int, _ alignment: TextTable.Alignment = .left) -> String {
        let spaces = String(repeating: " ", count: max(0, width - count))
        return alignment == .left ? self + spaces : spaces + self
    }
}

/// A number with so many digits after the point, whatever the locale.
package func decimal(_ value: Double, digits: Int) -> String {
    String(format: "%.\(digits)f", value)
}
