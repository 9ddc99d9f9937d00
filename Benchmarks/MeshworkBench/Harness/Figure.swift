import Foundation

/// One measured figure beside its peer's, as it is printed and written.
struct Figure: Encodable {
    enum Better: String, Encodable { case lower, higher }

    let benchmark: String
    let name: String
    let unit: String
    let ours: Double
    let peer: Double?
    let peerName: String?
    let better: Better
    /// Bounds the ratio where there is a peer, else our figure; `nil` if the figure only informs.
    let target: Double?
    let threads: Int

    /// Ours over the peer's.
    var ratio: Double? { peer.map { ours / $0 } }

    /// Whether the target is reached; `nil` without one.
    var isMet: Bool? {
        guard let target else { return nil }
        let value = ratio ?? ours
        return better == .lower ? value <= target : value >= target
    }

    private enum CodingKeys: String, CodingKey {
        case benchmark = "case"
        case name, unit, ours, peer
        case peerName = "peer_name"
        case ratio, better, target
        case isMet = "met"
        case threads
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(benchmark, forKey: .benchmark)
        try container.encode(name, forKey: .name)
        try container.encode(unit, forKey: .unit)
        try container.encode(ours, forKey: .ours)
        try container.encode(peer, forKey: .peer)
        try container.encode(peerName, forKey: .peerName)
        try container.encode(ratio, forKey: .ratio)
        try container.encode(better, forKey: .better)
        try container.encode(target, forKey: .target)
        try container.encode(isMet, forKey: .isMet)
        try container.encode(threads, forKey: .threads)
    }
}

/// Prints figures for people and writes them as JSON lines.
struct Report {
    private(set) var figures: [Figure] = []

    mutating func add(_ figure: Figure) { figures.append(figure) }

    /// One JSON object a line, in the order of measurement.
    func jsonLines() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try figures.map { String(decoding: try encoder.encode($0), as: UTF8.self) + "\n" }.joined()
    }

    /// A table for people.
    func table() -> String {
        let header = ["figure", "ours", "peer", "ratio", "target", ""]
        let rows = figures.map { figure in
            [
                "\(figure.benchmark): \(figure.name)",
                "\(Self.number(figure.ours)) \(figure.unit)",
                figure.peer.map { "\(Self.number($0)) (\(figure.peerName ?? ""))" } ?? "",
                figure.ratio.map(Self.number) ?? "",
                figure.target.map { (figure.better == .lower ? "≤ " : "≥ ") + Self.number($0) } ?? "",
                figure.isMet.map { $0 ? "met" : "MISSED" } ?? "",
            ]
        }
        let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        return ([header] + rows).map { row in
            zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined(separator: "  ")
                + "\n"
        }.joined()
    }

    private static func number(_ value: Double) -> String {
        String(format: value < 10 ? "%.2f" : value < 1_000 ? "%.1f" : "%.0f", value)
    }
}
