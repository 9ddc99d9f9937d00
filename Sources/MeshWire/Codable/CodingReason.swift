/// Why a value could not be encoded or decoded, in one line: where, by the coding path (`items[3].price`), and what was
/// expected and found there. No longer than a call's status may have it, whatever keys a peer sent.
func codingReason(_ error: any Error) -> String {
    let context: (codingPath: [any CodingKey], debugDescription: String)
    switch error {
    case DecodingError.typeMismatch(_, let found): context = (found.codingPath, found.debugDescription)
    case DecodingError.valueNotFound(_, let found): context = (found.codingPath, found.debugDescription)
    case DecodingError.keyNotFound(_, let found): context = (found.codingPath, found.debugDescription)
    case DecodingError.dataCorrupted(let found): context = (found.codingPath, found.debugDescription)
    case EncodingError.invalidValue(_, let found): context = (found.codingPath, found.debugDescription)
    default: return "\(error)".abridged()
    }
    guard !context.codingPath.isEmpty else { return context.debugDescription.abridged() }
    let path = context.codingPath.reduce(into: "") { path, key in
        if let index = key as? IndexKey { return path += "[\(index.index)]" }
        path += path.isEmpty ? key.stringValue : ".\(key.stringValue)"
    }
    return "\(path.abridged(to: 500)): \(context.debugDescription)".abridged()
}

extension String {
    /// The first `length` characters (scalars), with a mark if there were more.
    func abridged(to length: Int = 1_000) -> String {
        let end = unicodeScalars.index(startIndex, offsetBy: length, limitedBy: endIndex) ?? endIndex
        return end == endIndex ? self : self[..<end] + "…"
    }
}
