import MeshWire
import Testing

@testable import MeshTransport

@Suite struct FileFollowingTests {
    private func version(_ number: UInt64) -> FileVersion {
        FileVersion(device: 1, node: number, modified: 0, size: 1)
    }

    @Test("a file is read at once, and again once a change has lasted for two looks")
    func changes() {
        var following = FileFollowing<FileVersion>()
        #expect(following.looked(.success(version(1))) == .read)
        #expect(following.read(version(1), problem: nil) == .wait)
        #expect(following.looked(.success(version(1))) == .wait)
        #expect(following.looked(.success(version(2))) == .wait)
        #expect(following.looked(.success(version(3))) == .wait)
        #expect(following.looked(.success(version(3))) == .read)
        #expect(following.read(version(3), problem: nil) == .wait)
        #expect(following.looked(.success(version(3))) == .wait)
    }

    @Test("a problem is told once, and its file not read again before it changes")
    func problems() {
        var following = FileFollowing<FileVersion>()
        _ = following.looked(.success(version(1)))
        #expect(following.read(version(1), problem: "line 1") == .tell("line 1"))
        #expect(following.looked(.success(version(1))) == .wait)
        _ = following.looked(.success(version(2)))
        #expect(following.looked(.success(version(2))) == .read)
        #expect(following.read(version(2), problem: "line 1") == .wait)
        _ = following.looked(.success(version(3)))
        #expect(following.looked(.success(version(3))) == .read)
        #expect(following.read(version(3), problem: nil) == .wait)
        _ = following.looked(.success(version(4)))
        #expect(following.looked(.success(version(4))) == .read)
        #expect(following.read(version(4), problem: "line 1") == .tell("line 1"))
    }

    @Test("a file that is not there is told once, and read when it has come")
    func missing() {
        var following = FileFollowing<FileVersion>()
        #expect(following.looked(.failure(FileAccessError("gone"))) == .tell("gone"))
        #expect(following.looked(.failure(FileAccessError("gone"))) == .wait)
        #expect(following.looked(.success(version(1))) == .wait)
        #expect(following.looked(.success(version(1))) == .read)
    }
}
