import Foundation
import Testing

/// `Sources/Tensor/Tensor.docc/Names.md` tells what other libraries' operations are called here.
@Suite("The page of names")
struct NamesTests {
    @Test("every name of the second column is declared, with the labels that the page writes")
    func declared() throws {
        let names = try PublicNames()
        let page = try String(
            contentsOf: PublicNames.root.appending(path: "Sources/Tensor/Tensor.docc/Names.md"), encoding: .utf8)
        var count = 0
        for line in page.split(separator: "\n") where line.hasPrefix("| ") {
            // In a table a bar that is no border is written with a backslash.
            let columns = line.replacing("\\|", with: "¦").split(separator: "|")
            for code in columns[1].replacing("¦", with: "|").matches(of: /`([^`]+)`/) {
                let unknown = names.unknown(in: Substring(code.1))
                #expect(unknown == [], "\(code.0) in \(line)")
                count += 1
            }
        }
        #expect(count > 250, "\(count)")
    }

    @Test("a name that nobody declares is found, and so is a label")
    func undeclared() throws {
        let names = try PublicNames()
        #expect(names.unknown(in: "x.sum(axes:keepsDimensions:)") == [])
        #expect(names.unknown(in: "x.sum(axes:keepDims:)") == ["sum([\"axes\", \"keepDims\"])"])
        #expect(names.unknown(in: "x.cumsum()") == ["cumsum([])"])
        #expect(names.unknown(in: "cumsum") == ["cumsum"])
        #expect(names.unknown(in: "a .=< b") == [".=<"])
    }
}
