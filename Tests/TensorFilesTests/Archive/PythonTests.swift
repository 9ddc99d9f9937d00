import Foundation
import Tensor
import Testing

@testable import TensorFiles

@Suite("files of and for Python", .enabled(if: Python.path != nil, "Python lacks numpy, safetensors or ml_dtypes"))
struct PythonTests {
    /// Names without a directory part: the Python side compares by name too.
    private func tensors() throws -> NamedTensors {
        var tensors = try Samples.all()
        // NumPy's reader takes off one suffix of a name, and so does not tell "x.npy" from "x".
        tensors["x.npy"] = nil
        return tensors
    }

    /// Compares every array with one that Python makes of its name, type and bytes alone: those of a raw file.
    private static let check = """
        import sys, json, numpy, ml_dtypes
        def compare(found, expected):
            assert list(found) == [e["name"] for e in expected] or set(found) == {e["name"] for e in expected}, list(found)
            for e in expected:
                a = numpy.asarray(found[e["name"]])
                kind = numpy.dtype(ml_dtypes.bfloat16) if e["type"] == "bfloat16" else numpy.dtype(e["type"])
                if e["type"] == "bfloat16" and a.dtype.kind == "V": a = a.view(ml_dtypes.bfloat16)
                assert a.dtype == kind, (e, a.dtype)
                assert list(a.shape) == e["shape"], (e, a.shape)
                assert a.tobytes().hex() == e["bytes"], (e, a)
        expected = json.load(open(sys.argv[1]))

        """

    private struct Expectation: Encodable {
        let name: String
        let type: String
        let shape: [Int]
        let bytes: String
    }

    private func writeExpectations(_ tensors: NamedTensors, to path: String) throws {
        let list = tensors.map { name, tensor in
            let bytes = tensor.withBytes { bytes in unsafe Array(bytes) }
            let digits = bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            return Expectation(name: name, type: "\(tensor.dtype)", shape: Array(tensor.shape), bytes: digits)
        }
        try JSONEncoder().encode(list).write(to: URL(filePath: path))
    }

    @Test("NumPy reads what is written here: stored, deflated, with 64-bit sizes; and zipfile finds nothing wrong")
    func numPyReads() throws {
        try withDirectory { directory in
            let tensors = try tensors()
            try writeExpectations(tensors, to: directory + "/expected.json")
            try NumPyArchive.write(tensors, to: directory + "/stored.npz")
            try NumPyArchive.write(tensors, to: directory + "/deflated.npz", compression: .deflated)
            let wide = try NumPyArchive.encode(tensors, compression: .deflated, wideFrom: 0)
            try Data(wide).write(to: URL(filePath: directory + "/wide.npz"))
            try Python.expect(
                Self.check + """
                    import zipfile
                    for kind in ["stored", "deflated", "wide"]:
                        path = sys.argv[2] + "/" + kind + ".npz"
                        assert zipfile.ZipFile(path).testzip() is None
                        with numpy.load(path, allow_pickle=False) as found:
                            compare(found, expected)
                    """, directory + "/expected.json", directory)
            for (name, tensor) in tensors where name == "\(tensor.dtype)" {
                try NumPyArray.write(tensor, to: directory + "/\(name).npy")
            }
            try Python.expect(
                Self.check + """
                    expected = [e for e in expected if e["name"] == e["type"]]
                    assert len(expected) == 13
                    compare({e["name"]: numpy.load(sys.argv[2] + "/" + e["name"] + ".npy") for e in expected}, expected)
                    """, directory + "/expected.json", directory)
        }
    }

