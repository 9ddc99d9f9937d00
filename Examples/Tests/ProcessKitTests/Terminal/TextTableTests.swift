import ProcessKit
import Testing

@Suite("Tables")
struct TextTableTests {
    @Test("columns are as wide as their widest cell, aligned as asked, without trailing spaces")
    func lines() {
        var table = TextTable(("name", .left), ("count", .right))
        table.add("a", "7")
        table.add("longest", "123456")
        #expect(
            table.lines == [
                "  name      count",
                "  -------  ------",
                "  a             7",
                "  longest  123456",
            ])
    }
}
