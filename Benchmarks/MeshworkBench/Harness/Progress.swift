import Foundation

/// What is being measured, on standard error.
enum Progress {
    static func say(_ text: String) {
        FileHandle.standardError.write(Data("\(text)\n".utf8))
    }

    /// Round 0 warms up.
    static func round(_ round: Int, of count: Int, _ what: String) {
        say(round == 0 ? "\(what): warming up" : "\(what): round \(round) of \(count)")
    }
}