    @Test("what NumPy writes is read here: savez, savez_compressed, descriptors, either order, every version")
    func numPyWrites() throws {
        try withDirectory { directory in
            try Python.expect(
                """
                import sys, io, zipfile, numpy, ml_dtypes
                from numpy.lib import format
                directory = sys.argv[1]
                names = "float64 float32 float16 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool".split()
                arrays = {name: numpy.array([[0, 1, 1], [1, 0, 1]]).astype(name) for name in names}
                arrays["bfloat16"] = arrays["float32"].astype(ml_dtypes.bfloat16)
                assert numpy.lib.format.dtype_to_descr(arrays["bfloat16"].dtype) == "<V2"
                for name, a in list(arrays.items()):
                    if name != "bfloat16": arrays[name + " big"] = a.astype(a.dtype.newbyteorder(">"))
                    arrays[name + " columns"] = numpy.asfortranarray(a)
                    arrays[name + " view"] = numpy.repeat(a, 2, axis=1)[::-1, ::2][::-1]
                numpy.savez(directory + "/stored.npz", **arrays)
                numpy.savez_compressed(directory + "/deflated.npz", **arrays)
                class Unseekable(io.RawIOBase):
                    def __init__(self, path): self.file = open(path, "wb")
                    def writable(self): return True
                    def write(self, data): return self.file.write(data)
                    def flush(self): self.file.flush()
                with zipfile.ZipFile(Unseekable(directory + "/streamed.npz"), "w", zipfile.ZIP_DEFLATED) as archive:
                    for name, a in arrays.items():
                        with archive.open(name + ".npy", "w", force_zip64=True) as member:
                            format.write_array(member, a, version=[(1, 0), (2, 0), (3, 0)][len(name) % 3])
                """, directory)
            for kind in ["stored", "deflated", "streamed"] {
                let found = try NumPyArchive.read(directory + "/\(kind).npz")
                #expect(found.count == 13 + 12 + 13 + 13)
                for (name, tensor) in found {
                    let dtype = try #require(DType.allCases.first { "\($0)" == name.prefix { $0 != " " } })
                    let bits = try AnyTensor([0, 1, 1, 1, 0, 1] as [Float], shape: [2, 3])
                    #expect(tensor.dtype == dtype && tensor.shape == [2, 3], "\(kind) \(name)")
                    let ones = try tensor.elements { $0 != 0 }
                    #expect(try ones == bits.scalars(as: Float.self).map { $0 == 1 }, "\(kind) \(name)")
                }
            }
        }
    }

    @Test("the Python library of safetensors reads what is written here, and is read")
    func safetensors() throws {
        try withDirectory { directory in
            let tensors = try tensors()
            try writeExpectations(tensors, to: directory + "/expected.json")
            try Safetensors.write(tensors, metadata: ["epoch": "12", "é\n": "\\"], to: directory + "/ours.safetensors")
            try Python.expect(
                Self.check + """
                    import safetensors, safetensors.numpy
                    path, theirs = sys.argv[2] + "/ours.safetensors", sys.argv[2] + "/theirs.safetensors"
                    found = safetensors.numpy.load_file(path)
                    compare(found, expected)
                    metadata = safetensors.safe_open(path, "numpy").metadata()
                    assert metadata == {"epoch": "12", "é\\n": "\\\\"}, metadata
                    safetensors.numpy.save_file(found, theirs, metadata)
                    """, directory + "/expected.json", directory)
            let path = directory + "/theirs.safetensors"
            let theirs = try Safetensors.read(path)
            #expect(Set(theirs.names) == Set(tensors.names))
            for (name, tensor) in tensors { expectSame(try theirs.tensor(named: name), tensor, name) }
            #expect(try Safetensors.metadata(of: path) == ["epoch": "12", "é\n": "\\"])
        }
    }
}

extension AnyTensor {
    /// A test of each element's bytes, as a little-endian number, in row-major order.
    fileprivate func elements(_ test: (UInt64) -> Bool) throws -> [Bool] {
        withBytes { bytes in
            Swift.stride(from: 0, to: bytes.count, by: dtype.byteWidth).map { start in
                unsafe test(number(bytes, start, dtype.byteWidth))
            }
        }
    }
}
