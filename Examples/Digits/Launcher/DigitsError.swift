/// What ends the demonstration before its time, in one line.
package struct DigitsError: Error, CustomStringConvertible {
    package var message: String

    package init(_ message: String) {
        self.message = message
    }

    package var description: String { message }
}
