import ArgumentParser
import Identity
import MeshTransport
import MeshWire

/// The command's answers, on the standard output.
enum Output {
    static func write(_ isJSON: Bool, _ text: String, _ json: JSON) {
        if isJSON { write(json.bytes) } else { write(text) }
    }

    static func write(_ json: [UInt8]) { print(String(decoding: json, as: UTF8.self)) }

    static func write(_ text: String) { print(text, terminator: text.hasSuffix("\n") ? "" : "\n") }
}

/// Folders that are looked into.
enum Folders {
    /// Throws where there is nothing, before anybody makes a folder there.
    static func expect(_ path: String) async throws {
        do throws(FileAccessError) {
            _ = try await SystemRuntime.shared.files.version(of: path)
        } catch {
            throw ValidationError("\(error)")
        }
    }
}

/// Columns of text, each as wide as its widest cell.
struct TextTable {
    private var rows: [[String]]

    init(_ titles: String...) { rows = [titles] }

    mutating func add(_ cells: String...) { rows.append(cells) }

    var text: String {
        let columns = rows.map(\.count).max() ?? 0
        // The last cell of a row is as long as it likes.
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count - 1 ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                column == row.count - 1
                    ? cell : cell + String(repeating: " ", count: widths[column] - cell.count + 2)
            }
            return cells.joined() + "\n"
        }.joined()
    }
}
