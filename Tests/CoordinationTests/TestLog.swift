import Logging

/// Where tests log.
enum TestLog {
    static let silent = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }
}
