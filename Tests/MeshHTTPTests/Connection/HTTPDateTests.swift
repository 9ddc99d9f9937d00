import Testing

@testable import MeshHTTP

struct HTTPDateTests {
    @Test(
        "dates are in the form of RFC 9110",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        ])
    func form(seconds: Int, text: String) {
        #expect(HTTPDate.text(.seconds(seconds)) == text)
    }
}
