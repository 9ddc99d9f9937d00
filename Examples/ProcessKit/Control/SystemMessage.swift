#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The system's text for an `errno`.
package func systemMessage(_ code: Int32) -> String {
    // SAFETY: strerror answers a NUL-terminated string for every code; it is copied before anything else runs here.
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
}
