/// Guesses which key was meant.
enum KeySuggestion {
    /// The longest key that is looked at: a longer one is nobody's slip of the finger.
    private static let longest = 40

    /// The key that takes the fewest letters to change into, if they are few for its length.
    static func nearest(to name: String, of keys: [String]) -> String? {
        let name = name.lowercased()
        guard name.utf8.count <= longest else { return nil }
        let ranked = keys.map { (key: $0, distance: distance(name, $0.lowercased())) }
        guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
        return best.distance <= max(1, best.key.utf8.count / 3) ? best.key : nil
    }

    /// How many bytes have to be put in, taken out or changed (Levenshtein).
    static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right.utf8)
        var row = Array(0...right.count)
        for (index, byte) in left.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let cost = min(row[column + 1] + 1, row[column] + 1, diagonal + (byte == right[column] ? 0 : 1))
                diagonal = row[column + 1]
                row[column + 1] = cost
            }
        }
        return row[right.count]
    }
}
